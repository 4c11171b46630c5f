//! A fleet of processes on PostgreSQL, its traffic, and what must be true of it afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use secrecy::ExposeSecret as _;

use skype_p2p_fleet::{
    Content, IdentityState, NewIdentity, NewMessage, PostgresStore, Purpose, Sealed, Store,
};
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use super::{
    PASSWORD,
    peers::{self, Peers, Sending, peer_of},
    process::Process,
};
use crate::{
    harness::cluster::Cluster,
    worker::world::{bot, keyring},
};

/// An identity whose password the server refuses.
const REFUSED: &str = "sip:refused@contoso.com";

/// The time in which everything must settle when the faults are over.
const PATIENCE: Duration = Duration::from_secs(300);

const POLL: Duration = Duration::from_millis(100);

pub(super) const WORKERS: usize = 3;

/// A server, a database, peers and workers.
pub(super) struct Trial {
    pub(super) workers: Vec<Process>,
    identities: usize,
    store: PostgresStore,
    client: Client,
    peers: Peers,
    _server: Process,
    database: String,
    claims_per_second: usize,
    /// The application of each identity, by its number.
    applications: BTreeMap<i64, String>,
    incoming: Vec<(usize, String, Sending)>,
}

/// The messages without the result Delivered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// Outgoing messages with an unknown result.
    pub(super) unknown: usize,
    /// Incoming messages whose senders were told that they were not delivered.
    pub(super) undelivered: usize,
}

/// A summary of sorted times.
pub(super) struct Distribution<'a>(pub(super) &'a [Duration]);

impl fmt::Display for Distribution<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |share| self.0[(self.0.len() - 1) * share / 100];
        let (median, p90, p99, max) = (at(50), at(90), at(99), at(100));
        write!(
            f,
            "{} identities poll again after {median:.1?} (median), {p90:.1?} (90 %), {p99:.1?} (99 %), {max:.1?} (all)",
            self.0.len()
        )
    }
}

impl Trial {
    /// Starts everything, and waits until every identity is ready.
    pub(super) async fn begin(cluster: &Cluster, identities: usize) -> Self {
        let name = cluster.create_database().await;
        let config = cluster.config(&name);
        PostgresStore::migrate(&config).await.unwrap();
        let store = PostgresStore::connect(&config).await.unwrap();
        let (server, root) = Process::server(identities, peers::count(identities));
        let bots = (0..identities).map(|n| (bot(n), PASSWORD));
        for (uri, password) in bots.chain([(REFUSED.to_owned(), "wrong-password")]) {
            let sealed = keyring().seal(&uri, Purpose::Credential, password.as_bytes());
            let mut identity = NewIdentity::new(uri);
            identity.root = Some(root.clone());
            identity.credential = Some(sealed.unwrap());
            store.add_identity(identity).await.unwrap();
        }
        let client = cluster.connect(&name, "fleet").await;
        let peers = Peers::sign_in(&root, identities).await;
        // Two survivors take a third of the identities over in the time that rule 7 leaves.
        let claims_per_second = identities.div_ceil(WORKERS * (WORKERS - 1) * 8).max(50);
        let mut trial = Self {
            workers: Vec::new(),
            identities,
            store,
            client,
            peers,
            _server: server,
            database: name,
            claims_per_second,
            applications: BTreeMap::new(),
            incoming: Vec::new(),
        };
        let began = Instant::now();
        for _ in 0..WORKERS {
            trial.start_worker(cluster);
        }
        trial.all_ready().await;
        trial.applications = trial.stored_applications().await;
        println!(
            "{identities} identities at {WORKERS} workers, ready after {:.1?}",
            began.elapsed()
        );
        trial
    }

    pub(super) fn start_worker(&mut self, cluster: &Cluster) {
        let database = cluster.url(&self.database, "fleet");
        let worker = Process::worker(&database, self.claims_per_second);
        self.workers.push(worker);
    }

    /// Lets a worker hand its sessions over, and waits for its end.
    pub(super) async fn drain(&self, mut worker: Process) {
        let status = self.store.status().await.unwrap();
        let row = status.workers.iter().find(|it| it.name == worker.name());
        self.store.drain_worker(row.unwrap().id).await.unwrap();
        let began = Instant::now();
        while !worker.has_ended() {
            assert!(began.elapsed() < PATIENCE, "the worker does not end");
            sleep(POLL).await;
        }
        println!("drained after {:.1?}", began.elapsed());
    }

    /// Replaces the connection of the checks after the database was restarted.
    pub(super) async fn reconnect(&mut self, cluster: &Cluster) {
        self.client = cluster.connect(&self.database, "fleet").await;
    }

    /// The applications in the checkpoints.
    async fn stored_applications(&self) -> BTreeMap<i64, String> {
        let query = "select i.id, i.sip_uri, c.sealed from fleet.identity i join fleet.checkpoint c on c.identity = i.id";
        let rows = self.client.query(query, &[]).await.unwrap();
        let application = |row: &tokio_postgres::Row| {
            let sealed = Sealed::from_bytes(row.get::<_, Vec<u8>>(2));
            let opened = keyring().open(row.get(1), Purpose::Checkpoint, &sealed);
            let opened = opened.unwrap();
            let text = std::str::from_utf8(opened.expose_secret()).unwrap();
            let application = text.split("\"a\":\"").nth(1).unwrap();
            application.split('"').next().unwrap().to_owned()
        };
        rows.iter()
            .map(|row| (row.get(0), application(row)))
            .collect()
    }

