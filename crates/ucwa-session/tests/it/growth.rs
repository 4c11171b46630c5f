//! Memory of a session that runs for months. Each test repeats what an application does day by day, and measures what
//! the later days have left on the heap: nothing, but for what the application still holds.

use std::time::Duration;

use allocation_counter::measure;
use serde_json::json;
use ucwa_session::*;

use crate::bench::*;
use crate::history;
use crate::people::signed_in_with_people;
use crate::people::{contact, contact_href, fetch, follow, found, presence, search};

const SECOND: Duration = Duration::from_secs(1);

/// How many bytes the heap has more after `days`, when some have passed before.
fn growth(days: std::ops::Range<u64>, mut day: impl FnMut(u64)) -> i64 {
    (0..days.start).for_each(&mut day);
    measure(|| days.for_each(&mut day)).bytes_current
}

/// Drops what the bench keeps of the session's outputs.
fn clear(bench: &mut Bench) {
    bench.events = Vec::new();
    bench.completed = Vec::new();
    bench.aborted = Vec::new();
    bench.asked = Vec::new();
    bench.sent.shrink_to_fit();
}

#[test]
fn people_whom_nobody_follows_any_more_take_no_memory() {
    let mut bench = Bench::signed_in();
    let grown = growth(1..3, |day| {
        for number in day * 2_000..(day + 1) * 2_000 {
            let address = format!("sip:user{number}@contoso.com");
            for interest in [Interest::Live, Interest::None] {
                bench.submit(follow(&address, PersonField::Status, interest));
                clear(&mut bench);
            }
        }
        bench.advance(SECOND);
    });
    assert!(grown < 50_000, "{grown} bytes for 4,000 people");
}

#[test]
fn people_who_were_found_once_take_no_memory() {
    let mut bench = signed_in_with_people();
    let grown = growth(5..25, |day| {
        let first = u32::try_from(day).unwrap() * 100;
        bench.submit(search("a"));
        let contacts: Vec<_> = (first..first + 100)
            .map(|id| contact(id, &format!("sip:user{id}@contoso.com"), "A"))
            .collect();
        bench.reply(
            "GET",
            &format!("{APP}/search"),
            200,
            found(json!(contacts), true),
        );
        // One is read, and an event speaks of another.
        let address = format!("sip:user{first}@contoso.com");
        bench.submit(fetch(&address, PersonField::Status));
        bench.advance(SECOND);
        let target = format!("{}/contactPresence", contact_href(first));
        bench.reply("GET", &target, 200, presence("Online"));
        clear(&mut bench);
    });
    assert!(grown < 50_000, "{grown} bytes for 2,000 people");
}

#[test]
fn a_contact_that_moves_again_and_again_takes_no_memory() {
    let mut bench = signed_in_with_people();
    bench.submit(follow(
        "sip:lenea@contoso.com",
        PersonField::Note,
        Interest::Every(Duration::MAX),
    ));
    let grown = growth(10..1000, |day| {
        let id = u32::try_from(day).unwrap();
        bench.submit(search("a"));
        let lene = contact(id, "sip:lenea@contoso.com", "Lene Aaling");
        bench.reply(
            "GET",
            &format!("{APP}/search?query=a&"),
            200,
            found(json!([lene]), false),
        );
        clear(&mut bench);
    });
    assert!(grown < 20_000, "{grown} bytes for 990 addresses");
}

#[test]
fn logs_that_the_server_lists_no_more_take_no_memory() {
    let mut bench = history::signed_in();
    let mut forgotten = 0;
    let grown = growth(1000..3000, |day| {
        let number = u32::try_from(day).unwrap();
        bench.submit(Operation::ListArchived { count: 1 });
        if bench.is_sent("GET", &history::missed_href()) {
            bench.reply("GET", &history::missed_href(), 200, history::missed(0));
        }
        let list = history::list([number, number.saturating_sub(1)]);
        bench.reply("GET", &history::logs_href(), 200, list);
        let log = history::log(number, &format!("t{number}"), "sip:lenea@contoso.com");
        bench.reply("GET", &history::log_href(number), 200, log);
        let conversations: Vec<_> = (bench.events.iter())
            .filter_map(|event| match event {
                SessionEvent::Archived { conversation, .. } => Some(*conversation),
                _ => None,
            })
            .collect();
        for conversation in conversations {
            forgotten += 1;
            bench.submit(Operation::ForgetConversation(conversation));
        }
        clear(&mut bench);
    });
    assert_eq!(forgotten, 3000);
    assert!(grown < 50_000, "{grown} bytes for 2,000 logs");
}
