//! The calls that the functions make to Cognito for one event, and how many of them wait for another. The real binaries
//! run against a stand-in that counts.

use std::time::Duration;

use bench::case;
use bench::measure::{Subject, begin, calls_of};
use bench::stand_in::StandIn;
use end_to_end::binary;

/// Longer than a busy machine can delay the second call of a round.
const DELAY: Duration = Duration::from_millis(150);

fn subjects(endpoint: &[(String, String)]) -> Vec<Subject> {
    let cases = case::all().unwrap().into_iter().filter(|case| !case.is_bare());
    let subject = |case: case::Case| {
        let binary = binary(case.function).unwrap();
        Subject::function(case, &binary, endpoint.to_vec())
    };
    cases.map(subject).collect()
}

#[tokio::test]
async fn every_event_costs_the_calls_and_rounds_that_are_promised_and_at_most_two_connections() {
    let folder = tempfile::tempdir().unwrap();
    let stand_in = StandIn::start(folder.path()).await.unwrap();
    for subject in subjects(&stand_in.environment()) {
        // This fails if the calls differ from the case's or need more rounds.
        let calls = calls_of(&stand_in, &subject, DELAY).await.unwrap();
        let mut connections: Vec<_> = calls.iter().map(|call| call.connection).collect();
        connections.sort_unstable();
        connections.dedup();
        assert!(connections.len() <= 2, "{}: {calls:?}", subject.case.name);
    }
}

/// Cognito calls pre sign-up again for our own `AdminCreateUser` and waits for it.
#[tokio::test]
async fn an_event_without_calls_is_answered_where_cognito_cannot_be_reached() {
    // It accepts connections and never answers.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    for subject in subjects(&[("AWS_ENDPOINT_URL".to_owned(), url)]) {
        if subject.case.calls.is_empty() {
            let (_function, start) = begin(&subject, &[]).await.unwrap();
            assert!(start.wall < Duration::from_secs(1), "{}: {:?}", subject.case.name, start.wall);
        }
    }
}
