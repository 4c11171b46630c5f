//! Decodes a JSON body as an event page and as a resource. Checks that the value survives JSON and can be encoded in XML.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ucwa_proto::{
    EventKind, EventPage, Limits,
    Representation::{Json, Xml},
    Resource,
    resources::through_view,
};

fuzz_target!(|body: &[u8]| {
    let limits = Limits::default();
    // XML nests deeper than JSON for the same value.
    let mut wide = limits;
    wide.depth = 100;
    wide.body_bytes = usize::MAX;
    if let Ok(resource) = Resource::decode(body, Json, &limits) {
        let again = resource.encode(Json);
        assert_eq!(Resource::decode(&again, Json, &wide).as_ref(), Ok(&resource));
        assert_eq!(resource.clone().into_owned(), resource);
        let xml = resource.encode(Xml);
        Resource::decode(&xml, Xml, &wide).expect("encoded bodies can be decoded");
        for rel in ["message", "messagingInvitation", "conversation", "participant", "contact", "policies"] {
            if let Some(Ok(known)) = through_view(rel, &resource) {
                let again = known.encode(Json);
                let again = Resource::decode(&again, Json, &wide).expect("encoded bodies can be decoded");
                assert_eq!(through_view(rel, &again).and_then(Result::ok), Some(known));
            }
        }
    }
    if let Ok(mut page) = EventPage::decode(body, Json, &limits) {
        let again = page.encode(Json);
        let again = EventPage::decode(&again, Json, &wide).expect("encoded bodies can be decoded");
        assert_eq!(again.malformed, []);
        // Unreadable events are not encoded.
        page.malformed.clear();
        for sender in &mut page.senders {
            sender.events.retain(|event| event.kind != EventKind::Unreadable);
        }
        assert_eq!(again, page);
        let xml = page.encode(Xml);
        EventPage::decode(&xml, Xml, &wide).expect("encoded bodies can be decoded");
    }
});
