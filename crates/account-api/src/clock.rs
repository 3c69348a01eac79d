use std::time::SystemTime;

/// Seconds in 24 hours.
pub(crate) const DAY: u64 = 24 * 60 * 60;

/// Tells the time. Tests move it.
pub trait Clock: Send + Sync {
    /// Seconds since 1970.
    fn now(&self) -> u64;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())
    }
}
