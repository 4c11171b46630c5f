//! The presence, privacy levels, photos and phones of the users in a contact list.

use skype_p2p::{CallForwardingMode, CallForwardingTarget, PersonStatus, PhotoSize, UserPhone};

use super::*;

#[tokio::test(start_paused = true)]
async fn one_subscription_follows_the_presence_of_a_group() {
    for representation in BOTH {
        let world = world();
        let (tosh, alex) = (tosh(&world, representation).await, world.alex().await);
        let _following = follow(&tosh).await;
        let presence = named(&tosh, "Team").subscribe_presence();
        let person = tosh.persons_and_groups_manager().get_person(ALEX).unwrap();
        let status = person.status();
        sleep(MOMENT).await;
        assert_eq!(status.get(), PersonStatus::Online);
        alex.me().status().set(PersonStatus::Busy).await.unwrap();
        sleep(MOMENT).await;
        assert_eq!(status.get(), PersonStatus::Busy);
        drop(presence);
        sleep(Duration::from_secs(60)).await;
        let mut requests = requests_for_people(&world);
        requests.retain(|line| line.contains("/presenceSubscriptions"));
        assert_eq!(
            requests,
            [
                "POST /people/presenceSubscriptions?groupId=%2b500000001%3d%3d",
                "DELETE /people/presenceSubscriptions/+500000001==",
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_privacy_level_is_set_and_reset() {
    for representation in BOTH {
        let world = world();
        let first = tosh(&world, representation).await;
        let second = tosh(&world, representation).await;
        let lene = first.persons_and_groups_manager().get_person(LENE).unwrap();
        let level = lene.relationship_level();
        assert_eq!(level.fetch().await, Ok(Some(PrivacyLevel::Colleagues)));
        let there = second.persons_and_groups_manager().get_person(LENE);
        let there = there.unwrap().relationship_level();
        let _following = there.subscribe();
        let blocked = lene.set_relationship_level(PrivacyLevel::Blocked);
        blocked.await.unwrap();
        sleep(MOMENT).await;
        assert_eq!(level.get(), Some(PrivacyLevel::Blocked));
        assert_eq!(there.get(), Some(PrivacyLevel::Blocked));
        lene.reset_relationship_level().await.unwrap();
        sleep(MOMENT).await;
        assert_eq!(level.get(), Some(PrivacyLevel::Colleagues));
        assert_eq!(there.get(), Some(PrivacyLevel::Colleagues));
    }
}

#[tokio::test(start_paused = true)]
async fn the_members_of_a_privacy_level_are_read_at_an_interval() {
    for representation in BOTH {
        let world = world();
        let first = tosh(&world, representation).await;
        let second = tosh(&world, representation).await;
        let groups = all(&first).groups().fetch().await.unwrap();
        let mut groups = groups.into_iter();
        let blocked = groups.find(|it| it.relationship_level() == Some(PrivacyLevel::Blocked));
        let blocked = blocked.unwrap();
        let polling = blocked.persons().subscribe_every(Duration::from_secs(30));
        sleep(MOMENT).await;
        assert!(addresses(&blocked).is_empty());
        let lene = second.persons_and_groups_manager().get_person(LENE);
        let block = lene.unwrap().set_relationship_level(PrivacyLevel::Blocked);
        block.await.unwrap();
        sleep(MOMENT).await;
        assert!(addresses(&blocked).is_empty(), "no event reports it");
        sleep(Duration::from_secs(30)).await;
        assert_eq!(addresses(&blocked), [LENE]);
        drop(polling);
        let reads = || {
            let requests = requests_for_people(&world);
            let reads = requests
                .iter()
                .filter(|it| it.contains("/privacyRelationships"));
            reads.count()
        };
        let before = reads();
        sleep(Duration::from_secs(120)).await;
        assert_eq!(reads(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_photo_is_loaded_once_and_then_checked() {
    for representation in BOTH {
        let world = world();
        let tosh = tosh(&world, representation).await;
        let persons = all(&tosh).persons().fetch().await.unwrap();
        let size = Some(PhotoSize::new(96, 96));
        let photo = persons[0].fetch_photo(size, None).await.unwrap().unwrap();
        assert_eq!((&*photo.image, &*photo.media_type), (IMAGE, "image/jpeg"));
        let again = persons[0].fetch_photo(size, Some(photo.clone())).await;
        assert!(Arc::ptr_eq(&again.unwrap().unwrap().image, &photo.image));
        let requests = world.requests();
        let requests = requests.iter().map(Request::uri);
        let photos = requests.filter(|uri| uri.path().contains("/photos/"));
        let sizes: Vec<_> = photos.map(|uri| uri.query()).collect();
        assert_eq!(sizes, [Some("size=HR96X96"); 2]);
        assert_eq!(persons[1].fetch_photo(size, None).await, Ok(None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_with_enterprise_voice_has_phones_and_call_forwarding() {
    for representation in BOTH {
        let world = world();
        let tosh = tosh(&world, representation).await;
        let phones = tosh.me().fetch_phones().await.unwrap();
        assert_eq!(phones, [UserPhone::new("work", "tel:+4512345678", true)]);
        let forwarding = tosh.me().fetch_call_forwarding().await.unwrap();
        assert_eq!(forwarding.mode, CallForwardingMode::Immediate);
        assert_eq!(forwarding.immediate, CallForwardingTarget::Contact);
        assert_eq!(forwarding.ring_delay, Some(Duration::from_secs(20)));
        let lene = world.lene().await;
        let refused = lene.me().fetch_call_forwarding().await.unwrap_err();
        assert_eq!(*refused.code(), ReasonCode::NotSupported);
    }
}
