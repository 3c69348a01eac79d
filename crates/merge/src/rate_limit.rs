//! How fast calls are made. Cognito counts them for the whole account and Region, together with those of sign-ins.

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;

/// The limits for calls to one pool. Cognito counts look-ups and changes separately.
#[derive(Debug)]
pub struct RateLimits {
    /// For calls that list profiles.
    pub lists: RateLimit,
    /// For calls that change something.
    pub updates: RateLimit,
}

impl RateLimits {
    /// No limit, for a single merge that its owner asks for.
    #[must_use]
    pub const fn none() -> Self {
        Self { lists: RateLimit(None), updates: RateLimit(None) }
    }
}

/// Lets calls pass at a steady rate.
#[derive(Debug)]
pub struct RateLimit(Option<DefaultDirectRateLimiter>);

impl RateLimit {
    /// This many calls a second, evenly spread. A burst would take the quota that a sign-in needs at that moment.
    #[must_use]
    pub fn per_second(calls: NonZeroU32) -> Self {
        Self(Some(RateLimiter::direct(Quota::per_second(calls).allow_burst(NonZeroU32::MIN))))
    }

    /// Waits until the next call may be made.
    pub async fn wait(&self) {
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
        let limit = RateLimit::per_second(NonZeroU32::new(100).unwrap());
        let started = Instant::now();
        for _ in 0..21 {
            limit.wait().await;
        }
        assert!(started.elapsed() >= Duration::from_millis(195), "{:?}", started.elapsed());
    }
}
