//! `cargo xtask`: the developer's commands. The crates `local-cloud`, `bench` and `fire` do the work.

mod command;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use self::command::Arguments;

/// The exit code that shells expect after Ctrl-C: 128 plus the signal's number.
const INTERRUPTED: u8 = 130;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Leaving the select drops the command, and with it the guards of everything that it has started.
    let outcome = tokio::select! {
        outcome = arguments.command.run() => Some(outcome),
        _ = stop_request() => None,
    };
    match outcome {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            eprintln!("{} {error:#}", console::style("error:").for_stderr().red().bold());
            ExitCode::FAILURE
        }
        None => {
            eprintln!("Stopped. Everything that was started has ended.");
            ExitCode::from(INTERRUPTED)
        }
    }
}

/// Waits for Ctrl-C, a polite kill, or a closed terminal.
async fn stop_request() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}
