//! The world: its time, its processes, and what happens to them.

use std::{
    cell::Cell,
    collections::BTreeMap,
    error::Error,
    panic,
    sync::{Arc, Once},
    time::Duration,
};

use futures_util::FutureExt as _;
use secrecy::SecretString;
use skype_p2p_fleet::{
    Content, Identity, IdentityState, Keyring, MemoryStore, NewIdentity, NewMessage, Purpose, Store,
};
use ucwa_server::{Fault, Seed, ServerConfig, User};

use crate::{
    clock::Clock,
    invariants::{self, Evidence, Told},
    owners::Owners,
    peers::Peers,
    plan::{Action, Plan, Refusal},
    process::{Process, Surroundings},
    random::{RandomStream, stream},
    report::{Counts, Invariant, Options, Report, Violation},
    server::Server,
    traffic::Traffic,
};

/// The longest time from the end of the last fault to the end of the run.
const SETTLING: Duration = Duration::from_secs(180);

/// The shortest time from the end of the last fault, and from the last result, to the end of the run: a late copy of a message
/// would arrive in it.
const QUIET: Duration = Duration::from_secs(20);

/// The time in which an identity has to poll again.
const POLL_LIMIT: Duration = Duration::from_secs(30);

/// The time for which a worker is disturbed after the refusal of a password: longer than the time in which others take over.
const AFTER_REFUSAL: Duration = Duration::from_secs(12);

/// The additional time on links that lose transmissions: each loss is noticed after 20 s, and a sign-in has several requests.
const LOSSY_LIMIT: Duration = Duration::from_secs(60);

const ROOT: &str = "http://127.0.0.1/";
const PASSWORD: &str = "planted-password";
const KEYS: &str = "1 q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";

/// The SIP URI of a bot.
pub(crate) fn bot(number: usize) -> String {
    format!("sip:bot{number}@contoso.com")
}

/// The SIP URI of a peer.
pub(crate) fn peer(number: usize) -> String {
    format!("sip:peer{number}@contoso.com")
}

/// The identity whose password is wrong.
pub(crate) const LOCKED_OUT: &str = "sip:locked@contoso.com";

thread_local! {
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

/// Plays the run of a seed.
pub fn run(seed: u64, options: &Options) -> Report {
    count_panics();
    PANICS.set(0);
    let played = World::new(seed, options).and_then(World::play);
    played.unwrap_or_else(|error| Report::broken_off(seed, &*error))
}

/// Counts the panics of each thread. tokio catches the panics of tasks, so a run would not fail by them.
fn count_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
}

struct World {
    seed: u64,
    options: Options,
    plan: Plan,
    surroundings: Surroundings,
    keys: SecretString,
    peers: Peers,
    /// The process of each worker, and the number of its processes so far.
    processes: Vec<(Option<Process>, u64)>,
    watch: Watch,
    counts: Counts,
    violations: Vec<Violation>,
    trace: Vec<String>,
    enqueued: Vec<(usize, usize, usize)>,
    written: Vec<(usize, usize, usize)>,
    /// When the applications of a bot were lost.
    losses: Vec<(Duration, usize)>,
    /// The end of what happens after the refusal of a password.
    after_refusal: Option<(Duration, Action)>,
}

/// The times for which the identities do not poll.
#[derive(Debug, Default)]
struct Watch {
    /// When the identities that do not poll polled last.
    silent_since: BTreeMap<String, Duration>,
    /// When the last fault ended that keeps identities from polling.
    unblocked: Duration,
    longest_gap: Duration,
}

impl World {
    fn new(seed: u64, options: &Options) -> Result<Self, Box<dyn Error>> {
        let plan = Plan::new(seed, options.large.as_ref());
        let scale = &plan.scale;
        let clock = Clock::default();
        let bots = (0..scale.bots).map(bot);
        let peers = (0..scale.peers).map(peer);
        let names = bots.chain(peers).chain([LOCKED_OUT.to_owned()]);
        let users: Result<Vec<_>, _> = names.map(|it| User::new(&it, "User", PASSWORD)).collect();
        let mut config = ServerConfig::new(users?);
        let mut random = RandomStream::new(seed, stream::SERVER);
        config.seed = Some(Seed::from(random.seed()));
        let owners = Owners::default();
        let mut traffic = Traffic::new(owners.clone());
        for number in 0..scale.bots {
            traffic.expect(bot(number));
        }
        let server = Server::new(config, traffic);
        let database_clock = clock.clone();
        let store = Arc::new(MemoryStore::new(move || database_clock.database_time()));
        let users: Vec<_> = (0..scale.peers)
            .map(|it| (peer(it), PASSWORD.to_owned()))
            .collect();
        let peers = Peers::new(seed, &clock, &server, &users, ROOT)?;
        let surroundings = Surroundings {
            seed,
            clock,
            server,
            store,
            database: Arc::default(),
            owners,
            losses_per_mille: plan.losses_per_mille,
            scale: scale.clone(),
        };
        let mut world = Self {
            seed,
            options: options.clone(),
            surroundings,
            keys: SecretString::from(KEYS),
            peers,
            processes: (0..scale.workers).map(|_| (None, 0)).collect(),
            watch: Watch::default(),
            counts: Counts::default(),
            violations: Vec::new(),
            trace: Vec::new(),
            enqueued: Vec::new(),
            written: Vec::new(),
            losses: Vec::new(),
            after_refusal: None,
            plan,
        };
        for number in 0..world.plan.scale.bots {
            world.add_identity(&bot(number), PASSWORD)?;
        }
        if world.plan.has_wrong_password {
            world.add_identity(LOCKED_OUT, "not-the-password")?;
        }
        for worker in 0..world.plan.scale.workers {
            world.start(worker)?;
        }
        Ok(world)
    }

