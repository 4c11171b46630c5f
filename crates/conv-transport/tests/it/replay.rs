//! Tests of replays: responses, timing, and reports of differences.

mod causality;
mod foreign;
mod matching;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use conv_transport::{Har, HttpTransport, Record, RecordOptions, Replay, ReplayOptions};
use http::Request;

use crate::scripted::{Answer, Scripted};

/// Runs `scenario` over a scripted transport, and returns the recording.
async fn recording<F>(
    answer: impl Fn(&Request<Bytes>) -> Answer + Send + Sync + 'static,
    scenario: impl FnOnce(Arc<dyn HttpTransport>) -> F,
) -> Har
where
    F: Future<Output = ()>,
{
    let options = RecordOptions::new(std::time::UNIX_EPOCH + Duration::from_secs(1_425_204_000));
    let record = Arc::new(Record::new(Scripted::new(answer), options));
    scenario(Arc::clone(&record) as Arc<dyn HttpTransport>).await;
    // Through the file, as a fixture comes.
    Har::from_slice(&record.har().to_vec().unwrap()).unwrap()
}

fn replay(har: &Har, options: ReplayOptions) -> Arc<Replay> {
    Arc::new(Replay::new(har, options).unwrap())
}
