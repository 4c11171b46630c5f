//! `demo`: a chat between two users on a server that the command starts.

use std::{net::Ipv4Addr, sync::Arc};

use skype_p2p::{
    Application, BuildError, Conversation, Credentials, HttpTransport, HyperTransport,
    Representation, Root,
};
use tokio::sync::mpsc;
use ucwa_server::{Server, ServerConfig, User};

use crate::{
    End, account,
    args::Demo,
    audience::{Audience, Missed, Wanted},
    complain,
    failure::Failure,
    interrupt::Interrupt,
    observer::Observer,
    output::Output,
    recording::RecordingFile,
    sign_in::Format,
    timeline::{Event, Line},
    web,
};

pub(crate) async fn run(args: Demo, recording: Option<&RecordingFile>) -> Result<End, Failure> {
    if args.web {
        return web::demo().await;
    }
    let mut interrupt = Interrupt::catch().map_err(|error| Failure::other(error.to_string()))?;
    let (sender, lines) = mpsc::unbounded_channel();
    let mut audience = Audience::new(lines, Output::stdout(), args.lines.json);
    let cast = Cast::gather(&args, recording, &sender).await?;
    let played = tokio::select! {
        played = play(&cast, &mut audience) => played.map_err(|missed| missed.to_string()),
        () = interrupt.received() => Err("The demo was interrupted.".to_owned()),
    };
    audience.rest();
    audience.check_output()?;
    played.map_err(Failure::other)?;
    complain(format_args!(
        "All {} steps were observed.",
        audience.steps()
    ));
    Ok(End::Well)
}

/// The server and the two users.
struct Cast {
    tosh: Actor,
    lene: Actor,
    _server: Server,
}

/// One of the two users.
struct Actor {
    /// The name of the actor in the lines.
    who: String,
    uri: String,
    /// The display name.
    name: String,
    application: Application,
    password: String,
    _observer: Observer,
}

impl Cast {
    async fn gather(
        args: &Demo,
        recording: Option<&RecordingFile>,
        lines: &mpsc::UnboundedSender<Line>,
    ) -> Result<Self, Failure> {
        let users = account::sandbox().map_err(Failure::other)?;
        let config = ServerConfig::new(users.clone());
        let server = Server::bind((Ipv4Addr::LOCALHOST, 0), config)
            .await
            .map_err(|error| Failure::other(error.to_string()))?;
        let root = server.root_url();
        let actor = |user: User, number| {
            let mut transport = args.faults.upon(HyperTransport::new(), number);
            if let Some(recording) = recording {
                transport = recording.record(transport, Some(&user.password))?;
            }
            let representation = args
                .representation
                .representation
                .unwrap_or(Format::Json)
                .into();
            Actor::enter(user, &root, transport, representation, lines.clone())
                .map_err(|error| Failure::other(error.to_string()))
        };
        let [tosh, lene] = users;
        Ok(Self {
            tosh: actor(tosh, 0)?,
            lene: actor(lene, 1)?,
            _server: server,
        })
    }
}

impl Actor {
    fn enter(
        user: User,
        root: &str,
        transport: Arc<dyn HttpTransport>,
        representation: Representation,
        lines: mpsc::UnboundedSender<Line>,
    ) -> Result<Self, BuildError> {
        let application = Application::builder()
            .root(Root::Url(root.to_owned()))
            .transport(transport)
            .representation(representation)
            .build()?;
        let uri = user.uri.to_string();
        let who = uri.trim_start_matches("sip:").to_owned();
        let observer = Observer::new(&who, &application, move |observation| {
            // The receiver is dropped when the command ends.
            let _ = lines.send(observation.line);
        });
        Ok(Self {
            who,
            uri,
            name: user.display_name,
            application,
            password: user.password,
            _observer: observer,
        })
    }

    fn value<'a>(&'a self, event: Event, new: &'a str) -> Wanted<'a> {
        Wanted::Value {
            who: &self.who,
            event,
            new,
        }
    }

    fn becomes<'a>(&'a self, event: Event, new: &'a str) -> Wanted<'a> {
        Wanted::Change {
            who: &self.who,
            event,
            new,
        }
    }

    fn says<'a>(&'a self, text: &'a str) -> Wanted<'a> {
        Wanted::Message {
            who: &self.who,
            direction: "Outgoing",
            text,
        }
    }

    fn hears<'a>(&'a self, text: &'a str) -> Wanted<'a> {
        Wanted::Message {
            who: &self.who,
            direction: "Incoming",
            text,
        }
    }

    fn knows_delivered<'a>(&'a self, text: &'a str) -> Wanted<'a> {
        Wanted::Verdict {
            who: &self.who,
            text,
            status: "Succeeded",
        }
    }

    async fn sign_in(&self, audience: &mut Audience) -> Result<(), Missed> {
        let credentials = Credentials::password(&self.uri, &self.password);
        let sign_in = self.application.sign_in_manager().sign_in(credentials);
        audience
            .during(&format!("{} signs in", self.who), sign_in)
            .await?;
        audience
            .expect(self.becomes(Event::SignInState, "SignedIn"))
            .await
    }

