//! How fast calls are made: Cognito counts them for the whole account and Region, and people sign in meanwhile.

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;

/// Lets calls pass at a steady rate.
#[derive(Debug)]
pub(crate) struct Pace(Option<DefaultDirectRateLimiter>);

impl Pace {
    /// So many calls a second, evenly spread: a burst would take what a sign-in needs just then.
    pub(crate) fn per_second(calls: NonZeroU32) -> Self {
        Self(Some(RateLimiter::direct(Quota::per_second(calls).allow_burst(NonZeroU32::MIN))))
    }

    /// As fast as tests can.
    #[cfg(test)]
    pub(crate) fn unlimited() -> Self {
        Self(None)
    }

    /// Waits until the next call may be made.
    pub(crate) async fn turn(&self) {
        if let Some(limiter) = &self.0 {
            limiter.until_ready().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[tokio::test]
    async fn calls_are_spread_evenly_from_the_first() {
        let pace = Pace::per_second(NonZeroU32::new(100).unwrap());
        let started = Instant::now();
        for _ in 0..21 {
            pace.turn().await;
        }
        assert!(started.elapsed() >= Duration::from_millis(195), "{:?}", started.elapsed());
    }
}
