use super::*;
use crate::settings::SettingError;
use crate::testing::{CapturedLog, edited, lookup, only_response_changed, sample};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::sync::Mutex;

/// Confirms everybody, except where it refuses, and lets nobody else verify an address.
#[derive(Default)]
struct Ours {
    refuses: bool,
    worked: Mutex<u32>,
}

impl Trigger for Ours {
    const NEXT_FUNCTION: Defaults = Defaults::ASKED_FIRST;

    fn handles(&self, source: TriggerSource) -> bool {
        source == TriggerSource::PreSignUpSignUp
    }

    async fn handle(&self, event: &mut Event, _: Clock) -> Result<(), Failure> {
        *self.worked.lock().unwrap() += 1;
        if self.refuses {
            return Err(Failure::because(Kind::refusal("ours", "Our text"), "no"));
        }
        event.respond("autoConfirmUser", true);
        Ok(())
    }

    fn overrule(&self, _: &Event, answers: &Answers) -> Map<String, Value> {
        let verifies = answers.theirs.contains_key("autoVerifyEmail");
        verifies.then(|| ("autoVerifyEmail".to_owned(), json!(false))).into_iter().collect()
    }
}

/// Confirms everybody, and does so for theirs, too.
struct StandsIn;

impl Trigger for StandsIn {
    const OURS_STANDS_IN: bool = true;

    fn handles(&self, _: TriggerSource) -> bool {
        true
    }

    async fn handle(&self, event: &mut Event, _: Clock) -> Result<(), Failure> {
        event.respond("autoConfirmUser", true);
        Ok(())
    }
}

type Replies = Box<dyn Fn(&str) -> Result<Reply, Broken> + Send + Sync>;

/// The team's function: what it gets, and what it replies.
struct Theirs {
    reply: Replies,
    got: Mutex<Vec<Value>>,
    takes: Duration,
}

impl Theirs {
    fn replying(reply: impl Fn(&str) -> Result<Reply, Broken> + Send + Sync + 'static) -> Self {
        Self { reply: Box::new(reply), got: Mutex::default(), takes: Duration::ZERO }
    }

    /// Returns its event, changed.
    fn editing(edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::replying(move |event| {
            let mut event = serde_json::from_str(event).unwrap();
            edit(&mut event);
            Ok(Reply::Answer(event.to_string().into_bytes()))
        })
    }

    fn returning(text: &'static str) -> Self {
        Self::replying(move |_| Ok(Reply::Answer(text.as_bytes().to_vec())))
    }
}

impl Caller for &Theirs {
    async fn call(&self, event: &str, _: &Via) -> Result<Reply, Broken> {
        self.got.lock().unwrap().push(serde_json::from_str(event).unwrap());
        tokio::time::sleep(self.takes).await;
        (self.reply)(event)
    }
}

/// Lambda's refusal of the call.
fn refused(status: u16, code: &str) -> Result<Reply, Broken> {
    Err(Broken::Refused { status, code: code.into() })
}

const BEFORE: Defaults = Defaults::ASKED_FIRST;
const AFTER: Defaults = Defaults::CHANGES_AFTERWARDS;

/// The answer as text, or code and public text of the failure; and the log.
async fn answered_to(
    event: &str,
    ours: &impl Trigger,
    theirs: &Theirs,
    chosen: Defaults,
) -> (Result<String, (String, String)>, String) {
    let payload = RawValue::from_string(event.to_owned()).unwrap();
    let clock = Clock::starting_now(crate::trigger::TIME_LIMIT);
    let next = Next::new(theirs, chosen);
    let via = Via::default();
    let work = crate::trigger::answer_by(ours, &payload, clock, async |ours, event| {
        next.handle(ours, event, clock, &via).await
    });
    let (answer, log) = CapturedLog::of(work).await;
    let answer = answer.map(|raw| raw.get().to_owned());
    (answer.map_err(|failure| (failure.kind().code.to_owned(), failure.public_text().to_owned())), log)
}

