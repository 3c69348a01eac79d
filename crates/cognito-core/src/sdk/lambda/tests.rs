use super::*;
use crate::failure::{Failure, Kind};
use crate::sdk::http::tests::server::once;
use crate::testing::lookup;

fn function(url: &str, name: &str) -> LambdaFunction {
    let lookup = lookup([
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "very-secret-key"),
        ("AWS_ENDPOINT_URL_LAMBDA", url),
    ]);
    LambdaFunction::new(Aws::from_lookup(&lookup).unwrap(), &FunctionName::parse(name).unwrap())
}

async fn reply(answer: &str) -> (Result<Reply, Broken>, String) {
    let (url, request) = once(format!("HTTP/1.1 {answer}"));
    let via = Via { own: "b".into(), earlier: vec!["a".into()], trace: Some("Root=1-2-3".into()) };
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:theirs:live";
    let reply = function(&url, arn).call(r#"{"an":"event"}"#, &via).await;
    (reply, request.join().unwrap())
}

#[tokio::test]
async fn an_event_is_signed_and_sent_to_the_functions_region_with_the_way_it_came() {
    let (reply, request) = reply("200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    assert_eq!(reply.unwrap(), Reply::Answer(b"{}".to_vec()));
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let lower = head.to_ascii_lowercase();
    for part in [
        "post /2015-03-31/functions/arn%3aaws%3alambda%3aeu-west-1%3a123456789012%3afunction%3atheirs/invocations?qualifier=live http/1.1",
        "/eu-west-1/lambda/aws4_request, signedheaders=content-type;host;x-amz-client-context;x-amz-date",
        "x-amzn-trace-id: root=1-2-3",
    ] {
        assert!(lower.contains(part), "{part}: {head}");
    }
    assert_eq!(body, r#"{"an":"event"}"#);
    let context = head.lines().find_map(|line| line.strip_prefix("x-amz-client-context: ")).unwrap();
    let context: serde_json::Value = serde_json::from_slice(&STANDARD.decode(context).unwrap()).unwrap();
    assert_eq!(context, json!({ "custom": { CAME_THROUGH: "a b" } }));
}

#[tokio::test]
async fn an_error_of_the_function_is_told_from_its_answer_and_from_what_lambda_refuses() {
    let error = r#"{"errorMessage":"no","errorType":"Error"}"#;
    let thrown = format!("200 OK\r\nX-Amz-Function-Error: Unhandled\r\nContent-Length: {}\r\n\r\n{error}", error.len());
    assert_eq!(reply(&thrown).await.0.unwrap(), Reply::Error(error.as_bytes().to_vec()));
    let gone = "404 Not Found\r\nx-amzn-ErrorType: ResourceNotFoundException:http://x\r\nContent-Length: 2\r\n\r\n{}";
    let cause = Failure::because(Kind::TRY_AGAIN, reply(gone).await.0.unwrap_err()).cause_chain();
    assert_eq!(cause, "Lambda did not call the next function: status 404 ResourceNotFoundException");
}

#[tokio::test]
async fn an_answer_of_six_megabytes_is_not_read() {
    let declared = "200 OK\r\nContent-Length: 6291456\r\n\r\n{";
    assert!(matches!(reply(declared).await.0, Err(Broken::TooLarge { .. })));
    let chunk = format!("{:x}\r\n{}\r\n", MAX_ANSWER + 1, " ".repeat(1024 * 1024 + 1));
    let chunked = format!("200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n");
    assert!(reply(&chunked).await.0.is_err());
}

#[tokio::test]
async fn nobody_listens() {
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let function = function(&format!("http://{closed}"), "theirs");
    let reply = function.call("{}", &Via::default()).await;
    assert!(matches!(reply, Err(Broken::NotAsked(_))), "{reply:?}");
}

#[test]
fn without_an_endpoint_of_its_own_it_is_where_aws_has_it() {
    for (name, expected) in [
        ("theirs", "https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/theirs/invocations"),
        (
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:theirs",
            "https://lambda.cn-north-1.amazonaws.com.cn/2015-03-31/functions/\
             arn%3Aaws-cn%3Alambda%3Acn-north-1%3A123456789012%3Afunction%3Atheirs/invocations",
        ),
        (
            "theirs:$LATEST",
            "https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/theirs/invocations?Qualifier=%24LATEST",
        ),
    ] {
        assert_eq!(function("", name).url, expected);
    }
}
