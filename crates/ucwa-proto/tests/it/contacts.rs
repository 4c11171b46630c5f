//! The typed views of contacts, groups and the user's phones.

use ucwa_proto::resources::{
    ActivePeriod, CallForwardingSettings, CallForwardingState, CallForwardingTarget, Group,
    MyGroupMemberships, UnansweredCallHandling, through_view,
};
use ucwa_proto::{FromResource, Limits, Link, Representation, Resource, ToResource};

fn decoded(json: &str) -> Resource<'_> {
    Resource::decode(json.as_bytes(), Representation::Json, &Limits::default()).unwrap()
}

#[test]
fn call_forwarding_is_read_from_both_representations() {
    let read = decoded(
        r#"{"rel":"callForwardingSettings","activePeriod":"Workhours","activeSetting":"None","unansweredCallHandling":"Enabled",
            "_links":{"self":{"href":"/cf"},"turnOffCallForwarding":{"href":"/off"}},
            "_embedded":{"immediateForwardSettings":{"rel":"immediateForwardSettings","target":"Voicemail"},
                         "unansweredCallSettings":{"rel":"unansweredCallSettings","target":"Contact","ringDelay":20,
                                                   "_links":{"contact":{"href":"/people/282"}}}}}"#,
    );
    let settings = CallForwardingSettings::from_resource(&read).unwrap();
    assert_eq!(settings.active_period, Some(ActivePeriod::Workhours));
    assert_eq!(settings.active_setting, Some(CallForwardingState::None));
    assert_eq!(
        settings.unanswered_call_handling,
        Some(UnansweredCallHandling::Enabled)
    );
    assert_eq!(settings.simultaneous_ring_settings, None);
    let immediate = settings.immediate_forward_settings.as_ref().unwrap();
    assert_eq!(immediate.target, Some(CallForwardingTarget::Voicemail));
    let unanswered = settings.unanswered_call_settings.as_ref().unwrap();
    assert_eq!(unanswered.ring_delay, Some(20));
    assert_eq!(unanswered.contact, Some(Link::new("/people/282")));
    for representation in [Representation::Json, Representation::Xml] {
        let bytes = settings.to_resource().encode(representation);
        let again = Resource::decode(&bytes, representation, &Limits::default()).unwrap();
        assert_eq!(
            CallForwardingSettings::from_resource(&again)
                .unwrap()
                .active_setting,
            settings.active_setting,
            "{representation:?}"
        );
    }
}

#[test]
fn a_group_and_its_memberships_have_the_links_that_only_servers_name() {
    let group = decoded(
        r#"{"rel":"group","id":"Pq+/=","name":"Team","_links":{"self":{"href":"/g?groupId=Pq%2B%2F%3D"},"groupMemberships":{"href":"/gm"}}}"#,
    );
    let group = Group::from_resource(&group).unwrap();
    assert_eq!(group.id.as_deref(), Some("Pq+/="));
    assert_eq!(group.group_memberships, Some(Link::new("/gm")));
    let all = decoded(
        r#"{"rel":"myGroupMemberships","_links":{"removeContactFromAllGroups":{"href":"/rm","revision":"2"}},
            "_embedded":{"myGroupMembership":[{"rel":"myGroupMembership","_links":{"self":{"href":"/m/1"},"pinnedGroup":{"href":"/pin"}}}]}}"#,
    );
    let all = MyGroupMemberships::from_resource(&all).unwrap();
    assert!(
        all.remove_contact_from_all_groups
            .is_some_and(|link| link.revision() == 2.0)
    );
    assert_eq!(
        all.my_group_membership[0].pinned_group,
        Some(Link::new("/pin"))
    );
    for rel in [
        "callForwardingSettings",
        "immediateForwardSettings",
        "simultaneousRingSettings",
        "unansweredCallSettings",
    ] {
        assert!(
            through_view(rel, &Resource::new(rel)).unwrap().is_ok(),
            "{rel}"
        );
    }
}
