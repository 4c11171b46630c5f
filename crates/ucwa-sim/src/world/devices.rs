//! The devices of the world: suspends, wall clocks, and the effect of a suspend on the exchanges of a device.

use std::time::{Duration, SystemTime};

use ucwa_session::SignInState;

use super::World;
use crate::coverage::CoveragePoint;
use crate::device::{ClockOffset, Device};
use crate::endpoint::{Endpoint, EndpointId, Process};
use crate::network::Arrival;
use crate::violation::{Invariant, Violation};

/// A session notices a suspend if the wall clock has moved this far ahead of the monotonic one.
const NOTICED_DRIFT: Duration = Duration::from_secs(6);
/// How long a session may take to replace its pending GET after a suspend. It reads the wall clock every 15 s.
const REPLACEMENT_LIMIT: Duration = Duration::from_secs(20);
/// How often a response that arrives during a suspend is lost, per 1,000.
const LOST_IN_SUSPEND: u32 = 600;

impl World {
    /// The device of an actor. Creates it if it does not exist yet.
    pub(super) fn device_mut(&mut self, owner: usize) -> &mut Device {
        self.devices.entry(owner).or_default()
    }

    pub(super) fn device_of(&self, id: EndpointId) -> Option<&Device> {
        self.devices.get(&self.endpoints.get(id.0)?.owner)
    }

    pub(super) fn is_suspended(&self, id: EndpointId) -> bool {
        self.device_of(id).is_some_and(Device::is_suspended)
    }

    /// When the device of an actor resumes, if it is suspended.
    pub(crate) fn resumes_at(&self, owner: usize) -> Option<Duration> {
        let suspend = self.devices.get(&owner)?.suspend.as_ref()?;
        Some(suspend.until)
    }

    /// When the next device resumes.
    pub(crate) fn next_resume(&self) -> Option<Duration> {
        let suspends = self.devices.values().filter_map(|it| it.suspend.as_ref());
        suspends.map(|suspend| suspend.until).min()
    }

    /// The server's wall time.
    pub(super) fn server_wall(&self) -> SystemTime {
        Self::wall_at_epoch() + self.now
    }

    /// The wall time of an actor's device at the epoch of its monotonic clock, as a session that begins now computes it.
    pub(crate) fn session_wall_at_epoch(&self, owner: usize) -> SystemTime {
        let wall = self.server_wall();
        match self.devices.get(&owner) {
            Some(device) => device.wall(wall) - device.monotonic(self.now),
            None => wall - self.now,
        }
    }

    /// Moves the wall clock of an actor's device.
    pub(crate) fn jump_clock(&mut self, owner: usize, by: ClockOffset) {
        let name = format!("device.{owner}");
        self.trace
            .note(self.now, &name, format_args!("the clock jumps by {by:?}"));
        if self.has_signed_in_session(owner) {
            self.oracle.coverage.record(match by.is_ahead() {
                true => CoveragePoint::ClockJumpForward,
                false => CoveragePoint::ClockJumpBack,
            });
        }
        let device = self.device_mut(owner);
        device.clock_offset = device.clock_offset.plus(by);
        // A jump back hides a suspend that the session has not noticed yet.
        for endpoint in self.endpoints.iter_mut().filter(|it| it.owner == owner) {
            endpoint.resumed.take_if(|_| by.is_behind());
        }
    }

    /// Suspends an actor's device. No input reaches its sessions until it resumes.
    pub(crate) fn suspend(&mut self, owner: usize, length: Duration) {
        let until = self.now + length;
        let name = format!("device.{owner}");
        self.trace
            .note(self.now, &name, format_args!("suspended until {until:?}"));
        let now = self.now;
        self.device_mut(owner).begin_suspend(now, until);
        let open: Vec<_> = self
            .open_exchanges()
            .filter(|(_, id)| self.endpoint(*id).is_some_and(|it| it.owner == owner))
            .map(|(exchange, _)| exchange)
            .collect();
        for exchange in open {
            self.network.extend_deadline(exchange, length);
        }
    }

    /// Resumes the devices whose suspend ends now. Returns whether there is such a device.
    pub(super) fn resume_device(&mut self) -> bool {
        let now = self.now;
        let due = |device: &Device| device.suspend.as_ref().is_some_and(|it| it.until <= now);
        let Some((owner, device)) = self.devices.iter_mut().find(|(_, it)| due(it)) else {
            return false;
        };
        let owner = *owner;
        let held = device.resume(now);
        let name = format!("device.{owner}");
        self.trace.note(now, &name, format_args!("resumes"));
        if self.has_signed_in_session(owner) {
            self.oracle.coverage.record(CoveragePoint::Suspended);
        }
        self.await_replaced_polls(owner);
        for arrival in held {
            if let Arrival::Response { .. } = arrival {
                self.oracle.coverage.record(CoveragePoint::LateAfterSuspend);
            }
            self.on_arrival(arrival);
        }
        true
    }

    /// Handles an arrival at a suspended device: a response is lost or held, a failure is held.
    pub(super) fn hold(&mut self, id: EndpointId, arrival: Arrival) {
        let lost = matches!(
            arrival,
            Arrival::Response { .. } | Arrival::Duplicate { .. }
        ) && self.suspend_random.chance(LOST_IN_SUSPEND);
        if lost {
            self.oracle.coverage.record(CoveragePoint::LostInSuspend);
            return;
        }
        let owner = self.endpoint(id).map(|it| it.owner);
        let suspend = owner
            .and_then(|owner| self.devices.get_mut(&owner))
            .and_then(|device| device.suspend.as_mut());
        if let Some(suspend) = suspend {
            suspend.held.push(arrival);
        }
    }

    /// Records the pending GETs of a device that has just resumed. The sessions must replace them if they can notice the
    /// suspend.
    fn await_replaced_polls(&mut self, owner: usize) {
        let wall = self.server_wall();
        let Some(device) = self.devices.get(&owner) else {
            return;
        };
        let (wall, session_time) = (device.wall(wall), device.monotonic(self.now));
        let running = |it: &&mut Endpoint| matches!(it.process, Process::Running);
        let endpoints = self.endpoints.iter_mut().filter(running);
        for endpoint in endpoints.filter(|it| it.owner == owner) {
            let expected = endpoint
                .clock_reading
                .map(|(wall, at)| wall + session_time.saturating_sub(at));
            let drift = expected.and_then(|expected| wall.duration_since(expected).ok());
            if drift > Some(NOTICED_DRIFT) {
                endpoint.resumed = endpoint.poll.map(|poll| (self.now, poll));
            }
        }
    }

    /// Checks that a session has replaced the pending GET that was in flight when its device resumed.
    pub(super) fn check_resumed(&mut self, id: EndpointId) {
        let now = self.now;
        let Some(endpoint) = self.endpoints.get_mut(id.0) else {
            return;
        };
        let Some((resumed_at, poll)) = endpoint.resumed else {
            return;
        };
        if endpoint.poll != Some(poll) {
            endpoint.resumed = None;
            self.oracle
                .coverage
                .record(CoveragePoint::PolledAfterSuspend);
        } else if now.saturating_sub(resumed_at) > REPLACEMENT_LIMIT {
            endpoint.resumed = None;
            let detail = format!("{} keeps its pending GET after a suspend", endpoint.name);
            self.violations
                .push(Violation::new(Invariant::PolledAfterSuspend, detail));
        }
    }

    fn has_signed_in_session(&self, owner: usize) -> bool {
        self.endpoints
            .iter()
            .any(|it| it.owner == owner && it.state == SignInState::SignedIn)
    }
}
