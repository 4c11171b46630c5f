//! From a request to the handler of its place.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Method, Request, Response, StatusCode};
use ucwa_proto::Representation;

use super::exchange::Exchange;
use super::identifiers::ApplicationId;
use super::people::Facet;
use super::reply::{CORRELATION_ID, Refusal, Reply, set};
use super::router::{Place, Route};
use super::{Engine, RequestId};

impl Engine {
    /// The response to a request, or `None` when it is a pending GET that waits now.
    pub(super) fn serve(
        &mut self,
        id: RequestId,
        request: &Request<Bytes>,
    ) -> Option<Response<Bytes>> {
        let told = request.headers().get(CORRELATION_ID);
        let correlation = match told.and_then(|value| value.to_str().ok()) {
            Some(told) => told.to_owned(),
            None => self.identifiers.correlation(),
        };
        let exchange = Exchange::new(id, correlation, request);
        let mut response = self.answer(&exchange)?;
        set(&mut response, CORRELATION_ID, &exchange.correlation);
        Some(response)
    }

    fn answer(&mut self, exchange: &Exchange<'_>) -> Option<Response<Bytes>> {
        let request = exchange.request;
        if let Some(response) = self.turned_away(request) {
            return Some(response);
        }
        if lacks_length(request) {
            return Some(self.html(StatusCode::LENGTH_REQUIRED, "Length Required"));
        }
        let route = Route::of(request.uri().path());
        let address = match &route {
            Some(Route::Root | Route::Token | Route::Page) => None,
            _ => match self.authenticate(exchange) {
                Some(address) => Some(address),
                None => return Some(self.challenge(exchange)),
            },
        };
        // A batch has its own media type, which a client asks for with `Accept`.
        let representation = match exchange.representation() {
            Some(representation) => representation,
            None if matches!(route, Some(Route::Application(_, Place::Batch))) => {
                Representation::Json
            }
            None => return Some(self.refusal(Refusal::NOT_ACCEPTABLE, Representation::Json)),
        };
        let Some(route) = route else {
            return Some(self.refusal(Refusal::NOT_FOUND, representation));
        };
        if !route.allows(exchange.method()) {
            let mut response = self.refusal(Refusal::METHOD_NOT_ALLOWED, representation);
            set(&mut response, ALLOW, route.methods());
            return Some(response);
        }
        let answer = match (route, address) {
            (Route::Root, _) => Ok(self.root(exchange)),
            (Route::Token, _) => Ok(self.token(exchange)),
            (Route::Page, _) => self.page(exchange),
            (Route::User, Some(address)) => Ok(self.user(exchange, &address)),
            (Route::Applications, Some(address)) if self.home_of(&address).is_none() => {
                self.create_application(exchange, &address)
            }
            (Route::Application(application, place), Some(address)) => self
                .check_owner(application, &address)
                .and_then(|()| self.dispatch(exchange, application, place, representation)),
            (Route::Applications, Some(_)) | (_, None) => Err(Refusal::FORBIDDEN),
        };
        self.response(answer, representation)
    }

    fn check_owner(&self, application: ApplicationId, address: &str) -> Result<(), Refusal> {
        if self.expired.contains(&application) {
            return Err(Refusal::APPLICATION_EXPIRED);
        }
        match self.applications.get(&application) {
            None => Err(Refusal::APPLICATION_NOT_FOUND),
            Some(found) if found.address != address => Err(Refusal::FORBIDDEN),
            Some(_) => Ok(()),
        }
    }