    async fn sign_out(&self, audience: &mut Audience) -> Result<(), Missed> {
        let sign_out = self.application.sign_in_manager().sign_out();
        audience
            .during(&format!("{} signs out", self.who), sign_out)
            .await?;
        audience
            .expect(self.becomes(Event::SignInState, "SigningOut"))
            .await?;
        audience
            .expect(self.becomes(Event::SignInState, "SignedOut"))
            .await
    }

    /// Waits until the chat and its conversation are connected.
    async fn connects(&self, audience: &mut Audience) -> Result<(), Missed> {
        audience
            .expect(self.becomes(Event::ChatState, "Connected"))
            .await?;
        audience
            .expect(self.becomes(Event::ConversationState, "Connected"))
            .await
    }

    /// Waits until the chat and its conversation have ended.
    async fn disconnects(&self, audience: &mut Audience) -> Result<(), Missed> {
        audience
            .expect(self.becomes(Event::ChatState, "Disconnected"))
            .await?;
        audience
            .expect(self.becomes(Event::ConversationState, "Disconnected"))
            .await
    }
}

async fn play(cast: &Cast, audience: &mut Audience) -> Result<(), Missed> {
    let Cast { tosh, lene, .. } = cast;
    tosh.sign_in(audience).await?;
    lene.sign_in(audience).await?;

    // Nothing is sent for this: the conversation is there at once, with one participant of whom only the URI is known.
    let conversation = tosh
        .application
        .conversations_manager()
        .get_conversation(&lene.uri)
        .map_err(|reason| Missed::Failed {
            step: "Tosh opens the conversation".to_owned(),
            why: reason.to_string(),
        })?;
    audience
        .expect(tosh.value(Event::ConversationState, "Created"))
        .await?;
    audience
        .expect(tosh.value(Event::ParticipantAdded, &lene.uri))
        .await?;

    let answered = invite(
        tosh,
        &conversation,
        lene,
        "Hi Lene, have you got a minute?",
        audience,
    )
    .await?;
    exchange(lene, &answered, tosh, "Hi Tosh, sure.", audience).await?;
    exchange(tosh, &conversation, lene, "Lunch at noon?", audience).await?;
    part(tosh, &conversation, lene, audience).await?;

    // The same object again: a message restarts the conversation.
    invite(
        tosh,
        &conversation,
        lene,
        "One more thing: bring the <plans> & a pen.",
        audience,
    )
    .await?;
    part(tosh, &conversation, lene, audience).await?;

    tosh.sign_out(audience).await?;
    lene.sign_out(audience).await?;
    audience.nothing_twice()
}

/// Sends a message in a conversation without a chat, so that it is part of an invitation. The receiver accepts it. Returns the
/// conversation of the receiver.
async fn invite(
    from: &Actor,
    conversation: &Conversation,
    to: &Actor,
    text: &str,
    audience: &mut Audience,
) -> Result<Conversation, Missed> {
    let sent = conversation.chat_service().send_message(text);
    audience
        .expect(from.becomes(Event::ConversationState, "Connecting"))
        .await?;
    audience
        .expect(from.becomes(Event::ChatState, "Connecting"))
        .await?;
    audience.expect(from.says(text)).await?;

    audience
        .expect(to.value(Event::ConversationState, "Connecting"))
        .await?;
    audience
        .expect(to.value(Event::ChatState, "Notified"))
        .await?;
    audience
        .expect(to.value(Event::ParticipantAdded, &from.name))
        .await?;
    let conversations = to
        .application
        .conversations_manager()
        .conversations()
        .snapshot();
    let Some(invitation) = conversations.last() else {
        return Err(Missed::Unseen(format!("{} has the conversation", to.who)));
    };
    let accepted = invitation.chat_service().accept();
    audience
        .during(&format!("{} accepts", to.who), accepted)
        .await?;

    audience
        .during(&format!("{}'s invitation is accepted", from.who), sent)
        .await?;
    audience.expect(from.knows_delivered(text)).await?;
    from.connects(audience).await?;
    to.connects(audience).await?;
    audience.expect(to.hears(text)).await?;
    Ok(invitation.clone())
}

/// Sends a message on a connected chat, and waits until both sides know of it.
async fn exchange(
    from: &Actor,
    conversation: &Conversation,
    to: &Actor,
    text: &str,
    audience: &mut Audience,
) -> Result<(), Missed> {
    let sent = conversation.chat_service().send_message(text);
    audience.expect(from.says(text)).await?;
    audience.expect(to.hears(text)).await?;
    audience
        .during(&format!("{}'s message is delivered", from.who), sent)
        .await?;
    audience.expect(from.knows_delivered(text)).await
}

/// One user leaves the conversation. It ends for both.
async fn part(
    from: &Actor,
    conversation: &Conversation,
    with: &Actor,
    audience: &mut Audience,
) -> Result<(), Missed> {
    audience
        .during(&format!("{} leaves", from.who), conversation.leave())
        .await?;
    from.disconnects(audience).await?;
    with.disconnects(audience).await
}
