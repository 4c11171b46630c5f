//! Comparisons of recordings.

use conv_transport::Har;
use ucwa_har::{CLIENT_MADE, ComparisonOptions, comparable_text, exchanges, line_difference};

use crate::fixture::{edited, har};

fn difference(one: &Har, other: &Har, options: &ComparisonOptions) -> Option<String> {
    let text = |har| comparable_text(har, options).unwrap();
    line_difference(&text(one), &text(other))
}

fn ordinary() -> ComparisonOptions {
    ComparisonOptions::default()
}

/// The first value of a property that the client generates, in a request.
fn made(har: &Har, name: &str) -> String {
    let requests = exchanges(har).into_iter().map(|exchange| {
        let [request, _] = exchange.bodies().unwrap();
        String::from_utf8(request.to_vec()).unwrap()
    });
    let mut values = requests.filter_map(|body| {
        let (_, rest) = body.split_once(name)?;
        let rest = rest.trim_start_matches(['"', ':', '>']);
        rest.split(['"', '<']).next().map(str::to_owned)
    });
    values.find(|value| !value.is_empty()).unwrap()
}

#[test]
fn values_that_differ_from_run_to_run_are_no_difference() {
    for name in ["outgoing-declined-json", "outgoing-declined-xml"] {
        let one = har(name);
        let mut other = one.clone();
        for kind in CLIENT_MADE {
            other = edited(&other, &made(&one, kind), &format!("another-{kind}"));
        }
        let requests = exchanges(&one).into_iter().map(|exchange| exchange.path());
        let application = requests.filter_map(|path| {
            let (_, rest) = path.split_once("/applications/")?;
            rest.split('/').next().map(str::to_owned)
        });
        let application = application.into_iter().next().unwrap();
        other = edited(&other, &application, "another-application");
        let mut after = ordinary();
        after.after.push("applications".to_owned());
        assert_eq!(difference(&one, &other, &after), None);
        assert!(difference(&one, &other, &ordinary()).is_some());
    }
}

#[test]
fn the_version_of_a_resource_is_no_difference() {
    for name in ["outgoing-declined-json", "outgoing-declined-xml"] {
        let one = har(name);
        let file = String::from_utf8(one.to_vec().unwrap()).unwrap();
        let after = |mark: &str| {
            let rest = file.split_once(mark).expect("it has one").1;
            rest.split(['\\', '<']).next().unwrap().to_owned()
        };
        let before = |mark: &str| {
            let rest = file.split_once(mark).expect("it has one").0;
            rest.rsplit('"').next().unwrap().to_owned()
        };
        let (etag, marker) = if name.ends_with("json") {
            (after("\\\"etag\\\":\\\""), before("\\\":\\\"please pass"))
        } else {
            (after("name=\\\"etag\\\">"), before("\\\">please pass"))
        };
        let other = edited(&one, &etag, "100");
        // The order among the members differs, too.
        let other = edited(&other, &marker, "00000000-another");
        assert_eq!(difference(&one, &other, &ordinary()), None, "{name}");
    }
}

#[test]
fn values_that_another_client_generates_can_be_named() {
    let one = har("browser-outgoing-json");
    let other = edited(&one, "A page with a chat", "Another page");
    assert!(difference(&one, &other, &ordinary()).is_some());
    let mut named = ordinary();
    named.client_made.push("userAgent".to_owned());
    assert_eq!(difference(&one, &other, &named), None);
}

#[test]
fn a_member_a_status_and_a_missing_exchange_are_differences() {
    let one = har("outgoing-declined-json");
    let other = edited(&one, "Normal", "Urgent");
    let shown = difference(&one, &other, &ordinary()).unwrap();
    assert!(
        shown.contains(r#"-   >   "importance": "Normal""#)
            && shown.contains(r#"+   >   "importance": "Urgent""#),
        "{shown}"
    );
    let other = edited(&one, "\"status\": 201", "\"status\": 202");
    let shown = difference(&one, &other, &ordinary()).unwrap();
    assert!(shown.contains(": 202"), "{shown}");
    let mut other = one.clone();
    other.log.entries.pop();
    assert!(difference(&one, &other, &ordinary()).is_some());
}

#[test]
fn a_difference_shows_the_expected_and_the_observed_lines() {
    assert_eq!(line_difference("a\nb\n", "a\nb\n"), None);
    assert_eq!(
        line_difference("a\nb\nc\n", "a\nB\nc\nd\n").as_deref(),
        Some("   1   a\n   2 - b\n   2 + B\n   3   c\n   4 + d\n")
    );
}
