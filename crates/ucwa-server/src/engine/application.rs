//! Applications with their embedded resources: me, people, onlineMeetings, communication (`application_ref`, `me_ref`,
//! `communication_ref`).

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ucwa_proto::{Event, EventKind, EventLink, Resource};

use super::Engine;
use super::contact_list_subscription::ListSubscription;
use super::dispatch::check_condition;
use super::events::{Channel, Source, page_href};
use super::exchange::Exchange;
use super::group_presence::SubscriptionId;
use super::identifiers::{ApplicationId, ConversationId, InvitationId};
use super::reply::{Refusal, Reply};
use super::routes;
use super::subscription::Subscription;
use super::text::Formats;
use super::timers::Timer;

/// The maximum length of culture, endpointId, instanceId and userAgent (`applications_ref`).
const LONGEST: usize = 100;

/// The maximum number of applications of a user. No page names a number. This one bounds the memory of the server.
const MOST_APPLICATIONS: usize = 100;

/// A signed-in client: one endpoint of its user.
pub(super) struct Application {
    /// The user's address.
    pub(super) address: String,
    culture: String,
    endpoint_id: String,
    instance_id: Option<String>,
    user_agent: String,
    kind: Option<String>,
    /// Whether the application has called makeMeAvailable. Before that, it can invite others, but invitations do not reach it.
    pub(super) available: bool,
    /// The time of the user's last activity: makeMeAvailable, or reportMyActivity.
    pub(super) active: Duration,
    pub(super) modalities: Vec<String>,
    pub(super) formats: Formats,
    conversation_history: String,
    /// The name of the property that a PUT of communication must contain.
    marker: String,
    /// The ETag of communication.
    etag: String,
    pub(super) channel: Channel,
    /// The conversations in the order of their creation.
    pub(super) conversations: Vec<ConversationId>,
    pub(super) invitations: Vec<InvitationId>,
    /// The invitations to conferences.
    pub(super) calls: Vec<InvitationId>,
    /// The subscriptions to presence.
    pub(super) subscriptions: BTreeMap<SubscriptionId, Subscription>,
    /// The number of subscriptions that were created to users whom the client named.
    pub(super) subscriptions_made: u64,
    pub(super) list_subscription: Option<ListSubscription>,
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Application {
    /// Whether the server archives the conversations of the application.
    pub(super) fn keeps_history(&self) -> bool {
        self.conversation_history == "Enabled"
    }

    /// The addresses of the users whose presence the application watches. A user in two subscriptions is listed twice.
    pub(super) fn watched(&self) -> impl Iterator<Item = &String> {
        let subscriptions = self.subscriptions.values();
        subscriptions.flat_map(|subscription| &subscription.members)
    }

    /// Whether the application watches the presence of the user with this address.
    pub(super) fn watches(&self, address: &str) -> bool {
        let mut subscriptions = self.subscriptions.values();
        subscriptions.any(|subscription| subscription.members.contains(address))
    }

    /// Whether the application receives invitations to chats.
    pub(super) fn takes_messaging(&self) -> bool {
        self.available
            && self
                .modalities
                .iter()
                .any(|modality| modality == "Messaging")
    }
}

impl Engine {
    pub(super) fn application(&self, id: ApplicationId) -> Result<&Application, Refusal> {
        self.applications
            .get(id)
            .ok_or(Refusal::APPLICATION_NOT_FOUND)
    }

    pub(super) fn application_mut(
        &mut self,
        id: ApplicationId,
    ) -> Result<&mut Application, Refusal> {
        self.applications
            .get_mut(id)
            .ok_or(Refusal::APPLICATION_NOT_FOUND)
    }

    /// The applications of the user with this address, in the order of their IDs.
    pub(super) fn applications_of(&self, address: &str) -> Vec<ApplicationId> {
        self.applications.of(address).map(|(id, _)| id).collect()
    }

