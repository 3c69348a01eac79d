//! Starts a Lambda function: logs, settings, and the loop that answers events.

mod logging;

use crate::failure::Failure;
use crate::next_function::{AnyCaller, CAME_THROUGH, Next, Via, refuse};
#[cfg(feature = "next-function")]
use crate::sdk::LambdaFunction;
use crate::settings::{Lookup, Overridden, SettingError};
use crate::trigger::{Choose, Clock, TIME_LIMIT, Trigger, answer, answer_by};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use std::fmt;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};
use tracing::{Instrument, field};

/// Time reserved before the function's deadline, so that the answer goes out before Lambda ends the process.
const RESERVE: Duration = Duration::from_millis(200);

type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

impl From<Failure> for Diagnostic {
    /// Gives the stable code as `errorType` and the public text as `errorMessage`, and never the cause.
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.kind().code.to_owned(), error_message: failure.public_text().to_owned() }
    }
}

/// What the runtime gets in the place of an answer. It logs its `Debug` text, so that has the stable code only.
struct Refused(Failure);

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind().code)
    }
}

impl From<Refused> for Diagnostic {
    fn from(Refused(failure): Refused) -> Self {
        failure.into()
    }
}

/// The team's own function, where there is one.
type NextFunction = Option<Next<AnyCaller>>;

/// Never passes over a setting: the team's function would not be called, and nobody would notice.
fn next_function<T: Trigger>(lookup: Lookup<'_>) -> Result<NextFunction, SettingError> {
    #[cfg(feature = "next-function")]
    if T::CALLS_NEXT_FUNCTION {
        return LambdaFunction::next(lookup, T::NEXT_FUNCTION);
    }
    refuse(lookup).map(|()| None)
}

