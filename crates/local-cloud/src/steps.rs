//! Progress on standard error: a spinner on a terminal, plain lines elsewhere.
//!
//! Standard output stays free for what a command was asked to print.

use std::time::{Duration, Instant};

use console::style;
use indicatif::{ProgressBar, ProgressStyle};

/// One step under way. Dropped without [`Step::done`], it is shown as failed.
#[derive(Debug)]
pub struct Step {
    bar: Option<ProgressBar>,
    title: String,
    started: Instant,
    finished: bool,
}

/// Begins a step that a person may have to wait for.
#[must_use]
pub fn begin(title: &str) -> Step {
    let bar = console::user_attended_stderr().then(|| {
        let bar = ProgressBar::new_spinner();
        if let Ok(look) = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}") {
            bar.set_style(look);
        }
        bar.set_message(title.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    });
    if bar.is_none() {
        eprintln!("… {title}");
    }
    Step { bar, title: title.to_owned(), started: Instant::now(), finished: false }
}

impl Step {
    /// Shows what the step is busy with; on a terminal only.
    pub fn detail(&self, text: &str) {
        if let Some(bar) = &self.bar {
            let room = usize::from(console::Term::stderr().size().1).saturating_sub(self.title.len() + 16);
            bar.set_message(format!("{}: {}", self.title, console::truncate_str(text, room, "…")));
        }
    }

    /// Ends the step well and says how long it took.
    pub fn done(mut self) {
        self.finish(&style("✓").for_stderr().green().to_string());
    }

    fn finish(&mut self, mark: &str) {
        self.finished = true;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let took = style(format!("({:.1} s)", self.started.elapsed().as_secs_f32())).for_stderr().dim();
        eprintln!("{mark} {} {took}", self.title);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.finished {
            self.finish(&style("✗").for_stderr().red().to_string());
        }
    }
}
