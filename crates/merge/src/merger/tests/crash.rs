//! A pool and a journal that fail, or end the process, at a chosen step.

use super::scenario::Scene;
use crate::journal::{Entry, History, Journal, JournalError};
use cognito_core::user_pool::memory::{self, Interceptor};
use std::fmt;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

/// What becomes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The process ends before it.
    EndsBefore,
    /// The process ends right after it.
    EndsAfter,
    /// The process ends while a line of the journal is being written; for a call as `EndsBefore`.
    EndsWithin,
    /// The call fails; for the journal as `EndsBefore`.
    Fails,
    /// The call happens and its reply is lost; for the journal as `EndsAfter`.
    ReplyLost,
}

pub(super) const FATES: [Fate; 5] = [Fate::EndsBefore, Fate::EndsAfter, Fate::EndsWithin, Fate::Fails, Fate::ReplyLost];

/// What ends the process.
pub(super) struct Crash;

#[derive(Default)]
struct Burning {
    steps: usize,
    burnt: bool,
    what: &'static str,
    /// The process ends once the call at hand has happened.
    ends_after: bool,
}

type Meanwhile = Box<dyn Fn() + Send + Sync>;

/// Counts steps and says what becomes of each.
pub(super) struct Fuse {
    at: Option<(usize, Fate)>,
    meanwhile: Option<(&'static str, Meanwhile)>,
    state: Mutex<Burning>,
}

impl Fuse {
    fn new(at: Option<(usize, Fate)>, meanwhile: Option<(&'static str, Meanwhile)>) -> Arc<Self> {
        Arc::new(Self { at, meanwhile, state: Mutex::default() })
    }

    pub(super) fn never() -> Arc<Self> {
        Self::new(None, None)
    }

    pub(super) fn at(step: usize, fate: Fate) -> Arc<Self> {
        Self::new(Some((step, fate)), None)
    }

    /// Nothing fails; the first call of this name is followed by something else.
    pub(super) fn meanwhile(what: &'static str, happens: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Self::new(None, Some((what, Box::new(happens))))
    }

    pub(super) fn burnt(&self) -> bool {
        self.state.lock().unwrap().burnt
    }

    /// The name of the step that did not go well.
    pub(super) fn what(&self) -> &'static str {
        self.state.lock().unwrap().what
    }

    fn step(&self, what: &'static str) -> Option<Fate> {
        let mut state = self.state.lock().unwrap();
        state.steps += 1;
        let (_, fate) = self.at.filter(|(at, _)| *at == state.steps)?;
        (state.burnt, state.what) = (true, what);
        Some(fate)
    }
}

impl Interceptor for Fuse {
    fn before<'a>(
        &'a self,
        operation: &'static str,
        _of: &'a str,
    ) -> Pin<Box<dyn Future<Output = memory::Fate> + Send + 'a>> {
        let fate = match self.step(operation) {
            None => memory::Fate::Happens,
            Some(Fate::EndsBefore | Fate::EndsWithin) => resume_unwind(Box::new(Crash)),
            Some(Fate::EndsAfter) => {
                self.state.lock().unwrap().ends_after = true;
                memory::Fate::Happens
            }
            Some(Fate::Fails) => memory::Fate::Fails,
            Some(Fate::ReplyLost) => memory::Fate::ReplyLost,
        };
        Box::pin(std::future::ready(fate))
    }

    fn after(&self, operation: &'static str, _reply: &dyn fmt::Debug) {
        if std::mem::take(&mut self.state.lock().unwrap().ends_after) {
            resume_unwind(Box::new(Crash));
        }
        if let Some((_, happens)) = self.meanwhile.as_ref().filter(|(after, _)| *after == operation) {
            let was_burnt = std::mem::replace(&mut self.state.lock().unwrap().burnt, true);
            if !was_burnt {
                happens();
            }
        }
    }
}

/// What a journal left on the disk: one entry a line, the last one perhaps cut off.
pub(super) type Disk = Arc<Mutex<Vec<u8>>>;

/// The history that a new process reads. A line that was cut off is dropped.
pub(super) fn read(disk: &Disk) -> History {
    let mut bytes = disk.lock().unwrap();
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    bytes.truncate(whole);
    let mut history = History::default();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        history.add(&serde_json::from_slice(line).unwrap());
    }
    history
}

/// A journal on a fuse.
pub(super) struct FusedJournal {
    history: History,
    disk: Disk,
    fuse: Arc<Fuse>,
}

impl FusedJournal {
    pub(super) fn open(disk: &Disk, fuse: &Arc<Fuse>) -> Self {
        Self { history: read(disk), disk: disk.clone(), fuse: fuse.clone() }
    }
}

impl Journal for FusedJournal {
    async fn write(&mut self, entry: Entry) -> Result<(), JournalError> {
        let line = [serde_json::to_vec(&entry).unwrap(), b"\n".to_vec()].concat();
        let (written, ends) = match self.fuse.step("journal") {
            None => (line.len(), false),
            Some(Fate::EndsBefore | Fate::Fails) => (0, true),
            Some(Fate::EndsAfter | Fate::ReplyLost) => (line.len(), true),
            Some(Fate::EndsWithin) => (line.len() / 2, true),
        };
        self.disk.lock().unwrap().extend_from_slice(&line[..written]);
        if ends {
            resume_unwind(Box::new(Crash));
        }
        self.history.add(&entry);
        Ok(())
    }

    fn history(&self) -> &History {
        &self.history
    }
}

/// A scene after a run that did not go well, or after the undisturbed one.
pub(super) struct Cut {
    pub(super) scene: Scene,
    /// The step that did not go well; empty if all did.
    pub(super) what: &'static str,
    /// What happened, for messages.
    pub(super) told: String,
}

/// Runs a scene once for each of its steps, which comes to this fate, and once undisturbed.
pub(super) async fn cut_off(make: impl AsyncFn() -> Scene, fate: Fate) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for at in 1.. {
        let mut scene = make().await;
        let fuse = Fuse::at(at, fate);
        let result = scene.run(&fuse).await;
        let (what, name) = (fuse.what(), &scene.name);
        cuts.push(Cut { told: format!("{name}, {fate:?} at step {at} ({what}): {result:?}"), scene, what });
        if !fuse.burnt() {
            break;
        }
    }
    cuts
}

/// Ends the process after each step of a run, and the run after that one after each of its steps. The undisturbed runs are
/// among them.
pub(super) async fn cut_off_twice(make: impl AsyncFn() -> Scene) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for first in cut_off(make, Fate::EndsAfter).await {
        let again = cut_off(async || first.scene.copy(), Fate::EndsAfter).await;
        cuts.extend(again.into_iter().map(|cut| Cut { told: format!("{}; then {}", first.told, cut.told), ..cut }));
    }
    cuts
}
