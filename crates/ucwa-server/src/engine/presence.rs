//! What the user shows to others: presence, note and location (`presence_ref`, `note_ref`, `location_ref`).

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

/// The longest location (`location_ref`).
const LONGEST_LOCATION: usize = 60;
/// The longest note (`Presence`).
const LONGEST_NOTE: usize = 500;

/// After how long without a report of activity a user looks idle: the documented `inactiveTimeout` (`MeDashboard`). How long it
/// takes from there to Away isn't published, so that it stays so.
const IDLE_AFTER: Duration = Duration::from_secs(5 * 60);

/// What a user has published, over all applications.
#[derive(Clone, Debug, Default)]
pub(super) struct Published {
    /// What the user chose to be.
    preferred: Option<Preferred>,
    /// What others were told last.
    told: Option<Shown>,
    since: Duration,
    note: Option<String>,
    location: Option<String>,
}

/// An availability that can be chosen (`PreferredAvailability_ref`).
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

/// What others see of a user who isn't offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    preferred: Preferred,
    /// Nothing was heard of him for so long that he looks inactive.
    idle: bool,
}

impl Shown {
    /// The word for it in `Availability_ref`, which has none for being off work.
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

    /// The address of the application's user, who has to be available for this.
    fn check_available(&self, id: ApplicationId) -> Result<&str, Refusal> {
        let application = self.application(id)?;
        if application.available {
            Ok(&application.address)
        } else {
            Err(Refusal::MAKE_ME_AVAILABLE_REQUIRED)
        }
    }

    /// Fills in what a user shows of a facet.
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

    /// Fills in the device of a contact, and since when the contact shows this availability.
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

    /// What others see of a user's availability; `None` when he is offline.
    fn shown(&self, address: &str) -> Option<Shown> {
        // The user is where they were seen last.
        let active = self
            .available(address)
            .map(|application| application.active);
        let active = active.max()?;
        let preferred = self
            .published
            .get(address)
            .and_then(|published| published.preferred)
            .unwrap_or(Preferred::Online);
        let decays = matches!(preferred, Preferred::Online | Preferred::Busy);
        Some(Shown {
            preferred,
            idle: decays && self.now >= active + IDLE_AFTER,
        })
    }

    /// Whether the user shows himself as being here.
    pub(super) fn is_online(&self, address: &str) -> bool {
        self.shown(address)
            .is_some_and(|shown| shown.preferred == Preferred::Online)
    }

    /// The user is at this application now.
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

    /// Whether nothing was heard of the user at this application since then.
    pub(super) fn is_inactive(&self, id: ApplicationId, since: Duration) -> bool {
        self.application(id)
            .is_ok_and(|application| application.available && application.active == since)
    }

    /// Nothing was heard of the user at this application for so long that he may look idle.
    pub(super) fn may_be_idle(&mut self, id: ApplicationId) {
        if let Ok(address) = self.check_available(id).map(str::to_owned) {
            self.activity_may_have_changed(&address);
        }
    }

    /// The user went idle or came back: he is told as well, who changed nothing of what he chose to show.
    fn activity_may_have_changed(&mut self, address: &str) {
        let before = self.published.get(address).and_then(|it| it.told);
        self.availability_may_have_changed(address);
        if before != self.published.get(address).and_then(|it| it.told) {
            self.tell_user(address, Facet::Presence);
        }
    }

    /// POST presence; an empty body resets it.
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
        self.published.entry(address.clone()).or_default().preferred = preferred;
        self.tell_user(&address, Facet::Presence);
        self.availability_may_have_changed(&address);
        Ok(Reply::Done)
    }

    /// What makeMeAvailable's `signInAs` chooses.
    pub(super) fn sign_in_as(&mut self, address: &str, text: &str) -> Result<(), Refusal> {
        let preferred = Preferred::parse(text).ok_or(Refusal::parameter(
            "The availability is none that can be chosen.",
        ))?;
        self.published
            .entry(address.to_owned())
            .or_default()
            .preferred = Some(preferred);
        Ok(())
    }

    /// POST note; a blank one, or an empty body, resets it.
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
        self.published.entry(address.clone()).or_default().note = note;
        self.facet_changed(&address, Facet::Note);
        Ok(Reply::Done)
    }

    /// POST location; an empty body clears it.
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
        self.published.entry(address.clone()).or_default().location = location;
        self.facet_changed(&address, Facet::Location);
        Ok(Reply::Done)
    }

    fn facet_changed(&mut self, address: &str, facet: Facet) {
        self.tell_user(address, facet);
        self.tell_watchers(address, facet);
    }

    /// An application came, went, or chose an availability: tells those who watch the user, if it makes a difference.
    pub(super) fn availability_may_have_changed(&mut self, address: &str) {
        let shown = self.shown(address);
        let now = self.now;
        let published = self.published.entry(address.to_owned()).or_default();
        if published.told != shown {
            published.told = shown;
            published.since = now;
            self.tell_watchers(address, Facet::Presence);
        }
    }

    /// Tells the user's own applications.
    fn tell_user(&mut self, address: &str, facet: Facet) {
        for id in self.applications_of(address) {
            if self.check_available(id).is_ok() {
                let (rel, href) = facet.mine(id);
                let link = EventLink::new(rel, href);
                self.emit(id, Source::Me, Event::new(EventKind::Updated, link));
            }
        }
    }

    /// Every modality that any of the user's applications takes.
    fn modalities_of(&self, address: &str) -> Vec<String> {
        let mut modalities: Vec<String> = Vec::new();
        for modality in self.available(address).flat_map(|it| &it.modalities) {
            if !modalities.contains(modality) {
                modalities.push(modality.clone());
            }
        }
        modalities
    }

    /// The applications that have made a user available.
    fn available(&self, address: &str) -> impl Iterator<Item = &Application> {
        let applications = self.applications.of(address);
        applications.filter_map(|(_, application)| application.available.then_some(application))
    }
}
