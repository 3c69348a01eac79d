//! What a decision costs: `cargo bench -p linking`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark, not an interface")]

use cognito_core::event::Attributes;
use cognito_core::provider::Providers;
use cognito_core::user_pool::memory::native;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use linking::{Arrival, Owner, Owners, Policy, SubjectRule, decide};
use serde_json::json;
use std::hint::black_box;

fn decisions(criterion: &mut Criterion) {
    let providers = Providers::parse("Google:claim,Facebook:always,Okta:claim").unwrap();
    let attributes = json!({ "email": "ada@example.com", "email_verified": "true" });
    let read = || Arrival::read("Google_1", Attributes::new(Some(&attributes)), &providers, &SubjectRule::default());
    let arrival = read();
    let owner = |email: &str| Owner { profile: native(email).profile(), is_new: false };
    let nobody = Owners { current: true, ..Owners::default() };
    let one = Owners { profiles: vec![owner("ada@example.com")], ..nobody.clone() };
    let policy = Policy::default();
    criterion.bench_function("read an arrival", |bench| bench.iter_batched(|| (), |()| read(), BatchSize::SmallInput));
    criterion.bench_function("decide: create", |bench| bench.iter(|| decide(black_box(&arrival), &nobody, &policy)));
    criterion.bench_function("decide: link", |bench| bench.iter(|| decide(black_box(&arrival), &one, &policy)));
}

criterion_group!(benches, decisions);
criterion_main!(benches);
