//! How far a long command has come.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// A bar on standard error. It is shown on a terminal only, and disappears when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins at `done` of `total` profiles.
    pub(crate) fn profiles(total: u64, done: u64) -> Self {
        let bar = ProgressBar::new(total.max(done)).with_position(done);
        let style = ProgressStyle::with_template("{bar:40} {pos} of about {len} profiles, {per_sec}, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Says how many are done now.
    pub(crate) fn reached(&self, done: u64) {
        self.0.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
