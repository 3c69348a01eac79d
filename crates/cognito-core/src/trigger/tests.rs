use super::*;
use crate::testing::{CapturedLog, answer_to, edited, only_response_changed, sample};
use serde_json::json;

struct Confirm;

impl Trigger for Confirm {
    fn handles(&self, source: TriggerSource) -> bool {
        source == TriggerSource::PreSignUpSignUp
    }

    async fn handle(&self, event: &mut Event, _clock: Clock) -> Result<(), Failure> {
        event.respond("autoConfirmUser", true);
        Ok(())
    }
}

struct Slow;

impl Trigger for Slow {
    fn handles(&self, _source: TriggerSource) -> bool {
        true
    }

    async fn handle(&self, _event: &mut Event, clock: Clock) -> Result<(), Failure> {
        clock.limit(std::future::pending()).await
    }
}

#[tokio::test]
async fn an_unknown_source_goes_back_untouched_with_one_warning() {
    let event = edited("pre-sign-up/native", |event| event["triggerSource"] = json!("PreSignUp_Future"));
    let (answer, log) = CapturedLog::of(answer_to(&Confirm, &event)).await;
    assert_eq!(answer.unwrap(), serde_json::from_str::<serde_json::Value>(&event).unwrap());
    assert_eq!((log.matches("WARN").count(), log.matches(UNKNOWN_SOURCE).count()), (1, 1), "{log}");
}

/// cognito-local, an emulator, sends `"version": "0"`.
#[tokio::test]
async fn an_event_of_another_version_is_answered_with_one_warning() {
    for version in [json!("0"), json!("2"), json!(null)] {
        let event = edited("pre-sign-up/native", |event| event["version"] = version);
        let (answer, log) = CapturedLog::of(answer_to(&Confirm, &event)).await;
        assert_eq!(answer.unwrap()["response"]["autoConfirmUser"], json!(true));
        assert_eq!((log.matches("WARN").count(), log.matches(UNKNOWN_VERSION).count()), (1, 1), "{log}");
    }
}

#[tokio::test]
async fn a_known_source_of_another_function_goes_back_untouched_and_unlogged() {
    let event = sample("post-confirmation/sign-up");
    let (answer, log) = CapturedLog::of(answer_to(&Confirm, &event)).await;
    assert_eq!(answer.unwrap(), serde_json::from_str::<serde_json::Value>(&event).unwrap());
    assert_eq!(log, "");
}

#[tokio::test]
async fn a_handled_event_changes_in_its_response_only() {
    let event = sample("pre-sign-up/native");
    let answer = answer_to(&Confirm, &event).await.unwrap();
    assert_eq!(answer["response"]["autoConfirmUser"], json!(true));
    assert!(only_response_changed(&event, &answer));
}

#[tokio::test]
async fn what_is_not_a_cognito_event_fails_with_fixed_text_and_one_error() {
    let (answer, log) = CapturedLog::of(answer_to(&Confirm, r#"{"Records":[{"secret":"s3cr3t"}]}"#)).await;
    assert_eq!(answer.unwrap_err(), ("not_a_cognito_event", "This function serves Amazon Cognito triggers only"));
    assert_eq!(log.matches("ERROR").count(), 1, "{log}");
    assert!(log.contains("triggerSource") && !log.contains("s3cr3t"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn work_that_does_not_end_is_answered_before_cognito_gives_up() {
    let started = Instant::now();
    let answer = answer_to(&Slow, &sample("pre-sign-up/native")).await;
    assert_eq!(answer.unwrap_err().0, "try_again");
    assert_eq!(started.elapsed(), TIME_LIMIT);
}
