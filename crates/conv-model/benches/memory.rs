//! The memory of an idle conversation with one participant: the allocated bytes of the conversation, less those of the person.
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
    backend.expect_request().return_const(());
    let (application, _) = Application::new(Arc::new(backend) as Arc<dyn Backend>);
    application
}

/// A conversation with a new person, the person included.
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

/// A participant with a new person. The person takes most of the memory.
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