    /// POST applications: 201 for a new application, 200 for an existing one with the same instance ID, endpoint ID, user agent,
    /// culture and type (`MultiTabSupport`).
    pub(super) fn create_application(
        &mut self,
        exchange: &Exchange<'_>,
        address: &str,
    ) -> Result<Reply, Refusal> {
        if self.home_of(address).is_some() {
            return Err(Refusal::FORBIDDEN);
        }
        let fields = exchange.fields()?;
        let culture = fields.required("culture", LONGEST)?;
        let endpoint_id = fields.required("endpointId", LONGEST)?;
        let user_agent = fields.required("userAgent", LONGEST)?;
        let instance_id = fields.limited("instanceId", LONGEST)?;
        let kind = fields.limited("type", LONGEST)?;
        let known = self.applications.of(address).find(|(_, application)| {
            application.endpoint_id == endpoint_id
                && application.user_agent == user_agent
                && application.culture == culture
                && application.kind == kind
                && application.instance_id == instance_id
        });
        if let Some((id, _)) = known {
            let resource = self.application_resource(id)?;
            return Ok(Reply::Existing(Box::new(resource)));
        }
        if self.applications_of(address).len() >= MOST_APPLICATIONS {
            return Err(Refusal::TOO_MANY_APPLICATIONS);
        }
        let id = self.identifiers.application();
        let application = Application {
            address: address.to_owned(),
            culture,
            endpoint_id,
            instance_id,
            user_agent,
            kind,
            available: false,
            active: self.now,
            modalities: Vec::new(),
            formats: Formats::default(),
            conversation_history: "Disabled".to_owned(),
            marker: self.identifiers.marker(),
            etag: self.identifiers.etag(),
            channel: Channel::new(self.now),
            conversations: Vec::new(),
            invitations: Vec::new(),
            calls: Vec::new(),
            subscriptions: BTreeMap::new(),
            subscriptions_made: 0,
            list_subscription: None,
        };
        self.applications.insert(id, application);
        self.set_timer(self.config.inactivity_timeout, Timer::Inactivity(id));
        self.application_resource(id).map(Reply::from)
    }

    pub(super) fn application_resource(
        &self,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let application = self.application(id)?;
        let mut resource = Resource::new("application")
            .with_href(routes::application(id))
            .with_property("culture", application.culture.clone())
            .with_property("userAgent", application.user_agent.clone())
            .with_property("endpointId", application.endpoint_id.clone());
        if let Some(instance) = &application.instance_id {
            resource = resource.with_property("instanceId", instance.clone());
        }
        if let Some(kind) = &application.kind {
            resource = resource.with_property("type", kind.clone());
        }
        Ok(resource
            .with_property("id", id.to_string())
            .with_property("etag", application.etag.clone())
            .with_link("policies", routes::policies(id))
            .with_link("reportMyNetwork", routes::report_my_network(id))
            .with_link("batch", routes::batch(id))
            .with_link("events", page_href(id, application.channel.ack()))
            .with_embedded("me", self.me_resource(id)?)
            .with_embedded("people", self.people_resource(id))
            .with_embedded("onlineMeetings", self.online_meetings_resource(id))
            .with_embedded("communication", self.communication_resource(id)?))
    }

    pub(super) fn me_resource(&self, id: ApplicationId) -> Result<Resource<'static>, Refusal> {
        let application = self.application(id)?;
        let address = &application.address;
        let resource = Resource::new("me")
            .with_href(routes::me(id))
            .with_property("name", self.display_name(address).to_owned())
            .with_property("uri", format!("sip:{address}"));
        if self.is_guest(address) {
            return Ok(resource);
        }
        let mut resource = resource.with_property("emailAddresses", vec![address.clone()]);
        if let Some(user) = self.user_at(address) {
            for (name, value) in user.card.properties("officeLocation") {
                resource = resource.with_property(name, value);
            }
            resource = resource.with_link("phones", routes::phones(id)).with_link(
                "callForwardingSettings",
                routes::call_forwarding_settings(id),
            );
        }
        if let Some(photo) = self.photo_href(id, address) {
            resource = resource.with_link("photo", photo);
        }
        // A missing link means that the action is not possible now.
        Ok(if application.available {
            resource
                .with_link("note", routes::note(id))
                .with_link("presence", routes::presence(id))
                .with_link("location", routes::location(id))
                .with_link("reportMyActivity", routes::report_my_activity(id))
        } else {
            resource.with_link("makeMeAvailable", routes::make_me_available(id))
        })
    }

