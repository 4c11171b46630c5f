//! The round trips of a sign-in: the host delays each response, so the time is that of the requests that wait for each other.

use std::time::{Duration, Instant};

use skype_p2p::{Application, Credentials, Root};

use crate::client::{Metrics, metrics};
use crate::host::{self, PASSWORD};
use crate::meters::{cpu, micros};
use crate::sdk;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The URL of the host
    #[arg(long)]
    root: String,
    /// The delay of the host, in milliseconds. Each round trip takes a little longer, and all together less than one more.
    #[arg(long)]
    delay: u32,
    /// Begin at the home server that an earlier sign-in has found
    #[arg(long)]
    home: bool,
}

pub(crate) async fn run(options: Options) -> Metrics {
    let mut root = Root::Url(options.root);
    if options.home {
        let earlier = application(root);
        sign_in(&earlier).await;
        root = earlier.sign_in_manager().home().unwrap();
        earlier.sign_in_manager().sign_out().await.unwrap();
    }
    let begin = (Instant::now(), cpu());
    let trips = || {
        let delay = Duration::from_millis(options.delay.into());
        (begin.0.elapsed().as_secs_f64() / delay.as_secs_f64()).floor()
    };
    let application = application(root);
    sign_in(&application).await;
    let (signed_in, cpu_us) = (trips(), micros(cpu() - begin.1));
    sdk::chat(&application, &host::peer(0), "Hello").await;
    metrics([
        ("signed_in", signed_in),
        ("delivered", trips()),
        ("cpu_us", cpu_us),
    ])
}

fn application(root: Root) -> Application {
    Application::builder().root(root).build().unwrap()
}

async fn sign_in(application: &Application) {
    let credentials = Credentials::password(host::user(0), PASSWORD);
    let manager = application.sign_in_manager();
    manager.sign_in(credentials).await.unwrap();
}
