//! Sends mails with Amazon SES, API version 2.

use super::{Mailer, NotSent};
use crate::aws_error_code;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::BuildError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use cognito_core::email::Email;
use futures_util::future::{BoxFuture, FutureExt};
use messages::Letter;

/// Sends from one verified sender.
#[derive(Clone, Debug)]
pub struct Ses {
    client: Client,
    from: String,
    reply_to: Option<String>,
    configuration_set: Option<String>,
}

impl Ses {
    /// Sends from `from`, such as `Example <no-reply@example.com>`. Replies go to `reply_to`, or to the sender. Makes
    /// no call.
    #[must_use]
    pub fn new(client: Client, from: impl Into<String>, reply_to: Option<String>) -> Self {
        Self { client, from: from.into(), reply_to, configuration_set: None }
    }

    /// Sends by the rules of a configuration set of SES, which may count what becomes of the mails.
    #[must_use]
    pub fn with_configuration_set(self, name: Option<String>) -> Self {
        Self { configuration_set: name, ..self }
    }
}

impl Mailer for Ses {
    fn send<'a>(&'a self, to: &'a Email, letter: &'a Letter) -> BoxFuture<'a, Result<(), NotSent>> {
        async move {
            let content = content(letter).map_err(|_| NotSent { code: "the mail could not be built".to_owned() })?;
            let call = self
                .client
                .send_email()
                .from_email_address(&self.from)
                .set_reply_to_addresses(self.reply_to.as_ref().map(|address| vec![address.clone()]))
                .destination(Destination::builder().to_addresses(to.as_str()).build())
                .set_configuration_set_name(self.configuration_set.clone())
                .content(content);
            call.send().await.map(drop).map_err(|error| NotSent { code: aws_error_code(&error) })
        }
        .boxed()
    }
}

fn content(letter: &Letter) -> Result<EmailContent, BuildError> {
    let utf_8 = |text: &str| Content::builder().data(text).charset("UTF-8").build();
    let body = Body::builder().text(utf_8(&letter.text)?).html(utf_8(&letter.html)?).build();
    Ok(EmailContent::builder().simple(Message::builder().subject(utf_8(&letter.subject)?).body(body).build()).build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sesv2::operation::send_email::{SendEmailInput, SendEmailOutput};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use serde_json::json;

    fn letter() -> Letter {
        Letter { subject: "Hé".into(), html: "<p>1</p>".into(), text: "1".into(), skipped: Vec::new() }
    }

    #[tokio::test]
    async fn a_mail_has_both_bodies_one_recipient_and_our_sender() {
        let rule = mock!(Client::send_email)
            .match_requests(|input: &SendEmailInput| {
                let simple = input.content().and_then(EmailContent::simple);
                let body = simple.and_then(Message::body);
                input.from_email_address() == Some("Example <no-reply@example.com>")
                    && input.reply_to_addresses() == ["help@example.com"]
                    && input.configuration_set_name() == Some("events")
                    && input.destination().is_some_and(|to| to.to_addresses() == ["ada@example.com"])
                    && simple
                        .and_then(Message::subject)
                        .is_some_and(|s| s.data() == "Hé" && s.charset() == Some("UTF-8"))
                    && body.is_some_and(|body| body.text().is_some() && body.html().is_some())
            })
            .then_output(|| SendEmailOutput::builder().message_id("1").build());
        let client = mock_client!(aws_sdk_sesv2, RuleMode::MatchAny, [&rule]);
        let ses = Ses::new(client, "Example <no-reply@example.com>", Some("help@example.com".into()))
            .with_configuration_set(Some("events".into()));
        ses.send(&Email::parse("ada@example.com").unwrap(), &letter()).await.unwrap();
    }

    #[tokio::test]
    async fn a_refusal_names_the_code_and_not_the_address_and_says_whether_the_recipient_is_at_fault() {
        for (code, is_recipients) in [("BadRequestException", true), ("MessageRejected", false)] {
            let body = json!({ "__type": code, "message": "ada@example.com is no good" }).to_string();
            let rule = mock!(Client::send_email).sequence().http_status(400, Some(body)).build();
            let ses = Ses::new(mock_client!(aws_sdk_sesv2, RuleMode::MatchAny, [&rule]), "a@example.com", None);
            let error = ses.send(&Email::parse("ada@example.com").unwrap(), &letter()).await.unwrap_err();
            assert_eq!((error.to_string(), error.is_recipients()), (format!("SendEmail: {code}"), is_recipients));
        }
    }
}
