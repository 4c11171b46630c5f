//! Comparing a live request with a recorded one.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use bytes::Bytes;
use http::{Method, Uri};
use percent_encoding::percent_decode_str;

use super::{binding::Bindings, body::Body};
use crate::{Lane, redact::REDACTED};

/// The names of values in requests that differ from run to run.
#[derive(Debug, Clone, Default)]
pub(super) struct Volatile {
    /// The names of members, properties and parameters with such a value.
    pub(super) names: BTreeSet<String>,
    /// The segments of paths that precede such a value.
    pub(super) segments: BTreeSet<String>,
}

/// The parts of a request that are compared.
pub(super) struct Shape {
    /// `None` in files of other programs.
    pub(super) lane: Option<Lane>,
    pub(super) method: Method,
    /// `scheme://authority` as the URI has it, without a user.
    pub(super) origin: String,
    /// The path with its escapes. It is compared by its decoded segments.
    path: String,
    /// The parameters, sorted by name: their order has no meaning.
    query: Vec<(String, String)>,
    body: Body,
}

impl Shape {
    pub(super) fn of(
        lane: Option<Lane>,
        method: &Method,
        uri: &Uri,
        content_type: Option<&str>,
        body: &Bytes,
        volatile: &Volatile,
    ) -> Self {
        let mut query: Vec<(String, String)> = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (form_decoded(name), form_decoded(value)))
            .collect();
        query.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self {
            lane,
            method: method.clone(),
            origin: origin(uri),
            path: uri.path().to_owned(),
            query,
            body: Body::of(content_type, body, volatile),
        }
    }

    /// Compares this recorded request with a live one, and binds the values that differ from run to run.
    ///
    /// The parts are compared in the order of [`Difference`], so that of two candidates the nearer one has the greater difference.
    pub(super) fn matches(
        &self,
        live: &Self,
        volatile: &Volatile,
        bindings: &mut Bindings,
    ) -> Result<(), Difference> {
        if self.method != live.method {
            return Err(Difference::Method);
        }
        self.match_path(live, volatile, bindings)?;
        self.match_query(live, volatile, bindings)?;
        if let (Some(recorded), Some(live)) = (self.lane, live.lane)
            && recorded != live
        {
            return Err(Difference::Lane);
        }
        match bindings.live_origin(&self.origin) {
            Some(bound) if bound != live.origin => {
                return Err(Difference::Server(bound.to_owned()));
            }
            _ => bindings.bind_origin(&self.origin, &live.origin),
        }
        self.body
            .matches(&live.body, volatile, bindings)
            .map_err(Difference::Body)
    }

    fn match_path(
        &self,
        live: &Self,
        volatile: &Volatile,
        bindings: &mut Bindings,
    ) -> Result<(), Difference> {
        let mut recorded = self.path.split('/').map(decoded);
        let mut other = live.path.split('/').map(decoded);
        let mut before = Cow::Borrowed("");
        loop {
            match (recorded.next(), other.next()) {
                (None, None) => return Ok(()),
                (Some(segment), Some(other)) => {
                    let same = if volatile.segments.contains(&*before) {
                        bindings.bind(&segment, &other)
                    } else {
                        bindings.substitute(&segment) == other
                    };
                    if !same {
                        return Err(Difference::Path);
                    }
                    before = segment;
                }
                _ => return Err(Difference::Path),
            }
        }
    }

    fn match_query(
        &self,
        live: &Self,
        volatile: &Volatile,
        bindings: &mut Bindings,
    ) -> Result<(), Difference> {
        let mut recorded = self.query.iter();
        let mut other = live.query.iter();
        loop {
            match (recorded.next(), other.next()) {
                (None, None) => return Ok(()),
                (Some((name, value)), Some((other_name, other_value))) if name == other_name => {
                    // A secret that the client made or knew has no pseudonym. It matches any value.
                    let same = if volatile.names.contains(name) {
                        bindings.bind(value, other_value)
                    } else {
                        value == REDACTED || bindings.substitute(value) == *other_value
                    };
                    if !same {
                        return Err(Difference::Query(name.clone()));
                    }
                }
                (Some((name, _)), _) | (None, Some((name, _))) => {
                    return Err(Difference::Query(name.clone()));
                }
            }
        }
    }

    /// The method and the path, and the names of the parameters: their values may be secrets.
    pub(super) fn title(&self) -> String {
        let mut title = format!("{} {}", self.method, self.path);
        for (index, (name, _)) in self.query.iter().enumerate() {
            title.push(if index == 0 { '?' } else { '&' });
            title.push_str(name);
            title.push_str("=…");
        }
        title
    }
}

/// Decodes the escapes in a segment of a path. A segment that is not UTF-8 then is returned as it is.
fn decoded(segment: &str) -> Cow<'_, str> {
    let decoded = percent_decode_str(segment).decode_utf8();
    decoded.unwrap_or(Cow::Borrowed(segment))
}

/// A name or a value of a form or a query without its escapes.
pub(super) fn form_decoded(text: &str) -> String {
    decoded(&text.replace('+', " ")).into_owned()
}

/// `scheme://host`, with the port where it is not the scheme's own.
fn origin(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    match (uri.port_u16(), scheme) {
        (None, _) | (Some(80), "http") | (Some(443), "https") => format!("{scheme}://{host}"),
        (Some(port), _) => format!("{scheme}://{host}:{port}"),
    }
}

