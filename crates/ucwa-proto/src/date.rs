//! Dates in their three formats.

use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jiff::{Timestamp, civil, tz::TimeZone};

use crate::{PropertyValue, Value};

/// A point in time with a resolution of a millisecond.
///
/// JSON has `/Date(1364327898968)/`, sometimes with an offset for display only (`/Date(1364327898968+0200)/`). XML, and
/// some properties in JSON, have ISO 8601 with up to seven digits of fraction (`PayloadFormat`). A date without an offset
/// is UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DateTime {
    millis: i64,
}

/// A text is not a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is not a date")]
pub struct DateError;

impl DateTime {
    /// The time that is `millis` milliseconds after 1970 in UTC, or before it if negative.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self { millis }
    }

    /// Milliseconds since 1970 in UTC.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.millis
    }

    /// Parses a date in any of the formats.
    ///
    /// # Errors
    ///
    /// If the text has none of the formats.
    ///
    /// ```
    /// use ucwa_proto::DateTime;
    ///
    /// let date = DateTime::parse("/Date(1364327898968)/")?;
    /// assert_eq!(date, DateTime::parse("2013-03-26T12:58:18.9680000-07:00")?);
    /// assert_eq!(date.to_iso8601(), "2013-03-26T19:58:18.968Z");
    /// # Ok::<(), ucwa_proto::DateError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let text = text.trim_ascii();
        if let Some(inner) =
            between(text, "/Date(", ")/").or_else(|| between(text, "\\/Date(", ")\\/"))
        {
            // The first character may be the sign of the number.
            let is_sign = |byte: u8| matches!(byte, b'+' | b'-');
            let sign_at = inner.bytes().skip(1).position(is_sign);
            let (millis, offset) = inner.split_at(sign_at.map_or(inner.len(), |at| at + 1));
            let sound = offset.is_empty()
                || (offset.len() == 5 && offset.bytes().skip(1).all(|byte| byte.is_ascii_digit()));
            return match millis.parse() {
                Ok(millis) if sound => Ok(Self { millis }),
                _ => Err(DateError),
            };
        }
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            return Ok(Self {
                millis: timestamp.as_millisecond(),
            });
        }
        let local: civil::DateTime = text.parse().map_err(|_| DateError)?;
        let timestamp = local
            .to_zoned(TimeZone::UTC)
            .map_err(|_| DateError)?
            .timestamp();
        Ok(Self {
            millis: timestamp.as_millisecond(),
        })
    }

    /// The format of JSON.
    #[must_use]
    pub fn to_json(self) -> String {
        format!("/Date({})/", self.millis)
    }

    /// The format of XML, in UTC. Years beyond 9999 become the nearest date that the format has.
    #[must_use]
    pub fn to_iso8601(self) -> String {
        let timestamp = Timestamp::from_millisecond(self.millis).unwrap_or(if self.millis < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        timestamp.to_string()
    }

    /// The date as a `SystemTime`; `None` if it is out of range.
    #[must_use]
    pub fn to_system_time(self) -> Option<SystemTime> {
        let distance = Duration::from_millis(self.millis.unsigned_abs());
        if self.millis < 0 {
            UNIX_EPOCH.checked_sub(distance)
        } else {
            UNIX_EPOCH.checked_add(distance)
        }
    }
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    text.strip_prefix(start)?.strip_suffix(end)
}

impl From<SystemTime> for DateTime {
    fn from(time: SystemTime) -> Self {
        let saturated =
            |distance: Duration| i64::try_from(distance.as_millis()).unwrap_or(i64::MAX);
        Self {
            millis: match time.duration_since(UNIX_EPOCH) {
                Ok(after) => saturated(after),
                Err(before) => -saturated(before.duration()),
            },
        }
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_iso8601())
    }
}

impl<'r> PropertyValue<'r> for DateTime {
    const EXPECTED: &'static str = "date";

    fn from_value(value: &'r Value<'_>) -> Option<Self> {
        Self::parse(value.as_str()?).ok()
    }

    /// Writes the format of JSON, which the XML decoder of this crate also reads.
    fn to_value(&self) -> Value<'_> {
        Value::String(Cow::Owned(self.to_json()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{DateError, DateTime};

    #[test]
    fn every_spelling_is_the_same_date() {
        let date = DateTime::from_millis(1_481_832_308_631);
        for text in [
            "/Date(1481832308631)/",
            "/Date(1481832308631+0100)/",
            "/Date(1481832308631-0700)/",
            "\\/Date(1481832308631)\\/",
            "2016-12-15T20:05:08.631Z",
            "2016-12-15T20:05:08.6310000Z",
            "2016-12-15T12:05:08.6310000-08:00",
            "2016-12-15T20:05:08.6310000",
            " 2016-12-15T20:05:08.631Z\n",
        ] {
            assert_eq!(DateTime::parse(text), Ok(date), "{text}");
        }
        assert_eq!(DateTime::parse("/Date(-1)/"), Ok(DateTime::from_millis(-1)));
    }

    #[test]
    fn a_date_is_displayed_in_iso_8601() {
        let date = DateTime::from_millis(1_383_784_870_271);
        assert_eq!(date.to_string(), "2013-11-07T00:41:10.271Z");
    }

    #[test]
    fn invalid_dates_are_refused() {
        for text in [
            "",
            "/Date()/",
            "/Date(x)/",
            "/Date(1+1)/",
            "/Date(1",
            "/Date(99999999999999999999)/",
            "yesterday",
            "2016-13-01T00:00:00Z",
        ] {
            assert_eq!(DateTime::parse(text), Err(DateError), "{text}");
        }
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for millis in [i64::MIN, i64::MAX, 0] {
            let date = DateTime::from_millis(millis);
            let _ = (date.to_iso8601(), date.to_system_time());
            assert_eq!(DateTime::parse(&date.to_json()), Ok(date));
        }
    }

    #[test]
    fn system_time_goes_both_ways() {
        for time in [
            UNIX_EPOCH + Duration::from_millis(1_481_832_308_631),
            UNIX_EPOCH - Duration::from_millis(5),
        ] {
            assert_eq!(DateTime::from(time).to_system_time(), Some(time));
        }
    }
}
