//! The injected faults.

use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use ucwa_proto::{Follow, Representation};
use ucwa_server::{Fault, Input, Output, RequestId, RetryAfter};

use crate::harness::{Chat, Client, LENE, TOSH, World, refusal, refused};

fn lene() -> String {
    format!("sip:{LENE}")
}

#[test]
fn expired_tokens_are_refused_and_new_ones_are_issued() {
    let mut world = World::new();
    let world = &mut world;
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    world.inject(Fault::ExpireTokens);
    let home = tosh.application.href().unwrap().to_owned();
    assert_eq!(tosh.get(world, &home).status(), StatusCode::UNAUTHORIZED);
    tosh.token = Client::sign_in_at(world, TOSH, Representation::Json, "other").token;
    assert_eq!(tosh.get(world, &home).status(), StatusCode::OK);
}

#[test]
fn dropped_and_expired_applications_answer_404_and_410() {
    for (fault, refusal) in [
        (
            Fault::DropApplications { user: lene() },
            refusal(404, "NotFound", "ApplicationNotFound"),
        ),
        (
            Fault::ExpireApplications { user: lene() },
            refusal(410, "Gone", "InactiveApplicationExpired"),
        ),
    ] {
        let mut world = World::new();
        let world = &mut world;
        let mut chat = Chat::new(world);
        let parked = chat.lene.park(world);
        world.inject(fault);
        assert_eq!(refused(&world.reply(parked).unwrap()), refusal);
        let home = chat.lene.application.href().unwrap();
        assert_eq!(refused(&chat.lene.get(world, home)), refusal);
        // The end of the conversation is reported to the other participant, and the user can sign in again.
        assert_eq!(
            chat.tosh.page(world).story().last().unwrap(),
            "communication conversation deleted"
        );
        let back = Client::available(world, LENE, Representation::Json);
        assert_ne!(back.application.href(), Some(home));
        assert_eq!(
            chat.tosh.invite(world, LENE, "2", "").status(),
            StatusCode::CREATED
        );
    }
}

#[test]
fn a_pending_get_gets_a_resume_or_resync_link_and_the_channel_continues() {
    for resync in [false, true] {
        let mut world = World::new();
        let world = &mut world;
        let mut chat = Chat::new(world);
        let parked = chat.lene.park(world);
        world.inject(if resync {
            Fault::Resync { user: lene() }
        } else {
            Fault::Resume { user: lene() }
        });
        let lost = world.reply(parked).unwrap();
        let page = chat.lene.page(world);
        assert_eq!(page.0, chat.lene.decode_page(&lost), "it comes again");
        match page.0.follow.as_ref().unwrap() {
            Follow::Resync(_) => assert!(resync),
            Follow::Resume(_) => assert!(!resync),
            Follow::Next(_) => panic!("{page:?}"),
        }
        chat.tosh_says(world, "Hello");
        let page = chat.lene.page(world);
        assert_eq!(page.story(), ["conversation message completed Success"]);
        assert!(matches!(page.0.follow, Some(Follow::Next(_))));
    }
}

#[test]
fn aggregated_events_contain_only_the_latest_state() {
    let mut world = World::new();
    let world = &mut world;
    world.inject(Fault::AggregateEvents);
    let mut tosh = Client::available(world, TOSH, Representation::Json);
    tosh.invite(world, LENE, "1", "");
    // The conversation and the localParticipant were added and deleted, so neither is reported.
    let page = tosh.page(world);
    assert_eq!(
        page.story(),
        [
            "communication messagingInvitation completed Failure",
            "conversation messaging updated"
        ]
    );
    let mut lene = Client::available(world, LENE, Representation::Json);
    tosh.invite(world, LENE, "2", "");
    let ringing = lene.page(world);
    let accept = ringing.resource("messagingInvitation").link_href("accept");
    lene.press(world, accept.unwrap());
    // A new resource is reported as `added`, in its latest state.
    let page = tosh.page(world);
    assert_eq!(
        page.story(),
        [
            "conversation localParticipant added",
            "communication conversation added",
            "conversation participant added",
            "conversation participantMessaging added in participant",
            "conversation participantMessaging added in localParticipant",
            "conversation messaging updated",
            "communication messagingInvitation completed Success",
        ]
    );
    assert_eq!(
        page.resource("conversation").text("state"),
        Some("Connected")
    );
}

#[test]
fn events_are_sent_before_the_response() {
    let mut world = World::new();
    let world = &mut world;
    world.inject(Fault::EventsBeforeResponses);
    let tosh = Client::available(world, TOSH, Representation::Json);
    Client::available(world, LENE, Representation::Json);
    let parked = tosh.park(world);
    let start = tosh.communication().link_href("startMessaging").unwrap();
    let href = format!("{start}?to=sip%3A{LENE}&operationId=7");
    let request = tosh
        .builder(&http::Method::POST, &href)
        .header("content-length", 0)
        .body(bytes::Bytes::new())
        .unwrap();
    let id = RequestId(1_000_000);
    world
        .engine
        .handle(world.now, Input::Request { id, request });
    let mut order = Vec::new();
    while let Output::Reply { id, .. } = world.engine.poll_output() {
        order.push(id);
    }
    assert_eq!(order, [parked, id]);
}

#[test]
fn the_next_matching_requests_get_the_status_and_retry_after() {
    let mut world = World::new();
    let world = &mut world;
    let tosh = Client::available(world, TOSH, Representation::Json);
    let home = tosh.application.href().unwrap().to_owned();
    let me = format!("{home}/me");
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    for (retry_after, header) in [
        (Some(RetryAfter::Seconds(7)), Some("7")),
        (
            Some(RetryAfter::Date(date)),
            Some("Sun, 06 Nov 1994 08:49:37 GMT"),
        ),
        (None, None),
    ] {
        world.inject(Fault::TurnAway {
            method: Method::GET,
            path: "/me".to_owned(),
            count: 2,
            status: StatusCode::SERVICE_UNAVAILABLE,
            retry_after,
        });
        assert_eq!(tosh.get(world, &home).status(), StatusCode::OK);
        for _ in 0..2 {
            let response = tosh.get(world, &me);
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            let sent = response.headers().get("retry-after");
            assert_eq!(sent.map(|it| it.to_str().unwrap()), header);
        }
        assert_eq!(tosh.get(world, &me).status(), StatusCode::OK);
    }
}
