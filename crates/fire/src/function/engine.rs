//! The function of this repository as a library: the same engine, adapter, SDK, retries and time limit as in the binary.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Result;
use cognito_core::user_pool::aws::AwsUserPools;
use local_cloud::function::SETTINGS;
use post_confirmation::PostConfirmation;
use pre_sign_up::{PreSignUp, Settings};
use serde_json::{Value, json};

use super::{Function, Queue, answered};
use crate::client;
use crate::cognito::Cognito;

type Process = Rc<PreSignUp<AwsUserPools, Queue>>;
type Later = Rc<PostConfirmation<AwsUserPools, Queue>>;

/// The number of the process of post confirmation.
const LATER: usize = usize::MAX;

/// The engine over the stand-in, without a network.
#[derive(Debug)]
pub struct Engine {
    cognito: Arc<Cognito>,
    settings: Settings,
    queue: Option<Queue>,
    idle: RefCell<Vec<Process>>,
    later: Later,
    started: Cell<usize>,
}

impl Engine {
    /// The engine with the settings of a local run, with or without a queue for memberships.
    ///
    /// # Errors
    ///
    /// Never, unless these settings are no longer allowed.
    pub fn new(cognito: &Arc<Cognito>, queue: Option<Queue>) -> Result<Self> {
        let lookup =
            |asked: &str| SETTINGS.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned());
        let settings = post_confirmation::Settings::from_lookup(&lookup)?;
        let later = PostConfirmation::new(settings, client::of_process(cognito, LATER)?, queue.clone());
        Ok(Self {
            cognito: cognito.clone(),
            settings: Settings::from_lookup(&lookup)?,
            queue,
            idle: RefCell::default(),
            later: Rc::new(later),
            started: Cell::default(),
        })
    }

    fn process(&self) -> Result<Process> {
        if let Some(idle) = self.idle.borrow_mut().pop() {
            return Ok(idle);
        }
        let number = self.started.get();
        self.started.set(number + 1);
        Ok(Rc::new(PreSignUp::new(
            self.settings.clone(),
            client::of_process(&self.cognito, number)?,
            self.queue.clone(),
        )))
    }
}

impl Function for Engine {
    const NAME: &'static str = "this repository";

    async fn invoke(&self, event: &Value) -> Result<(), String> {
        let process = self.process().map_err(|why| why.to_string())?;
        let answered = answered(&*process, event).await;
        self.idle.borrow_mut().push(process);
        answered
    }

    fn waiting(&self) -> usize {
        self.queue.as_ref().map_or(0, Queue::len)
    }

    async fn hand_over(&self) -> bool {
        let Some((queue, message)) = self.queue.as_ref().and_then(|queue| Some((queue, queue.take()?))) else {
            return false;
        };
        let written = answered(&*self.later, &json!({ "Records": [{ "body": message }] })).await.is_ok();
        if !written {
            queue.put_back(message);
        }
        written
    }
}
