//! Two processes that use one application: the policy for a pending GET that the other process replaced.

use std::time::{Duration, SystemTime};

use serde_json::json;
use ucwa_session::*;

use crate::channel::signed_out;
use crate::driver::*;

const SECOND: Duration = Duration::from_secs(1);

fn signed_in(policy: ReplacementPolicy) -> TestDriver {
    let mut config = TestDriver::config();
    config.replacement = policy;
    let mut driver = TestDriver::new(config);
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    driver.create_application();
    driver.events.clear();
    driver
}

impl TestDriver {
    fn is_polling(&self) -> bool {
        self.is_sent("GET", &format!("{APP}/events"))
    }

    pub(crate) fn replace(&mut self) {
        let replaced = json!({"code": "Conflict", "subcode": "PGetReplaced"});
        self.reply("GET", &format!("{APP}/events"), 409, replaced);
    }

    /// Asserts that the session has left the application to the other process.
    #[track_caller]
    fn assert_yielded(&self) {
        let failure = signed_out(self).expect("still signed in");
        assert_eq!(
            (failure.kind(), failure.subcode()),
            (&FailureKind::ConnectionLost, Some("PGetReplaced"))
        );
        assert!(self.sent.is_empty(), "{:?}", self.sent);
        assert_eq!(self.wake_at, None);
    }
}

#[test]
fn a_channel_is_taken_back_with_growing_pauses_and_then_left() {
    let mut driver = signed_in(ReplacementPolicy::TakeBack);
    for pause in [0, 2, 8] {
        driver.replace();
        let before = driver.now;
        while !driver.is_polling() {
            driver.advance(SECOND);
        }
        assert_eq!(driver.now - before, pause * SECOND);
        assert!(signed_out(&driver).is_none());
        driver.advance(30 * SECOND);
    }
    driver.replace();
    driver.assert_yielded();
}

#[test]
fn a_channel_that_is_replaced_occasionally_is_taken_back_each_time() {
    let mut driver = signed_in(ReplacementPolicy::default());
    for _ in 0..6 {
        driver.replace();
        assert!(driver.is_sent("GET", &format!("{APP}/events?ack=1")));
        driver.advance(61 * SECOND);
    }
    assert!(signed_out(&driver).is_none());
}

#[test]
fn a_session_that_yields_leaves_the_channel_at_once() {
    let mut driver = signed_in(ReplacementPolicy::Yield);
    driver.replace();
    driver.assert_yielded();
}

#[test]
fn a_session_that_asks_polls_only_after_a_positive_answer() {
    for answer in [
        Some(Answer::TakeBack(true)),
        Some(Answer::TakeBack(false)),
        Some(Answer::Trust(true)),
        None,
    ] {
        let mut driver = signed_in(ReplacementPolicy::Ask);
        driver.replace();
        let (id, question) = driver.asked.pop().expect("no question");
        assert_eq!(question, Question::TakeBack);
        driver.advance(100 * SECOND);
        assert!(!driver.is_polling() && signed_out(&driver).is_none());
        let is_positive = matches!(answer, Some(Answer::TakeBack(true)));
        match answer {
            Some(answer) => driver.handle(Input::Answer { id, answer }),
            None => driver.advance(30 * SECOND),
        }
        if is_positive {
            assert!(driver.is_polling());
        } else {
            driver.assert_yielded();
        }
    }
}

/// Two sessions that use one application. When one of them sends its pending GET, the server refuses that of the other.
struct TwoSessions {
    old: TestDriver,
    new: TestDriver,
    /// The session whose pending GET the server holds.
    holder: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Old,
    New,
}

impl TwoSessions {
    /// The new process has replaced the pending GET of the old one, whose refusal has not arrived.
    fn begin(policy: ReplacementPolicy) -> Self {
        Self {
            old: signed_in(policy),
            new: signed_in(policy),
            holder: Side::New,
        }
    }

    /// Runs until one of the sessions has ended, and returns the other side and the time.
    fn run(mut self) -> (Side, Duration) {
        let begin = self.new.now;
        for _ in 0..600 {
            for _ in 0..2 {
                let (refused, remaining) = match self.holder {
                    Side::Old => (&mut self.new, Side::New),
                    Side::New => (&mut self.old, Side::Old),
                };
                if refused.is_polling() {
                    // The server refuses this GET. If the session takes the channel back, the server holds its next GET.
                    refused.replace();
                    if refused.is_polling() {
                        self.holder = remaining;
                    }
                }
            }
            for (driver, other) in [(&self.old, Side::New), (&self.new, Side::Old)] {
                if signed_out(driver).is_some() {
                    return (other, self.new.now - begin);
                }
            }
            let polled = (self.old.is_polling(), self.new.is_polling());
            self.old.advance(SECOND);
            self.new.advance(SECOND);
            // A GET that was sent after a pause replaces the other one.
            if !polled.0 && self.old.is_polling() {
                self.holder = Side::Old;
            } else if !polled.1 && self.new.is_polling() {
                self.holder = Side::New;
            }
        }
        panic!("no session ended within ten minutes");
    }
}

