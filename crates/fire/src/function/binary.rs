//! The function as it is deployed: real processes, real TLS, real time.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use bench::stand_in::StandIn;
use local_cloud::function::SETTINGS;
use local_cloud::runtime_api::Function as Process;
use serde_json::Value;

use super::Function;
use crate::cognito::{Cognito, LATENCY};

/// Processes of the binary.
#[derive(Debug)]
pub struct Binary {
    binary: PathBuf,
    settings: Vec<(String, String)>,
    idle: RefCell<Vec<Process>>,
    _stand_in: StandIn,
}

impl Binary {
    /// The binary, which calls `cognito` over TLS. The authority's certificate goes into `folder`.
    ///
    /// # Errors
    ///
    /// Fails if the stand-in cannot be started.
    pub async fn new(binary: &Path, cognito: &Arc<Cognito>, folder: &Path) -> Result<Self> {
        let cognito = cognito.clone();
        let stand_in = StandIn::start_as(folder, move |operation, body| cognito.answer(operation, body)).await?;
        stand_in.set_delay(LATENCY);
        let own = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = stand_in.environment().into_iter().chain(own).collect();
        Ok(Self { binary: binary.to_owned(), settings, idle: RefCell::default(), _stand_in: stand_in })
    }

    /// Starts processes ahead, so that the start of many at once on a small machine is not what is measured.
    ///
    /// # Errors
    ///
    /// Fails if one does not start.
    pub async fn start_ahead(&self, processes: usize) -> Result<()> {
        for _ in 0..processes {
            let started = Process::start("pre-sign-up", &self.binary, &self.settings).await?;
            self.idle.borrow_mut().push(started);
        }
        Ok(())
    }

    async fn answer(&self, event: &Value) -> Result<Result<(), String>> {
        let idle = self.idle.borrow_mut().pop();
        let process = match idle {
            Some(idle) => idle,
            None => Process::start("pre-sign-up", &self.binary, &self.settings).await?,
        };
        let answered = process.invoke(event).await?;
        process.wait_until_idle().await?;
        self.idle.borrow_mut().push(process);
        Ok(answered.map(drop).map_err(|error| error.error_type))
    }
}

impl Function for Binary {
    const NAME: &'static str = "the real binary, in real time";

    async fn invoke(&self, event: &Value) -> Result<(), String> {
        self.answer(event).await.unwrap_or_else(|why| Err(format!("{why:#}")))
    }
}
