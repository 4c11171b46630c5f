//! Commands beside parked requests for events: the two numbers of each pair should be the same.
//! `cargo bench -p conv-transport`
#![allow(missing_docs, reason = "a benchmark")]
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use conv_transport::{HttpTransport, HyperTransport, Lane, SendOptions};
use divan::Bencher;
use http::Request;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    task::JoinSet,
};

const PARKED: [usize; 2] = [0, 64];

fn main() {
    divan::main();
}

#[divan::bench(args = PARKED, sample_count = 20)]
fn a_thousand_commands_in_sequence(bencher: Bencher<'_, '_>, parked: usize) {
    let world = World::new(parked);
    bencher.bench_local(|| {
        world.runtime.block_on(async {
            for _ in 0..1000 {
                world.command().await;
            }
        });
    });
}

#[divan::bench(args = PARKED, sample_count = 20)]
fn sixty_four_commands_at_once(bencher: Bencher<'_, '_>, parked: usize) {
    let world = World::new(parked);
    bencher.bench_local(|| {
        world.runtime.block_on(async {
            let commands: JoinSet<()> = (0..64).map(|_| world.command()).collect();
            commands.join_all().await;
        });
    });
}

/// A server that answers all but requests for events, and a client of which some are parked there.
struct World {
    runtime: Runtime,
    transport: Arc<HyperTransport>,
    root: String,
    _server: Runtime,
    _polls: JoinSet<()>,
}

impl World {
    fn new(parked: usize) -> Self {
        let server = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = server.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        server.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });

        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let transport = Arc::new(HyperTransport::new());
        let mut polls = JoinSet::new();
        for _ in 0..parked {
            let poll = exchange(&transport, format!("{root}/events"), Lane::Events);
            polls.spawn_on(poll, runtime.handle());
        }
        Self {
            runtime,
            transport,
            root,
            _server: server,
            _polls: polls,
        }
    }

    fn command(&self) -> impl Future<Output = ()> + use<> {
        exchange(&self.transport, format!("{}/me", self.root), Lane::Commands)
    }
}

fn exchange(
    transport: &Arc<HyperTransport>,
    url: String,
    lane: Lane,
) -> impl Future<Output = ()> + use<> {
    let transport = Arc::clone(transport);
    async move {
        let request = Request::post(url).body(Bytes::new()).unwrap();
        let options = SendOptions::new(lane, Duration::from_secs(600));
        transport.send(request, options).await.unwrap();
    }
}

async fn serve(stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut is_poll = false;
    while stream.read_line(&mut line).await? > 0 {
        is_poll |= line.contains(" /events ");
        if line == "\r\n" {
            if is_poll {
                std::future::pending::<()>().await;
            }
            let response = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.write_all(response.as_bytes()).await?;
        }
        line.clear();
    }
    Ok(())
}
