//! `discover`: follows the discovery of a server without signing in, and shows each step with advice.

mod advice;
mod observed_transport;
mod options;
mod path;
mod report;

use std::{sync::Arc, time::SystemTime};

use skype_p2p::HyperTransport;
use tokio::task::JoinSet;

pub use self::options::Discover;
use self::path::Path;
use crate::{
    End,
    config::{Key, Settings},
    failure::Failure,
    output::Output,
    sign_in,
    timeline::printable,
};

/// The hosts of a domain that a client looks for, in the order of preference.
const HOSTS: [&str; 2] = ["lyncdiscoverinternal", "lyncdiscover"];

pub(crate) async fn run(args: Discover, settings: &Settings) -> Result<End, Failure> {
    let config = sign_in::transport_config(settings)?;
    let transport = Arc::new(HyperTransport::with_config(config));
    let trust: Arc<[String]> = settings.list(Key::Trust).into();
    let domain: Arc<str> = args.domain.into();
    let starts = match args.root {
        Some(root) => vec![root],
        None => HOSTS
            .map(|host| format!("https://{host}.{domain}/"))
            .to_vec(),
    };
    let mut following = JoinSet::new();
    for (number, start) in starts.into_iter().enumerate() {
        let (transport, trust) = (Arc::clone(&transport), Arc::clone(&trust));
        let (domain, limit) = (Arc::clone(&domain), args.timeout);
        following.spawn(async move {
            let path = Path::follow(start, &domain, transport, &trust, limit).await;
            (number, path)
        });
    }
    let mut paths = Vec::new();
    while let Some(followed) = following.join_next().await {
        if let Ok((number, path)) = followed {
            paths.push((number, path?));
        }
    }
    paths.sort_by_key(|(number, _)| *number);
    let paths: Vec<Path> = paths.into_iter().map(|(_, path)| path).collect();

    let mut output = Output::stdout();
    for line in paths
        .iter()
        .flat_map(|path| report::path(path, SystemTime::now()))
    {
        output.line(printable(&line));
    }
    let result = report::result(&domain, &paths);
    if let Some(result) = &result {
        output.line(printable(result));
    }
    output.check()?;
    match result {
        Some(_) => Ok(End::Well),
        None => Err(Failure::not_found(&domain)),
    }
}