    fn add_identity(&self, sip_uri: &str, password: &str) -> Result<(), Box<dyn Error>> {
        let keyring = Keyring::parse(&self.keys)?;
        let mut identity = NewIdentity::new(sip_uri);
        identity.root = Some(ROOT.to_owned());
        identity.credential =
            Some(keyring.seal(sip_uri, Purpose::Credential, password.as_bytes())?);
        self.statement(self.surroundings.store.add_identity(identity))?;
        Ok(())
    }

    /// The result of a statement of the store in memory, which completes at once.
    fn statement<T, E: Error + 'static>(
        &self,
        statement: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Box<dyn Error>> {
        let result = statement.now_or_never();
        Ok(result.ok_or("the store in memory did not answer at once")??)
    }

    fn play(mut self) -> Result<Report, Box<dyn Error>> {
        let actions = std::mem::take(&mut self.plan.actions);
        let mut actions = actions.into_iter().peekable();
        let mut now = Duration::ZERO;
        let mut open_until = self.plan.faults_end;
        loop {
            now += self.plan.scale.step;
            self.surroundings.clock.set(now);
            self.surroundings.server.run_until(now);
            self.disturb_after_refusal(now)?;
            while let Some((_, action)) = actions.next_if(|(at, _)| *at <= now) {
                self.perform(now, action)?;
            }
            for (process, _) in &self.processes {
                if let Some(process) = process {
                    process.run_until(now);
                }
            }
            self.peers.run_until(now);
            self.watch_polls(now)?;
            if now > open_until && !self.is_settled()? {
                open_until = now;
            }
            if now >= open_until + QUIET || now >= self.plan.faults_end + SETTLING {
                return self.report(now);
            }
        }
    }

    fn perform(&mut self, now: Duration, action: Action) -> Result<(), Box<dyn Error>> {
        if self.options.trace {
            self.trace
                .push(format!("{:>9.3} {action:?}", now.as_secs_f64()));
        }
        let surroundings = &self.surroundings;
        match action {
            Action::Enqueue {
                bot: from,
                peer: to,
                number,
                time_to_live,
            } => {
                let key = outgoing_text(from, to, number);
                let mut message = NewMessage::new(bot(from), &key, peer(to), Content::plain(&key));
                message.time_to_live = time_to_live;
                self.statement(surroundings.store.enqueue(&[message]))?;
                self.enqueued.push((from, to, number));
            }
            Action::Write {
                peer: from,
                bot: to,
                number,
            } => {
                let text = incoming_text(from, to, number);
                self.peers.send(from, &bot(to), text);
                self.written.push((from, to, number));
            }
            Action::Start(worker) => self.start(worker)?,
            Action::BeginOutage => {
                surroundings.database.outages.begin();
                self.counts.outages += 1;
            }
            Action::EndOutage => surroundings.database.outages.end(),
            Action::JumpClock(millis) => {
                surroundings.clock.jump_database(millis);
                self.counts.clock_jumps += 1;
            }
            Action::SlowStatements(slowness) => {
                surroundings.database.set_slowness(slowness);
                self.counts.slow_times += u64::from(!slowness.is_zero());
            }
            Action::DropApplications(number) => {
                let user = bot(number);
                let fault = Fault::DropApplications { user };
                surroundings.server.inject(now, fault);
                self.losses.push((now, number));
                self.counts.server_faults += 1;
            }
            Action::ExpireTokens => {
                surroundings.server.inject(now, Fault::ExpireTokens);
                self.counts.server_faults += 1;
            }
            Action::AddWrongPassword => self.add_identity(LOCKED_OUT, "not-the-password")?,
            Action::SuspendIdentity(number) => {
                let user = bot(number);
                self.statement(surroundings.store.suspend(&user, "maintenance"))?;
            }
            Action::ResumeIdentity(number) => {
                self.statement(surroundings.store.resume(&bot(number)))?;
            }
            Action::Kill(worker) => {
                if let Some((process, _)) = self.processes.get_mut(worker)
                    && let Some(process) = process.take()
                {
                    process.kill();
                    self.counts.kills += 1;
                }
            }
            Action::Drain(_)
            | Action::Pause(_)
            | Action::Resume(_)
            | Action::CutServer(_)
            | Action::RestoreServer(_)
            | Action::CutDatabase(_)
            | Action::RestoreDatabase(_) => self.disturb(now, &action),
        }
        Ok(())
    }

