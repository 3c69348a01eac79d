//! moto's server, which plays DynamoDB with code of its own.

use anyhow::Result;
use tokio::process::Command;

use crate::process::ProcessGroup;
use crate::toolbox::{self, Toolbox};
use crate::{layout, port};

/// One request after the other. moto's own server answers several at once, and then loses additions, which DynamoDB never does.
const SERVER: &str = "\
import sys
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple('127.0.0.1', int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
";

/// The running server. Dropping it ends it.
#[derive(Debug)]
pub struct Moto {
    _process: ProcessGroup,
    endpoint: String,
}

impl Moto {
    /// Installs it, unless an earlier run did, starts it on a free port, and waits until it answers.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be installed, ends, or stays silent. Its log is among the others.
    pub async fn start() -> Result<Self> {
        let toolbox = Toolbox::install(&toolbox::MOTO).await?;
        let port = port::choose(None)?;
        let mut command = Command::new(toolbox.program("python"));
        command.args(["-c", SERVER, &port.to_string()]);
        let log = layout::logs().join(format!("moto-{port}.log"));
        let mut process = ProcessGroup::spawn_with_log(&mut command, &log)?;
        let endpoint = format!("http://127.0.0.1:{port}");
        process.wait_until_it_answers(&format!("{endpoint}/moto-api/")).await?;
        Ok(Self { _process: process, endpoint })
    }

    /// The endpoint for AWS calls.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}
