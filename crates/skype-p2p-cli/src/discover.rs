//! `discover`: follows the discovery of a server without signing in, and shows each step with advice.

mod advice;
mod json;
mod observed_transport;
mod options;
mod path;
mod report;

use std::{sync::Arc, time::SystemTime};

use skype_p2p::{HttpTransport, HyperTransport};
use tokio::task::JoinSet;

pub use self::options::Discover;
use self::{observed_transport::ObservedTransport, path::Path};
use crate::{
    End,
    config::{Key, Settings},
    failure::Failure,
    interrupt::Interrupt,
    output::Output,
    sign_in,
    timeline::printable,
};

/// The hosts of a domain that a client looks for, in the order of preference.
const HOSTS: [&str; 2] = ["lyncdiscoverinternal", "lyncdiscover"];

pub(crate) async fn run(args: Discover, settings: &Settings) -> Result<End, Failure> {
    let mut interrupt = Interrupt::catch().map_err(|error| Failure::other(error.to_string()))?;
    let paths = tokio::select! {
        paths = follow(&args, settings) => paths?,
        () = interrupt.received() => {
            return Err(Failure::other("The discovery was interrupted."));
        }
    };
    // A client prefers the internal host, which is the first.
    let used = paths.iter().position(Path::is_found);
    let found = used.and_then(|number| paths.get(number));
    let now = SystemTime::now();
    let mut output = Output::stdout();
    for (number, path) in paths.iter().enumerate() {
        let lines = if args.lines.json {
            json::path(&args.domain, path, used == Some(number), now)
        } else {
            let lines = report::path(path, now);
            lines.iter().map(|line| printable(line)).collect()
        };
        for line in lines {
            output.line(line);
        }
    }
    if let Some(found) = found
        && !args.lines.json
    {
        output.line(printable(&report::result(&args.domain, found)));
    }
    output.check()?;
    match found {
        Some(_) => Ok(End::Well),
        None => Err(Failure::not_found(&args.domain)),
    }
}

/// Follows all paths at the same time, and returns them in the order of preference.
async fn follow(args: &Discover, settings: &Settings) -> Result<Vec<Path>, Failure> {
    let config = sign_in::transport_config(settings)?;
    let transport = Arc::new(HyperTransport::with_config(config));
    let trust: Arc<[String]> = settings.list(Key::Trust).into();
    let domain: Arc<str> = args.domain.as_str().into();
    let starts = match &args.server.root {
        Some(root) => vec![root.clone()],
        None => HOSTS
            .map(|host| format!("https://{host}.{domain}/"))
            .to_vec(),
    };
    let mut following = JoinSet::new();
    for (number, start) in starts.into_iter().enumerate() {
        let mut sender: Arc<dyn HttpTransport> = transport.clone();
        if let Some(recording) = &settings.recording {
            sender = recording.record(sender, None)?;
        }
        let observed = ObservedTransport::new(sender);
        let (transport, trust) = (Arc::clone(&transport), Arc::clone(&trust));
        let (domain, limit) = (Arc::clone(&domain), args.limit.timeout);
        following.spawn(async move {
            let path = Path::follow(start, &domain, observed, &transport, &trust, limit).await;
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
    Ok(paths.into_iter().map(|(_, path)| path).collect())
}
