//! The text of an incoming invitation: shown once, although the server repeats it in a message event.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::conversation::{Context, Conversation};
use super::html;
use super::purpose::ChatTimer;
use super::receiving::{Content, Received, Waiting};
use crate::checkpoint::SavedText;
use crate::event::Participant;
use crate::keys::ParticipantKey;
use crate::operation::MessageBody;

/// How long the session waits after an accepted invitation for a message event with its text, before it shows the text of
/// the invitation. A message further from the acceptance than this time is not that text.
const FIRST_MESSAGE_GRACE: Duration = Duration::from_secs(5);

/// The text of the incoming invitation of one life.
#[derive(Default)]
pub(super) struct InvitationText {
    /// The text, until it is shown.
    preview: Option<Box<Preview>>,
    /// What is known of the text after it was shown. The first message event may repeat it.
    shown: Option<Box<ShownText>>,
}

/// The text of an invitation that is not shown yet.
struct Preview {
    body: MessageBody,
    sender: ParticipantKey,
    shown: ShownText,
}

/// What identifies the shown text of an invitation in a message that repeats it.
pub(super) struct ShownText {
    pub(super) hash: u64,
    /// The href of the invitation.
    pub(super) href: String,
    /// `None` if the sender is unknown. A server leaves out the inviter who has left the conversation.
    sender: Option<ParticipantKey>,
    /// The server's time at the offer or before it, if it is known.
    offered_at: Option<SystemTime>,
    /// Whether this user has accepted the invitation, even if the server has not confirmed it yet.
    pub(super) accepted: bool,
    /// The server's time when it confirmed the acceptance, if it is known.
    accepted_at: Option<SystemTime>,
}

impl ShownText {
    /// Whether a message has the same text and the same sender, as far as the sender is known.
    fn is_repeated_by(&self, body: &MessageBody, sender: Option<ParticipantKey>) -> bool {
        let is_same = |sender| self.sender.is_none_or(|own| own == sender);
        sender.is_none_or(is_same) && self.hash == html::hash(body)
    }

    /// Whether a message may have been written between the offer and the acceptance. Only times of the server are compared;
    /// an unknown time excludes nothing.
    fn is_of_the_acceptance(&self, timestamp: Option<SystemTime>) -> bool {
        let follows = |earlier: Option<SystemTime>, later: Option<SystemTime>| {
            let (Some(earlier), Some(later)) = (earlier, later) else {
                return true;
            };
            earlier.duration_since(later).unwrap_or_default() <= FIRST_MESSAGE_GRACE
        };
        self.accepted && follows(self.offered_at, timestamp) && follows(timestamp, self.accepted_at)
    }
}

impl InvitationText {
    /// The href of the invitation, if its text is not shown yet.
    pub(super) fn awaited_href(&self) -> Option<&str> {
        self.preview.as_ref().map(|text| &*text.shown.href)
    }

    /// Whether this is the text of the invitation at `href`, shown or not.
    fn is_at(&self, href: &str) -> bool {
        let preview = self.preview.as_ref().map(|text| &text.shown);
        let mut texts = preview.into_iter().chain(self.shown.as_deref());
        texts.any(|text| text.href == href)
    }

    /// Whether the text is not shown yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.preview.is_some()
    }

    /// This user has accepted the invitation, or the server has confirmed it at this time of its clock.
    pub(super) fn set_accepted(&mut self, confirmed_at: Option<SystemTime>) {
        let preview = self.preview.as_mut().map(|text| &mut text.shown);
        if let Some(text) = preview.or(self.shown.as_deref_mut()) {
            text.accepted = true;
            text.accepted_at = confirmed_at;
        }
    }

    /// Stores the text of an incoming invitation, with the inviter and whether the inviter is known.
    pub(super) fn expect_first(
        &mut self,
        body: Option<MessageBody>,
        (sender, is_sender_known): (ParticipantKey, bool),
        offered_at: Option<SystemTime>,
        href: String,
    ) {
        self.preview = body.map(|body| {
            let shown = ShownText {
                hash: html::hash(&body),
                href,
                sender: is_sender_known.then_some(sender),
                offered_at,
                accepted: false,
                accepted_at: None,
            };
            Box::new(Preview {
                body,
                sender,
                shown,
            })
        });
        self.shown = None;
    }

    /// A text that an earlier life or session has shown, and that an event of this life may repeat.
    pub(super) fn of_shown(shown: ShownText) -> Self {
        Self {
            preview: None,
            shown: Some(Box::new(shown)),
        }
    }

    /// Takes the shown text at the end of the life.
    pub(super) fn take_shown(&mut self) -> Option<Box<ShownText>> {
        self.shown.take()
    }

    /// Resumes a life whose shown text is in `received`. Its first event may still repeat this text.
    pub(super) fn resume(&mut self, received: &mut Received) {
        if self.shown.is_none() {
            self.shown = received.invitation_texts.pop_back().map(Box::new);
        }
    }

    /// The shown text of an accepted invitation for a checkpoint, until an event has repeated it.
    pub(super) fn save(&self) -> Option<SavedText> {
        let shown = self.shown.as_ref().filter(|text| text.accepted)?;
        let seconds = |at: SystemTime| at.duration_since(UNIX_EPOCH).ok().map(|it| it.as_secs());
        let accepted_at = shown.accepted_at.and_then(seconds);
        Some(SavedText(shown.href.clone(), shown.hash, accepted_at))
    }

    /// The text of a checkpoint.
    pub(super) fn restore(SavedText(href, hash, accepted_at): SavedText) -> Self {
        let time = |seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        Self::of_shown(ShownText {
            hash,
            href,
            sender: None,
            offered_at: None,
            accepted: true,
            accepted_at: accepted_at.and_then(time),
        })
    }
}

