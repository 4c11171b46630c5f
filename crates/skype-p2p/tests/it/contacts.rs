//! The contact list, its groups, privacy levels, photos and phones, at the server's engine in JSON and in XML.

mod persons;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, TransportError};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use skype_p2p::{
    Application, ApplicationBuilder, Credentials, Group, GroupType, PrivacyLevel, ReasonCode,
    Representation, Subscriptions,
};
use tokio::time::sleep;
use ucwa_server::{
    CallForwarding, DistributionGroup, Fault, ForwardingTarget, Photo, ServerConfig, SipUri,
};

use crate::world::{ALEX, JOE, LENE, TOSH, TOSH_PASSWORD, World, users};

const MOMENT: Duration = Duration::from_secs(1);
const BOTH: [Representation; 2] = [Representation::Json, Representation::Xml];
/// The image of Lene's photo.
const IMAGE: &[u8] = b"a photo of Lene";

/// A world in which Tosh has two contacts: Lene is in no group of theirs, and Alex is in the group Team. Tosh reports to Lene. The
/// distribution group Sales contains Alex and the distribution group West.
fn world() -> World {
    let uri = |address: &str| SipUri::parse(address).unwrap();
    let mut users = users();
    let contacts = &mut users[0].contacts;
    contacts.contacts = vec![uri(LENE)];
    contacts.groups = vec![("Team".to_owned(), vec![uri(ALEX)])];
    contacts.distribution_groups = vec![uri("sip:sales@contoso.com")];
    contacts.delegates = vec![uri(ALEX)];
    users[0].manager = Some(uri(LENE));
    users[0].card.work_phone = Some("tel:+4512345678".to_owned());
    let mut forwarding = CallForwarding::default();
    forwarding.immediate = Some(ForwardingTarget::Contact(uri(LENE)));
    users[0].enterprise_voice = Some(forwarding);
    users[1].photo = Some(Photo::new("image/jpeg", IMAGE));
    let west = DistributionGroup::new("sip:west@contoso.com", "West").unwrap();
    let mut sales = DistributionGroup::new("sip:sales@contoso.com", "Sales").unwrap();
    sales.members = vec![uri(ALEX), west.uri.clone()];
    let mut config = ServerConfig::new(users);
    config.distribution_groups = vec![sales, west];
    World::with_config(config)
}

async fn signed_in(builder: ApplicationBuilder) -> Application {
    let application = builder.build().unwrap();
    let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
    let manager = application.sign_in_manager();
    manager.sign_in(credentials).await.unwrap();
    application
}

/// An endpoint of Tosh, signed in.
async fn tosh(world: &World, representation: Representation) -> Application {
    signed_in(world.builder().representation(representation)).await
}

fn all(application: &Application) -> Group {
    application.persons_and_groups_manager().all()
}

/// Follows the contacts and the groups.
async fn follow(application: &Application) -> Subscriptions {
    let mut following = Subscriptions::new();
    following.add(all(application).persons().subscribe());
    following.add(all(application).groups().subscribe());
    sleep(MOMENT).await;
    following
}

fn find(application: &Application, name: &str) -> Option<Group> {
    let groups = all(application).groups().snapshot();
    let mut groups = groups.into_iter();
    groups.find(|group| group.name().get().as_deref() == Some(name))
}

fn named(application: &Application, name: &str) -> Group {
    find(application, name).unwrap_or_else(|| panic!("no group {name}"))
}

fn addresses(group: &Group) -> Vec<String> {
    let persons = group.persons().snapshot();
    persons.iter().map(|it| it.id().get()).collect()
}

