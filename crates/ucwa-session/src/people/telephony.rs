//! The user's phones and call forwarding, and photos.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use ucwa_proto::resources::{
    ActivePeriod, CallForwardingSettings, CallForwardingState, CallForwardingTarget as WireTarget,
    ForwardingTarget, Phones, UnansweredCallHandling,
};
use ucwa_proto::{FromResource, Origin, Resource};

use super::{Aspect, People, PeoplePurpose, PersonId, not_offered};
use crate::core::Core;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::Outcome;
use crate::telephony::{
    CallForwarding, CallForwardingMode, CallForwardingTarget, Photo, PhotoResult, UserPhone,
};

/// The links of the user's phones (`me_ref`), and the photos that are being read.
#[derive(Debug, Default)]
pub(super) struct Telephony {
    phones: Option<String>,
    call_forwarding: Option<String>,
    /// The reads of phones and call forwarding in flight.
    pub(super) reads: std::collections::BTreeSet<Ticket>,
    pub(super) photos: std::collections::BTreeMap<Ticket, PhotoRead>,
}

#[derive(Debug)]
pub(super) struct PhotoRead {
    id: PersonId,
    size: Option<(u16, u16)>,
    etag: Option<String>,
    /// The request was sent.
    sent: bool,
}

impl Telephony {
    pub(super) fn apply_me(&mut self, me: &Resource<'_>) {
        let link = |rel: &str| me.link_href(rel).map(str::to_owned);
        self.phones = link("phones");
        self.call_forwarding = link("callForwardingSettings");
    }

    pub(super) fn awaited(&self) -> usize {
        self.reads.len() + self.photos.len()
    }

    pub(super) fn end(&mut self) -> Vec<Ticket> {
        let ended = std::mem::take(self);
        ended
            .reads
            .into_iter()
            .chain(ended.photos.into_keys())
            .collect()
    }
}

impl People {
    pub(super) fn fetch_phones(&mut self, core: &mut Core, ticket: Ticket) {
        let href = self.telephony.phones.clone();
        self.fetch_own(core, ticket, href, "phones", PeoplePurpose::Phones(ticket));
    }

    pub(super) fn fetch_call_forwarding(&mut self, core: &mut Core, ticket: Ticket) {
        let href = self.telephony.call_forwarding.clone();
        let purpose = PeoplePurpose::CallForwarding(ticket);
        self.fetch_own(core, ticket, href, "callForwardingSettings", purpose);
    }

    fn fetch_own(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        href: Option<String>,
        rel: &str,
        purpose: PeoplePurpose,
    ) {
        let url = href
            .ok_or_else(|| not_offered(rel).with_kind(FailureKind::NotSupported))
            .and_then(|href| core.resolve(&href, Stage::People));
        match url {
            Ok(url) => {
                self.telephony.reads.insert(ticket);
                core.issue(Exchange::new(Purpose::People(purpose), Method::GET, url));
            }
            Err(failure) => core.complete(ticket, Err(failure)),
        }
    }

    pub(super) fn on_phones(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let phones = core.fetched(exchange, result).map(|resource| {
            let phones = Phones::from_resource(&resource).unwrap_or_default().phone;
            // The published pages have white space around the values.
            let phones = phones.iter().map(|phone| {
                let kind = phone.kind.as_deref().unwrap_or_default().trim();
                let kind = ["work", "home", "mobile"]
                    .into_iter()
                    .find(|known| known.eq_ignore_ascii_case(kind));
                let number = phone.number.as_deref().unwrap_or_default().trim();
                let is_shown = phone.include_in_contact_card.unwrap_or_default();
                UserPhone::new(kind.unwrap_or("other"), number, is_shown)
            });
            Outcome::Phones(phones.collect())
        });
        self.end_own(core, ticket, phones);
    }

    pub(super) fn on_call_forwarding(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let settings = core.fetched(exchange, result).map(|resource| {
            let settings = CallForwardingSettings::from_resource(&resource).unwrap_or_default();
            Outcome::CallForwarding(call_forwarding(&settings))
        });
        self.end_own(core, ticket, settings);
    }

    fn end_own(&mut self, core: &mut Core, ticket: Ticket, result: Result<Outcome, Failure>) {
        self.telephony.reads.remove(&ticket);
        // A user without enterprise voice gets 403.
        let result = result.map_err(|failure| match failure.status() {
            Some(403) => failure.with_kind(FailureKind::NotSupported),
            _ => failure,
        });
        core.complete(ticket, result);
    }

