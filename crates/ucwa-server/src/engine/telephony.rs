//! The phones and the call forwarding settings of the user (`phones_ref`, `callForwardingSettings_ref`). Only users with enterprise
//! voice have them. Clients can read both, and change neither.

use std::fmt;

use ucwa_proto::Resource;

use super::Engine;
use super::identifiers::ApplicationId;
use super::reply::Refusal;
use super::routes;
use super::routing::Parameter;
use crate::config::{CallForwarding, ForwardingTarget, User, address};

/// A part of the call forwarding settings. Each is a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forwarding {
    Immediate,
    Simultaneous,
    Unanswered,
}

impl Forwarding {
    fn rel(self) -> &'static str {
        match self {
            Self::Immediate => "immediateForwardSettings",
            Self::Simultaneous => "simultaneousRingSettings",
            Self::Unanswered => "unansweredCallSettings",
        }
    }

    fn href(self, id: ApplicationId) -> String {
        match self {
            Self::Immediate => routes::immediate_forward_settings(id),
            Self::Simultaneous => routes::simultaneous_ring_settings(id),
            Self::Unanswered => routes::unanswered_call_settings(id),
        }
    }
}

/// The kind of a phone (`PhoneType_ref`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PhoneKind {
    Work,
    Mobile,
    Home,
    Other,
}

impl PhoneKind {
    const ALL: [Self; 4] = [Self::Work, Self::Mobile, Self::Home, Self::Other];

    fn as_str(self) -> &'static str {
        match self {
            Self::Work => "Work",
            Self::Mobile => "Mobile",
            Self::Home => "Home",
            Self::Other => "Other",
        }
    }

    fn number(self, user: &User) -> Option<&String> {
        let card = &user.card;
        match self {
            Self::Work => card.work_phone.as_ref(),
            Self::Mobile => card.mobile_phone.as_ref(),
            Self::Home => card.home_phone.as_ref(),
            Self::Other => card.other_phone.as_ref(),
        }
    }
}

impl fmt::Display for PhoneKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Parameter<'_> for PhoneKind {
    fn read(text: &str, _: &Engine, _: ApplicationId) -> Result<Self, Refusal> {
        let mut kinds = Self::ALL.into_iter();
        kinds
            .find(|kind| kind.as_str().eq_ignore_ascii_case(text))
            .ok_or(Refusal::NOT_FOUND)
    }
}

impl Engine {
    /// The user of the application and their call forwarding settings. Fails for a user without enterprise voice.
    fn caller(&self, id: ApplicationId) -> Result<(&User, &CallForwarding), Refusal> {
        let user = &self.application(id)?.address;
        let user = self.user_at(user).ok_or(Refusal::ANONYMOUS_NOT_ALLOWED)?;
        let settings = user.enterprise_voice.as_ref();
        Ok((user, settings.ok_or(Refusal::NO_ENTERPRISE_VOICE)?))
    }

    /// GET phones.
    pub(super) fn phones_resource(&self, id: ApplicationId) -> Result<Resource<'static>, Refusal> {
        let (user, _) = self.caller(id)?;
        let phones = PhoneKind::ALL.into_iter();
        let phones = phones.filter_map(|kind| phone(id, user, kind));
        Ok(Resource::new("phones")
            .with_href(routes::phones(id))
            .with_embedded_many("phone", phones.collect::<Vec<_>>()))
    }

    /// GET phone.
    pub(super) fn phone_resource(
        &self,
        id: ApplicationId,
        kind: PhoneKind,
    ) -> Result<Resource<'static>, Refusal> {
        let (user, _) = self.caller(id)?;
        phone(id, user, kind).ok_or(Refusal::NOT_FOUND)
    }

    /// GET callForwardingSettings.
    pub(super) fn call_forwarding_resource(
        &self,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        let (_, settings) = self.caller(id)?;
        let period = match settings.work_hours_only {
            true => "Workhours",
            false => "Always",
        };
        let setting = match (&settings.immediate, &settings.simultaneous) {
            (Some(_), _) => "ImmediateForward",
            (None, Some(_)) => "SimultaneousRing",
            (None, None) => "None",
        };
        let unanswered = match settings.unanswered {
            Some(_) => "Enabled",
            None => "Disabled",
        };
        let mut resource = Resource::new("callForwardingSettings")
            .with_href(routes::call_forwarding_settings(id))
            .with_property("activePeriod", period)
            .with_property("activeSetting", setting)
            .with_property("unansweredCallHandling", unanswered);
        for way in [
            Forwarding::Immediate,
            Forwarding::Simultaneous,
            Forwarding::Unanswered,
        ] {
            resource = resource.with_embedded(way.rel(), self.forwarding_resource(id, way)?);
        }
        Ok(resource)
    }

    /// GET immediateForwardSettings, simultaneousRingSettings or unansweredCallSettings.
    pub(super) fn forwarding_resource(
        &self,
        id: ApplicationId,
        way: Forwarding,
    ) -> Result<Resource<'static>, Refusal> {
        let (_, settings) = self.caller(id)?;
        let target = match way {
            Forwarding::Immediate => &settings.immediate,
            Forwarding::Simultaneous => &settings.simultaneous,
            Forwarding::Unanswered => &settings.unanswered,
        };
        let name = match target {
            None => "None",
            Some(ForwardingTarget::Contact(_)) => "Contact",
            Some(ForwardingTarget::Delegates) => "Delegates",
            Some(ForwardingTarget::Team) => "Team",
            Some(ForwardingTarget::Voicemail) => "Voicemail",
        };
        let mut resource = Resource::new(way.rel())
            .with_href(way.href(id))
            .with_property("target", name);
        if way != Forwarding::Immediate {
            let seconds = i64::try_from(settings.ring_delay.as_secs()).unwrap_or(i64::MAX);
            resource = resource.with_property("ringDelay", seconds);
        }
        Ok(match target {
            Some(ForwardingTarget::Contact(uri)) => {
                self.with_contact(resource, "contact", id, &address(uri))
            }
            _ => resource,
        })
    }
}

/// A phone of the user. `None` if the contact card has no number of this kind.
fn phone(id: ApplicationId, user: &User, kind: PhoneKind) -> Option<Resource<'static>> {
    let number = kind.number(user)?.clone();
    Some(
        Resource::new("phone")
            .with_href(routes::phone(id, kind))
            .with_property("type", kind.as_str())
            .with_property("number", number)
            .with_property("includeInContactCard", true),
    )
}
