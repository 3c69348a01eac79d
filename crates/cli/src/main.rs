//! The program.

use clap::Parser;
use cognito_triggers::Arguments;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    cognito_triggers::run(Arguments::parse()).await.into()
}
