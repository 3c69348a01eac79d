//! Prints progress on standard error: one line when a step begins, and one when it ends.
//!
//! Standard output stays free for the command's own output.

use std::time::Instant;

use anyhow::Result;
use console::style;

/// Runs some work, and prints its title, whether it succeeded, and how long it took.
///
/// # Errors
///
/// Returns the error of the work.
pub async fn step<T>(title: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    eprintln!("… {title}");
    let started = Instant::now();
    let outcome = work.await;
    let mark = if outcome.is_ok() { style("✓").green() } else { style("✗").red() };
    let took = style(format!("({:.1} s)", started.elapsed().as_secs_f32())).for_stderr().dim();
    eprintln!("{} {title} {took}", mark.for_stderr());
    outcome
}
