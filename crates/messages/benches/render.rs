//! What the start and each message cost: `cargo bench -p messages`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark, not an interface")]

use criterion::{Criterion, criterion_group, criterion_main};
use messages::{Kind, Messages, Person, Request, Settings};
use std::hint::black_box;

fn messages(criterion: &mut Criterion) {
    let lookup = |name: &str| match name {
        "APP_NAME" => Some("Harbour".to_owned()),
        "APP_URL" => Some("https://app.example.com".to_owned()),
        _ => None,
    };
    let start = || Messages::new(Settings::from_lookup(&lookup).unwrap());
    criterion.bench_function("start", |bench| bench.iter(start));
    let messages = start();
    for (kind, locale) in [(Kind::SignUp, "en"), (Kind::SignUp, "ja"), (Kind::ForgotPassword, "pt-BR")] {
        let request = Request {
            kind,
            person: Person {
                name: Some("Ada"),
                username: Some("ada"),
                email: Some("ada@example.com"),
                locales: &[locale],
            },
            code_parameter: Some("{####}"),
            username_parameter: None,
            link_parameter: None,
        };
        criterion.bench_function(&format!("{}, {locale}", kind.name()), |bench| {
            bench.iter(|| messages.answer(black_box(&request)));
        });
    }
}

criterion_group!(benches, messages);
criterion_main!(benches);
