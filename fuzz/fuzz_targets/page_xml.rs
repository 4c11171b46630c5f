//! Decodes an XML body as an event page and as a resource. Checks that encoding and decoding the value gives the same
//! value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ucwa_proto::{
    EventPage, Limits,
    Representation::{Json, Xml},
    Resource,
};

fuzz_target!(|body: &[u8]| {
    let limits = Limits::default();
    let mut wide = limits;
    wide.depth = 100;
    wide.body_bytes = usize::MAX;
    if let Ok(resource) = Resource::decode(body, Xml, &limits) {
        let first = resource.encode(Xml);
        let first = Resource::decode(&first, Xml, &wide).expect("encoded bodies can be decoded");
        let second = first.encode(Xml);
        assert_eq!(Resource::decode(&second, Xml, &wide).as_ref(), Ok(&first));
        let json = resource.encode(Json);
        Resource::decode(&json, Json, &wide).expect("encoded bodies can be decoded");
    }
    if let Ok(page) = EventPage::decode(body, Xml, &limits) {
        let first = page.encode(Xml);
        let first = EventPage::decode(&first, Xml, &wide).expect("encoded bodies can be decoded");
        assert_eq!(first.malformed, []);
        let second = first.encode(Xml);
        assert_eq!(EventPage::decode(&second, Xml, &wide).as_ref(), Ok(&first));
        let json = page.encode(Json);
        EventPage::decode(&json, Json, &wide).expect("encoded bodies can be decoded");
    }
});
