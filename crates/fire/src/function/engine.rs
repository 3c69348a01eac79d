//! The function of this repository as a library: the same engine, adapter, SDK, retries and time limit as in the binary.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use cognito_core::settings::SettingError;
use cognito_core::trigger::{Clock, TIME_LIMIT, answer};
use cognito_core::user_pool::aws::AwsUserPools;
use local_cloud::function::SETTINGS;
use pre_sign_up::{PreSignUp, Settings};
use serde_json::Value;
use serde_json::value::to_raw_value;

use super::Function;
use crate::cognito::Cognito;
use crate::wire;

type Process = Rc<PreSignUp<AwsUserPools>>;

/// The engine over the stand-in, without a network.
#[derive(Debug)]
pub struct Engine {
    cognito: Arc<Cognito>,
    settings: Settings,
    idle: RefCell<Vec<Process>>,
    started: Cell<usize>,
}

impl Engine {
    /// The engine with the settings of a local run.
    ///
    /// # Errors
    ///
    /// Never, unless these settings are no longer allowed.
    pub fn new(cognito: &Arc<Cognito>) -> Result<Self, SettingError> {
        let settings = Settings::from_lookup(&|asked| {
            SETTINGS.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
        })?;
        Ok(Self { cognito: cognito.clone(), settings, idle: RefCell::default(), started: Cell::default() })
    }

    fn process(&self) -> anyhow::Result<Process> {
        if let Some(idle) = self.idle.borrow_mut().pop() {
            return Ok(idle);
        }
        let number = self.started.get();
        self.started.set(number + 1);
        Ok(Rc::new(PreSignUp::new(self.settings.clone(), wire::client(&self.cognito, number)?)))
    }
}

impl Function for Engine {
    const NAME: &'static str = "this repository";

    async fn invoke(&self, event: &Value) -> Result<(), String> {
        let process = self.process().map_err(|why| why.to_string())?;
        let event = to_raw_value(event).map_err(|why| why.to_string())?;
        let answered = answer(&*process, &event, Clock::starting_now(TIME_LIMIT)).await;
        self.idle.borrow_mut().push(process);
        answered.map(drop).map_err(|failure| failure.kind().code.to_owned())
    }
}
