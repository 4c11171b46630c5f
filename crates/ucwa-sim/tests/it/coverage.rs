//! Every fault occurs and has an effect.

use ucwa_sim::{Coverage, CoveragePoint, HttpFaults, NetworkProfile, Options, Report, WorldSize};

use super::play;

/// Asserts that some messages are delivered, some fail, and some have an unknown delivery result.
#[track_caller]
fn assert_every_delivery_result(reports: &[Report]) {
    let sum = |count: fn(&Report) -> u64| reports.iter().map(count).sum::<u64>();
    assert!(sum(|report| report.delivered) > 0);
    assert!(sum(|report| report.failed) > 0);
    assert!(sum(|report| report.unknown) > 0);
}

#[test]
fn losses_on_the_network_lead_to_every_delivery_result() {
    let mut options = Options::default();
    options.size = WorldSize::Pair;
    options.network = Some(NetworkProfile::failing());
    assert_every_delivery_result(&play(0..20, &options));
}

#[test]
fn http_faults_alone_lead_to_every_delivery_result() {
    let mut options = Options::default();
    options.network = Some(NetworkProfile::fast());
    options.http_faults = Some(HttpFaults::many());
    assert_every_delivery_result(&play(0..20, &options));
}

#[test]
fn handover_worlds_reach_every_coverage_point() {
    let mut coverage = Coverage::default();
    for report in play(1_000..1_150, &Options::default()) {
        coverage.add(&report.coverage);
    }
    let refused =
        [200, 401, 403, 404, 408, 409, 410, 429, 500, 502, 503, 504].map(CoveragePoint::Refused);
    let invalid_tickets = [403, 500].map(CoveragePoint::InvalidTicket);
    let replaced = [200, 500, 502, 504].map(CoveragePoint::Replaced);
    let others = [
        CoveragePoint::Unauthorized,
        CoveragePoint::Corrupted,
        CoveragePoint::ForgedLinks,
        CoveragePoint::Duplicated,
        CoveragePoint::Outage,
        CoveragePoint::OutageBehindProxy,
        CoveragePoint::PollReplaced,
        CoveragePoint::ApplicationExpired,
        CoveragePoint::Recreated,
        CoveragePoint::RecreatedLate,
        CoveragePoint::Rediscovered,
        CoveragePoint::Aggregated,
        CoveragePoint::EventBeforeResponse,
        CoveragePoint::MalformedPage,
        CoveragePoint::MalformedPageAgain,
        CoveragePoint::MalformedEvent,
        CoveragePoint::ApplicationReread,
        CoveragePoint::ClockAhead,
        CoveragePoint::ClockBehind,
        CoveragePoint::ClockJumpForward,
        CoveragePoint::ClockJumpBack,
        CoveragePoint::Suspended,
        CoveragePoint::LostInSuspend,
        CoveragePoint::LateAfterSuspend,
        CoveragePoint::PolledAfterSuspend,
        CoveragePoint::Detached,
        CoveragePoint::Killed,
        CoveragePoint::KilledUncommitted,
        CoveragePoint::Paused,
        CoveragePoint::Resumed,
        CoveragePoint::NotResumed,
        CoveragePoint::DoubtfulSettled,
        CoveragePoint::Yielded,
        CoveragePoint::TokenRenewed,
        CoveragePoint::TokenRenewedInTime,
    ];
    let all = refused
        .iter()
        .chain(&invalid_tickets)
        .chain(&replaced)
        .chain(&others);
    let missed: Vec<_> = all.filter(|point| coverage.count(**point) == 0).collect();
    assert!(missed.is_empty(), "not reached: {missed:?}; {coverage}");
}

#[test]
fn contact_lists_are_compared_in_worlds_with_every_fault() {
    let mut options = Options::default();
    options.size = WorldSize::Contacts;
    let mut coverage = Coverage::default();
    for report in play(0..40, &options) {
        coverage.add(&report.coverage);
    }
    assert!(coverage.count(CoveragePoint::ContactsCompared) > 40);
    assert!(coverage.count(CoveragePoint::Resumed) > 0);
}

#[test]
fn every_actor_signs_in_despite_forged_links() {
    let mut options = Options::default();
    options.size = WorldSize::Large;
    options.network = Some(NetworkProfile::fast());
    options.http_faults = Some(HttpFaults::many());
    let reports = play(0..60, &options);
    let forged = |report: &&Report| report.coverage.count(CoveragePoint::ForgedLinks) > 0;
    assert!(reports.iter().filter(forged).count() > 5);
    for report in &reports {
        assert_eq!(report.absent, 0, "{report}");
    }
}
