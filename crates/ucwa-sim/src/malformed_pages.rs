//! Malformed event pages: pages that cannot be read, once or until the session reads its application anew, and pages with
//! one event whose embedded resource cannot be read.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};
use ucwa_proto::{EventPage, Limits, Representation, Resource};

use crate::coverage::CoveragePoint;
use crate::random::{RandomStream, stream};

/// How often a page with events is malformed as a whole, per 1,000.
const MALFORMED_PAGES: u32 = 40;
/// How often one event of a page is malformed, per 1,000 pages with events.
const MALFORMED_EVENTS: u32 = 40;

/// The defect of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    /// The body ends early, after this share of its length in thousandths.
    Truncated(usize),
    /// The body is no document of any format.
    NoDocument,
    /// The page does not link to the next one.
    NoNextLink,
    /// The embedded resource of one event is no resource. The number selects the event.
    Event(usize),
}

/// The time at which a page is repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repair {
    /// After this many responses.
    Responses(u32),
    /// After this many requests for the application resource.
    ApplicationReads(u32),
}

#[derive(Debug)]
struct MalformedPage {
    defect: Defect,
    repair: Repair,
    /// How many responses have carried the malformed page.
    responses: u32,
}

/// Identifies a page: the path of the application and the number of the page.
type PageId = (String, String);

/// The pages that may be malformed as a whole. Such a page delays its messages, and the server gives up on a message that is
/// not fetched for 30 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AllowedDelay {
    /// No page, only single events.
    None,
    /// One page of each application.
    OnePage,
    /// Every page.
    Any,
}

/// Makes event pages malformed. Every response that carries a malformed page has the same defect until the page is
/// repaired.
#[derive(Debug)]
pub(crate) struct MalformedPages {
    enabled: bool,
    delay: AllowedDelay,
    /// The applications that have had an unreadable page.
    delayed: BTreeSet<String>,
    random: RandomStream,
    pages: BTreeMap<PageId, MalformedPage>,
}

impl MalformedPages {
    pub(crate) fn new(seed: u64, enabled: bool, delay: AllowedDelay) -> Self {
        Self {
            enabled,
            delay,
            delayed: BTreeSet::new(),
            random: RandomStream::new(seed, stream::MALFORMED_PAGE_DEFECTS),
            pages: BTreeMap::new(),
        }
    }

    /// Records a request that reached the server. Returns whether the request reads an application with a malformed page.
    pub(crate) fn on_request(&mut self, request: &Request<Bytes>) -> bool {
        let application = request.uri().path();
        if request.method() != Method::GET {
            return false;
        }
        let of_application = |page: &PageId| page.0 == application;
        let found = self.pages.keys().any(of_application);
        self.pages.retain(|page, malformed| {
            if of_application(page)
                && let Repair::ApplicationReads(left) = &mut malformed.repair
            {
                *left = left.saturating_sub(1);
                return *left > 0;
            }
            true
        });
        found
    }

    /// The malformed page that replaces `response`, the response to a poll. `None` if the page is delivered unchanged.
    pub(crate) fn on_page(
        &mut self,
        poll: &Request<Bytes>,
        response: &Response<Bytes>,
    ) -> Option<(CoveragePoint, Response<Bytes>)> {
        if !self.enabled || !response.status().is_success() {
            return None;
        }
        let content_type = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
        let representation = Representation::from_content_type(content_type)?;
        let page = EventPage::decode(response.body(), representation, &Limits::default()).ok()?;
        let events = page.events().count();
        if events == 0 {
            return None;
        }
        let id = page_id(poll)?;
        if !self.pages.contains_key(&id) {
            let malformed = self.choose(&id, events)?;
            self.pages.insert(id.clone(), malformed);
        }
        let malformed = self.pages.get_mut(&id)?;
        malformed.responses += 1;
        let point = match malformed.defect {
            Defect::Event(_) => CoveragePoint::MalformedEvent,
            _ if malformed.responses > 1 => CoveragePoint::MalformedPageAgain,
            _ => CoveragePoint::MalformedPage,
        };
        let body = malformed
            .defect
            .apply(page, response.body(), representation);
        if let Repair::Responses(limit) = malformed.repair
            && malformed.responses >= limit
        {
            self.pages.remove(&id);
        }
        let mut changed = response.clone();
        *changed.body_mut() = Bytes::from(body);
        Some((point, changed))
    }

