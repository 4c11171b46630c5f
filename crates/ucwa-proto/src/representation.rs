//! The two representations of UCWA.

/// A representation of UCWA bodies (`PayloadFormat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Representation {
    /// JSON.
    Json,
    /// XML.
    Xml,
}

impl Representation {
    /// The representation of a `Content-Type`: `application/json`, `application/vnd.microsoft.com.ucwa+json`, `text/json`,
    /// and the same for XML. Ignores parameters and case. `None` for other types, such as the HTML page of a proxy.
    #[must_use]
    pub fn from_content_type(value: &str) -> Option<Self> {
        let media_type = value.split(';').next().unwrap_or_default().trim();
        let (kind, subtype) = media_type.split_once('/')?;
        if !["application", "text"]
            .iter()
            .any(|it| kind.eq_ignore_ascii_case(it))
        {
            return None;
        }
        let format = subtype.rsplit('+').next().unwrap_or_default();
        let is_xhtml = subtype
            .get(..5)
            .is_some_and(|it| it.eq_ignore_ascii_case("xhtml"));
        if format.eq_ignore_ascii_case("json") {
            Some(Self::Json)
        } else if format.eq_ignore_ascii_case("xml") && !is_xhtml {
            Some(Self::Xml)
        } else {
            None
        }
    }

    /// The preferred representation of an `Accept` header: the one with the highest quality, then the first one. JSON for
    /// `*/*` and for an empty header. `None` if neither is acceptable.
    #[must_use]
    pub fn negotiate(accept: &str) -> Option<Self> {
        if accept.trim().is_empty() {
            return Some(Self::Json);
        }
        let mut best: Option<(Self, f32)> = None;
        for range in accept.split(',') {
            let mut pieces = range.split(';');
            let name = pieces.next().unwrap_or_default().trim();
            let quality = pieces
                .filter_map(|parameter| parameter.split_once('='))
                .find(|(key, _)| key.trim().eq_ignore_ascii_case("q"))
                .map_or(1.0, |(_, value)| value.trim().parse().unwrap_or(0.0));
            let representation = match name {
                "*/*" | "application/*" => Some(Self::Json),
                _ => Self::from_content_type(name),
            };
            if let Some(representation) = representation
                && quality > 0.0
                && best.is_none_or(|(_, q)| quality > q)
            {
                best = Some((representation, quality));
            }
        }
        best.map(|(representation, _)| representation)
    }

    /// The value of `Content-Type` for a body in this representation.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
        }
    }

    /// The value of `Accept` for this representation.
    #[must_use]
    pub const fn accept(self) -> &'static str {
        self.content_type()
    }
}

#[cfg(test)]
mod tests {
    use super::Representation::{self, Json, Xml};

    #[test]
    fn every_spelling_of_a_content_type_is_known() {
        for value in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/VND.microsoft.com.ucwa+json; charset='utf-8'",
            "text/json",
        ] {
            assert_eq!(
                Representation::from_content_type(value),
                Some(Json),
                "{value}"
            );
        }
        for value in [
            "application/xml",
            "application/vnd.microsoft.com.ucwa+xml",
            "text/xml;charset=utf-8",
        ] {
            assert_eq!(
                Representation::from_content_type(value),
                Some(Xml),
                "{value}"
            );
        }
        for value in [
            "text/html",
            "application/xhtml+xml",
            "multipart/batching",
            "json",
            "",
            "image/json",
        ] {
            assert_eq!(Representation::from_content_type(value), None, "{value}");
        }
    }

    #[test]
    fn accept_is_negotiated_by_quality_then_order() {
        assert_eq!(Representation::negotiate("application/xml"), Some(Xml));
        assert_eq!(
            Representation::negotiate("application/xml;q=0.5, application/json"),
            Some(Json)
        );
        assert_eq!(
            Representation::negotiate("application/vnd.microsoft.com.ucwa+xml, application/json"),
            Some(Xml)
        );
        assert_eq!(Representation::negotiate("*/*"), Some(Json));
        assert_eq!(Representation::negotiate(""), Some(Json));
        assert_eq!(
            Representation::negotiate("text/html, application/json;q=0"),
            None
        );
    }
}
