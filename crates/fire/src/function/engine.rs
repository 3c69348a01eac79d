//! The function of this repository as a library: the same engine, adapter, SDK, retries and time limit as in the binary.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Result;
use cognito_core::testing::lookup;
use cognito_core::trigger::Trigger;
use cognito_core::user_pool::aws::AwsUserPools;
use local_cloud::function::SETTINGS;
use post_confirmation::PostConfirmation;
use pre_sign_up::PreSignUp;
use serde_json::{Value, json};

use super::{Function, Queue, When, answered};
use crate::client;
use crate::cognito::Cognito;

type PreSignUps = Processes<PreSignUp<AwsUserPools, Queue>>;
type PostConfirmations = Processes<PostConfirmation<AwsUserPools, Queue>>;

/// The engine over the stand-in, without a network.
#[derive(Debug)]
pub struct Engine {
    cognito: Arc<Cognito>,
    settings: (pre_sign_up::Settings, post_confirmation::Settings),
    queue: Option<Queue>,
    pre_sign_ups: PreSignUps,
    post_confirmations: PostConfirmations,
    started: Cell<usize>,
}

/// Processes of a function that have nothing to do.
#[derive(Debug)]
struct Processes<T>(RefCell<Vec<Rc<T>>>);

impl<T: Trigger> Processes<T> {
    /// Lets one of them answer, or a new one.
    async fn answer(&self, event: &Value, start: impl FnOnce() -> Result<T>) -> Result<(), String> {
        let idle = self.0.borrow_mut().pop();
        let process = match idle {
            Some(idle) => idle,
            None => Rc::new(start().map_err(|why| why.to_string())?),
        };
        let answered = answered(&*process, event).await;
        self.0.borrow_mut().push(process);
        answered
    }
}

impl Engine {
    /// The engine with the settings of a local run, with or without a queue for memberships.
    ///
    /// # Errors
    ///
    /// Never, unless these settings are no longer allowed.
    pub fn new(cognito: &Arc<Cognito>, queue: Option<Queue>) -> Result<Self> {
        let lookup = lookup(SETTINGS);
        let pre_sign_up = pre_sign_up::Settings::from_lookup(&lookup)?;
        let post_confirmation = post_confirmation::Settings::from_lookup(&lookup)?;
        Ok(Self {
            cognito: cognito.clone(),
            settings: (pre_sign_up, post_confirmation),
            queue,
            pre_sign_ups: Processes(RefCell::default()),
            post_confirmations: Processes(RefCell::default()),
            started: Cell::default(),
        })
    }

    /// The pools as the next process opens them.
    fn pools(&self) -> Result<AwsUserPools> {
        let number = self.started.get();
        self.started.set(number + 1);
        client::of_process(&self.cognito, number)
    }

    async fn confirm(&self, event: &Value) -> Result<(), String> {
        let start = || Ok(PostConfirmation::new(self.settings.1.clone(), self.pools()?, self.queue.clone()));
        self.post_confirmations.answer(event, start).await
    }
}

impl Function for Engine {
    const NAME: &'static str = "this repository";

    async fn invoke(&self, when: When, event: &Value) -> Result<(), String> {
        match when {
            When::PreSignUp => {
                let start = || Ok(PreSignUp::new(self.settings.0.clone(), self.pools()?, self.queue.clone()));
                self.pre_sign_ups.answer(event, start).await
            }
            When::PostConfirmation => self.confirm(event).await,
        }
    }

    fn waiting(&self) -> usize {
        self.queue.as_ref().map_or(0, Queue::len)
    }

    async fn hand_over(&self) -> bool {
        let Some((queue, message)) = self.queue.as_ref().and_then(|queue| Some((queue, queue.take()?))) else {
            return false;
        };
        let written = self.confirm(&json!({ "Records": [{ "body": message }] })).await.is_ok();
        if !written {
            queue.put_back(message);
        }
        written
    }
}
