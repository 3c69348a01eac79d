//! Where calls to the outside wait until somebody lets them happen.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

/// One process's way to the outside. It is open until somebody closes it. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Mutex<Board>>);

#[derive(Debug, Default)]
struct Board {
    is_closed: bool,
    next: usize,
    waiting: BTreeMap<usize, Step>,
    let_through: BTreeSet<usize>,
}

/// A call that waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Step {
    pub(crate) operation: &'static str,
    /// The key in the table, or the user name; empty where a call is about no single one.
    pub(crate) key: String,
}

impl Gate {
    /// From now on each call waits. Calls from before are forgotten.
    pub(crate) fn close(&self) {
        *self.board() = Board { is_closed: true, ..Board::default() };
    }

    /// From now on no call waits.
    pub(crate) fn open(&self) {
        *self.board() = Board::default();
    }

    /// The calls that wait, by their number in the process.
    pub(crate) fn waiting(&self) -> Vec<(usize, Step)> {
        self.board().waiting.iter().map(|(number, step)| (*number, step.clone())).collect()
    }

    pub(crate) fn is_anybody_waiting(&self) -> bool {
        !self.board().waiting.is_empty()
    }

    /// This call happens now.
    pub(crate) fn let_through(&self, number: usize) {
        let mut board = self.board();
        board.waiting.remove(&number);
        board.let_through.insert(number);
    }

    pub(crate) async fn pass(&self, operation: &'static str, key: &str) {
        let number = {
            let mut board = self.board();
            board.next += 1;
            let number = board.next;
            if board.is_closed {
                board.waiting.insert(number, Step { operation, key: key.to_owned() });
            }
            number
        };
        if !self.board().waiting.contains_key(&number) {
            // Others get their turn, as they would while a network answers.
            return tokio::task::yield_now().await;
        }
        poll_fn(|_| if self.board().let_through.contains(&number) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
