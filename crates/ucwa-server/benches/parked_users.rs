//! The memory of a user who waits for events, and the cost of a request beside such users: `cargo bench -p ucwa-server`.
//! The columns of a request should be the same in each line, except those of the search and of the status.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    reason = "a benchmark, which uses a part of the test harness"
)]

#[path = "../tests/it/harness.rs"]
mod harness;
#[path = "../tests/it/parked_users.rs"]
mod parked_users;

use std::hint::black_box;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use http::StatusCode;
use ucwa_proto::Resource;

use harness::{Chat, World};
use parked_users::with_parked_users;

/// The requests of a kind. The shortest time is printed, which excludes other load on the machine.
const REQUESTS: u32 = 1000;

fn main() {
    println!("{:>7} {:>12}  µs per request", "users", "bytes/user");
    println!(
        "{:>7} {:>12} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "", "GET me", "presence", "message", "search", "status"
    );
    for users in [100, 1_000, 10_000] {
        let mut world = None;
        let config = World::config();
        let bytes = measure(|| world = Some(with_parked_users(config, users))).bytes_current;
        let per_user = bytes / i64::try_from(users).unwrap();
        let costs = costs(&mut world.unwrap()).map(|cost| cost.as_nanos() as f64 / 1000.0);
        print!("{users:>7} {per_user:>12}");
        for cost in costs {
            print!(" {cost:>9.1}");
        }
        println!();
    }
}

/// The time of a read, a change of presence that one user sees, a message, a search without a result, and the status.
fn costs(world: &mut World) -> [Duration; 5] {
    let mut chat = Chat::new(world);
    let me = chat.lene.application.embedded("me").unwrap();
    let me = me.href().unwrap().to_owned();
    let presence = chat.lene.resource(world, &me);
    let presence = presence.link_href("presence").unwrap().to_owned();
    let people = chat.lene.application.embedded("people").unwrap();
    let search = format!("{}?query=nobody", people.link_href("search").unwrap());

    let read = time(|| assert_eq!(chat.lene.get(world, &me).status(), StatusCode::OK));
    let mut words = ["Busy", "Online"].into_iter().cycle();
    let changed = time(|| {
        let word = words.next().unwrap();
        let availability = Resource::anonymous().with_property("availability", word);
        let response = chat.lene.post(world, &presence, &availability);
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
    });
    let said = time(|| {
        let response = chat.tosh_says(world, "Lunch at noon?");
        assert_eq!(response.status(), StatusCode::CREATED);
    });
    let page = chat.lene.page(world);
    assert!(
        page.story().len() >= REQUESTS as usize,
        "each message arrives"
    );
    let searched = time(|| assert_eq!(chat.lene.get(world, &search).status(), StatusCode::OK));
    let status = time(|| drop(black_box(world.engine.activity())));
    [read, changed, said, searched, status]
}

fn time(mut run: impl FnMut()) -> Duration {
    let times = (0..REQUESTS).map(|_| {
        let begin = Instant::now();
        run();
        begin.elapsed()
    });
    times.min().unwrap()
}