    /// Decides whether a page is malformed, how, and for how long.
    fn choose(&mut self, (application, _): &PageId, events: usize) -> Option<MalformedPage> {
        let defect = if self.delay != AllowedDelay::None && self.random.chance(MALFORMED_PAGES) {
            match self.random.below(3) {
                0 => Defect::Truncated(self.random.index(1000)),
                1 => Defect::NoDocument,
                _ => Defect::NoNextLink,
            }
        } else if self.random.chance(MALFORMED_EVENTS) {
            Defect::Event(self.random.index(events))
        } else {
            return None;
        };
        let repair = match self.random.below(3) {
            0 => Repair::Responses(1),
            1 => Repair::Responses(2 + u32::try_from(self.random.below(5)).unwrap_or(0)),
            _ => Repair::ApplicationReads(1 + u32::try_from(self.random.below(2)).unwrap_or(0)),
        };
        if !matches!(defect, Defect::Event(_))
            && !self.delayed.insert(application.clone())
            && self.delay == AllowedDelay::OnePage
        {
            return None;
        }
        Some(MalformedPage {
            defect,
            repair,
            responses: 0,
        })
    }
}

impl Defect {
    /// The body of the malformed page.
    fn apply(
        self,
        mut page: EventPage<'_>,
        body: &Bytes,
        representation: Representation,
    ) -> Vec<u8> {
        match self {
            Self::Truncated(thousandths) => body.slice(..body.len() * thousandths / 1000).to_vec(),
            Self::NoDocument => b"An internal error has occurred.".to_vec(),
            Self::NoNextLink => {
                page.follow = None;
                page.encode(representation)
            }
            Self::Event(index) => with_malformed_event(page, index, representation),
        }
    }
}

/// Encodes the page with an event whose embedded resource is no resource. `index` counts the events of the page.
#[must_use]
pub fn with_malformed_event(
    mut page: EventPage<'_>,
    index: usize,
    representation: Representation,
) -> Vec<u8> {
    let mut events = page.senders.iter_mut().flat_map(|it| &mut it.events);
    if let Some(event) = events.nth(index) {
        let marker = Resource::default().with_property(MARKER, "here");
        event.embedded = Some(marker);
    }
    let body = String::from_utf8(page.encode(representation));
    let body = body.unwrap_or_default();
    let (marker, malformed) = match representation {
        Representation::Json => (format!("{{\"{MARKER}\":\"here\"}}"), "42"),
        Representation::Xml => (
            format!("<property name=\"{MARKER}\">here</property>"),
            "stray text",
        ),
    };
    body.replace(&marker, malformed).into_bytes()
}

/// Marks the embedded resource that is replaced after encoding.
const MARKER: &str = "malformed";

/// The page that a poll requests.
fn page_id(poll: &Request<Bytes>) -> Option<PageId> {
    let application = poll.uri().path().strip_suffix("/events")?;
    let query = poll.uri().query()?;
    let ack = query.split('&').find_map(|it| it.strip_prefix("ack="))?;
    Some((application.to_owned(), ack.to_owned()))
}

#[cfg(test)]
mod tests {
    use ucwa_proto::{Event, EventKind, EventLink, Follow, Sender};

    use super::*;

    const APPLICATION: &str = "/ucwa/oauth/v1/applications/1";

    fn get(path_and_query: &str) -> Request<Bytes> {
        let uri = format!("https://lyncweb.contoso.com{path_and_query}");
        Request::get(uri).body(Bytes::new()).unwrap()
    }

    fn poll() -> Request<Bytes> {
        get(&format!("{APPLICATION}/events?ack=2"))
    }

    /// A page with two events.
    fn page(representation: Representation) -> Response<Bytes> {
        let event = |number: u32| {
            let link = EventLink::new("message", format!("/messages/{number}"));
            let message = Resource::new("message").with_property("direction", "Incoming");
            Event::new(EventKind::Completed, link).embedding(message)
        };
        let sender = Sender::new("conversation", "/conversations/1")
            .with_event(event(1))
            .with_event(event(2));
        let follow = Follow::Next("/events?ack=3".into());
        let mut page = EventPage::new("/events?ack=2", follow);
        page.senders.push(sender);
        let mut response = Response::new(Bytes::from(page.encode(representation)));
        let content_type = representation.content_type().parse().unwrap();
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response
    }

