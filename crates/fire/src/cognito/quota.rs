//! Cognito's quotas by category, each as a token bucket.

use std::time::Duration;

use tokio::time::Instant;

/// What Cognito counts together. The rates are its defaults for an account and Region ("Quotas in Amazon Cognito").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Answers of identity providers: the sign-ins that Cognito lets in.
    UserFederation,
    /// `ListUsers`. Cannot be raised.
    UserList,
    /// `AdminCreateUser`.
    UserCreation,
    /// `AdminSetUserPassword`. Cannot be raised.
    UserAccountRecovery,
    /// Links, groups, attributes and deletions. Cannot be raised.
    UserUpdate,
    /// `AdminGetUser`.
    UserRead,
    /// `DescribeUserPool`. Cannot be raised.
    UserPoolRead,
}

impl Category {
    /// Every category, in the order of a sign-in.
    pub const ALL: [Self; 7] = [
        Self::UserFederation,
        Self::UserList,
        Self::UserCreation,
        Self::UserAccountRecovery,
        Self::UserUpdate,
        Self::UserRead,
        Self::UserPoolRead,
    ];

    /// Calls a second.
    #[must_use]
    pub fn rate(self) -> u32 {
        match self {
            Self::UserFederation | Self::UserUpdate => 25,
            Self::UserList | Self::UserAccountRecovery => 30,
            Self::UserCreation => 50,
            Self::UserRead => 120,
            Self::UserPoolRead => 15,
        }
    }

    /// The category of a call. `None` for a call that no launch makes.
    #[must_use]
    pub fn of(operation: &str) -> Option<Self> {
        Some(match operation {
            "ListUsers" => Self::UserList,
            "AdminCreateUser" => Self::UserCreation,
            "AdminSetUserPassword" => Self::UserAccountRecovery,
            "AdminLinkProviderForUser"
            | "AdminAddUserToGroup"
            | "AdminUpdateUserAttributes"
            | "AdminDeleteUserAttributes"
            | "AdminDeleteUser" => Self::UserUpdate,
            "AdminGetUser" => Self::UserRead,
            "DescribeUserPool" => Self::UserPoolRead,
            _ => return None,
        })
    }
}

/// A bucket that holds the calls of one second and fills at their rate. AWS says the rate, and not how large the bucket
/// is.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: f64,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    pub(super) fn of(category: Category) -> Self {
        let rate = f64::from(category.rate());
        Self { rate, tokens: rate, filled: Instant::now() }
    }

    /// Whether a call that comes now is let through.
    pub(super) fn takes_one(&mut self) -> bool {
        let since: Duration = self.filled.elapsed();
        self.filled = Instant::now();
        self.tokens = (self.tokens + since.as_secs_f64() * self.rate).min(self.rate);
        let lets_through = self.tokens >= 1.0;
        if lets_through {
            self.tokens -= 1.0;
        }
        lets_through
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_lets_a_second_of_calls_through_at_once_and_then_its_rate() {
        let mut bucket = Bucket::of(Category::UserUpdate);
        let mut taken = |n: u32| (0..n).filter(|_| bucket.takes_one()).count();
        assert_eq!(taken(100), 25);
        tokio::time::advance(Duration::from_millis(400)).await;
        assert_eq!(taken(100), 10);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(taken(100), 25);
    }
}