    pub(super) fn fetch_photo(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        address: &str,
        size: Option<(u16, u16)>,
        etag: Option<String>,
    ) {
        let id = match self.find_or_create(address) {
            Ok(id) => id,
            Err(failure) => return core.complete(ticket, Err(failure)),
        };
        let read = PhotoRead {
            id: id.clone(),
            size,
            etag,
            sent: false,
        };
        self.telephony.photos.insert(ticket, read);
        let is_located = self
            .persons
            .get(&id)
            .is_some_and(|person| person.is_located());
        if is_located {
            self.send_photo(core, ticket);
        } else {
            self.read(core, id, Aspect::Card, None);
        }
    }

    /// Continues the reads of photos that wait for the contact of a person.
    pub(super) fn continue_photos(
        &mut self,
        core: &mut Core,
        id: &PersonId,
        result: &Result<(), Failure>,
    ) {
        let waiting: Vec<_> = (self.telephony.photos.iter())
            .filter(|(_, photo)| photo.id == *id && !photo.sent)
            .map(|(ticket, _)| *ticket)
            .collect();
        for ticket in waiting {
            match result {
                Ok(()) => self.send_photo(core, ticket),
                Err(failure) => self.end_photo(core, ticket, Err(failure.clone())),
            }
        }
    }

    fn send_photo(&mut self, core: &mut Core, ticket: Ticket) {
        let Some(photo) = self.telephony.photos.get_mut(&ticket) else {
            return;
        };
        let person = self.persons.get(&photo.id);
        let Some(href) = person.and_then(|person| person.photo.as_deref()) else {
            return self.end_photo(core, ticket, Ok(PhotoResult::None));
        };
        let href = match photo.size {
            Some((height, width)) => {
                Origin::append_query(href, "size", &format!("HR{height}X{width}"))
            }
            None => href.to_owned(),
        };
        match core.resolve(&href, Stage::People) {
            Ok(url) => {
                photo.sent = true;
                let purpose = Purpose::People(PeoplePurpose::Photo(ticket));
                let mut exchange = Exchange::new(purpose, Method::GET, url);
                if let Some(etag) = &photo.etag {
                    exchange = exchange.with_header(header::IF_NONE_MATCH, etag.clone());
                }
                core.issue(exchange);
            }
            Err(failure) => self.end_photo(core, ticket, Err(failure)),
        }
    }

    pub(super) fn on_photo(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let photo = result.and_then(|response| {
            let header = |name| {
                let value = response.headers().get(name)?;
                value.to_str().ok().map(str::to_owned)
            };
            let media_type = header(header::CONTENT_TYPE).unwrap_or_default();
            match response.status() {
                StatusCode::NOT_MODIFIED => Ok(PhotoResult::NotModified),
                // A policy, a person without a photo, and a slow directory.
                StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GATEWAY_TIMEOUT => {
                    Ok(PhotoResult::None)
                }
                status if status.is_success() && response.body().is_empty() => {
                    Ok(PhotoResult::None)
                }
                status if status.is_success() && media_type.starts_with("image/") => {
                    let etag = header(header::ETAG);
                    let image = response.body().clone();
                    Ok(PhotoResult::Found(Photo::new(media_type, image, etag)))
                }
                _ => Err(core.refusal(exchange, &response)),
            }
        });
        self.end_photo(core, ticket, photo);
    }

    fn end_photo(&mut self, core: &mut Core, ticket: Ticket, photo: Result<PhotoResult, Failure>) {
        if self.telephony.photos.remove(&ticket).is_some() {
            core.complete(ticket, photo.map(Outcome::Photo));
        }
    }
}

fn call_forwarding(settings: &CallForwardingSettings<'_>) -> CallForwarding {
    let unanswered = settings.unanswered_call_settings.as_deref();
    let handled = settings.unanswered_call_handling != Some(UnansweredCallHandling::Disabled);
    CallForwarding {
        mode: match settings.active_setting {
            Some(CallForwardingState::ImmediateForward) => CallForwardingMode::Immediate,
            Some(CallForwardingState::SimultaneousRing) => CallForwardingMode::SimultaneousRing,
            _ => CallForwardingMode::None,
        },
        work_hours_only: settings.active_period == Some(ActivePeriod::Workhours),
        immediate: target(settings.immediate_forward_settings.as_deref()),
        simultaneous: target(settings.simultaneous_ring_settings.as_deref()),
        unanswered: target(unanswered.filter(|_| handled)),
        ring_delay: unanswered
            .and_then(|it| it.ring_delay)
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map(Duration::from_secs),
    }
}

fn target(settings: Option<&ForwardingTarget<'_>>) -> CallForwardingTarget {
    match settings.and_then(|it| it.target.as_ref()) {
        Some(WireTarget::Contact) => CallForwardingTarget::Contact,
        Some(WireTarget::Delegates) => CallForwardingTarget::Delegates,
        Some(WireTarget::Team) => CallForwardingTarget::Team,
        Some(WireTarget::Voicemail) => CallForwardingTarget::Voicemail,
        _ => CallForwardingTarget::None,
    }
}
