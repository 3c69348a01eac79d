//! The program.

use cognito_triggers::Arguments;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    Arguments::read().run().await.into()
}