async fn answered(theirs: &Theirs, chosen: Defaults) -> (Result<Value, (String, String)>, String) {
    let (answer, log) = answered_to(&sample("pre-sign-up/native"), &Ours::default(), theirs, chosen).await;
    (answer.map(|text| serde_json::from_str(&text).unwrap()), log)
}

#[tokio::test]
async fn theirs_gets_the_event_that_cognito_sent_and_after_ours_with_our_response() {
    let event: Value = serde_json::from_str(&sample("pre-sign-up/native")).unwrap();
    for (chosen, confirmed) in [(BEFORE, false), (AFTER, true)] {
        let theirs = Theirs::editing(|event| event["response"]["autoVerifyPhone"] = json!(true));
        let answer = answered(&theirs, chosen).await.0.unwrap();
        let mut expected = event.clone();
        expected["response"]["autoConfirmUser"] = json!(confirmed);
        assert_eq!(*theirs.got.lock().unwrap(), [expected.clone()]);
        expected["response"]["autoConfirmUser"] = json!(true);
        expected["response"]["autoVerifyPhone"] = json!(true);
        assert_eq!(answer, expected, "{chosen:?}");
    }
}

#[tokio::test]
async fn an_event_that_ours_has_nothing_to_do_for_reaches_theirs_all_the_same() {
    for source in ["PreSignUp_AdminCreateUser", "PreSignUp_Future"] {
        let event = edited("pre-sign-up/native", |event| event["triggerSource"] = json!(source));
        let theirs = Theirs::editing(|event| event["response"]["autoVerifyPhone"] = json!(true));
        let answer = answered_to(&event, &Ours::default(), &theirs, BEFORE).await.0.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(only_response_changed(&event, &answer));
        assert_eq!((&answer["response"]["autoVerifyPhone"], theirs.got.lock().unwrap().len()), (&json!(true), 1));
    }
}

#[tokio::test]
async fn what_nobody_here_knows_is_kept_letter_for_letter() {
    let event = r#"{"version":"1", "triggerSource":"PreSignUp_SignUp","new":1e2,"userPoolId":"p","request":{ "a":1.0 },"response":{}}"#;
    let answer = r#"{"triggerSource":"PreSignUp_SignUp","userPoolId":"p","response":{"later": [1.50,  "\ud83d"]}}"#;
    let (answer, _) = answered_to(event, &Ours::default(), &Theirs::returning(answer), AFTER).await;
    assert_eq!(
        answer.unwrap(),
        r#"{"version":"1","triggerSource":"PreSignUp_SignUp","new":1e2,"userPoolId":"p","request":{ "a":1.0 },"response":{"autoConfirmUser":true,"later":[1.50,  "\ud83d"]}}"#
    );
}

#[tokio::test]
async fn what_theirs_left_as_it_was_or_did_not_return_is_ours() {
    type Edit = fn(&mut Value);
    let edits: [Edit; 5] = [
        |_| {},
        |event| event["response"] = json!({}),
        |event| event["response"] = json!(null),
        |event| drop(event.as_object_mut().unwrap().remove("response")),
        |event| event["response"] = json!({ "autoConfirmUser": null, "autoVerifyPhone": false }),
    ];
    for (index, edit) in edits.into_iter().enumerate() {
        for chosen in [BEFORE, AFTER] {
            let (answer, log) = answered(&Theirs::editing(edit), chosen).await;
            let response = answer.unwrap()["response"].take();
            assert_eq!(response["autoConfirmUser"], json!(true), "{index} {chosen:?}");
            assert_eq!(log, "");
        }
    }
}

/// In this order theirs got `true`, so its `false` is a decision.
#[tokio::test]
async fn what_theirs_says_counts_unless_it_is_overruled() {
    let theirs = Theirs::editing(|event| {
        event["response"] = json!({ "autoConfirmUser": false, "autoVerifyEmail": true });
    });
    let (answer, log) = answered(&theirs, AFTER).await;
    let response = answer.unwrap()["response"].take();
    assert_eq!((&response["autoConfirmUser"], &response["autoVerifyEmail"]), (&json!(false), &json!(false)));
    assert!(log.contains(OVERRULED) && log.contains("autoVerifyEmail"), "{log}");
}

