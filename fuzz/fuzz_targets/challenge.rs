//! Parses `WWW-Authenticate` and other headers, and checks that writing and parsing them again gives the same values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ucwa_proto::{Challenges, Diagnostics, Origin, SipUri};

fuzz_target!(|header: &str| {
    let challenges = Challenges::parse(header.lines());
    for challenge in &challenges {
        let _ = (challenge.ms_rtc_oauth(), challenge.bearer());
    }
    let written: Vec<String> = challenges.iter().map(ToString::to_string).collect();
    let first = Challenges::parse(written.iter().map(String::as_str));
    let again: Vec<String> = first.iter().map(ToString::to_string).collect();
    assert_eq!(Challenges::parse(again.iter().map(String::as_str)), first);

    let _ = Diagnostics::parse(header);
    if let Ok(uri) = SipUri::parse(header) {
        assert_eq!(SipUri::parse(uri.as_str()).as_ref(), Ok(&uri));
    }
    if let Ok(origin) = Origin::of(header) {
        assert_eq!(Origin::of(&origin.to_string()).as_ref(), Ok(&origin));
        assert!(origin.is_same(header));
    }
});
