//! Progress on standard error: a line when a step begins, and one when it has ended.
//!
//! Standard output stays free for what a command was asked to print.

use std::time::Instant;

use anyhow::Result;
use console::style;

/// Does something that a person may have to wait for; says what it is, how it ended, and how long it took.
///
/// # Errors
///
/// Those of the work.
pub async fn step<T>(title: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    eprintln!("… {title}");
    let started = Instant::now();
    let outcome = work.await;
    let mark = if outcome.is_ok() { style("✓").green() } else { style("✗").red() };
    let took = style(format!("({:.1} s)", started.elapsed().as_secs_f32())).for_stderr().dim();
    eprintln!("{} {title} {took}", mark.for_stderr());
    outcome
}
