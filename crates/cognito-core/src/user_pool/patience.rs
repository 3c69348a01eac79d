use super::{PoolError, PoolErrorKind};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The part of the time left that is waited before a call is made again. Cognito lets 25 updates through each second, one
/// every 40 ms, and many people wait for the same ones. So who has little time left asks more often, and comes before those
/// who have just begun. Random, so that they do not all come back at once.
const WAIT: std::ops::Range<f64> = 0.05..0.15;

/// The shortest wait.
const LEAST_WAIT: Duration = Duration::from_millis(40);

/// What a call takes at most where AWS is well.
const CALL: Duration = Duration::from_millis(300);

/// Until when calls that Cognito throttles are made again.
///
/// The SDK repeats a throttled call twice, within half a second. That is too short when many people sign in for the first
/// time at once: Cognito never allows more than 25 updates a second, so most of them must wait longer, and one that is
/// refused comes back and makes all its calls again. A failure of another kind says that AWS or the network is ill. It is
/// not waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    until: Option<Instant>,
}

impl Patience {
    /// The SDK's own retries only.
    pub const NONE: Self = Self { until: None };

    /// As long as a call that is made again can end before `deadline`.
    #[must_use]
    pub fn until(deadline: Instant) -> Self {
        Self { until: Some(deadline) }
    }

    /// Makes a call, and makes it again while Cognito throttles it and there is time.
    ///
    /// # Errors
    ///
    /// Returns the call's error: also the throttling, if there is no time left.
    pub async fn with<T, C>(self, call: impl Fn() -> C) -> Result<T, PoolError>
    where
        C: Future<Output = Result<T, PoolError>>,
    {
        loop {
            let error = match call().await {
                Err(error) if error.kind() == PoolErrorKind::Throttled => error,
                done => return done,
            };
            let Some(wait) = self.wait() else { return Err(error) };
            sleep(wait).await;
        }
    }

    /// How long to wait before the call is made again, or `None` if there is no time for it.
    fn wait(self) -> Option<Duration> {
        let left = self.until?.saturating_duration_since(Instant::now()).checked_sub(CALL)?;
        Some(left.mul_f64(rand::random_range(WAIT)).max(LEAST_WAIT)).filter(|wait| *wait <= left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// How often a call is made that fails `failures` times with this kind, how it ends, and after how long.
    async fn made(patience: Patience, kind: PoolErrorKind, failures: u32) -> (u32, bool, Duration) {
        let (calls, start) = (Cell::new(0), Instant::now());
        let call = || async {
            calls.set(calls.get() + 1);
            if calls.get() > failures { Ok(()) } else { Err(PoolError::new(kind, "AdminLinkProviderForUser", "")) }
        };
        let ended = patience.with(call).await;
        (calls.get(), ended.is_ok(), start.elapsed())
    }

    fn four_seconds() -> Patience {
        Patience::until(Instant::now() + Duration::from_secs(4))
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_call_is_made_again_while_there_is_time() {
        let (calls, done, took) = made(four_seconds(), PoolErrorKind::Throttled, 5).await;
        assert!(done && calls == 6 && took >= Duration::from_millis(500), "{calls} {took:?}");
        let (calls, done, took) = made(four_seconds(), PoolErrorKind::Throttled, u32::MAX).await;
        assert!(!done && calls >= 9 && took + CALL <= Duration::from_secs(4), "{calls} {took:?}");
        assert_eq!(made(Patience::NONE, PoolErrorKind::Throttled, 1).await, (1, false, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn no_other_failure_is_waited_for() {
        for kind in [PoolErrorKind::Unavailable, PoolErrorKind::Denied, PoolErrorKind::UserNameExists] {
            assert_eq!(made(four_seconds(), kind, 1).await, (1, false, Duration::ZERO));
        }
    }
}