    fn dispatch(
        &mut self,
        exchange: &Exchange<'_>,
        application: ApplicationId,
        place: Place,
        representation: Representation,
    ) -> Result<Reply, Refusal> {
        let found = Reply::resource;
        let method = exchange.method();
        match place {
            Place::Application if method == Method::DELETE => {
                self.end_application(application);
                Ok(Reply::no_content())
            }
            Place::Application => self.application_resource(application).map(found),
            Place::Events => self.poll(exchange, application, representation),
            Place::Batch => self.batch(exchange),
            Place::Policies => Ok(found(self.policies_resource(application))),
            Place::Me => self.me_resource(application).map(found),
            Place::MakeMeAvailable => self.make_me_available(exchange, application),
            Place::ReportMyActivity => self.report_my_activity(application),
            Place::Presence if method == Method::POST => self.set_presence(exchange, application),
            Place::Presence => self.my_facet(application, Facet::Presence).map(found),
            Place::Note if method == Method::POST => self.set_note(exchange, application),
            Place::Note => self.my_facet(application, Facet::Note).map(found),
            Place::Location if method == Method::POST => self.set_location(exchange, application),
            Place::Location => self.my_facet(application, Facet::Location).map(found),
            Place::Search => self.search(exchange, application).map(found),
            Place::SubscribedContacts => self.subscribed_contacts_resource(application).map(found),
            Place::PresenceSubscriptions if method == Method::POST => {
                self.subscribe(exchange, application)
            }
            Place::PresenceSubscriptions => self.subscriptions_resource(application).map(found),
            Place::PresenceSubscription(number) if method == Method::POST => {
                self.extend_subscription(exchange, application, number)
            }
            Place::PresenceSubscription(number) if method == Method::DELETE => {
                self.unsubscribe(application, number)
            }
            Place::PresenceSubscription(number) => {
                self.subscription(application, number).map(found)
            }
            Place::Memberships(number) if method == Method::POST => {
                self.add_members(exchange, application, number)
            }
            Place::Memberships(number) => self.memberships_resource(application, number).map(found),
            Place::Membership(number, address) => self.remove_member(application, number, &address),
            Place::ContactFacet(address, facet) => {
                self.facet_resource(application, &address, facet).map(found)
            }
            Place::People => Ok(found(self.people_resource(application))),
            Place::Contact(address) => self.contact_resource(application, &address).map(found),
            Place::OnlineMeetings => Ok(found(self.online_meetings_resource(application))),
            Place::Communication if method == Method::PUT => {
                self.change_communication(exchange, application)
            }
            Place::Communication => self.communication_resource(application).map(found),
            Place::MissedItems => self.missed_items_resource(application).map(found),
            Place::ConversationLogs => self
                .conversation_logs_resource(exchange, application)
                .map(found),
            Place::ConversationLog(number) => self
                .conversation_log_resource(application, number)
                .map(found),
            Place::Transcripts(number) => self
                .transcripts_resource(exchange, application, number)
                .map(found),
            Place::MarkAsRead(number) => self.mark_as_read(application, number),
            Place::UserAcknowledged(id) => self.acknowledge(application, id),
            Place::Conversations => Ok(found(self.conversations_resource(application))),
            Place::Conversation(id) if method == Method::DELETE => self.leave(application, id),
            Place::Conversation(id) => {
                self.check_conversation(application, id)?;
                self.conversation_resource(id).map(found)
            }
            Place::Participants(id) => {
                self.check_conversation(application, id)?;
                self.participants_resource(id).map(found)
            }
            Place::Participant(id, address) => {
                self.check_conversation(application, id)?;
                self.participant_resource(id, &address).map(found)
            }
            Place::ParticipantMessaging(id, address) => {
                self.check_conversation(application, id)?;
                self.participant_messaging_resource(id, &address).map(found)
            }
            Place::Messaging(id) => {
                self.check_conversation(application, id)?;
                self.messaging_resource(id).map(found)
            }
            Place::Terminate(id) => self.stop_messaging(application, id),
            Place::Messages(id) if method == Method::POST => {
                self.check_conversation(application, id)?;
                self.send_message(exchange, id)
            }
            Place::Messages(id) => {
                self.check_conversation(application, id)?;
                self.messages_resource(id).map(found)
            }
            Place::Message(id, number) => {
                self.check_conversation(application, id)?;
                self.message_resource(id, number).map(found)
            }
            Place::Typing(id) => {
                self.check_conversation(application, id)?;
                self.set_is_typing(id)
            }
            Place::TypingParticipants(id) => {
                self.check_conversation(application, id)?;
                self.typing_participants_resource(id).map(found)
            }
            Place::MessagingInvitations => self.invite(exchange, application),
            Place::MessagingInvitation(id) => {
                self.check_invitation(application, id)?;
                self.invitation_resource(id).map(found)
            }
            Place::Accept(id) => {
                self.check_invitation(application, id)?;
                self.accept(id)
            }
            Place::Decline(id) => {
                self.check_invitation(application, id)?;
                self.decline(exchange, id)
            }
            Place::ParticipantInvitations => self.add_participant(exchange, application),
            Place::OnlineMeetingInvitations => self.begin_meeting(exchange, application),
            Place::Call(id) => {
                self.check_call(application, id)?;
                self.call_resource(id).map(found)
            }
            Place::AcceptCall(id) => {
                self.check_call(application, id)?;
                self.accept_call(id)
            }
            Place::DeclineCall(id) => {
                self.check_call(application, id)?;
                self.decline_call(id)
            }
            Place::CancelCall(id) => {
                self.check_call(application, id)?;
                self.cancel_call(id)
            }
            Place::OnlineMeeting(id) => {
                self.check_conversation(application, id)?;
                self.online_meeting_resource(id).map(found)
            }
            Place::View(id, view) => {
                self.check_conversation(application, id)?;
                self.view_resource(id, view).map(found)
            }
            Place::Lead(id, address, measure) => self.lead(application, id, &address, measure),
        }
    }
}

/// IIS wants to know the length of a body, even of an empty one.
fn lacks_length(request: &Request<Bytes>) -> bool {
    (request.method() == Method::POST || request.method() == Method::PUT)
        && !request.headers().contains_key(CONTENT_LENGTH)
        && !request.headers().contains_key(TRANSFER_ENCODING)
}