/// Typed libraries leave out members that they do not know, and write empty ones for what is not there.
#[tokio::test]
async fn a_round_trip_through_a_typed_library_is_the_same_event() {
    let theirs = Theirs::editing(|event| {
        let members = event.as_object_mut().unwrap();
        members.remove("callerContext");
        members["request"].as_object_mut().unwrap().remove("userAttributes");
        members["request"]["newDeviceUsed"] = json!(false);
        members["request"]["clientMetadata"] = json!(null);
        members.insert("added".into(), json!("something"));
    });
    let event = edited("pre-sign-up/native", |event| event["request"]["clientMetadata"] = json!({ "a": "b" }));
    let (answer, _) = answered_to(&event, &Ours::default(), &theirs, BEFORE).await;
    let answer = serde_json::from_str(&answer.unwrap()).unwrap();
    assert!(only_response_changed(&event, &answer));
}

#[tokio::test]
async fn what_is_no_answer_to_this_event_is_a_failure_that_says_what_is_wrong() {
    let truncated = |event: &str| Ok(Reply::Answer(event.as_bytes()[..event.len() / 2].to_vec()));
    let changed = |member: &'static str, value: Value| Theirs::editing(move |event| event[member] = value.clone());
    let attribute = |name: &'static str| {
        Theirs::editing(move |event| event["request"]["userAttributes"][name] = json!("eve@example.com"))
    };
    let cases = [
        (Theirs::returning(""), "did not return an event"),
        (Theirs::returning("null"), "did not return an event"),
        (Theirs::returning("<html><body>502 Bad Gateway</body></html>"), "did not return an event"),
        (Theirs::returning("[]"), "did not return an event"),
        (Theirs::returning("{}"), "triggerSource is not what it got"),
        (Theirs::returning(r#"{"statusCode":200,"body":"ok"}"#), "triggerSource is not what it got"),
        (Theirs::replying(truncated), "did not return an event"),
        (Theirs::replying(|_| Ok(Reply::Answer(vec![0xff, 0xfe]))), "did not return an event"),
        (changed("triggerSource", json!("PreSignUp_AdminCreateUser")), "triggerSource is not what it got"),
        (changed("userPoolId", json!("eu-central-1_OTHER")), "userPoolId is not what it got"),
        (changed("userName", json!("somebody-else")), "userName is not what it got"),
        (changed("version", json!("2")), "version is not what it got"),
        (changed("response", json!([])), "a response that is no object"),
        (changed("response", json!("ok")), "a response that is no object"),
        (attribute("email"), "request is not what it got"),
        (attribute("added"), "request is not what it got"),
        (Theirs::replying(|_| refused(404, "ResourceNotFoundException")), "404 ResourceNotFoundException"),
        (Theirs::replying(|_| refused(429, "TooManyRequestsException")), "429 TooManyRequestsException"),
        (Theirs::replying(|_| refused(403, "AccessDeniedException")), "403 AccessDeniedException"),
        (Theirs::replying(|_| Err(Broken::TooLarge { most: 7 })), "more than 7 bytes"),
    ];
    for (theirs, why) in &cases {
        for chosen in [BEFORE, AFTER] {
            let (answer, log) = answered(theirs, chosen).await;
            assert_eq!(answer.unwrap_err(), (FAILED.code.to_owned(), FAILED.message.to_owned()), "{why}");
            assert!(log.contains(why) && log.matches("ERROR").count() == 1, "{why}: {log}");
            assert!(!log.contains("eve@") && !log.contains("somebody-else"), "{log}");
            let pass = Defaults { on_failure: OnFailure::Pass, ..chosen };
            let (answer, log) = answered(theirs, pass).await;
            assert_eq!(answer.unwrap()["response"]["autoConfirmUser"], json!(true), "{why}");
            assert!(log.contains(why) && log.contains(FAILED.code) && log.matches("ERROR").count() == 1, "{log}");
        }
    }
}

#[tokio::test]
async fn its_own_refusal_reaches_the_person_unchanged_whatever_a_failure_means_and_no_log_has_it() {
    let words = "Only ada@example.com may register. \u{1f6ab}";
    for error_type in ["NotAllowed", "Runtime.HandlerError"] {
        let error = json!({ "errorMessage": words, "errorType": error_type, "stackTrace": ["a"] }).to_string();
        let theirs = Theirs::replying(move |_| Ok(Reply::Error(error.clone().into_bytes())));
        for chosen in [BEFORE, AFTER] {
            for on_failure in [OnFailure::Refuse, OnFailure::Pass] {
                let (answer, log) = answered(&theirs, Defaults { on_failure, ..chosen }).await;
                assert_eq!(answer.unwrap_err(), (REFUSED.code.to_owned(), words.to_owned()));
                assert!(log.contains(error_type) && log.contains("WARN") && !log.contains("ada@"), "{log}");
            }
        }
    }
}

#[tokio::test]
async fn an_error_of_theirs_is_a_failure_where_ours_stands_in() {
    let error = br#"{"errorType":"KeyError","errorMessage":"'ada@example.com'"}"#;
    let theirs = Theirs::replying(|_| Ok(Reply::Error(error.to_vec())));
    let ours = StandsIn;
    let event = sample("pre-sign-up/native");
    let (answer, log) = answered_to(&event, &ours, &theirs, Defaults::TOLD_AFTERWARDS).await;
    assert!(answer.is_ok() && log.contains("threw KeyError") && log.contains(FAILED.code), "{answer:?} {log}");
    assert!(!log.contains("ada@"), "{log}");
    // Who wants it to refuse says so.
    let (answer, _) = answered_to(&event, &ours, &theirs, AFTER).await;
    assert_eq!(answer.unwrap_err(), (REFUSED.code.to_owned(), "'ada@example.com'".to_owned()));
}

/// It has not run, so nothing is done twice.
#[tokio::test(start_paused = true)]
async fn a_call_that_lambda_throttles_is_made_again_while_there_is_time() {
    let throttled = || refused(429, "TooManyRequestsException");
    let calls = Mutex::new(0);
    let theirs = Theirs::replying(move |event| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        if *calls < 3 { throttled() } else { Ok(Reply::Answer(event.as_bytes().to_vec())) }
    });
    assert!(answered(&theirs, AFTER).await.0.is_ok());
    assert_eq!(theirs.got.lock().unwrap().len(), 3);
    let theirs = Theirs::replying(move |_| throttled());
    let (answer, log) = answered(&theirs, AFTER).await;
    assert!(answer.is_err() && log.contains("429"), "{log}");
    assert_eq!(theirs.got.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_dry_event_fails_wherever_theirs_does_not_answer() {
    let event = edited("pre-sign-up/native", |event| event["triggerSource"] = json!("DryRun_CustomMessage"));
    let theirs = Theirs::replying(|_| Err(Broken::NoEvent));
    let (answer, _) = answered_to(&event, &StandsIn, &theirs, Defaults::TOLD_AFTERWARDS).await;
    assert_eq!(answer.unwrap_err().0, FAILED.code);
}

#[tokio::test]
async fn what_lambda_itself_reports_is_no_refusal() {
    let cases = [
        (json!({ "errorMessage": "2026-01-01T00:00:00Z r Task timed out after 3.00 seconds" }), "an error"),
        (
            json!({ "errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 3.00 seconds" }),
            "Sandbox.Timedout",
        ),
        (
            json!({ "errorType": "Runtime.ImportModuleError", "errorMessage": "No module named 'x'" }),
            "Runtime.ImportModuleError",
        ),
        (
            json!({ "errorType": "Function.ResponseSizeTooLarge", "errorMessage": "too large" }),
            "Function.ResponseSizeTooLarge",
        ),
        (json!({ "errorType": "Error" }), "Error"),
        (json!("text"), "an error"),
        (json!({ "errorType": "of ada@example.com", "errorMessage": null }), "an error"),
    ];
    for (error, cause) in cases {
        let theirs = Theirs::replying(move |_| Ok(Reply::Error(error.to_string().into_bytes())));
        let (answer, log) = answered(&theirs, BEFORE).await;
        assert_eq!(answer.unwrap_err().0, FAILED.code);
        assert!(log.contains(&format!("broke off: {cause}")) && !log.contains("ada@"), "{log}");
        assert!(answered(&theirs, Defaults { on_failure: OnFailure::Pass, ..BEFORE }).await.0.is_ok());
    }
}

#[tokio::test]
async fn before_ours_a_refusal_keeps_ours_from_working_and_after_it_ours_refuses_first() {
    let error = r#"{"errorType":"Error","errorMessage":"Their text"}"#;
    let theirs = Theirs::replying(|_| Ok(Reply::Error(error.as_bytes().to_vec())));
    let ours = Ours { refuses: true, ..Ours::default() };
    let event = sample("pre-sign-up/native");
    let (answer, _) = answered_to(&event, &ours, &theirs, BEFORE).await;
    assert_eq!((answer.unwrap_err().1.as_str(), *ours.worked.lock().unwrap()), ("Their text", 0));
    let (answer, _) = answered_to(&event, &ours, &theirs, AFTER).await;
    assert_eq!((answer.unwrap_err().1.as_str(), theirs.got.lock().unwrap().len()), ("Our text", 1));
}

/// The event that Cognito sends when ours creates an account.
fn of_our_making(event: &mut Value) {
    event["triggerSource"] = json!("PreSignUp_AdminCreateUser");
    event["request"]["clientMetadata"] = json!({ CREATED_BY.0: CREATED_BY.1 });
}

#[tokio::test]
async fn theirs_may_refuse_the_account_that_ours_creates_but_a_failure_of_theirs_does_not() {
    let event = edited("pre-sign-up/native", of_our_making);
    let refuses = Theirs::replying(|_| Ok(Reply::Error(br#"{"errorType":"No","errorMessage":"Not you"}"#.to_vec())));
    let (answer, _) = answered_to(&event, &Ours::default(), &refuses, BEFORE).await;
    assert_eq!(answer.unwrap_err(), (REFUSED.code.to_owned(), "Not you".to_owned()));
    for theirs in [Theirs::returning("null"), Theirs::replying(|_| Err(Broken::NoEvent))] {
        let (answer, log) = answered_to(&event, &Ours::default(), &theirs, BEFORE).await;
        assert!(answer.is_ok() && log.contains(FAILED.code), "{answer:?} {log}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_sleeps_is_given_up_in_time_for_ours_and_for_cognito() {
    for (event, chosen, most) in [
        (sample("pre-sign-up/native"), BEFORE, 2500),
        (sample("pre-sign-up/native"), AFTER, 4500),
        (edited("pre-sign-up/native", of_our_making), AFTER, 1000),
        (edited("pre-sign-up/native", of_our_making), BEFORE, 1000),
    ] {
        let theirs = Theirs { takes: Duration::from_mins(1), ..Theirs::editing(|_| {}) };
        let start = tokio::time::Instant::now();
        let (answer, log) = answered_to(&event, &Ours::default(), &theirs, chosen).await;
        // The sign-in that made us create the account is asked about for itself.
        assert_eq!(answer.err().map(|(code, _)| code).as_deref(), (most > 1000).then_some(FAILED.code));
        let took = start.elapsed().as_millis();
        assert!(took.abs_diff(most) < 20 && log.contains("did not answer within"), "{took} {log}");
    }
}

#[tokio::test]
async fn functions_that_call_each_other_end_at_once_and_nothing_is_done_twice() {
    let (ours, theirs) = (Ours::default(), Theirs::editing(|_| {}));
    let next = Next::new(&theirs, Defaults { on_failure: OnFailure::Pass, ..AFTER });
    let mut event = Event::parse(&sample("pre-sign-up/native")).unwrap();
    let clock = Clock::starting_now(crate::trigger::TIME_LIMIT);
    let mut via = Via { own: "a".into(), earlier: vec!["b".into(), "a".into()], trace: None };
    let failure = next.handle(&ours, &mut event, clock, &via).await.unwrap_err();
    assert!(failure.kind() == FAILED && failure.cause_chain().contains("leads back"), "{failure:?}");
    assert_eq!((*ours.worked.lock().unwrap(), theirs.got.lock().unwrap().len()), (0, 0));
    via.earlier.pop();
    next.handle(&ours, &mut event, clock, &via).await.unwrap();
}

#[test]
fn a_function_is_named_by_name_or_arn_with_an_alias_or_without() {
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:theirs";
    for (text, function, qualifier, region) in [
        ("theirs", "theirs", None, None),
        ("theirs:live", "theirs", Some("live"), None),
        ("theirs:$LATEST", "theirs", Some("$LATEST"), None),
        (arn, arn, None, Some("eu-west-1")),
        (&format!("{arn}:7"), arn, Some("7"), Some("eu-west-1")),
    ] {
        let name = FunctionName::parse(text).unwrap();
        assert_eq!((name.function(), name.qualifier(), name.region()), (function, qualifier, region));
        assert_eq!(name.to_string(), text);
    }
    for wrong in [
        "",
        ":live",
        "theirs:",
        "a b",
        "../theirs",
        "theirs:live:more",
        "theirs?Qualifier=x",
        "arn:aws:lambda:eu-west-1:123456789012:layer:theirs",
        "arn:aws:lambda:eu-west-1:1:function:theirs",
        "arn:aws:lambda:evil.example/:123456789012:function:theirs",
        "arn:aws:s3:::bucket",
        "https://example.com",
    ] {
        assert_eq!(FunctionName::parse(wrong), None, "{wrong}");
    }
}

fn settings(pairs: &[(&str, &str)]) -> Result<Settings, SettingError> {
    Settings::from_lookup(&lookup(pairs), BEFORE)
}

#[test]
fn unset_there_is_no_next_function_and_the_trigger_has_its_defaults() {
    assert_eq!(settings(&[]).unwrap(), Settings { function: None, chosen: BEFORE });
    let chosen = settings(&[(NEXT_FUNCTION_ORDER, "after"), (NEXT_FUNCTION_FAILURE, "pass")]).unwrap().chosen;
    assert_eq!(chosen, Defaults::TOLD_AFTERWARDS);
}

#[test]
fn a_wrong_value_and_the_function_itself_stop_the_start_with_the_variables_name() {
    let own = ("AWS_LAMBDA_FUNCTION_NAME", "ours");
    let region = ("AWS_REGION", "eu-west-1");
    for (name, value) in [
        (NEXT_FUNCTION, "arn:aws:s3:::bucket"),
        (NEXT_FUNCTION, "ours"),
        (NEXT_FUNCTION, "ours:live"),
        (NEXT_FUNCTION, "arn:aws:lambda:eu-west-1:123456789012:function:ours"),
        (NEXT_FUNCTION, "arn:aws:lambda:eu-west-1:123456789012:function:ours:live"),
        (NEXT_FUNCTION_ORDER, "first"),
        (NEXT_FUNCTION_FAILURE, "ignore"),
    ] {
        let error = settings(&[(name, value), own, region]).unwrap_err();
        assert_eq!((error.name, error.value.as_str()), (name, value));
    }
    let elsewhere = "arn:aws:lambda:us-east-1:123456789012:function:ours";
    assert!(settings(&[(NEXT_FUNCTION, elsewhere), own, region]).is_ok());
}

#[test]
fn a_build_that_calls_no_other_function_says_so_at_start() {
    let error = refuse(&|name| (name == NEXT_FUNCTION).then(|| "theirs".to_owned())).unwrap_err().to_string();
    assert!(error.contains("NEXT_FUNCTION") && error.contains("--features next-function"), "{error}");
    assert_eq!(refuse(&|_| None), Ok(()));
}

#[test]
fn what_people_and_operators_read_is_documented() {
    assert!(crate::testing::is_documented(FAILED) && crate::testing::is_documented(REFUSED));
}
