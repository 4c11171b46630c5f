//! The published state of users: presence, note and location (`presence_ref`, `note_ref`, `location_ref`).

use std::time::Duration;

use ucwa_proto::{DateTime, Event, EventKind, EventLink, Resource};

use super::Engine;
use super::application::Application;
use super::events::Source;
use super::exchange::Exchange;
use super::identifiers::ApplicationId;
use super::people::Facet;
use super::reply::{Refusal, Reply};
use super::timers::Timer;

/// The maximum length of a location (`location_ref`).
const LONGEST_LOCATION: usize = 60;
/// The maximum length of a note (`Presence`).
const LONGEST_NOTE: usize = 500;

/// How long after the last activity a user becomes idle: the documented `inactiveTimeout` (`MeDashboard`). The time until `Away`
/// is
/// not published, so an idle user stays idle.
const IDLE_AFTER: Duration = Duration::from_secs(5 * 60);

/// What a user has published, with any of the user's applications.
#[derive(Clone, Debug, Default)]
pub(super) struct Published {
    /// The availability that the user chose.
    preferred: Option<Preferred>,
    /// The last presence that was reported to others.
    told: Option<Shown>,
    since: Duration,
    note: Option<String>,
    location: Option<String>,
}

/// An availability that a user can choose (`PreferredAvailability_ref`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preferred {
    Online,
    Busy,
    DoNotDisturb,
    BeRightBack,
    Away,
    Offwork,
}

impl Preferred {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "online" => Self::Online,
            "busy" => Self::Busy,
            "donotdisturb" => Self::DoNotDisturb,
            "berightback" => Self::BeRightBack,
            "away" => Self::Away,
            "offwork" => Self::Offwork,
            _ => return None,
        })
    }
}

/// The presence of a user who is not offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    preferred: Preferred,
    /// Whether the last activity was `IDLE_AFTER` ago.
    idle: bool,
}

impl Shown {
    /// The word of `Availability_ref`, which has none for `Offwork`.
    fn availability(self) -> &'static str {
        match self.preferred {
            Preferred::Online if self.idle => "IdleOnline",
            Preferred::Online => "Online",
            Preferred::Busy if self.idle => "IdleBusy",
            Preferred::Busy => "Busy",
            Preferred::DoNotDisturb => "DoNotDisturb",
            Preferred::BeRightBack => "BeRightBack",
            Preferred::Away | Preferred::Offwork => "Away",
        }
    }

    fn activity(self) -> &'static str {
        match self.preferred {
            Preferred::Online if self.idle => "Inactive",
            Preferred::Online => "Available",
            Preferred::Busy => "Busy",
            Preferred::DoNotDisturb => "Do Not Disturb",
            Preferred::BeRightBack => "Be Right Back",
            Preferred::Away => "Away",
            Preferred::Offwork => "Off Work",
        }
    }
}

