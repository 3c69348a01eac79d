//! The logs of a Lambda function, in the format and at the level of its logging configuration.

use crate::settings::{self, Lookup, SettingError};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

/// Lambda sets both variables from the function's logging configuration.
const LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";
const FORMAT: &str = "AWS_LAMBDA_LOG_FORMAT";

/// The crates of this repository. Their log lines are known to be free of personal data.
const OURS: [&str; 9] = [
    "cognito_core",
    "linking",
    "messages",
    "pre_sign_up",
    "post_confirmation",
    "post_authentication",
    "inbound_federation",
    "custom_message",
    "account_api",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Text,
}

/// Sets up the logs. If a setting is wrong, the defaults apply, so that the error can be logged.
pub(super) fn init(lookup: Lookup<'_>) -> Result<(), SettingError> {
    let (level, format) = (level(lookup), format(lookup));
    let subscriber = Registry::default()
        .with(layer(*format.as_ref().unwrap_or(&Format::Json), std::io::stdout))
        .with(filter(*level.as_ref().unwrap_or(&LevelFilter::INFO)));
    // A second initialisation in one process (tests) keeps the first.
    let _ = subscriber.try_init();
    level.and(format).map(|_| ())
}

fn level(lookup: Lookup<'_>) -> Result<LevelFilter, SettingError> {
    let parse = |text: &str| match text.to_ascii_uppercase().as_str() {
        "TRACE" => Some(LevelFilter::TRACE),
        "DEBUG" => Some(LevelFilter::DEBUG),
        "INFO" => Some(LevelFilter::INFO),
        "WARN" => Some(LevelFilter::WARN),
        // `FATAL` is Lambda's quietest level. No line here is more severe than an error.
        "ERROR" | "FATAL" => Some(LevelFilter::ERROR),
        _ => None,
    };
    Ok(settings::optional(lookup, LEVEL, "TRACE, DEBUG, INFO, WARN, ERROR or FATAL", parse)?
        .unwrap_or(LevelFilter::INFO))
}

fn format(lookup: Lookup<'_>) -> Result<Format, SettingError> {
    let parse = |text: &str| match text.to_ascii_lowercase().as_str() {
        "json" => Some(Format::Json),
        "text" => Some(Format::Text),
        _ => None,
    };
    Ok(settings::optional(lookup, FORMAT, "JSON or Text", parse)?.unwrap_or(Format::Json))
}

fn layer<W>(format: Format, writer: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer).with_ansi(false);
    match format {
        // Flat, so that Lambda finds `level` and metric filters find `$.error_code`.
        Format::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
        Format::Text => layer.compact().boxed(),
    }
}

/// Our crates log at `level`. All others log only warnings and errors. At finer levels, the Lambda runtime and the SDK
/// write whole events and requests, with addresses, passwords and tokens.
fn filter(level: LevelFilter) -> Targets {
    Targets::new()
        .with_targets(OURS.map(|name| (name, level)))
        // The span that carries the request id.
        .with_target("lambda_runtime::", LevelFilter::INFO)
        // This target logs every refusal again, as an error, although `Failure::log` has logged it. It is not needed
        // for panics: a panic ends the process and appears on standard error anyway.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
        .with_default(level.min(LevelFilter::WARN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::CapturedLog;
    use tracing::Level;

    fn lookup<'a>(name: &'a str, value: &'a str) -> impl Fn(&str) -> Option<String> + 'a {
        move |asked| (asked == name).then(|| value.to_owned())
    }

    #[test]
    fn lambdas_levels_and_formats_are_understood_in_any_case() {
        for (text, expected) in
            [("trace", LevelFilter::TRACE), ("WARN", LevelFilter::WARN), ("FATAL", LevelFilter::ERROR)]
        {
            assert_eq!(level(&lookup(LEVEL, text)), Ok(expected));
        }
        assert_eq!(level(&|_| None), Ok(LevelFilter::INFO));
        assert_eq!(format(&lookup(FORMAT, "Text")), Ok(Format::Text));
        assert_eq!(format(&lookup(FORMAT, "JSON")), Ok(Format::Json));
        let error = level(&lookup(LEVEL, "loud")).unwrap_err().to_string();
        assert!(error.contains(LEVEL) && error.contains("loud") && error.contains("FATAL"), "{error}");
    }

    #[test]
    fn the_finest_level_opens_our_crates_only() {
        let filter = filter(LevelFilter::TRACE);
        assert!(filter.would_enable("cognito_core::trigger", &Level::TRACE));
        for target in ["aws_smithy_runtime::client", "hyper_util", "lambda_runtime_api_client", "rustls"] {
            assert!(!filter.would_enable(target, &Level::INFO), "{target}");
            assert!(filter.would_enable(target, &Level::WARN), "{target}");
        }
        assert!(filter.would_enable("lambda_runtime::layers::trace", &Level::INFO));
        assert!(!filter.would_enable("lambda_runtime::layers::api_response", &Level::DEBUG));
    }

    #[test]
    fn the_runtime_does_not_report_a_refusal_once_more_as_an_error() {
        let filter = filter(LevelFilter::TRACE);
        assert!(!filter.would_enable("lambda_runtime::layers::panic", &Level::ERROR));
        assert!(filter.would_enable("lambda_runtime::layers::api_response", &Level::ERROR));
    }

    #[test]
    fn json_lines_are_flat() {
        let log = CapturedLog::default();
        let subscriber = Registry::default().with(layer(Format::Json, log.clone()));
        tracing::subscriber::with_default(subscriber, || tracing::warn!(error_code = "x", "refused"));
        let line: serde_json::Value = serde_json::from_str(&log.text()).unwrap();
        assert_eq!(
            (&line["level"], &line["error_code"], &line["message"]),
            (&"WARN".into(), &"x".into(), &"refused".into())
        );
    }
}
