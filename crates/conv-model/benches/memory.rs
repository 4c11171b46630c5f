//! What an idle conversation with one participant takes: the column of allocated bytes, less the Person's.
#![allow(missing_docs, clippy::unwrap_used, reason = "benchmarks")]

use std::sync::Arc;

use conv_model::{Application, Backend, MockBackend};
use divan::{AllocProfiler, Bencher};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn application() -> Application {
    let mut backend = MockBackend::new();
    backend
        .expect_normalize_address()
        .returning(|address| Ok(address.to_owned()));
    backend.expect_open_conversation().return_const(());
    let (application, _) = Application::new(Arc::new(backend) as Arc<dyn Backend>);
    application
}

/// A conversation with somebody new, the Person included.
#[divan::bench(sample_count = 1, sample_size = 1000)]
fn conversation_and_person(bencher: Bencher<'_, '_>) {
    let manager = application().conversations_manager();
    let mut count = 0;
    bencher.bench_local(|| {
        count += 1;
        manager
            .get_conversation(&format!("sip:{count}@contoso.com"))
            .unwrap()
    });
}

/// A participant with somebody new, who is nearly all Person.
#[divan::bench(sample_count = 1, sample_size = 1000)]
fn person(bencher: Bencher<'_, '_>) {
    let conversation = application()
        .conversations_manager()
        .get_conversation("sip:lenea@contoso.com")
        .unwrap();
    let mut count = 0;
    bencher.bench_local(|| {
        count += 1;
        conversation
            .create_participant(&format!("sip:{count}@contoso.com"))
            .unwrap()
    });
}
