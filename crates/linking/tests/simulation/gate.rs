//! A pool that makes no call until the explorer says so, and fails calls as told.

use cognito_core::email::Email;
use cognito_core::password::Password;
use cognito_core::provider::SourceIdentity;
use cognito_core::user_pool::memory::MemoryPool;
use cognito_core::user_pool::{
    AvailableEmail, CheckedUserName, NewNative, PoolError, PoolErrorKind, Profile, RequiredAttribute, UserName,
    UserPool,
};
use linking::{Destination, Later};
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It happens and its reply arrives.
    Happens,
    /// It fails before it has any effect.
    Fails,
    /// It happens, and the reply is lost.
    ReplyLost,
    /// The process ends before it.
    CrashBefore,
    /// It happens, and the process ends before the reply.
    CrashAfter,
}

pub const FAULTS: [Fate; 4] = [Fate::Fails, Fate::ReplyLost, Fate::CrashBefore, Fate::CrashAfter];

#[derive(Default)]
struct Board {
    /// Calls that wait, by their number in the invocation.
    waiting: BTreeMap<usize, &'static str>,
    granted: BTreeMap<usize, Fate>,
    /// The replies, by the number of their call: all that the invocation has seen.
    replies: BTreeMap<usize, u64>,
    next: usize,
}

/// One invocation's way to the pool.
#[derive(Clone)]
pub struct Gate {
    pool: MemoryPool,
    board: Arc<Mutex<Board>>,
}

impl Gate {
    pub fn new(pool: &MemoryPool) -> Self {
        Self { pool: pool.clone(), board: Arc::default() }
    }

    /// The numbers of the calls that wait to be made.
    pub fn waiting(&self) -> Vec<usize> {
        self.board().waiting.keys().copied().collect()
    }

    pub fn grant(&self, call: usize, fate: Fate) {
        let mut board = self.board();
        board.waiting.remove(&call);
        board.granted.insert(call, fate);
    }

    /// How many calls were granted so far.
    pub fn granted(&self) -> usize {
        self.board().granted.len()
    }

    pub fn replies(&self) -> BTreeMap<usize, u64> {
        self.board().replies.clone()
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap()
    }

    async fn pass<T: Reply>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, PoolError>>,
    ) -> Result<T, PoolError> {
        let number = {
            let mut board = self.board();
            board.next += 1;
            let number = board.next;
            board.waiting.insert(number, operation);
            number
        };
        let fate = poll_fn(|_| match self.board().granted.get(&number) {
            Some(fate) => Poll::Ready(*fate),
            None => Poll::Pending,
        })
        .await;
        let lost = || Err(PoolError::new(PoolErrorKind::Unavailable, operation, "simulated"));
        let reply = match fate {
            Fate::Fails | Fate::CrashBefore => lost(),
            Fate::Happens => call.await,
            Fate::ReplyLost | Fate::CrashAfter => call.await.and_then(|_| lost()),
        };
        let mut hasher = DefaultHasher::new();
        match &reply {
            Ok(reply) => reply.digest(&mut hasher),
            Err(error) => error.kind().hash(&mut hasher),
        }
        self.board().replies.insert(number, hasher.finish());
        reply
    }
}

/// A queue for memberships, always in use. What it takes counts as written, because it is durable. Putting something there
/// can fail and be cut off like any call.
impl Later for Gate {
    fn is_busy(&self) -> bool {
        true
    }

    fn note_throttling(&self) {}

    fn keep<'a>(&'a self, to: &'a Destination) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        let written = async {
            self.pool.change(|accounts| {
                for account in accounts.iter_mut().filter(|account| account.user_name == to.user_name.as_str()) {
                    account.groups.insert("Users".to_owned());
                }
            });
            Ok(())
        };
        Box::pin(async move { self.pass("queue", written).await.is_ok() })
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate(…)")
    }
}

/// A reply, as far as an invocation can tell it from another.
trait Reply {
    fn digest(&self, hasher: &mut DefaultHasher);
}

impl Reply for () {
    fn digest(&self, _hasher: &mut DefaultHasher) {}
}

impl Reply for bool {
    fn digest(&self, hasher: &mut DefaultHasher) {
        self.hash(hasher);
    }
}

impl Reply for Profile {
    fn digest(&self, hasher: &mut DefaultHasher) {
        let identities: Vec<_> = self.identities.iter().map(|known| (&known.provider_name, &known.user_id)).collect();
        let factor = self.has_second_factor;
        (&self.sub, self.status, self.enabled, &self.email, self.email_verified, factor, identities).hash(hasher);
    }
}

impl Reply for Option<Profile> {
    fn digest(&self, hasher: &mut DefaultHasher) {
        if let Some(profile) = self {
            profile.digest(hasher);
        }
    }
}

impl Reply for Vec<Profile> {
    fn digest(&self, hasher: &mut DefaultHasher) {
        for profile in self {
            profile.digest(hasher);
        }
    }
}

impl Reply for Vec<RequiredAttribute> {
    fn digest(&self, hasher: &mut DefaultHasher) {
        for attribute in self {
            attribute.name.hash(hasher);
        }
    }
}

impl UserPool for Gate {
    async fn profiles_with_email(&self, email: &Email) -> Result<Vec<Profile>, PoolError> {
        self.pass("list", self.pool.profiles_with_email(email)).await
    }

    async fn profile(&self, name: &str) -> Result<Option<Profile>, PoolError> {
        self.pass("get", self.pool.profile(name)).await
    }

    async fn is_sub(&self, name: &UserName) -> Result<bool, PoolError> {
        self.pass("sub", self.pool.is_sub(name)).await
    }

    async fn required_attributes(&self) -> Result<Vec<RequiredAttribute>, PoolError> {
        self.pass("describe", self.pool.required_attributes()).await
    }

    async fn create_native(&self, new: &NewNative) -> Result<Profile, PoolError> {
        self.pass("create", self.pool.create_native(new)).await
    }

    async fn replace_password(&self, user: &CheckedUserName, password: &Password) -> Result<(), PoolError> {
        self.pass("password", self.pool.replace_password(user, password)).await
    }

    async fn link(&self, user: &CheckedUserName, identity: &SourceIdentity) -> Result<(), PoolError> {
        self.pass("link", self.pool.link(user, identity)).await
    }

    async fn unlink_source(&self, identity: &SourceIdentity) -> Result<(), PoolError> {
        self.pass("unlink", self.pool.unlink_source(identity)).await
    }

    async fn set_verified_email(&self, user: &CheckedUserName, email: &AvailableEmail) -> Result<(), PoolError> {
        self.pass("set email", self.pool.set_verified_email(user, email)).await
    }

    async fn forget_phone_and_factors(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.pass("forget", self.pool.forget_phone_and_factors(user)).await
    }

    async fn has_passkey(&self, user: &CheckedUserName) -> Result<bool, PoolError> {
        self.pass("passkey", self.pool.has_passkey(user)).await
    }

    async fn sign_out_everywhere(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.pass("sign out", self.pool.sign_out_everywhere(user)).await
    }

    async fn delete(&self, user: &CheckedUserName) -> Result<(), PoolError> {
        self.pass("delete", self.pool.delete(user)).await
    }

    async fn add_to_group(&self, user: &CheckedUserName, group: &str) -> Result<(), PoolError> {
        self.pass("group", self.pool.add_to_group(user, group)).await
    }
}
