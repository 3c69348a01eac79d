//! The function as it is deployed: real processes, real TLS, real time.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use bench::stand_in::StandIn;
use cognito_core::retry_queue::RETRY_QUEUE_URL;
use local_cloud::function::SETTINGS;
use local_cloud::runtime_api::Function as Process;
use local_cloud::seed::GROUP;
use serde_json::{Value, json};

use super::{Function, When};
use crate::cognito::{Cognito, LATENCY};
use crate::network::{SEND_MESSAGE, take_message};

/// Processes of the binary.
#[derive(Debug)]
pub struct Binary {
    program: PathBuf,
    settings: Vec<(String, String)>,
    idle: RefCell<Vec<Process>>,
    cognito: Arc<Cognito>,
    queue: Arc<Mutex<Vec<String>>>,
    _stand_in: StandIn,
}

impl Binary {
    /// The program, which calls `cognito` over TLS. The authority's certificate goes into `folder`.
    ///
    /// # Errors
    ///
    /// Fails if the stand-in cannot be started.
    pub async fn new(program: &Path, cognito: &Arc<Cognito>, folder: &Path) -> Result<Self> {
        let queue = Arc::new(Mutex::default());
        let (plays, waits) = (cognito.clone(), Arc::clone(&queue));
        let stand_in = StandIn::start_as(folder, move |operation, body| match operation {
            SEND_MESSAGE => take_message(&waits, body),
            operation => plays.answer(operation, body),
        })
        .await?;
        stand_in.set_delay(LATENCY);
        let mut settings = stand_in.environment();
        let endpoint = settings.iter().find(|(name, _)| name == "AWS_ENDPOINT_URL");
        let url = endpoint.map(|(_, url)| format!("{url}/123456789012/retries")).unwrap_or_default();
        settings.push((RETRY_QUEUE_URL.to_owned(), url));
        settings.extend(SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let (cognito, idle) = (cognito.clone(), RefCell::default());
        Ok(Self { program: program.to_owned(), settings, idle, cognito, queue, _stand_in: stand_in })
    }

    /// Starts processes ahead, so that the start of many at once on a small machine is not what is measured.
    ///
    /// # Errors
    ///
    /// Fails if one does not start.
    pub async fn start_ahead(&self, processes: usize) -> Result<()> {
        for _ in 0..processes {
            let started = Process::start("pre-sign-up", &self.program, &self.settings).await?;
            self.idle.borrow_mut().push(started);
        }
        Ok(())
    }

    async fn answer(&self, event: &Value) -> Result<Result<(), String>> {
        let idle = self.idle.borrow_mut().pop();
        let process = match idle {
            Some(idle) => idle,
            None => Process::start("pre-sign-up", &self.program, &self.settings).await?,
        };
        let answered = process.invoke(event).await?;
        process.wait_until_idle().await?;
        self.idle.borrow_mut().push(process);
        Ok(answered.map(drop).map_err(|error| error.error_type))
    }
}

impl Function for Binary {
    const NAME: &'static str = "the real binary, in real time";

    async fn invoke(&self, _: When, event: &Value) -> Result<(), String> {
        self.answer(event).await.unwrap_or_else(|why| Err(format!("{why:#}")))
    }

    fn waiting(&self) -> usize {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// A model of post confirmation, which does not wait for the messages' time.
    async fn hand_over(&self) -> bool {
        let Some(message) = self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop() else { return false };
        let membership: Value = serde_json::from_str(&message).unwrap_or_default();
        let request = json!({ "Username": membership["userName"], "GroupName": GROUP });
        tokio::time::sleep(LATENCY).await;
        let written = self.cognito.answer("AdminAddUserToGroup", request.to_string().as_bytes()).0 == 200;
        if !written {
            self.queue.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        }
        written
    }
}
