//! Parses data URIs and dates, and checks that writing and parsing them again gives the same values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ucwa_proto::{DataUri, DateTime, strip_trailing_newline};

fuzz_target!(|text: &str| {
    if let Ok(uri) = DataUri::parse(text) {
        let said = uri.text();
        for again in [DataUri::text_plain(&said), DataUri::text_html(&said), DataUri::text_plain_percent_encoded(&said), DataUri::text_html_percent_encoded(&said)] {
            assert_eq!(DataUri::parse(&again).expect("what is written can be read").text(), said);
        }
        assert!(said.starts_with(strip_trailing_newline(&said)));
    }
    if let Ok(date) = DateTime::parse(text) {
        assert_eq!(DateTime::parse(&date.to_json()), Ok(date));
        let _ = (date.to_iso8601(), date.to_system_time());
    }
});
