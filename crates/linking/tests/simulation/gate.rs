//! A pool that makes no call until the explorer says so, and fails calls as told.

use cognito_core::user_pool::memory::{self, Interceptor, MemoryPool};
use linking::{Destination, Later};
use std::collections::{BTreeMap, BTreeSet};
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
    waiting: BTreeSet<usize>,
    granted: BTreeMap<usize, Fate>,
    /// What came of the calls, by their number. With their fates that is all that the invocation has seen.
    replies: BTreeMap<usize, u64>,
    /// The call that is being made.
    current: usize,
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

    /// The pool behind this gate.
    pub fn pool(&self) -> MemoryPool {
        self.pool.behind(Arc::new(self.clone()))
    }

    /// The numbers of the calls that wait to be made.
    pub fn waiting(&self) -> Vec<usize> {
        self.board().waiting.iter().copied().collect()
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

    /// What became of the calls, and what came of them.
    pub fn seen(&self) -> (BTreeMap<usize, Fate>, BTreeMap<usize, u64>) {
        let board = self.board();
        (board.granted.clone(), board.replies.clone())
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap()
    }

    async fn pass(&self) -> memory::Fate {
        let number = {
            let mut board = self.board();
            board.next += 1;
            let number = board.next;
            board.waiting.insert(number);
            number
        };
        let fate = poll_fn(|_| match self.board().granted.get(&number) {
            Some(fate) => Poll::Ready(*fate),
            None => Poll::Pending,
        })
        .await;
        self.board().current = number;
        match fate {
            Fate::Happens => memory::Fate::Happens,
            Fate::Fails | Fate::CrashBefore => memory::Fate::Fails,
            Fate::ReplyLost | Fate::CrashAfter => memory::Fate::ReplyLost,
        }
    }
}

impl Interceptor for Gate {
    fn before<'a>(
        &'a self,
        _operation: &'static str,
        _of: &'a str,
    ) -> Pin<Box<dyn Future<Output = memory::Fate> + Send + 'a>> {
        Box::pin(self.pass())
    }

    fn after(&self, _operation: &'static str, reply: &dyn fmt::Debug) {
        // A profile's `Debug` output hides whom its identities are of.
        let accounts = self.pool.accounts();
        let identities =
            accounts.iter().flat_map(|account| account.identities.iter().map(|known| (&account.sub, &known.value)));
        let mut hasher = DefaultHasher::new();
        (format!("{reply:?}"), identities.collect::<Vec<_>>()).hash(&mut hasher);
        let mut board = self.board();
        let current = board.current;
        board.replies.insert(current, hasher.finish());
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
        Box::pin(async move {
            let fate = self.pass().await;
            if fate != memory::Fate::Fails {
                self.pool.change(|accounts| {
                    for account in accounts.iter_mut().filter(|account| account.user_name == to.user_name.as_str()) {
                        account.groups.insert("Users".to_owned());
                    }
                });
            }
            fate == memory::Fate::Happens
        })
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate(…)")
    }
}