/// The first difference of two requests, in the order of comparing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Difference {
    Method,
    Path,
    /// The parameter that differs.
    Query(String),
    Lane,
    /// The live server that is bound to the recorded one.
    Server(String),
    /// The position in the body.
    Body(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("the method differs"),
            Self::Path => f.write_str("the path differs"),
            Self::Query(name) => write!(f, "the parameter {name} differs"),
            Self::Lane => f.write_str("the lane differs"),
            Self::Server(server) => write!(f, "it went to another server than {server}"),
            Self::Body(place) => write!(f, "the body differs at {place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volatile() -> Volatile {
        Volatile {
            names: ["operationId".to_owned()].into(),
            segments: ["applications".to_owned()].into(),
        }
    }

    fn shape(lane: Option<Lane>, method: &str, uri: &str, body: &'static str) -> Shape {
        Shape::of(
            lane,
            &method.parse().unwrap(),
            &uri.parse().unwrap(),
            None,
            &Bytes::from_static(body.as_bytes()),
            &volatile(),
        )
    }

    const LANE: Option<Lane> = Some(Lane::Commands);

    #[test]
    fn names_the_first_difference() {
        let recorded = shape(LANE, "POST", "https://pool.contoso.com/a/b?x=1&y=2", "body");
        for (live, difference) in [
            (
                shape(LANE, "PUT", "http://localhost/a/c", ""),
                Difference::Method,
            ),
            (
                shape(LANE, "POST", "http://localhost/a/c", ""),
                Difference::Path,
            ),
            (
                shape(LANE, "POST", "http://localhost/a/b/", ""),
                Difference::Path,
            ),
            (
                shape(LANE, "POST", "http://localhost/a/b?x=1", ""),
                Difference::Query("y".into()),
            ),
            (
                shape(LANE, "POST", "http://localhost/a/b?x=1&y=3", ""),
                Difference::Query("y".into()),
            ),
            (
                shape(LANE, "POST", "http://localhost/a/b?x=1&y=2&z", ""),
                Difference::Query("z".into()),
            ),
            (
                shape(
                    Some(Lane::Events),
                    "POST",
                    "http://localhost/a/b?y=2&x=1",
                    "",
                ),
                Difference::Lane,
            ),
            (
                shape(LANE, "POST", "http://elsewhere/a/b?y=2&x=1", "body"),
                Difference::Server("http://localhost".into()),
            ),
            (
                shape(LANE, "POST", "http://localhost/a/b?y=2&x=1", "bodx"),
                Difference::Body("byte 3".into()),
            ),
        ] {
            let mut bindings = Bindings::default();
            bindings.bind_origin("https://pool.contoso.com", "http://localhost");
            let found = recorded.matches(&live, &volatile(), &mut bindings);
            assert_eq!(found.unwrap_err(), difference);
        }
    }

    #[test]
    fn paths_and_parameters_are_compared_without_their_escapes() {
        let volatile = volatile();
        let matches = |recorded, live| {
            let recorded = shape(LANE, "GET", recorded, "");
            let live = shape(LANE, "GET", live, "");
            let matched = recorded.matches(&live, &volatile, &mut Bindings::default());
            matched.is_ok()
        };
        for (recorded, live) in [
            ("http://a/sip:x@y.z/b", "http://a/sip%3ax%40y.z/%62"),
            ("http://a/%c3%a9", "http://a/%C3%A9"),
            ("http://a/?q=a+b%2f", "http://a/?q=a%20b/"),
            ("http://a/%zz%ff", "http://a/%zz%ff"),
        ] {
            assert!(matches(recorded, live), "{recorded} {live}");
            assert!(matches(live, recorded), "{live} {recorded}");
        }
        for (recorded, live) in [
            ("http://a/b/c", "http://a/b%2fc"),
            ("http://a/a+b", "http://a/a%20b"),
            ("http://a/?q=a%26b", "http://a/?q=a&b"),
        ] {
            assert!(!matches(recorded, live), "{recorded} {live}");
        }
    }

    #[test]
    fn a_lane_that_is_not_known_matches_both() {
        let recorded = shape(None, "GET", "http://a/", "");
        for lane in [Lane::Events, Lane::Commands] {
            let live = shape(Some(lane), "GET", "http://a/", "");
            recorded
                .matches(&live, &volatile(), &mut Bindings::default())
                .unwrap();
        }
    }

    #[test]
    fn volatile_parts_are_bound() {
        let recorded = shape(LANE, "GET", "http://a/applications/1/me?operationId=r", "");
        let mut bindings = Bindings::default();
        let live = shape(LANE, "GET", "http://a/applications/2/me?operationId=l", "");
        recorded.matches(&live, &volatile(), &mut bindings).unwrap();
        let other = shape(LANE, "GET", "http://a/applications/3/me?operationId=l", "");
        let difference = recorded.matches(&other, &volatile(), &mut bindings.clone());
        assert_eq!(difference.unwrap_err(), Difference::Path);
        let later = shape(LANE, "GET", "http://a/operations/r", "");
        let live = shape(LANE, "GET", "http://a/operations/l", "");
        later.matches(&live, &volatile(), &mut bindings).unwrap();
    }

    #[test]
    fn a_title_holds_no_value_of_a_parameter() {
        let shape = shape(LANE, "GET", "http://a/b?token=sesame&x=1", "");
        assert_eq!(shape.title(), "GET /b?token=…&x=…");
    }
}
