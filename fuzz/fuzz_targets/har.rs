//! A HAR file: what is read survives being written, and what was redacted once stays as it is.
#![no_main]

use conv_transport::{Har, HarError, Replay, ReplayOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut har) = Har::from_slice(bytes) else {
        return;
    };
    let written = har.to_vec().expect("what was read can be written");
    let again = Har::from_slice(&written).expect("what was written can be read");
    assert!(again.to_vec().expect("it can be written again") == written);
    let _ = Replay::new(&har, ReplayOptions::new());
    har.drop_unreadable_bodies();
    match har.redact(&[], &[]) {
        Ok(()) => {
            let once = har.clone();
            har.redact(&[], &[]).expect("nothing is left to redact");
            assert!(har == once, "{}", String::from_utf8_lossy(&once.to_vec().unwrap_or_default()));
        }
        Err(HarError::Secret { field, .. }) => panic!("a secret is left in {field}"),
        Err(_) => {}
    }
});