    /// Disturbs the worker that has just received the refusal of a password, before it runs again.
    fn disturb_after_refusal(&mut self, now: Duration) -> Result<(), Box<dyn Error>> {
        let refused = self.surroundings.server.with_traffic(Traffic::take_refused);
        if let Some(worker) = refused
            && let Some((refusal, _)) = self.plan.refusal.take()
        {
            let (begin, end) = match refusal {
                Refusal::Kill => (Action::Kill(worker), Action::Start(worker)),
                Refusal::Pause => (Action::Pause(worker), Action::Resume(worker)),
                Refusal::CutDatabase => {
                    (Action::CutDatabase(worker), Action::RestoreDatabase(worker))
                }
            };
            self.counts.refusals += 1;
            self.perform(now, begin)?;
            self.after_refusal = Some((now + AFTER_REFUSAL, end));
        }
        if let Some((_, end)) = self.after_refusal.take_if(|(at, _)| *at <= now) {
            self.perform(now, end)?;
        }
        Ok(())
    }

    /// Whether no worker sends the password of a bot, because one died while the server checked it.
    fn is_held(&self, number: usize) -> Result<bool, Box<dyn Error>> {
        let identity = self.statement(self.surroundings.store.identity(&bot(number)))?;
        Ok(identity.is_some_and(|it| it.password_pause.is_some()))
    }

    fn held(&self) -> Result<Vec<usize>, Box<dyn Error>> {
        let mut held = Vec::new();
        for number in 0..self.plan.scale.bots {
            if self.is_held(number)? {
                held.push(number);
            }
        }
        Ok(held)
    }

    /// Changes a process that runs.
    fn disturb(&mut self, now: Duration, action: &Action) {
        let (Action::Drain(worker)
        | Action::Pause(worker)
        | Action::Resume(worker)
        | Action::CutServer(worker)
        | Action::RestoreServer(worker)
        | Action::CutDatabase(worker)
        | Action::RestoreDatabase(worker)) = action
        else {
            return;
        };
        let Some((Some(process), _)) = self.processes.get_mut(*worker) else {
            return;
        };
        match action {
            Action::Drain(_) => {
                process.drain();
                self.counts.drains += 1;
            }
            Action::Pause(_) => {
                process.pause();
                self.counts.pauses += 1;
            }
            Action::Resume(_) => process.resume(now),
            Action::CutServer(_) => {
                process.link.cuts.begin();
                self.counts.cuts += 1;
            }
            Action::RestoreServer(_) => process.link.cuts.end(),
            Action::CutDatabase(_) => {
                process.database.cuts.begin();
                self.counts.cuts += 1;
            }
            _ => process.database.cuts.end(),
        }
    }

    /// Starts a process of a worker, in place of one that was asked to end or is gone.
    fn start(&mut self, worker: usize) -> Result<(), Box<dyn Error>> {
        let Some((process, life)) = self.processes.get_mut(worker) else {
            return Ok(());
        };
        if process.as_ref().is_some_and(|it| !it.is_draining()) {
            return Ok(());
        }
        *life += 1;
        let new = Process::start(&self.surroundings, worker, *life, &self.keys)?;
        if let Some(old) = process.replace(new) {
            // It may still be draining: service managers kill it then.
            old.kill();
        }
        Ok(())
    }

    fn watch_polls(&mut self, now: Duration) -> Result<(), Box<dyn Error>> {
        let preparation = self.plan.scale.preparation();
        if now < preparation {
            return Ok(());
        }
        if self.is_blocked() {
            self.watch.unblocked = now;
        }
        let before = std::mem::take(&mut self.watch.silent_since);
        for user in self.silent_users() {
            let identity = self.statement(self.surroundings.store.identity(&user))?;
            let is_excused =
                |it: &Identity| it.state == IdentityState::Suspended || it.password_pause.is_some();
            if identity.as_ref().is_none_or(is_excused) {
                continue;
            }
            let since = before.get(&user).copied().unwrap_or(now);
            let gap = now - since.max(self.watch.unblocked).max(preparation);
            self.watch.longest_gap = self.watch.longest_gap.max(gap);
            let limit = match self.surroundings.losses_per_mille {
                0 => POLL_LIMIT,
                _ => POLL_LIMIT + LOSSY_LIMIT,
            };
            if gap > limit {
                self.violations.push(Violation {
                    invariant: Invariant::PollsAgain,
                    detail: format!("{user} has not polled for {gap:?} at {now:?}"),
                });
                continue;
            }
            self.watch.silent_since.insert(user, since);
        }
        Ok(())
    }

