//! Rules for every command of the command line.

use end_to_end::{Cli, closed};

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

#[tokio::test]
async fn there_is_a_manual_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new().unwrap().within(folder.path());
    let page = cli.run(&["man"]).await.unwrap();
    assert!(page.status == 0 && page.stdout.contains(".TH cognito-triggers 1"), "{page:?}");
    cli.run(&["man", "--dir", "man/man1"]).await.unwrap().ends(0);
    for command in ["attach", "detach", "doctor", "completions", "man"] {
        let page =
            std::fs::read_to_string(folder.path().join(format!("man/man1/cognito-triggers-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS") && page.contains("Example"), "{command}: {page}");
    }
}

#[tokio::test]
async fn a_reader_that_has_gone_is_no_failure() {
    let cli = Cli::new().unwrap();
    for arguments in [&["man"][..], &["completions", "bash"], &["events", "--list"], &["events", "PreSignUp_SignUp"]] {
        let ended = cli.command(arguments).stdout(closed().unwrap()).output().await.unwrap();
        assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]), "{arguments:?}: {ended:?}");
    }
    let fails = ["preview", "--out", "/dev/null/messages.html"];
    let ended = cli.command(&fails).stderr(closed().unwrap()).output().await.unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
}