/// The requests so far below the resource `people`, also those in batches: the method, the path behind the address of the
/// application, and the query.
fn requests_for_people(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    for request in world.requests() {
        let line = format!("{} {} HTTP/1.1", request.method(), request.uri());
        let body = String::from_utf8_lossy(request.body()).into_owned();
        for line in line.lines().chain(body.lines()) {
            let Some(line) = line.strip_suffix(" HTTP/1.1") else {
                continue;
            };
            if let (Some((method, _)), Some(at)) = (line.split_once(' '), line.find("/people")) {
                found.push(format!("{method} {}", &line[at..]));
            }
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn a_followed_contact_list_shows_contacts_with_their_cards_and_groups() {
    for representation in BOTH {
        let world = world();
        let tosh = tosh(&world, representation).await;
        assert_eq!(requests_for_people(&world), [""; 0], "nothing is followed");
        let _following = follow(&tosh).await;
        let persons = all(&tosh).persons().snapshot();
        let shown: Vec<_> = persons.iter().map(|it| it.display_name().get()).collect();
        assert_eq!(shown, ["Lene Aaling", "Alex Darrow"]);
        let groups = all(&tosh).groups().snapshot();
        let types: Vec<_> = groups.iter().map(Group::group_type).collect();
        use GroupType::{Custom, Distribution, Favorites, Others, PrivacyRelationship};
        assert_eq!(types[..4], [Favorites, Custom, Distribution, Others]);
        assert_eq!(types[4..], [PrivacyRelationship; 5]);
        assert_eq!(groups[4].relationship_level(), Some(PrivacyLevel::Blocked));
        let url = persons[0].avatar_url().get().unwrap();
        assert!(url.ends_with("/photos/lenea@contoso.com"), "{url}");
        assert_eq!(
            requests_for_people(&world),
            [
                "GET /people/contactsAndGroupsSubscription",
                "POST /people/contactsAndGroupsSubscription/startOrRefresh",
                "GET /people/contacts",
                "GET /people/groups",
                "GET /people/privacyRelationships",
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_appears_with_the_event_of_the_server() {
    for representation in BOTH {
        let world = world();
        let first = tosh(&world, representation).await;
        let second = tosh(&world, representation).await;
        let mut following = (follow(&first).await, follow(&second).await);
        let team = named(&first, "Team");
        following.0.add(team.persons().subscribe());
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
        // The server answers 404 if the person is not in the group.
        team.persons().remove(&alex).await.unwrap();

        all(&second).persons().add(JOE).await.unwrap();
        let favorites = named(&second, "Pinned Contacts");
        favorites.persons().add(JOE).await.unwrap();
        sleep(MOMENT).await;
        let joe = all(&first).persons().snapshot().pop().unwrap();
        assert_eq!(joe.display_name().get(), "Joe Smith");
        let favorites = named(&first, "Pinned Contacts");
        assert_eq!(
            addresses(&favorites),
            [""; 0],
            "nothing follows the members"
        );
        assert_eq!(favorites.persons().fetch().await.unwrap(), [joe]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_is_created_renamed_and_deleted() {
    for representation in BOTH {
        let world = world();
        let first = tosh(&world, representation).await;
        let second = tosh(&world, representation).await;
        let _following = (follow(&first).await, follow(&second).await);
        let groups = all(&first).groups();
        let crew = first.persons_and_groups_manager().create_group("Crew");
        groups.add(&crew).await.unwrap();
        sleep(MOMENT).await;
        assert_eq!(named(&first, "Crew"), crew);
        assert_eq!(named(&second, "Crew").id().get(), crew.id().get());
        crew.set_name("Band").await.unwrap();
        sleep(MOMENT).await;
        assert_eq!(named(&first, "Band"), crew);
        assert_eq!(named(&second, "Band").id().get(), crew.id().get());
        groups.remove(&crew).await.unwrap();
        sleep(MOMENT).await;
        assert!(!groups.snapshot().contains(&crew));
        assert_eq!(find(&second, "Band"), None);
        assert_eq!(crew.name().get().as_deref(), Some("Band"));
        let refused = crew.set_name("Crew").await.unwrap_err();
        assert_eq!(*refused.code(), ReasonCode::Gone);
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_is_moved_to_another_group() {
    for representation in BOTH {
        let world = world();
        let tosh = tosh(&world, representation).await;
        let mut following = follow(&tosh).await;
        let (team, others) = (named(&tosh, "Team"), named(&tosh, "Other Contacts"));
        following.add(team.persons().subscribe());
        following.add(others.persons().subscribe());
        let lene = tosh.persons_and_groups_manager().get_person(LENE).unwrap();
        others.move_person(&lene, &team).await.unwrap();
        sleep(MOMENT).await;
        assert_eq!((addresses(&team).len(), addresses(&others).len()), (2, 0));
        assert_eq!(lene.groups().fetch().await.unwrap(), [team]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_whose_removal_is_refused_fails_with_partial() {
    let world = world();
    let tosh = tosh(&world, Representation::Json).await;
    let _following = follow(&tosh).await;
    let team = named(&tosh, "Team");
    let favorites = named(&tosh, "Pinned Contacts");
    let alex = tosh.persons_and_groups_manager().get_person(ALEX).unwrap();
    world.inject(Fault::TurnAway {
        method: Method::DELETE,
        path: "/groupMemberships".to_owned(),
        count: 1,
        status: StatusCode::FORBIDDEN,
        retry_after: None,
    });
    let moved = team.move_person(&alex, &favorites).await;
    assert_eq!(*moved.unwrap_err().code(), ReasonCode::Partial);
    for group in [team, favorites] {
        assert!(group.persons().fetch().await.unwrap().contains(&alex));
    }
}

/// A transport that requires a newer revision than the client does, so that the server refuses each change as a server of the older
/// revision would.
#[derive(Debug)]
struct OlderRevision(World);

#[async_trait]
impl HttpTransport for OlderRevision {
    async fn send(
        &self,
        mut request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let headers = request.headers_mut();
        if let Some(required) = headers.get_mut("x-ms-requiresminresourceversion") {
            assert_eq!(required, "2");
            *required = HeaderValue::from_static("3");
        }
        self.0.send(request, options).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_of_the_older_revision_disables_the_commands() {
    for representation in BOTH {
        let world = world();
        let builder = world.builder().representation(representation);
        let older = Arc::new(OlderRevision(world.clone()));
        let tosh = signed_in(builder.transport(older)).await;
        let _following = follow(&tosh).await;
        let add = all(&tosh).persons().add_command();
        assert!(add.enabled().get());
        let refused = all(&tosh).persons().add(JOE).await.unwrap_err();
        assert_eq!(*refused.code(), ReasonCode::NotSupported);
        assert!(!add.enabled().get());
        let refused = all(&tosh).persons().add(JOE).await.unwrap_err();
        assert_eq!(*refused.code(), ReasonCode::CommandDisabled);
        assert_eq!(all(&tosh).persons().fetch().await.unwrap().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn groups_are_loaded_on_demand_also_the_hidden_ones() {
    for representation in BOTH {
        let world = world();
        let tosh = tosh(&world, representation).await;
        let manager = tosh.persons_and_groups_manager();
        let delegates = manager.delegates().persons().fetch().await.unwrap();
        assert_eq!(delegates[0].id().get(), ALEX);
        let read = requests_for_people(&world);
        assert_eq!(
            read,
            [
                "GET /people/groups",
                "GET /people/privacyRelationships",
                "GET /people/groups/delegatesGroup",
                "GET /people/contacts?groupId=%2b300000000%3d%3d",
            ]
        );
        let groups = all(&tosh).groups().snapshot();
        assert!(!groups.contains(&manager.delegates()));
        let organization = manager.organization().persons().fetch().await.unwrap();
        assert_eq!(organization[0].id().get(), LENE);
        let organization = requests_for_people(&world).split_off(read.len());
        assert_eq!(
            organization,
            [
                "GET /people/groups/myOrganizationGroup",
                "GET /people/contacts?groupId=%2b700000000%3d%3d",
            ]
        );
        let read = requests_for_people(&world);
        let sales = named(&tosh, "Sales");
        let (persons, groups) = (sales.persons().fetch(), sales.groups().fetch());
        assert_eq!(persons.await.unwrap()[0].id().get(), ALEX);
        let west = groups.await.unwrap().remove(0);
        assert_eq!(west.name().get().as_deref(), Some("West"));
        let expanded = &requests_for_people(&world)[read.len()..];
        assert_eq!(
            expanded,
            ["GET /people/distributionGroups/+600000000==/expandDistributionGroup"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_distribution_group_is_found_added_and_removed() {
    for representation in BOTH {
        let world = world();
        let tosh = tosh(&world, representation).await;
        let _following = follow(&tosh).await;
        let manager = tosh.persons_and_groups_manager();
        let found = manager.search_groups("west", 10).await.unwrap().groups;
        all(&tosh).groups().add(&found[0]).await.unwrap();
        sleep(MOMENT).await;
        let west = named(&tosh, "West");
        assert_eq!(west.group_type(), GroupType::Distribution);
        all(&tosh).groups().remove(&west).await.unwrap();
        sleep(MOMENT).await;
        assert_eq!(find(&tosh, "West"), None);
    }
}
