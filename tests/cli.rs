//! What holds for every command of the command line.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use end_to_end::Cli;

#[tokio::test]
async fn data_goes_to_standard_output_and_nothing_else_does() {
    let ran = Cli::new().unwrap().run(&["completions", "bash"]).await.unwrap();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.contains("cognito-triggers"), "{ran:?}");
}

#[tokio::test]
async fn wrong_usage_is_code_2_and_leaves_standard_output_empty() {
    let ran = Cli::new().unwrap().run(&["no-such-command"]).await.unwrap();
    assert_eq!((ran.status, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("no-such-command"), "{ran:?}");
}