/// Runs a trigger function until Lambda ends it. It reads the environment once, sets up the logs, builds the trigger
/// and answers events.
///
/// `connect` makes what reaches AWS, once. `build` makes the trigger: once for all events, and once for each entry of
/// [`OVERRIDES`](crate::settings::OVERRIDES). Both get a lookup of environment variables. If a setting is wrong, the
/// function logs the variable's name, its value and what is allowed, and ends with exit code 1. Lambda reports that as an
/// initialisation error.
pub async fn run<C, T: Trigger>(
    connect: impl AsyncFnOnce(Lookup<'_>) -> Result<C, SettingError>,
    build: impl Fn(Lookup<'_>, &C) -> Result<T, SettingError>,
) -> ExitCode {
    let lookup = |name: &str| std::env::var(name).ok();
    let log_settings = logging::init(&lookup);
    let connected: LocalFuture<'_, _> = Box::pin(connect(&lookup));
    let connected = log_settings.and(connected.await);
    let started = connected.and_then(|reached| {
        let trigger = Overridden::build(&lookup, |lookup| build(lookup, &reached))?;
        Ok((trigger, next_function::<T>(&lookup)?))
    });
    let (trigger, next) = match started {
        Ok(started) => started,
        Err(why) => {
            tracing::error!(error_code = "wrong_setting", "{why}");
            return ExitCode::FAILURE;
        }
    };
    let serve = service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        // Boxed as a trait object, because the SDK's nested futures exceed the compiler's depth for type layouts.
        let answered: LocalFuture<'_, _> = Box::pin(invoke(&trigger, &next, &event));
        answered.await.map_err(Refused)
    });
    // Without the runtime's own span: `invoke` has one.
    match lambda_runtime::Runtime::new(serve).run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            tracing::error!(error_code = "runtime_stopped", "the Lambda runtime stopped: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Answers an event. Every line of its log has a `span` with the request's id and the user pool: one function may serve
/// several pools.
async fn invoke(
    trigger: &impl Choose,
    next: &NextFunction,
    event: &LambdaEvent<Box<RawValue>>,
) -> Result<Box<RawValue>, Failure> {
    let context = &event.context;
    // At the highest level, so that no log level leaves it out.
    let span = tracing::error_span!(
        "invocation",
        requestId = context.request_id,
        xrayTraceId = context.xray_trace_id,
        user_pool_id = field::Empty
    );
    let clock = Clock::starting_now(time_left(context.deadline));
    answer_with(trigger, next, event, clock).instrument(span).await
}

async fn answer_with<C: Choose>(
    trigger: &C,
    next: &NextFunction,
    event: &LambdaEvent<Box<RawValue>>,
    clock: Clock,
) -> Result<Box<RawValue>, Failure> {
    // Known when the function is built, and then there is no code for the rest.
    if !C::Trigger::CALLS_NEXT_FUNCTION {
        return answer(trigger, &event.payload, clock).await;
    }
    let Some(next) = next else { return answer(trigger, &event.payload, clock).await };
    let via = via(&event.context);
    answer_by(trigger, &event.payload, clock, async |trigger, event| {
        // Boxed, because few functions have one.
        let handled: LocalFuture<'_, _> = Box::pin(next.handle(trigger, event, clock, &via));
        handled.await
    })
    .await
}

/// How an event came here.
fn via(context: &lambda_runtime::Context) -> Via {
    let arn: Vec<&str> = context.invoked_function_arn.split(':').take(7).collect();
    let own = if arn.len() == 7 { arn.join(":") } else { context.env_config.function_name.clone() };
    let custom = context.client_context.as_ref().and_then(|client| client.custom.get(CAME_THROUGH));
    let earlier = custom.into_iter().flat_map(|names| names.split_whitespace()).map(str::to_owned).collect();
    Via { own, earlier, trace: context.xray_trace_id.clone() }
}

/// Sets up the logs as [`run`] does, for a function that is not a Cognito trigger. If a setting is wrong, the defaults
/// apply, so that the error can be logged.
///
/// # Errors
///
/// Returns [`SettingError`] if `AWS_LAMBDA_LOG_LEVEL` or `AWS_LAMBDA_LOG_FORMAT` has a value that Lambda does not set.
pub fn start_logs(lookup: Lookup<'_>) -> Result<(), SettingError> {
    logging::init(lookup)
}

/// The day AWS announced Lambda, 13 November 2014, in milliseconds since 1970. An earlier deadline is not real: `cargo
/// lambda watch` sends 600000 with every event.
const FIRST_DEADLINE: u64 = 1_415_836_800_000;

/// The time that is left until the function's deadline, which is in milliseconds since 1970.
fn time_left(deadline: u64) -> Duration {
    if deadline < FIRST_DEADLINE {
        return TIME_LIMIT;
    }
    let deadline = SystemTime::UNIX_EPOCH + Duration::from_millis(deadline);
    deadline.duration_since(SystemTime::now()).unwrap_or_default().saturating_sub(RESERVE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, TriggerSource};
    use crate::failure::{Kind, Words};
    use crate::testing::CapturedLog;
    use serde_json::{Value, json};

    /// Refuses everything.
    struct Refuses;

    impl Trigger for Refuses {
        fn handles(&self, _: TriggerSource) -> bool {
            true
        }

        async fn handle(&self, _: &mut Event, _: Clock) -> Result<(), Failure> {
            Err(Failure::because(Kind::TRY_AGAIN, "no"))
        }
    }

    #[tokio::test]
    async fn every_line_of_the_log_names_the_request_and_the_pool() {
        let event = json!({ "version": "1", "triggerSource": "PreSignUp_SignUp", "region": "eu-central-1",
            "userPoolId": "eu-central-1_B", "userName": "ada", "request": {}, "response": {} });
        let mut event =
            LambdaEvent::new(RawValue::from_string(event.to_string()).unwrap(), lambda_runtime::Context::default());
        event.context.request_id = "r-1".to_owned();
        let (answer, log) = CapturedLog::of(invoke(&Refuses, &NextFunction::default(), &event)).await;
        assert!(answer.is_err());
        let line: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
        assert_eq!(
            (&line["span"]["requestId"], &line["span"]["user_pool_id"]),
            (&json!("r-1"), &json!("eu-central-1_B"))
        );
    }

    #[test]
    fn lambda_reports_the_code_and_the_public_text_only() {
        let diagnostic = Diagnostic::from(Failure::because(Kind::MISCONFIGURED, "AdminGetUser: AccessDeniedException"));
        assert_eq!(diagnostic.error_type, "misconfigured");
        assert_eq!(diagnostic.error_message, Kind::MISCONFIGURED.message);
    }

    /// The runtime logs what it gets in the place of an answer.
    #[test]
    fn the_words_of_the_teams_function_reach_the_person_and_no_log() {
        let failure = Failure::in_words_of_another(Kind::TRY_AGAIN, "why", Words::new("ada@example.com may not"));
        assert!(!format!("{failure:?} {failure} {}", failure.cause_chain()).contains("ada"));
        let refused = Refused(failure);
        assert_eq!(format!("{refused:?}"), "try_again");
        assert_eq!(Diagnostic::from(refused).error_message, "ada@example.com may not");
    }

    #[test]
    fn an_event_says_which_functions_it_came_through() {
        let mut context = lambda_runtime::Context::default();
        context.invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:f:live".into();
        context.xray_trace_id = Some("Root=1".into());
        let came = serde_json::from_value(json!({ "custom": { CAME_THROUGH: "a b" } })).unwrap();
        context.client_context = Some(came);
        let own = "arn:aws:lambda:eu-central-1:123456789012:function:f".to_owned();
        let expected = Via { own, earlier: vec!["a".into(), "b".into()], trace: Some("Root=1".into()) };
        assert_eq!(via(&context), expected);
        assert_eq!(via(&lambda_runtime::Context::default()), Via::default());
    }

    #[test]
    fn a_passed_deadline_leaves_no_time() {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(time_left(u64::try_from(now.as_millis()).unwrap() - 1000), Duration::ZERO);
        let in_a_minute = now + Duration::from_mins(1);
        let left = time_left(u64::try_from(in_a_minute.as_millis()).unwrap());
        assert!(left > Duration::from_secs(50) && left < Duration::from_mins(1), "{left:?}");
    }

    #[test]
    fn a_deadline_that_is_no_moment_leaves_the_time_cognito_gives() {
        assert_eq!(time_left(0), TIME_LIMIT);
        assert_eq!(time_left(600_000), TIME_LIMIT);
    }
}
