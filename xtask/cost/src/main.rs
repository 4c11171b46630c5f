//! The measured program of `cargo xtask cost`, which runs it alone for the allocations and under callgrind for the instructions.
//! For each step it prints a line of JSON with its name, the number of its repetitions, and their allocations.
//!
//! Callgrind writes a file at each return from [`counted`]. The files are in the order of the lines.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement"
)]

mod decode;
mod observe;
#[path = "../../bench/src/script.rs"]
mod script;
mod world;

use std::hint::black_box;

use allocation_counter::measure;
use serde_json::json;

use self::world::World;

/// The repetitions of a step. Amortized costs, such as the growth of a vector, are spread over them.
const REPETITIONS: u64 = 100;

fn main() {
    decode::run();
    observe::run();
    for conversations in [10, 10_000] {
        let mut world = World::new();
        world.begin(conversations);
        world.measure_beside_conversations(&format!("{conversations} conversations"));
    }
    for participants in [10, 1_000] {
        let mut world = World::new();
        world.begin(1);
        world.join(participants);
        world.measure_beside_participants(&format!("{participants} participants"));
    }
}

/// Measures the repetitions of a step. The first ones are not measured: they load code and fill caches.
fn step(name: &str, mut step: impl FnMut()) {
    for _ in 0..10 {
        step();
    }
    let mut repeat = || (0..REPETITIONS).for_each(|_| step());
    let allocations = measure(|| measured(&mut repeat));
    println!(
        "{}",
        json!({
            "step": name,
            "repetitions": REPETITIONS,
            "allocations": allocations.count_total,
            "allocated_bytes": allocations.bytes_total,
            "kept_bytes": allocations.bytes_current,
        })
    );
}

/// Callgrind finds these two functions by their names: its counts begin at the entry of the first and end at the exit of the second.
#[inline(never)]
fn measured(repeat: &mut dyn FnMut()) {
    counted(repeat);
    black_box(());
}

#[inline(never)]
fn counted(repeat: &mut dyn FnMut()) {
    repeat();
    black_box(());
}
