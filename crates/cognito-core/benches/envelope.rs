//! What reading and answering an event costs: `cargo bench -p cognito-core`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark, not an interface")]

use cognito_core::event::Event;
use cognito_core::testing::sample;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn events(criterion: &mut Criterion) {
    for name in ["pre-sign-up/google", "inbound-federation/google", "custom-message/sign-up"] {
        let json = sample(name);
        criterion.bench_function(&format!("parse and answer {name}"), |bench| {
            bench.iter(|| {
                let mut event = Event::parse(black_box(&json)).unwrap();
                event.respond("autoConfirmUser", true);
                event.into_answer().unwrap()
            });
        });
    }
}

criterion_group!(benches, events);
criterion_main!(benches);
