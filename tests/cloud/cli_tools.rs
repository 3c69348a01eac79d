//! The commands that need no user pool, and what they write fed to the real functions.

use end_to_end::{Cli, Ran, function, only_response_differs, pool_with};
use local_cloud::seed::GROUP;
use local_cloud::user_pool::Kind;
use serde_json::json;

async fn run(arguments: &[&str]) -> Ran {
    Cli::new().unwrap().run(arguments).await.unwrap()
}

#[tokio::test]
async fn an_event_filled_with_the_values_of_a_pool_works_as_the_input_of_a_function() {
    let (pool, _) = pool_with(Kind::EmailAsUsername, "kim@example.com").await.unwrap();
    let id = format!("user-pool-id={}", pool.id());
    let set = ["--set", &id, "--set", "attribute.email=kim@example.com", "--set", "user-name=Google_77"];
    let ran = run(&[&["events", "PreSignUp_ExternalProvider"], &set[..]].concat()).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let event = ran.json().unwrap();
    assert_eq!(event["userPoolId"], pool.id());
    let function = function("pre-sign-up", &[("PROVIDERS", "Google:claim"), ("DEFAULT_GROUP", GROUP)]).await.unwrap();
    let answer = function.invoke(&event).await.unwrap().unwrap();
    assert!(only_response_differs(&event, &answer));
    assert!(pool.only_profile_of("kim@example.com").await.unwrap().has_identity("Google", "77"));
}

#[tokio::test]
async fn a_claim_that_is_set_reaches_inbound_federation() {
    for (claim, verified) in [("claim.email_verified=true", Some("true")), ("claim.email_verified=false", None)] {
        let event = run(&["events", "inbound-federation/google", "--set", claim]).await.json().unwrap();
        let function = function("inbound-federation", &[("PROVIDERS", "Google:claim")]).await.unwrap();
        let answer = function.invoke(&event).await.unwrap().unwrap();
        let mapped = &answer["response"]["userAttributesToMap"]["email_verified"];
        assert_eq!(mapped.as_str(), verified);
    }
}

#[tokio::test]
async fn events_lists_every_source_with_its_samples() {
    let ran = run(&["events", "--list", "--output", "json"]).await.ends(0);
    let list = ran.json().unwrap();
    let samples = list["samples"].as_array().unwrap();
    let google = samples.iter().find(|one| one["sample"] == "pre-sign-up/google").unwrap();
    assert_eq!(google["source"], "PreSignUp_ExternalProvider");
    assert!(google["about"].as_str().unwrap().contains("Ada"), "{google}");
}

#[tokio::test]
async fn an_unknown_source_or_value_is_wrong_usage_and_says_what_there_is() {
    for (arguments, says) in [
        (&["events", "PreSignUp"][..], "PreSignUp_ExternalProvider"),
        (&["events"], "--list"),
        (&["events", "PreSignUp_SignUp", "--set", "email=x"], "attribute.*"),
        (&["events", "PreSignUp_SignUp", "--set", "attribute.email"], "NAME=VALUE"),
        (&["events", "inbound-federation/saml", "--set", "provider-type=saml"], "SignInWithApple"),
        (&["events", "PreSignUp_SignUp", "--unset", "claim.sub"], "validation-data.*"),
    ] {
        run(arguments).await.only_says(2, says);
    }
}

#[tokio::test]
async fn preview_writes_a_page_with_the_settings_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new().unwrap().with("APP_NAME", "Lighthouse").with("APP_URL", "https://app.example.net");
    let out = folder.path().join("pages/messages.html");
    let ran = cli.run(&["preview", "--out", out.to_str().unwrap(), "--output", "json"]).await.unwrap().ends(0);
    let written = ran.json().unwrap();
    assert_eq!((&written["file"], &written["problems"]), (&json!(out), &json!([])));
    let page = std::fs::read_to_string(&out).unwrap();
    assert!(page.contains("Lighthouse") && page.contains("https://app.example.net"));
    // A template that cannot be used is said, and is a warning.
    let templates = folder.path().join("templates");
    std::fs::create_dir_all(templates.join("en")).unwrap();
    std::fs::write(templates.join("en/no-such-message.html"), "x").unwrap();
    let ran = cli.with("TEMPLATE_DIR", templates.to_str().unwrap());
    ran.run(&["preview", "--out", out.to_str().unwrap()]).await.unwrap().says(4, "no-such-message");
}

#[tokio::test]
async fn preview_names_a_wrong_setting_and_a_file_it_cannot_write() {
    let cli = Cli::new().unwrap();
    cli.clone().with("BRAND_COLOR", "blue").run(&["preview"]).await.unwrap().only_says(1, "BRAND_COLOR");
    let nowhere = ["preview", "--out", "/dev/null/messages.html"];
    cli.run(&nowhere).await.unwrap().says(1, "/dev/null/messages.html cannot be written");
}

/// What bash offers for a line that is typed so far. Bash loads the script that the program prints.
async fn offered_by_bash(line: &str) -> Vec<String> {
    const TYPED: &str = r#"
        source <(printf '%s' "$SCRIPT")
        complete=$(complete -p cognito-triggers)
        [[ $complete =~ -F\ ([^ ]+) ]] || exit 1
        read -r -a COMP_WORDS <<< "$LINE"
        [[ $LINE == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        COMPREPLY=()
        "${BASH_REMATCH[1]}" cognito-triggers "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let script = run(&["completions", "bash"]).await.stdout;
    let mut bash = tokio::process::Command::new("bash");
    let bash = bash.args(["--norc", "--noprofile", "-c", TYPED]).env("SCRIPT", script).env("LINE", line);
    let output = bash.output().await.unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn bash_completes_commands_their_options_and_the_values_of_these() {
    for (line, offered) in [
        ("cognito-triggers do", "doctor"),
        ("cognito-triggers doctor --us", "--user-pool-id"),
        ("cognito-triggers reset-user --cl", "--client-id"),
        ("cognito-triggers audit --format ", "jsonl"),
        ("cognito-triggers schema ", "audit-line"),
        ("cognito-triggers verify-email --output ", "json"),
    ] {
        let all = offered_by_bash(line).await;
        assert!(all.iter().any(|one| one == offered), "{line}: {all:?}");
    }
}
