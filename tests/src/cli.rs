//! The operator's command line, run as people run it: its real output and its real exit code.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use local_cloud::client_environment;
use local_cloud::function::COMMAND_LINE_VARIABLE;
use serde_json::Value;
use tokio::process::Command;

use crate::{cloud, variable};

/// `cognito-triggers` with the way to the local cloud, in a folder of the caller's choice.
#[derive(Debug, Clone)]
pub struct Cli {
    binary: PathBuf,
    folder: PathBuf,
    variables: Vec<(String, String)>,
}

/// What one run of the command line left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The exit code.
    pub status: i32,
    /// Standard output: data.
    pub stdout: String,
    /// Standard error: talk.
    pub stderr: String,
}

#[expect(
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "an assertion may be all that is wanted"
)]
impl Ran {
    /// Standard output as one JSON document.
    ///
    /// # Errors
    ///
    /// It is none; the message holds everything the run wrote.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("no JSON document was written: {self:?}"))
    }

    /// The same, which has ended with this exit code.
    ///
    /// # Panics
    ///
    /// It ended with another one.
    #[track_caller]
    pub fn ends(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The same, which has ended with this exit code and said this on standard error.
    ///
    /// # Panics
    ///
    /// It ended with another one, or did not say that.
    #[track_caller]
    pub fn says(self, status: i32, text: &str) -> Self {
        assert!(self.stderr.contains(text), "it does not say {text:?}: {self:?}");
        self.ends(status)
    }

    /// The same, which has written no data.
    ///
    /// # Panics
    ///
    /// It ended with another one, did not say that, or wrote data.
    #[track_caller]
    pub fn only_says(self, status: i32, text: &str) -> Self {
        assert_eq!(self.stdout, "", "{self:?}");
        self.says(status, text)
    }
}

/// The end of a pipe whose reader has gone, as that of `head` has once it has seen enough.
///
/// # Errors
///
/// The system makes no pipe.
pub fn closed() -> Result<Stdio> {
    let (_, end) = std::io::pipe()?;
    Ok(end.into())
}

impl Cli {
    /// The command line, working in the system's folder for temporary files.
    ///
    /// # Errors
    ///
    /// The tests were not started by `cargo xtask test`.
    pub fn new() -> Result<Self> {
        Ok(Self {
            binary: PathBuf::from(variable(COMMAND_LINE_VARIABLE)?),
            folder: std::env::temp_dir(),
            variables: client_environment(&cloud()?),
        })
    }

    /// The same, working in another folder: relative paths begin there.
    #[must_use]
    pub fn within(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// The same with one more environment variable; it replaces one of that name.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The command, not yet started, for a test that wants to feed or to end it. It sees no variable and no
    /// AWS file of the developer's own, and no terminal.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("HOME", &self.folder)
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// The same on a terminal of its own: what is written to its standard input is typed there.
    ///
    /// # Errors
    ///
    /// The command cannot be written as a line of a shell.
    pub fn on_a_terminal(&self, arguments: &[&str]) -> Result<Command> {
        let words =
            std::iter::once(self.binary.to_str().context("the path is not UTF-8")?).chain(arguments.iter().copied());
        let line: Vec<_> = words.map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
        let mut command = self.command(&[]);
        let mut script = Command::new("script");
        script
            .args(["--quiet", "--return", "--command", &line.join(" "), "/dev/null"])
            .current_dir(&self.folder)
            .env_clear()
            .envs(command.as_std_mut().get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok(script)
    }

    /// Runs the command line to its end. Holds what it writes as JSON against the schema that it prints itself.
    ///
    /// # Errors
    ///
    /// It cannot be started, was ended by a signal, or wrote something that is not UTF-8 or not as its schema says.
    pub async fn run(&self, arguments: &[&str]) -> Result<Ran> {
        let output = self.command(arguments).output().await.context("the command line cannot be started")?;
        let Some(status) = output.status.code() else { bail!("the command line was ended by a signal: {output:?}") };
        let ran = Ran { status, stdout: String::from_utf8(output.stdout)?, stderr: String::from_utf8(output.stderr)? };
        let follows = |pair: [&str; 2]| arguments.windows(2).any(|window| window == pair);
        if follows(["--format", "jsonl"]) {
            self.check(&format!("{}-line", arguments[0]), ran.stdout.lines()).await?;
        } else if follows(["--output", "json"]) && !ran.stdout.is_empty() {
            self.check(arguments[0], std::iter::once(ran.stdout.as_str())).await?;
        }
        Ok(ran)
    }

    /// Holds documents against a schema, which must know every member.
    async fn check(&self, schema: &str, documents: impl Iterator<Item = &str>) -> Result<()> {
        let printed = self.command(&["schema", schema]).output().await?;
        let mut schema: Value = serde_json::from_slice(&printed.stdout)
            .with_context(|| format!("no schema was printed: {}", String::from_utf8_lossy(&printed.stderr)))?;
        close(&mut schema);
        let validator = jsonschema::draft202012::new(&schema)?;
        for document in documents {
            let document = serde_json::from_str(document).with_context(|| format!("not JSON: {document}"))?;
            let errors: Vec<_> =
                validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
            ensure!(errors.is_empty(), "not as the schema says: {errors:?} in {document}");
        }
        Ok(())
    }
}

/// Lets no object of a schema have members that the schema does not name.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("properties").is_some_and(Value::is_object) {
                members.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