#[test]
fn of_two_sessions_the_later_one_keeps_the_channel() {
    for policy in [ReplacementPolicy::TakeBack, ReplacementPolicy::Yield] {
        let (remaining, took) = TwoSessions::begin(policy).run();
        assert_eq!(remaining, Side::New, "{policy:?}");
        assert!(took < 30 * SECOND, "{took:?}");
    }
}

fn wall(driver: &TestDriver, paused: Duration) -> SystemTime {
    TestDriver::config().wall_at_epoch + driver.now + paused
}

#[test]
fn a_paused_process_yields_to_the_process_that_took_over_in_the_meantime() {
    // The connection of the pending GET survived the pause, and the refusal arrives after the process continues.
    let mut driver = signed_in(ReplacementPolicy::TakeBack);
    driver.handle(Input::WallClock(wall(&driver, Duration::ZERO)));
    driver.handle(Input::WallClock(wall(&driver, 10 * SECOND)));
    assert_eq!(driver.aborted, [], "the response may have arrived");
    driver.replace();
    driver.assert_yielded();

    // The connection did not survive. The repeated GET replaces the other process, which takes the channel back.
    let mut sessions = TwoSessions::begin(ReplacementPolicy::TakeBack);
    let old = &mut sessions.old;
    old.handle(Input::WallClock(wall(old, Duration::ZERO)));
    old.handle(Input::WallClock(wall(old, 10 * SECOND)));
    old.advance(SECOND);
    assert_eq!(old.aborted.len(), 1);
    sessions.holder = Side::Old;
    let (remaining, took) = sessions.run();
    assert_eq!(remaining, Side::New);
    assert!(took < 5 * SECOND, "{took:?}");
}

/// On a slow network, the pending GET from before the suspend reaches the server after its repetition.
#[test]
fn a_session_does_not_yield_to_its_own_pending_get() {
    for policy in [
        ReplacementPolicy::TakeBack,
        ReplacementPolicy::Yield,
        ReplacementPolicy::Ask,
    ] {
        let mut driver = signed_in(policy);
        driver.handle(Input::WallClock(wall(&driver, Duration::ZERO)));
        driver.handle(Input::WallClock(wall(&driver, 10 * SECOND)));
        driver.advance(SECOND);
        assert_eq!(driver.aborted.len(), 1);
        driver.replace();
        assert!(
            driver.is_sent("GET", &format!("{APP}/events")),
            "{policy:?}"
        );
        assert!(driver.asked.is_empty(), "{policy:?}");
    }
}

#[test]
fn a_paused_process_yields_however_late_its_get_is_refused() {
    // The refusal of its pending GET is lost, so it polls again when the deadline has passed.
    let mut driver = signed_in(ReplacementPolicy::TakeBack);
    driver.handle(Input::WallClock(wall(&driver, Duration::ZERO)));
    driver.handle(Input::WallClock(wall(&driver, 10 * SECOND)));
    driver.advance(300 * SECOND);
    driver.replace();
    driver.assert_yielded();
}

#[test]
fn a_session_that_got_a_page_after_a_suspend_takes_its_channel_back() {
    let mut driver = signed_in(ReplacementPolicy::TakeBack);
    driver.handle(Input::WallClock(wall(&driver, Duration::ZERO)));
    driver.handle(Input::WallClock(wall(&driver, 10 * SECOND)));
    driver.advance(SECOND);
    driver.page(json!([]));
    driver.advance(70 * SECOND);
    driver.replace();
    assert!(driver.is_polling());
}

/// The successor of a paused process has replaced the lost application.
#[test]
fn a_paused_process_leaves_an_application_that_another_one_created() {
    let lost = || json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    for (was_paused, existed, yields) in [
        (true, true, true),
        (true, false, false),
        (false, true, false),
    ] {
        let mut driver = signed_in(ReplacementPolicy::TakeBack);
        driver.handle(Input::WallClock(wall(&driver, Duration::ZERO)));
        let paused = if was_paused {
            10 * SECOND
        } else {
            Duration::ZERO
        };
        driver.handle(Input::WallClock(wall(&driver, paused)));
        driver.reply("GET", &format!("{APP}/events"), 404, lost());
        driver.advance(SECOND);
        let status = if existed { 200 } else { 201 };
        driver.reply(
            "POST",
            "/ucwa/oauth/v1/applications",
            status,
            application(true),
        );
        assert_eq!(
            signed_out(&driver).is_some(),
            yields,
            "{was_paused} {existed}"
        );
        assert_eq!(driver.sent.is_empty(), yields, "{:?}", driver.sent);
    }
}