    /// The identities for which no running process polls.
    fn silent_users(&self) -> Vec<String> {
        let is_paused =
            |process: &Option<Process>| process.as_ref().is_some_and(Process::is_paused);
        let processes = self.processes.iter().enumerate();
        let paused = processes.filter(|(_, (process, _))| is_paused(process));
        let paused: Vec<_> = paused.map(|(worker, _)| worker).collect();
        self.surroundings.server.with_traffic(|traffic| {
            let mut users: Vec<_> = traffic.silent().cloned().collect();
            if !paused.is_empty() {
                users.extend(traffic.polled_only_by(&paused).cloned());
            }
            users
        })
    }

    /// Whether a fault lasts that keeps identities from polling, or keeps others from taking them over.
    fn is_blocked(&self) -> bool {
        let database = &self.surroundings.database;
        let processes = self.processes.iter().filter_map(|(it, _)| it.as_ref());
        let mut healthy = 0;
        for process in processes {
            if process.link.cuts.is_cut() {
                return true;
            }
            let is_healthy = !process.is_paused()
                && !process.is_draining()
                && !process.has_ended()
                && !process.database.cuts.is_cut();
            healthy += usize::from(is_healthy);
        }
        healthy == 0 || database.outages.is_cut() || database.is_slow()
    }

    fn is_settled(&self) -> Result<bool, Box<dyn Error>> {
        let status = self.statement(self.surroundings.store.status())?;
        let messages = status.messages;
        let identities = status.identities;
        let are_settled = messages.queued + messages.posting + messages.posted == 0;
        let have_results = self.peers.results() == self.written.len();
        let ready = self.plan.scale.bots - self.held()?.len();
        // A poll whose answer was lost is repeated when its connection fails, and may bring a message then.
        let is_over =
            self.after_refusal.is_none() && !self.surroundings.server.has_undetected_loss();
        Ok(are_settled && have_results && is_over && identities.ready >= ready as u64)
    }

    fn report(mut self, now: Duration) -> Result<Report, Box<dyn Error>> {
        let store = &self.surroundings.store;
        let mut verdicts = Vec::new();
        for &(from, to, number) in &self.enqueued {
            let key = outgoing_text(from, to, number);
            let deliveries = self.statement(store.deliveries(&bot(from), &[&key]))?;
            let told = deliveries.into_iter().flatten().next().map(|it| Told {
                state: it.state,
                reason: it.reason,
                operation: it.operation.as_str().to_owned(),
            });
            verdicts.push(((from, to, number), told));
        }
        let inbox = self.statement(store.read_inbox("invariants", usize::MAX))?;
        let evidence = Evidence {
            verdicts,
            inbox: inbox
                .into_iter()
                .map(|it| it.message.content.text)
                .collect(),
            record: self.peers.record(),
            written: self.written.clone(),
            losses: self.losses.clone(),
            held: self.held()?,
        };
        if self.options.trace {
            self.trace.extend(evidence.lines());
        }
        self.counts.takeovers = self.surroundings.owners.takeovers();
        evidence.count(&mut self.counts);
        invariants::check(&evidence, &mut self.violations);
        let owners = &self.surroundings.owners;
        self.surroundings
            .server
            .with_traffic(|it| invariants::check_traffic(it, owners, &mut self.violations));
        if PANICS.get() > 0 {
            self.violations.push(Violation {
                invariant: Invariant::NoPanic,
                detail: format!("{} panics", PANICS.get()),
            });
        }
        let Self {
            seed,
            counts,
            watch,
            violations,
            trace,
            mut processes,
            ..
        } = self;
        for (process, _) in &mut processes {
            if let Some(process) = process.take() {
                process.kill();
            }
        }
        Ok(Report {
            seed,
            counts,
            longest_gap: watch.longest_gap,
            time: now,
            violations,
            trace,
        })
    }
}

/// The text, and the key, of a message to a peer.
pub(crate) fn outgoing_text(bot: usize, peer: usize, number: usize) -> String {
    format!("out-{bot}-{peer}-{number}")
}

/// The text of a message to a bot.
pub(crate) fn incoming_text(peer: usize, bot: usize, number: usize) -> String {
    format!("in-{peer}-{bot}-{number}")
}