    fn with_page(defect: Defect, repair: Repair) -> MalformedPages {
        let mut pages = MalformedPages::new(1, true, AllowedDelay::Any);
        let malformed = MalformedPage {
            defect,
            repair,
            responses: 0,
        };
        pages.pages.insert(page_id(&poll()).unwrap(), malformed);
        pages
    }

    fn is_readable(response: &Response<Bytes>, representation: Representation) -> bool {
        EventPage::decode(response.body(), representation, &Limits::default())
            .is_ok_and(|page| page.follow.is_some())
    }

    #[test]
    fn a_malformed_page_cannot_be_read() {
        for representation in [Representation::Json, Representation::Xml] {
            let page = page(representation);
            assert!(is_readable(&page, representation));
            for defect in [
                Defect::Truncated(700),
                Defect::NoDocument,
                Defect::NoNextLink,
            ] {
                let mut pages = with_page(defect, Repair::Responses(1));
                let (point, changed) = pages.on_page(&poll(), &page).unwrap();
                assert_eq!(point, CoveragePoint::MalformedPage);
                assert!(!is_readable(&changed, representation), "{defect:?}");
            }
        }
    }

    #[test]
    fn a_malformed_event_leaves_the_others_readable() {
        for representation in [Representation::Json, Representation::Xml] {
            let mut pages = with_page(Defect::Event(1), Repair::Responses(1));
            let (point, changed) = pages.on_page(&poll(), &page(representation)).unwrap();
            assert_eq!(point, CoveragePoint::MalformedEvent);
            let page =
                EventPage::decode(changed.body(), representation, &Limits::default()).unwrap();
            let readable: Vec<_> = page
                .events()
                .map(|(_, event)| event.resource().is_some())
                .collect();
            assert_eq!(readable, [true, false]);
            let (_, second) = page.events().nth(1).unwrap();
            assert!(page.malformed.len() == 1 && second.kind == EventKind::Completed);
        }
    }

    #[test]
    fn a_page_stays_malformed_for_its_number_of_responses() {
        let page = page(Representation::Json);
        let mut pages = with_page(Defect::NoDocument, Repair::Responses(2));
        let (first, _) = pages.on_page(&poll(), &page).unwrap();
        let (second, _) = pages.on_page(&poll(), &page).unwrap();
        assert_eq!(first, CoveragePoint::MalformedPage);
        assert_eq!(second, CoveragePoint::MalformedPageAgain);
        assert!(pages.pages.is_empty());
    }

    #[test]
    fn pages_are_delayed_as_often_as_allowed() {
        let page = page(Representation::Json);
        for (delay, expected) in [
            (AllowedDelay::None, 0..=0),
            (AllowedDelay::OnePage, 1..=1),
            (AllowedDelay::Any, 2..=100),
        ] {
            let mut pages = MalformedPages::new(1, true, delay);
            let polls = (1..=500).map(|ack| get(&format!("{APPLICATION}/events?ack={ack}")));
            let changed = polls.filter_map(|poll| pages.on_page(&poll, &page));
            let delayed = changed.filter(|(point, _)| *point == CoveragePoint::MalformedPage);
            let count = delayed.count();
            assert!(expected.contains(&count), "{delay:?}: {count}");
        }
    }

    #[test]
    fn a_page_stays_malformed_until_the_application_is_read() {
        let page = page(Representation::Json);
        let mut pages = with_page(Defect::NoDocument, Repair::ApplicationReads(2));
        for _ in 0..10 {
            assert!(pages.on_page(&poll(), &page).is_some());
        }
        assert!(!pages.on_request(&poll()));
        assert!(pages.on_request(&get(APPLICATION)));
        assert!(pages.on_page(&poll(), &page).is_some());
        assert!(pages.on_request(&get(APPLICATION)));
        assert!(pages.pages.is_empty());
    }
}
