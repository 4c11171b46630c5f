//! The reasons after which a message may be sent again, and their table in the guide.

use std::collections::BTreeMap;
use std::fs;

use conv_model::{ErrorDetails, Reason, ReasonCode, Resend};

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/failures.md");

/// The words of the guide for a [`Resend`].
fn words(resend: Resend) -> &'static str {
    match resend {
        Resend::Later => "yes, later",
        Resend::Futile => "safe, but it fails again",
        Resend::MayDuplicate => "no, it may arrive twice",
    }
}

#[test]
fn the_guide_lists_every_code_and_whether_a_message_may_be_sent_again() {
    let guide = fs::read_to_string(GUIDE).unwrap();
    let mut listed = BTreeMap::new();
    for row in guide.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, codes, _, resend, _] = cells[..] else {
            continue;
        };
        for code in codes.split(", ") {
            let twice = listed.insert(code.trim_matches('`').to_owned(), resend.to_owned());
            assert_eq!(twice, None, "{code} is listed twice");
        }
    }
    let expected = ReasonCode::ALL.iter().map(|code| {
        let resend = words(code.resend()).to_owned();
        (code.as_str().to_owned(), resend)
    });
    assert_eq!(listed, expected.collect());
}

#[test]
fn a_message_that_reached_some_receivers_may_arrive_twice() {
    let busy = Reason::new(ReasonCode::Busy);
    assert_eq!(busy.resend(), Resend::Later);
    let mut details = ErrorDetails::default();
    assert_eq!(
        busy.clone().with_details(details.clone()).resend(),
        Resend::Later
    );
    details.failed_participants = vec!["sip:lenea@contoso.com".to_owned()];
    assert_eq!(busy.with_details(details).resend(), Resend::MayDuplicate);
    let unknown = ReasonCode::Other("Teapot".into());
    assert_eq!(unknown.resend(), Resend::MayDuplicate);
}
