//! The contact list, its groups and photos, on a scripted contact list.

mod server;

use std::{sync::Arc, time::Duration};

use skype_p2p::{
    Application, Group, GroupType, PhotoSize, PrivacyLevel, ReasonCode, Subscriptions, UserPhone,
};
use tokio::time::sleep;

use self::server::{ContactServer, PHOTO, TEAM};
use crate::world::{ALEX, LENE};

const MOMENT: Duration = Duration::from_secs(1);

fn all(application: &Application) -> Group {
    application.persons_and_groups_manager().all()
}

/// Follows the contacts and the groups.
fn follow(application: &Application) -> Subscriptions {
    let mut following = Subscriptions::new();
    following.add(all(application).persons().subscribe());
    following.add(all(application).groups().subscribe());
    following
}

fn named(application: &Application, name: &str) -> Group {
    let groups = all(application).groups().snapshot();
    let mut groups = groups.into_iter();
    groups
        .find(|group| group.name().get().as_deref() == Some(name))
        .unwrap()
}

fn addresses(group: &Group) -> Vec<String> {
    let persons = group.persons().snapshot();
    persons.iter().map(|it| it.id().get()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_followed_contact_list_shows_contacts_with_their_cards_and_groups() {
    let server = ContactServer::new();
    let tosh = server.tosh().await;
    assert_eq!(server.take_log(), Vec::<String>::new());
    let _following = follow(&tosh);
    sleep(MOMENT).await;
    let persons = all(&tosh).persons().snapshot();
    let shown: Vec<_> = persons.iter().map(|it| it.display_name().get()).collect();
    assert_eq!(shown, ["Alex Darrow", "Lene Aaling"]);
    let groups = all(&tosh).groups().snapshot();
    let types: Vec<_> = groups.iter().map(Group::group_type).collect();
    use GroupType::{Custom, Distribution, Favorites, Others, PrivacyRelationship};
    assert_eq!(
        types,
        [Favorites, Custom, Distribution, Others, PrivacyRelationship]
    );
    assert_eq!(groups[4].relationship_level(), Some(PrivacyLevel::Blocked));
    assert_eq!(
        server.take_log(),
        [
            "GET /list/subscription",
            "POST /list/subscription/start",
            "GET /list/contacts",
            "GET /list/groups",
            "GET /list/levels"
        ]
    );
    let url = persons[0].avatar_url().get().unwrap();
    assert!(url.ends_with("/list/photo/alex"), "{url}");
}

#[tokio::test(start_paused = true)]
async fn a_change_appears_with_the_event_of_the_server() {
    let server = ContactServer::new();
    let tosh = server.tosh().await;
    let mut following = follow(&tosh);
    sleep(MOMENT).await;
    let team = named(&tosh, TEAM);
    following.add(team.persons().subscribe());
    sleep(MOMENT).await;
    assert_eq!(addresses(&team), [ALEX]);
    team.persons().add(LENE).await.unwrap();
    assert_eq!(addresses(&team), [ALEX], "the event is on its way");
    sleep(MOMENT).await;
    assert_eq!(addresses(&team), [ALEX, LENE]);
    let alex = team.persons().get(0).unwrap();
    team.persons().remove(&alex).await.unwrap();
    sleep(MOMENT).await;
    assert_eq!(addresses(&team), [LENE]);
    // A person who is not there is removed already.
    team.persons().remove(&alex).await.unwrap();
    server.add_elsewhere("pinned");
    let pinned = named(&tosh, "Pinned Contacts");
    assert_eq!(addresses(&pinned), Vec::<String>::new());
    assert_eq!(
        pinned.persons().fetch().await.unwrap(),
        team.persons().snapshot()
    );
}

#[tokio::test(start_paused = true)]
async fn a_group_is_created_renamed_and_deleted() {
    let server = ContactServer::new();
    let tosh = server.tosh().await;
    let _following = follow(&tosh);
    sleep(MOMENT).await;
    let groups = all(&tosh).groups();
    let crew = tosh.persons_and_groups_manager().create_group("Crew");
    groups.add(&crew).await.unwrap();
    sleep(MOMENT).await;
    assert_eq!(crew.id().get().as_deref(), Some("g2"));
    assert_eq!(named(&tosh, "Crew"), crew);
    crew.set_name("Band").await.unwrap();
    crew.name().wait_for(Some("Band".to_owned())).await.unwrap();
    groups.remove(&crew).await.unwrap();
    sleep(MOMENT).await;
    assert!(!groups.snapshot().contains(&crew));
    assert_eq!(crew.name().get().as_deref(), Some("Band"));
    let refused = crew.set_name("Crew").await.unwrap_err();
    assert_eq!(*refused.code(), ReasonCode::Gone);
}

#[tokio::test(start_paused = true)]
async fn a_move_whose_removal_is_refused_fails_with_partial() {
    let server = ContactServer::new();
    let tosh = server.tosh().await;
    let _following = follow(&tosh);
    sleep(MOMENT).await;
    let (team, others) = (named(&tosh, TEAM), named(&tosh, "Other Contacts"));
    let lene = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
    server.refuse_removals();
    let moved = others.move_person(&lene, &team).await;
    assert_eq!(*moved.unwrap_err().code(), ReasonCode::Partial);
    let both = (team.persons().fetch().await, others.persons().fetch().await);
    assert!(both.0.unwrap().contains(&lene) && both.1.unwrap().contains(&lene));
}

#[tokio::test(start_paused = true)]
async fn a_server_of_the_older_revision_disables_the_commands() {
    let server = ContactServer::new();
    let tosh = server.tosh().await;
    let _following = follow(&tosh);
    sleep(MOMENT).await;
    server.downgrade();
    let add = all(&tosh).persons().add_command();
    assert!(add.enabled().get());
    let refused = all(&tosh).persons().add(ALEX).await.unwrap_err();
    assert_eq!(*refused.code(), ReasonCode::NotSupported);
    assert!(!add.enabled().get());
    assert_eq!(all(&tosh).persons().fetch().await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn groups_are_loaded_on_demand_also_the_hidden_ones() {
    let server = ContactServer::new();
    let tosh = server.tosh().await;
    let manager = tosh.persons_and_groups_manager();
    let delegates = manager.delegates();
    assert_eq!(delegates.persons().fetch().await.unwrap(), []);
    assert_eq!(
        server.take_log(),
        [
            "GET /list/groups",
            "GET /list/levels",
            "GET /list/groups/delegates",
            "GET /list/contacts?groupId=delegates"
        ]
    );
    assert_eq!(manager.organization().persons().fetch().await.unwrap(), []);
    assert_eq!(server.take_log(), Vec::<String>::new());
    let sales = named(&tosh, "Sales");
    let (persons, groups) = (sales.persons().fetch(), sales.groups().fetch());
    assert_eq!(persons.await.unwrap()[0].id().get(), ALEX);
    let west = groups.await.unwrap().remove(0);
    assert_eq!(west.name().get().as_deref(), Some("West"));
    assert_eq!(server.take_log(), ["GET /list/expand/sales"]);
}

#[tokio::test(start_paused = true)]
async fn a_photo_is_loaded_once_and_then_checked() {
    let server = ContactServer::new();
    let tosh = server.tosh().await;
    let persons = all(&tosh).persons().fetch().await.unwrap();
    let size = Some(PhotoSize::new(96, 96));
    let photo = persons[1].fetch_photo(size, None).await.unwrap().unwrap();
    assert_eq!((&*photo.image, &*photo.media_type), (PHOTO, "image/jpeg"));
    let again = persons[1].fetch_photo(size, Some(photo.clone())).await;
    assert!(Arc::ptr_eq(&again.unwrap().unwrap().image, &photo.image));
    assert_eq!(persons[0].fetch_photo(size, None).await, Ok(None));
    let phones = tosh.me().fetch_phones().await.unwrap();
    assert_eq!(phones, [UserPhone::new("work", "tel:+4512345678", true)]);
    let refused = tosh.me().fetch_call_forwarding().await.unwrap_err();
    assert_eq!(*refused.code(), ReasonCode::NotSupported);
}