    pub(super) fn online_meetings_resource(&self, id: ApplicationId) -> Resource<'static> {
        let resource = Resource::new("onlineMeetings").with_href(routes::online_meetings(id));
        match self.contact_list(id) {
            Ok(_) => resource.with_link("myOnlineMeetings", routes::my_online_meetings(id)),
            // Guests have no scheduled meetings.
            Err(_) => resource,
        }
    }

    pub(super) fn policies_resource(&self, id: ApplicationId) -> Resource<'static> {
        Resource::new("policies")
            .with_href(routes::policies(id))
            .with_property("htmlMessaging", "Enabled")
            .with_property("emoticons", "Enabled")
            .with_property("messagingUrls", "Enabled")
            .with_property("messageArchiving", "Disabled")
            .with_property("photos", "Enabled")
            .with_property("multiViewJoin", "Disabled")
            .with_property("saveCredentials", "Enabled")
            .with_property("logging", "Disabled")
            .with_property("loggingLevel", "Off")
            .with_property("encryptAppData", "Disabled")
            .with_property("allowDeviceContactsSync", "Disabled")
            .with_property("clientExchangeConnectivity", "Disabled")
            .with_property("customerExperienceImprovementProgram", "Disabled")
            .with_property(
                "saveMessagingHistory",
                if self.config.history {
                    "Enabled"
                } else {
                    "Disabled"
                },
            )
    }

    pub(super) fn communication_resource(
        &self,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let application = self.application(id)?;
        let conversations = format!("{}?filter=active", routes::conversations(id));
        let meetings = routes::online_meeting_invitations(id);
        let communication = Resource::new("communication")
            .with_href(routes::communication(id))
            .with_property(
                application.marker.clone(),
                "please pass this in a PUT request",
            )
            .with_property(
                "conversationHistory",
                application.conversation_history.clone(),
            )
            .with_property("supportedModalities", application.modalities.clone())
            .with_property(
                "supportedMessageFormats",
                application.formats.names().to_vec(),
            )
            .with_property("etag", application.etag.clone())
            .with_link("conversations", conversations)
            .with_link("joinOnlineMeeting", meetings.clone());
        // A guest can only join the conference of the token.
        if self.is_guest(&application.address) {
            return Ok(communication);
        }
        let communication = communication
            .with_link("startMessaging", routes::messaging_invitations(id))
            .with_link(
                "startOnlineMeeting",
                format!("{meetings}?onlineMeetingUri=adhoc"),
            );
        if !self.config.history {
            return Ok(communication);
        }
        Ok(communication
            .with_link("conversationLogs", routes::conversation_logs(id))
            .with_link("missedItems", routes::missed_items(id)))
    }

    /// PUT communication: the whole resource with its marker property. Fails if the resource has changed since the client read it
    /// (`PayloadFormat`).
    pub(super) fn change_communication(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        let application = self.application(id)?;
        check_condition(exchange, &application.etag)?;
        let fields = exchange.fields()?;
        fields.check_marker(&application.marker)?;
        let formats = match fields.list("supportedMessageFormats") {
            Some(names) => Some(Formats::parse(&names)?),
            None => None,
        };
        let modalities = fields.list("supportedModalities");
        let history = fields
            .text("conversationHistory")
            .filter(|_| self.config.history)
            .map(|text| text.into_owned());
        if history
            .as_deref()
            .is_some_and(|word| !matches!(word, "None" | "Enabled" | "Disabled"))
        {
            return Err(Refusal::parameter(
                "conversationHistory is none of None, Enabled and Disabled.",
            ));
        }
        let etag = self.identifiers.etag();
        let application = self.application_mut(id)?;
        application.etag = etag;
        if let Some(formats) = formats {
            application.formats = formats;
        }
        if let Some(modalities) = modalities {
            application.modalities = modalities;
        }
        if let Some(history) = history {
            application.conversation_history = history;
            self.history_changed(id);
        }
        self.communication_changed(id);
        Ok(Reply::Done)
    }

    fn communication_changed(&mut self, id: ApplicationId) {
        let Ok(resource) = self.communication_resource(id) else {
            return;
        };
        let link = EventLink::new("communication", routes::communication(id));
        self.emit(
            id,
            Source::Communication,
            Event::new(EventKind::Updated, link).embedding(resource),
        );
    }

    /// POST makeMeAvailable: from now on the application receives invitations (`makeMeAvailable_ref`).
    pub(super) fn make_me_available(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        let fields = exchange.fields()?;
        self.refuse_guest(&self.application(id)?.address)?;
        if self.application(id)?.available {
            return Err(Refusal::conflict(
                "AlreadyExists",
                "The application is already available.",
            ));
        }
        let modalities = fields.list("supportedModalities").unwrap_or_default();
        let formats = match fields.list("supportedMessageFormats") {
            Some(names) => Formats::parse(&names)?,
            None => Formats::default(),
        };
        let address = self.application(id)?.address.clone();
        if let Some(availability) = fields.text("signInAs") {
            self.sign_in_as(&address, &availability)?;
        }
        let etag = self.identifiers.etag();
        let application = self.application_mut(id)?;
        application.available = true;
        application.modalities = modalities;
        application.formats = formats;
        application.etag = etag;
        for (kind, rel, href) in [
            (EventKind::Updated, "me", routes::me(id)),
            (EventKind::Added, "presence", routes::presence(id)),
            (EventKind::Added, "note", routes::note(id)),
            (EventKind::Added, "location", routes::location(id)),
        ] {
            self.emit(id, Source::Me, Event::new(kind, EventLink::new(rel, href)));
        }
        self.communication_changed(id);
        self.is_here(id)?;
        self.availability_may_have_changed(&address);
        Ok(Reply::Done)
    }

    /// POST reportMyNetwork: whether the network of the client is internal or external (`ClientNetworkType_ref`). The server
    /// validates the word and does not use it.
    pub(super) fn report_my_network(
        &self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        self.refuse_guest(&self.application(id)?.address)?;
        let kind = exchange.fields()?.required("clientNetworkType", LONGEST)?;
        if !matches!(&*kind, "Internal" | "External") {
            return Err(Refusal::parameter(
                "clientNetworkType is neither Internal nor External.",
            ));
        }
        Ok(Reply::Done)
    }

    /// Ends the application: its pending GET gets 404, and its conversations end at the other participants.
    pub(super) fn end_application(&mut self, id: ApplicationId) {
        self.drop_poll(id, Refusal::APPLICATION_NOT_FOUND);
        let conversations = self.application(id).map(|it| it.conversations.clone());
        for conversation in conversations.unwrap_or_default() {
            self.archive(conversation);
        }
        // The application is removed first, so that the end of its conversations queues no events for it.
        let Some(application) = self.applications.remove(id) else {
            return;
        };
        for conversation in application.conversations {
            self.hang_up(conversation, true);
        }
        for invitation in application.invitations {
            self.invitations.remove(&invitation);
        }
        for call in application.calls {
            self.calls.remove(&call);
        }
        self.availability_may_have_changed(&application.address);
    }

    /// Ends the application for inactivity. Later requests to it get 410.
    pub(super) fn expire_application(&mut self, id: ApplicationId) {
        self.drop_poll(id, Refusal::APPLICATION_EXPIRED);
        self.end_application(id);
        self.expired.insert(id);
    }
}