    /// Waits until each worker has its share, and every identity is ready.
    pub(super) async fn all_ready(&self) {
        let began = Instant::now();
        loop {
            let status = self.store.status().await.unwrap();
            let is_share = |leases| leases >= self.identities / (WORKERS + 1);
            let shares = status.workers.iter().filter(|it| is_share(it.leases));
            if status.identities.ready == self.identities as u64 && shares.count() == WORKERS {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "not ready: {status:?}");
            sleep(POLL).await;
        }
    }

    /// Enqueues a message of each identity.
    pub(super) async fn enqueue(&self, text: &str) {
        let message = |n| {
            let key = format!("{text} from {n}");
            NewMessage::new(bot(n), &key, peer_of(n), Content::plain(&key))
        };
        let messages: Vec<_> = (0..self.identities).map(message).collect();
        self.store.enqueue(&messages).await.unwrap();
    }

    /// Sends a message to every tenth identity.
    pub(super) fn send(&mut self, text: &str) {
        for n in (0..self.identities).step_by(10) {
            let text = format!("{text} to {n}");
            let sending = self.peers.send(n, &text);
            self.incoming.push((n, text, sending));
        }
    }

    /// The fences of the identities of a worker.
    pub(super) async fn fences(&self, worker: &str) -> BTreeMap<i64, i64> {
        let query =
            "select i.id, i.fence from fleet.identity i join fleet.worker w on w.id = i.owner
            where w.name = $1";
        let rows = self.client.query(query, &[&worker]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// The fences of all identities.
    pub(super) async fn all_fences(&self) -> BTreeMap<i64, i64> {
        let query = "select i.id, i.fence from fleet.identity i";
        let rows = self.client.query(query, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// The messages whose request a worker may have sent, and whose result is not stored, with their states.
    pub(super) async fn doubtful(&self, worker: &str) -> BTreeMap<String, String> {
        let query = "select o.operation, o.state from fleet.outbox o join fleet.identity i on i.id = o.identity
            join fleet.worker w on w.id = i.owner where w.name = $1 and o.state in ('posting', 'posted')";
        let rows = self.client.query(query, &[&worker]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Shows what became of doubtful messages.
    pub(super) async fn show_doubtful(&self, doubtful: &BTreeMap<String, String>) {
        let operations: Vec<_> = doubtful.keys().collect();
        let query = "select operation, state, key from fleet.outbox where operation = any ($1)";
        let rows = self.client.query(query, &[&operations]).await.unwrap();
        let heard = self.peers.heard();
        let mut counts: BTreeMap<(&str, String, bool), usize> = BTreeMap::new();
        for row in &rows {
            let (operation, state): (&str, String) = (row.get(0), row.get(1));
            let is_heard = heard.contains_key(row.get::<_, &str>(2));
            *counts
                .entry((&*doubtful[operation], state, is_heard))
                .or_default() += 1;
        }
        println!("{} messages were in doubt:", doubtful.len());
        for ((at_death, state, is_heard), count) in counts {
            let heard = if is_heard { "heard" } else { "not heard" };
            println!("  {count} {at_death}, then {state}, {heard}");
        }
    }

    /// The times from the death of a worker until each of its identities polls again, in order.
    pub(super) async fn takeover_times(
        &self,
        mut before: BTreeMap<i64, i64>,
        killed_at: Instant,
        limit: Duration,
    ) -> Vec<Duration> {
        let mut times = Vec::new();
        while !before.is_empty() {
            if killed_at.elapsed() > limit {
                let late: Vec<_> = before.keys().collect();
                let query = "select concat_ws(', ', id, state, reason, owner, fence, claimed_at::time, pause) from fleet.identity
                    where id = any ($1) limit 10";
                let rows = self.client.query(query, &[&late]).await.unwrap();
                let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
                panic!("{} identities do not poll: {rows:#?}", before.len());
            }
            let query = "select id, fence from fleet.identity where state = 'ready'";
            for row in self.client.query(query, &[]).await.unwrap() {
                let (id, fence): (i64, i64) = (row.get(0), row.get(1));
                if before.get(&id).is_some_and(|it| fence > *it) {
                    times.push(killed_at.elapsed());
                    before.remove(&id);
                }
            }
            sleep(POLL).await;
        }
        times
    }

    /// Waits until every message has a result.
    pub(super) async fn settled(&self) {
        let began = Instant::now();
        loop {
            let query =
                "select count(*) from fleet.outbox where state in ('queued', 'posting', 'posted')";
            let open: i64 = self.client.query_one(query, &[]).await.unwrap().get(0);
            if open == 0 {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{open} messages have no result");
            sleep(POLL).await;
        }
    }

    /// Checks every message in both directions, that no application was deleted, and that the refused password was tried once.
    pub(super) async fn check(mut self) -> Summary {
        self.settled().await;
        let summary = Summary {
            unknown: self.check_outgoing().await,
            undelivered: self.check_incoming().await,
        };
        let applications = self.stored_applications().await;
        let is_other = |it: &(&i64, &String)| applications.get(it.0) != Some(it.1);
        let lost = self.applications.iter().filter(is_other).count();
        assert_eq!(lost, 0, "of {} applications", self.applications.len());
        let refused = self.store.identity(REFUSED).await.unwrap().unwrap();
        assert_eq!(refused.state, IdentityState::Suspended);
        assert_eq!(refused.fence, 1, "a refused password was tried again");
        summary
    }

    /// Every result is true: a delivered message was heard once, a failed one never, and no message twice. Returns the number of
    /// unknown results.
    async fn check_outgoing(&self) -> usize {
        let query = "select key, state, reason from fleet.outbox";
        let rows = self.client.query(query, &[]).await.unwrap();
        let delivered = |row: &&tokio_postgres::Row| row.get::<_, &str>(1) == "delivered";
        // A peer shows the text of an invitation soon after the server has reported the delivery.
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let heard = self.peers.heard();
            let mut delivered = rows.iter().filter(delivered);
            if delivered.all(|row| heard.contains_key(row.get::<_, &str>(0))) {
                break;
            }
            sleep(POLL).await;
        }
        let heard = self.peers.heard();
        let mut counts: BTreeMap<(String, Option<String>, usize), usize> = BTreeMap::new();
        let mut wrong = Vec::new();
        for row in &rows {
            let (key, state, reason): (&str, String, Option<String>) =
                (row.get(0), row.get(1), row.get(2));
            let times = heard.get(key).copied().unwrap_or(0);
            let is_right = match state.as_str() {
                "delivered" => times == 1,
                "failed" => times == 0,
                _ => times <= 1,
            };
            if !is_right {
                wrong.push(format!("{key} is {state}, and was heard {times} times"));
            }
            let reason = reason.map(|it| without_ids(&it));
            *counts.entry((state, reason, times)).or_default() += 1;
        }
        println!("{} outgoing messages:", rows.len());
        for ((state, reason, times), count) in &counts {
            let reason = reason.as_deref().unwrap_or("no reason");
            println!("  {count} {state}, heard {times} times: {reason}");
        }
        assert!(
            wrong.is_empty(),
            "{} wrong: {:#?}",
            wrong.len(),
            sample(&wrong)
        );
        let failed = counts
            .keys()
            .any(|(state, _, _)| state == "failed" || state == "dead");
        assert!(!failed, "no message fails because of the fleet");
        let unknown = counts
            .iter()
            .filter(|((state, _, _), _)| state == "unknown");
        unknown.map(|(_, count)| count).sum()
    }

    /// Checks that the inbox contains every message that was reported to its sender as delivered, and no message twice. Returns the
    /// number of messages that were reported as not delivered.
    async fn check_incoming(&mut self) -> usize {
        let mut delivered = BTreeSet::new();
        let mut failures: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let count = self.incoming.len();
        for (n, text, sending) in std::mem::take(&mut self.incoming) {
            match sending.await.unwrap() {
                Ok(()) => drop(delivered.insert((bot(n), text))),
                Err(reason) => {
                    let reason = without_ids(&format!("{reason:#}"));
                    failures.entry(reason).or_default().push(text);
                }
            }
        }
        let mut inbox: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        loop {
            let page = self.store.read_inbox("trial", 1000).await.unwrap();
            let Some(last) = page.last().map(|it| it.position) else {
                break;
            };
            for it in page {
                let key = (it.identity, it.message.content.text);
                inbox.entry(key).or_default().push(it.message.href);
            }
            self.store.acknowledge("trial", last).await.unwrap();
        }
        println!("{count} incoming messages: {} delivered", delivered.len());
        for (reason, texts) in failures {
            println!("  {} failed: {reason}: {:?}", texts.len(), sample(&texts));
        }
        let twice: Vec<_> = inbox.iter().filter(|(_, hrefs)| hrefs.len() > 1).collect();
        assert!(
            twice.is_empty(),
            "{} recorded twice: {:#?}",
            twice.len(),
            sample(&twice)
        );
        let missing: Vec<_> = delivered
            .iter()
            .filter(|it| !inbox.contains_key(it))
            .collect();
        assert!(
            missing.is_empty(),
            "{} not recorded: {:#?}",
            missing.len(),
            sample(&missing)
        );
        count - delivered.len()
    }
}

/// A reason without the IDs that only its message has.
fn without_ids(reason: &str) -> String {
    let is_id = |part: &&str| part.starts_with("operation ") || part.starts_with("correlation ");
    let parts = reason.trim_end_matches(']').split(", ");
    let parts: Vec<_> = parts.filter(|it| !is_id(it)).collect();
    parts.join(", ")
}

/// The first of many values.
fn sample<T>(all: &[T]) -> &[T] {
    &all[..all.len().min(10)]
}
