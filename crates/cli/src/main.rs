//! The program.

use cognito_triggers::Arguments;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    cognito_triggers::run(Arguments::read()).await.into()
}