impl Conversation {
    /// Called when the incoming invitation was accepted. A message event with its text is expected.
    pub(super) fn expect_first_message(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let text = &mut live.invitation_text;
        text.set_accepted(cx.core.server_time());
        if text.is_awaited() {
            self.tasks
                .arm(cx.core, FIRST_MESSAGE_GRACE, ChatTimer::FirstMessage);
        }
    }

    /// Expects the text of an invitation that was answered before it was read, unless a message with this text was shown.
    pub(super) fn expect_text_of_answered(
        &mut self,
        cx: &mut Context<'_>,
        body: MessageBody,
        sender: ParticipantKey,
        href: String,
    ) {
        let live = self.life.live();
        let is_known = live.is_some_and(|live| live.invitation_text.is_at(&href));
        if is_known || self.received.has_shown(&body) {
            return;
        }
        self.show_preview(cx);
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let text = &mut live.invitation_text;
        self.received.remember(text.take_shown());
        let sender = (sender, self.roster.is_identified(sender));
        text.expect_first(Some(body), sender, None, href);
        self.expect_first_message(cx);
    }

    /// Whether a message repeats the text of an invitation that was shown. In the life of the invitation, the first message
    /// should be this text. If the first message is another one, the text is shown before it.
    pub(super) fn is_shown_invitation_text(
        &mut self,
        cx: &mut Context<'_>,
        message: &Waiting,
        content: &Content,
    ) -> bool {
        let sender = Some(message.sender.key).filter(|sender| self.roster.is_identified(*sender));
        let repeats = |text: &ShownText| text.is_repeated_by(&content.body, sender);
        let mut is_shown = message.is_late && self.received.remove_repeated(repeats);
        let Some(live) = self.life.live_mut() else {
            return is_shown;
        };
        let text = &mut live.invitation_text;
        if message.is_late {
            // If the conversation has another href, the message may belong to the invitation of this life.
            is_shown = is_shown || text.shown.take_if(|text| repeats(text)).is_some();
            if text.preview.take_if(|text| repeats(&text.shown)).is_some() {
                self.cancel_first_message(cx);
            }
            return is_shown;
        }
        if let Some(preview) = text.preview.take() {
            self.cancel_first_message(cx);
            // The server may have changed the text. If the two texts differ, both are shown.
            if !repeats(&preview.shown) {
                let timestamp = content.timestamp.unwrap_or(message.arrived_at);
                let (sender, body) = (message.sender.clone(), preview.body);
                self.show(cx, sender, body, timestamp, preview.shown.href);
            }
            return false;
        }
        let shown = text.shown.take();
        let shown = shown.filter(|text| text.is_of_the_acceptance(content.timestamp));
        shown.is_some_and(|text| repeats(&text))
    }

    fn cancel_first_message(&mut self, cx: &mut Context<'_>) {
        self.tasks
            .cancel(cx.core, |timer| *timer == ChatTimer::FirstMessage);
    }

    /// Handles the timeout of the message event with the text of the invitation.
    pub(super) fn on_first_message_overdue(&mut self, cx: &mut Context<'_>) {
        if self.received.is_reading() {
            // The message that is being read may be the text.
            self.tasks
                .arm(cx.core, FIRST_MESSAGE_GRACE, ChatTimer::FirstMessage);
        } else {
            self.show_preview(cx);
        }
    }

    /// Shows the text of the incoming invitation, if no event brought it.
    pub(super) fn show_preview(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let Some(preview) = live.invitation_text.preview.take() else {
            return;
        };
        let Preview {
            body,
            sender,
            shown,
        } = *preview;
        let href = shown.href.clone();
        let sender = self.roster.get(sender);
        live.invitation_text.shown = Some(Box::new(shown));
        if let Some(sender) = sender {
            self.show_text(cx, sender, body, href);
        }
    }

    /// Shows the text of an invitation behind the messages that are being read.
    pub(super) fn show_text(
        &mut self,
        cx: &mut Context<'_>,
        sender: Participant,
        body: MessageBody,
        href: String,
    ) {
        let content = Content {
            body,
            timestamp: None,
        };
        let text = Waiting {
            address: None,
            invitation: href,
            content: Some(content),
            result: None,
            sender,
            is_late: false,
            arrived_at: cx.core.wall_now(),
        };
        self.enqueue(cx, text);
    }
}