impl Engine {
    /// GET presence, note or location of the user.
    pub(super) fn my_facet(
        &self,
        id: ApplicationId,
        facet: Facet,
    ) -> Result<Resource<'static>, Refusal> {
        let address = self.check_available(id)?;
        let (rel, href) = facet.mine(id);
        let resource = Resource::new(rel).with_href(href);
        Ok(self.with_facet(resource, address, facet))
    }

    /// The address of the application's user. Fails if the application has not called makeMeAvailable.
    fn check_available(&self, id: ApplicationId) -> Result<&str, Refusal> {
        let application = self.application(id)?;
        if application.available {
            Ok(&application.address)
        } else {
            Err(Refusal::MAKE_ME_AVAILABLE_REQUIRED)
        }
    }

    /// Adds the properties of a facet.
    pub(super) fn with_facet(
        &self,
        resource: Resource<'static>,
        address: &str,
        facet: Facet,
    ) -> Resource<'static> {
        let published = self.published.get(address);
        match facet {
            Facet::Presence => {
                let Some(shown) = self.shown(address) else {
                    return resource
                        .with_property("availability", "Offline")
                        .with_property("activity", "Offline");
                };
                resource
                    .with_property("availability", shown.availability())
                    .with_property("activity", shown.activity())
            }
            Facet::Note => {
                let note = published.and_then(|published| published.note.clone());
                resource
                    .with_property("message", note.unwrap_or_default())
                    .with_property("type", "Personal")
            }
            Facet::Location => {
                let location = published.and_then(|published| published.location.clone());
                resource.with_property("location", location.unwrap_or_default())
            }
            Facet::SupportedModalities => {
                resource.with_property("modalities", self.modalities_of(address))
            }
        }
    }

    /// Adds the device of a contact, and the time since which the contact has this availability.
    pub(super) fn with_device(
        &self,
        resource: Resource<'static>,
        address: &str,
    ) -> Resource<'static> {
        if self.shown(address).is_none() {
            return resource.with_property("deviceType", "Unknown");
        }
        let published = self.published.get(address);
        let since = self.config.wall_at_epoch
            + published
                .map(|published| published.since)
                .unwrap_or_default();
        resource
            .with_property("deviceType", "PC")
            .with_property("lastActive", DateTime::from(since).to_json())
    }

    /// The presence that others see. `None` if the user is offline.
    fn shown(&self, address: &str) -> Option<Shown> {
        // The application with the latest activity decides.
        let active = self
            .available(address)
            .map(|application| application.active);
        let active = active.max()?;
        let preferred = self
            .published
            .get(address)
            .and_then(|published| published.preferred)
            .unwrap_or(Preferred::Online);
        let can_be_idle = matches!(preferred, Preferred::Online | Preferred::Busy);
        Some(Shown {
            preferred,
            idle: can_be_idle && self.now >= active + IDLE_AFTER,
        })
    }

    /// Whether the presence of the user is `Online` or `IdleOnline`.
    pub(super) fn is_online(&self, address: &str) -> bool {
        self.shown(address)
            .is_some_and(|shown| shown.preferred == Preferred::Online)
    }

    /// Stores that the user is active at this application now.
    pub(super) fn is_here(&mut self, id: ApplicationId) -> Result<(), Refusal> {
        let now = self.now;
        self.application_mut(id)?.active = now;
        self.set_timer(IDLE_AFTER, Timer::Idle(id, now));
        Ok(())
    }

    /// POST reportMyActivity (`reportMyActivity_ref`).
    pub(super) fn report_my_activity(&mut self, id: ApplicationId) -> Result<Reply, Refusal> {
        let address = self.check_available(id)?.to_owned();
        self.is_here(id)?;
        self.activity_may_have_changed(&address);
        Ok(Reply::Done)
    }

    /// Whether the last activity at this application was at this time.
    pub(super) fn is_inactive(&self, id: ApplicationId, since: Duration) -> bool {
        self.application(id)
            .is_ok_and(|application| application.available && application.active == since)
    }

    /// Reports the user as idle, unless another application has had activity.
    pub(super) fn may_be_idle(&mut self, id: ApplicationId) {
        if let Ok(address) = self.check_available(id).map(str::to_owned) {
            self.activity_may_have_changed(&address);
        }
    }

    /// Reports the presence to watchers and to the user's applications if the user has become idle or active.
    fn activity_may_have_changed(&mut self, address: &str) {
        let before = self.published.get(address).and_then(|it| it.told);
        self.availability_may_have_changed(address);
        if before != self.published.get(address).and_then(|it| it.told) {
            self.tell_user(address, Facet::Presence);
        }
    }

    /// POST presence. An empty body resets it.
    pub(super) fn set_presence(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        let address = self.check_available(id)?.to_owned();
        let preferred = match exchange.fields()?.only_text("availability")? {
            None => None,
            Some(text) => Some(Preferred::parse(&text).ok_or(Refusal::parameter(
                "The availability is none that can be chosen.",
            ))?),
        };
        self.published.get_or_default(address.clone()).preferred = preferred;
        self.tell_user(&address, Facet::Presence);
        self.availability_may_have_changed(&address);
        Ok(Reply::Done)
    }

    /// Sets the availability in `signInAs` of makeMeAvailable.
    pub(super) fn sign_in_as(&mut self, address: &str, text: &str) -> Result<(), Refusal> {
        let preferred = Preferred::parse(text).ok_or(Refusal::parameter(
            "The availability is none that can be chosen.",
        ))?;
        self.published.get_or_default(address.to_owned()).preferred = Some(preferred);
        Ok(())
    }

    /// POST note. A blank note or an empty body resets it.
    pub(super) fn set_note(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        let address = self.check_available(id)?.to_owned();
        let fields = exchange.fields()?;
        fields.only_text("message")?;
        let note = fields.limited("message", LONGEST_NOTE)?;
        let note = note.filter(|note| !note.trim().is_empty());
        self.published.get_or_default(address.clone()).note = note;
        self.facet_changed(&address, Facet::Note);
        Ok(Reply::Done)
    }

    /// POST location. An empty body clears it.
    pub(super) fn set_location(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        let address = self.check_available(id)?.to_owned();
        let fields = exchange.fields()?;
        fields.only_text("location")?;
        let location = fields.limited("location", LONGEST_LOCATION)?;
        let location = location.filter(|location| !location.is_empty());
        self.published.get_or_default(address.clone()).location = location;
        self.facet_changed(&address, Facet::Location);
        Ok(Reply::Done)
    }

    fn facet_changed(&mut self, address: &str, facet: Facet) {
        self.tell_user(address, facet);
        self.tell_watchers(address, facet);
    }

    /// Reports the user's presence to the watchers if it has changed.
    pub(super) fn availability_may_have_changed(&mut self, address: &str) {
        let shown = self.shown(address);
        let now = self.now;
        let published = self.published.get_or_default(address.to_owned());
        if published.told != shown {
            published.told = shown;
            published.since = now;
            self.tell_watchers(address, Facet::Presence);
        }
    }

    /// Reports a facet to the user's own applications.
    fn tell_user(&mut self, address: &str, facet: Facet) {
        for id in self.applications_of(address) {
            if self.check_available(id).is_ok() {
                let (rel, href) = facet.mine(id);
                let link = EventLink::new(rel, href);
                self.emit(id, Source::Me, Event::new(EventKind::Updated, link));
            }
        }
    }

    /// The modalities that the user's applications support.
    fn modalities_of(&self, address: &str) -> Vec<String> {
        let mut modalities: Vec<String> = Vec::new();
        for modality in self.available(address).flat_map(|it| &it.modalities) {
            if !modalities.contains(modality) {
                modalities.push(modality.clone());
            }
        }
        modalities
    }

    /// The applications of a user that have called makeMeAvailable.
    fn available(&self, address: &str) -> impl Iterator<Item = &Application> {
        let applications = self.applications.of(address);
        applications.filter_map(|(_, application)| application.available.then_some(application))
    }
}
