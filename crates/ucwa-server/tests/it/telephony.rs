//! The phones and the call forwarding settings of the user.

use ucwa_proto::{Representation, Resource, SipUri};
use ucwa_server::{CallForwarding, ForwardingTarget, ServerConfig};

use crate::harness::{Client, LENE, TOSH, World, refusal, refused, seconds};

fn link(client: &Client, rel: &str) -> String {
    let me = client.application.embedded("me").unwrap();
    me.link_href(rel).unwrap().to_owned()
}

/// Tosh has enterprise voice.
fn world(settings: CallForwarding) -> World {
    let mut config: ServerConfig = World::config();
    let tosh = &mut config.users[0];
    tosh.card.work_phone = Some("tel:+4512345678".to_owned());
    tosh.card.mobile_phone = Some("tel:+4587654321".to_owned());
    tosh.enterprise_voice = Some(settings);
    World::of(config)
}

#[test]
fn the_phones_are_those_of_the_card() {
    for representation in [Representation::Json, Representation::Xml] {
        let world = &mut world(CallForwarding::default());
        let tosh = Client::sign_in(world, TOSH, representation);
        let phones = tosh.resource(world, &link(&tosh, "phones"));
        let phones: Vec<_> = phones
            .embedded_all("phone")
            .iter()
            .map(|phone| (phone.text("type").unwrap(), phone.text("number").unwrap()))
            .collect();
        assert_eq!(
            phones,
            [("Work", "tel:+4512345678"), ("Mobile", "tel:+4587654321")]
        );
        let home = format!("{}/home", link(&tosh, "phones"));
        assert_eq!(
            refused(&tosh.get(world, &home)),
            refusal(404, "NotFound", "")
        );
    }
}

#[test]
fn the_settings_name_the_targets_of_forwarded_calls() {
    let texts = |resource: &Resource<'_>| {
        ["activePeriod", "activeSetting", "unansweredCallHandling"]
            .map(|name| resource.text(name).unwrap().to_owned())
    };
    let world_of = |settings| {
        let mut world = world(settings);
        let tosh = Client::sign_in(&mut world, TOSH, Representation::Json);
        let href = link(&tosh, "callForwardingSettings");
        let settings = tosh.resource(&mut world, &href);
        (world, tosh, settings)
    };
    let (_, _, none) = world_of(CallForwarding::default());
    assert_eq!(texts(&none), ["Always", "None", "Disabled"]);
    let immediate = none.embedded("immediateForwardSettings").unwrap();
    assert_eq!(immediate.text("target"), Some("None"));

    let mut settings = CallForwarding::default();
    settings.simultaneous = Some(ForwardingTarget::Team);
    settings.unanswered = Some(ForwardingTarget::Voicemail);
    settings.ring_delay = seconds(15);
    settings.work_hours_only = true;
    let (mut world, tosh, ring) = world_of(settings.clone());
    assert_eq!(texts(&ring), ["Workhours", "SimultaneousRing", "Enabled"]);
    let team = ring.embedded("simultaneousRingSettings").unwrap();
    assert_eq!(team.text("target"), Some("Team"));
    let unanswered = ring.embedded("unansweredCallSettings").unwrap();
    let alone = tosh.resource(&mut world, unanswered.href().unwrap());
    assert_eq!(alone.text("target"), Some("Voicemail"));
    assert_eq!(alone.integer("ringDelay"), Some(15));

    settings.immediate = Some(ForwardingTarget::Contact(SipUri::parse(LENE).unwrap()));
    let (_, _, forwarded) = world_of(settings);
    assert_eq!(
        texts(&forwarded),
        ["Workhours", "ImmediateForward", "Enabled"]
    );
    let immediate = forwarded.embedded("immediateForwardSettings").unwrap();
    assert_eq!(immediate.text("target"), Some("Contact"));
    assert!(immediate.link_href("contact").unwrap().ends_with(LENE));
}

#[test]
fn users_without_enterprise_voice_can_read_neither_phones_nor_settings() {
    let world = &mut world(CallForwarding::default());
    let lene = Client::sign_in(world, LENE, Representation::Json);
    for rel in ["phones", "callForwardingSettings"] {
        let response = lene.get(world, &link(&lene, rel));
        assert_eq!(refused(&response), refusal(403, "Forbidden", ""), "{rel}");
    }
}
