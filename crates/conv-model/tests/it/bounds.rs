//! Limits: the memory of registrations, and the number of changes that one thread delivers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use crate::support::TestModel;

/// A value whose drop decrements a counter.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn ended_registrations_take_no_memory() {
    let model = TestModel::signed_out();
    let kept = Arc::new(AtomicUsize::new(0));
    let _live: Vec<_> = (0..4).map(|_| model.number().changed(|_| {})).collect();
    let register = |value| {
        let counted = Counted::new(&kept);
        let matches = move |number: &usize| {
            let _ = &counted;
            *number == value
        };
        model.number().once_matching(matches, |_| {}).detach();
    };
    // The replay matches, so the registration ends without a write.
    (0..1_000).for_each(|_| register(0));
    let at_once = kept.load(Ordering::SeqCst);
    assert!(at_once < 20, "{at_once} of 1000 listeners are kept");
    for round in 0..1_000 {
        register(round + 1);
        model.write(round + 1);
    }
    let later = kept.load(Ordering::SeqCst);
    assert!(later < 20, "{later} of 1000 listeners are kept");
}

/// Another thread commits a change whenever one is delivered, so that the queue never gets empty. The thread that delivers
/// must nevertheless return after a batch.
#[test]
fn a_thread_that_delivers_changes_of_other_threads_offers_the_role() {
    const QUEUED: usize = 100;
    let model = TestModel::signed_out();
    let delivered = Arc::new(Mutex::new(Vec::new()));
    let count = Arc::new(AtomicUsize::new(0));
    let (entered, filled) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let _registration = {
        let (log, count) = (Arc::clone(&delivered), Arc::clone(&count));
        let (entered, filled) = (Arc::clone(&entered), Arc::clone(&filled));
        model.number().changed(move |change| {
            if change.new == 1 {
                entered.wait();
                filled.wait();
            }
            // Long enough for the other thread to see that the call has ended, before the pause ends.
            thread::sleep(std::time::Duration::from_micros(500));
            let here = thread::current().id();
            log.lock().unwrap().push((here, change.new));
            count.fetch_add(1, Ordering::SeqCst);
        })
    };
    let has_returned = AtomicBool::new(false);
    let (first, last) = thread::scope(|scope| {
        let first = scope.spawn(|| {
            model.write(1);
            has_returned.store(true, Ordering::SeqCst);
            thread::current().id()
        });
        entered.wait();
        (2..=QUEUED).for_each(|number| model.write(number));
        let mut number = QUEUED;
        let mut seen = count.load(Ordering::SeqCst);
        filled.wait();
        while !has_returned.load(Ordering::SeqCst) && number < 20 * QUEUED {
            let delivered = count.load(Ordering::SeqCst);
            for _ in seen..delivered {
                number += 1;
                model.write(number);
            }
            seen = delivered;
            thread::yield_now();
        }
        (first.join().unwrap(), number)
    });
    let delivered = delivered.lock().unwrap();
    let numbers: Vec<_> = delivered.iter().map(|(_, number)| *number).collect();
    let expected: Vec<_> = (0..=last).collect();
    assert_eq!(numbers, expected, "each change once, in commit order");
    let own = delivered.iter().filter(|(thread, _)| *thread == first);
    let own = own.count();
    assert!(own < 5 * QUEUED, "the first thread delivered {own} changes");
}
