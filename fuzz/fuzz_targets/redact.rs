//! Redaction: a secret that was planted is nowhere in the decoded result.
#![no_main]

use conv_transport::{Har, HarError};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/conv-transport/tests/it/redaction/planted.rs"]
mod planted;

fuzz_target!(|bytes: &[u8]| {
    let planted = planted::Planted::new(bytes.iter().copied());
    let mut har = Har::from_slice(planted.file.as_bytes()).expect("the file is JSON");
    let secrets: Vec<String> = planted.secrets().collect();
    match har.redact(&secrets, &[]) {
        Ok(()) => {}
        Err(HarError::Secret { field, .. }) => panic!("left in {field:?}: {}", planted.file),
        Err(_) => return,
    }
    let redacted = String::from_utf8(har.to_vec().expect("it can be written")).expect("it is text");
    assert_eq!(planted.left_in(&redacted), None, "{}", planted.file);
});
