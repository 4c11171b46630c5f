//! A worker as a process of its own, which can be killed and paused.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use secrecy::SecretString;
use skype_p2p::TokioRuntime;
use skype_p2p_fleet::{Keyring, MemoryStore, Worker, WorkerConfig};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    time::{Instant, advance, sleep_until},
};

use crate::{
    clock::{Clock, start_date},
    faulty_store::{Database, DatabaseLink, FaultyStore},
    link::{Link, LinkState},
    owners::Owners,
    plan::Scale,
    random::{RandomStream, stream},
    server::Server,
    sim_runtime::SimRuntime,
};

/// What a process needs from the world.
pub(crate) struct Surroundings {
    pub(crate) seed: u64,
    pub(crate) clock: Clock,
    pub(crate) server: Server,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) database: Arc<Database>,
    pub(crate) owners: Owners,
    pub(crate) losses_per_mille: u64,
    pub(crate) scale: Scale,
}

/// A tokio runtime with a paused clock, which follows the time of the world.
pub(crate) struct VirtualRuntime {
    runtime: Runtime,
    /// The world's time, and that of the runtime, when the runtime was created.
    began: (Duration, Instant),
}

impl VirtualRuntime {
    pub(crate) fn new(now: Duration) -> std::io::Result<Self> {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build()?;
        let began = (now, runtime.block_on(async { Instant::now() }));
        Ok(Self { runtime, began })
    }

    /// Runs a future that needs no time.
    pub(crate) fn enter<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Runs all tasks until the world's time.
    pub(crate) fn run_until(&self, now: Duration) {
        self.runtime
            .block_on(async { sleep_until(self.instant(now)).await });
    }

    /// Moves the clock to the world's time at once, as after a pause of the process: all timers of the time between are late.
    pub(crate) fn skip_to(&self, now: Duration) {
        self.runtime.block_on(async {
            let gap = self.instant(now).saturating_duration_since(Instant::now());
            advance(gap).await;
        });
    }

    fn instant(&self, now: Duration) -> Instant {
        self.began.1 + now.saturating_sub(self.began.0)
    }
}

/// A running worker.
pub(crate) struct Process {
    /// The tasks of the worker. Dropping the runtime drops them.
    runtime: VirtualRuntime,
    pub(crate) link: Arc<LinkState>,
    pub(crate) database: Arc<DatabaseLink>,
    stop: Option<oneshot::Sender<()>>,
    has_ended: Arc<AtomicBool>,
    pauses: u32,
}

impl Process {
    /// Starts the worker with a number. `life` counts the processes of the worker.
    pub(crate) fn start(
        world: &Surroundings,
        number: usize,
        life: u64,
        keys: &SecretString,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let runtime = VirtualRuntime::new(world.clock.now())?;
        let process = stream::PROCESSES + (number as u64 + 1) * 1000 + life * 10;
        let random = |part| RandomStream::new(world.seed, process + part);
        let losses = world.losses_per_mille;
        let link = Arc::new(LinkState::new(Some(number), losses, random(0)));
        let database = Arc::new(DatabaseLink::new(world.database.clone(), random(1)));
        let has_ended = Arc::new(AtomicBool::new(false));
        let (stop, stopped) = oneshot::channel::<()>();
        let keyring = Keyring::parse(keys)?;
        let store = FaultyStore {
            store: world.store.clone(),
            link: database.clone(),
            owners: world.owners.clone(),
            process: number,
        };
        let transport = Link {
            clock: world.clock.clone(),
            server: world.server.clone(),
            state: link.clone(),
        };
        let date = start_date() + world.clock.now();
        let ended = has_ended.clone();
        let scale = world.scale.clone();
        runtime.enter(async move {
            let mut config = WorkerConfig::new(format!("worker-{number}"));
            config.capacity = config.capacity.max(scale.bots);
            config.claims_per_second = scale.claims_per_second;
            let tokio = TokioRuntime::current()?.starting_at(date);
            config.runtime = Some(Arc::new(SimRuntime::new(tokio, random(2))));
            let worker = Worker::new(Arc::new(store), keyring, Arc::new(transport), config);
            tokio::spawn(async move {
                let stop = async {
                    if stopped.await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                // A refused registration would be seen as a worker that does not work.
                let _ = worker.run(stop).await;
                ended.store(true, Ordering::Relaxed);
            });
            Ok::<_, Box<dyn std::error::Error>>(())
        })?;
        Ok(Self {
            runtime,
            link,
            database,
            stop: Some(stop),
            has_ended,
            pauses: 0,
        })
    }

    /// Runs the process until the world's time, unless it is paused.
    pub(crate) fn run_until(&self, now: Duration) {
        if !self.is_paused() {
            self.runtime.run_until(now);
        }
    }

    /// Stops the process like `SIGSTOP`. What it has sent arrives; nothing else happens.
    pub(crate) fn pause(&mut self) {
        self.pauses += 1;
    }

    /// Continues the process like `SIGCONT`, if no other pause lasts.
    pub(crate) fn resume(&mut self, now: Duration) {
        self.pauses = self.pauses.saturating_sub(1);
        if !self.is_paused() {
            self.runtime.skip_to(now);
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.pauses > 0
    }

    /// Asks the worker to end, like `SIGTERM`.
    pub(crate) fn drain(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A worker that has ended receives nothing.
            let _ = stop.send(());
        }
    }

    /// Whether the worker was asked to end.
    pub(crate) fn is_draining(&self) -> bool {
        self.stop.is_none()
    }

    /// Whether the worker has ended by itself.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    /// Ends the process like `SIGKILL`.
    pub(crate) fn kill(self) {
        // What the destructors of its tasks do does not leave the process.
        self.link.die();
        self.database.die();
    }
}
