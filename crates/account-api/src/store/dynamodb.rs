//! A store in Amazon DynamoDB: one table whose partition key is the text attribute `key`.

use super::{Document, Store, StoreError, StoreFuture, Write, Written, next};
use crate::{aws_error_code, random_uuid};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use futures_util::future::FutureExt;
use std::collections::HashMap;
use std::str::FromStr;

/// Partition key, document, version, and the time after which the table may drop the item (the table's TTL attribute).
const KEY: &str = "key";
const BODY: &str = "body";
const VERSION: &str = "version";
const KEEP_UNTIL: &str = "keep_until";
/// A random id of the write that made the item. The SDK repeats a write whose answer was lost, and then finds the item
/// that it wrote itself. This id tells that item from another writer's.
const WRITER: &str = "writer";
/// The number that [`Store::add`] adds to.
const COUNT: &str = "count";
/// The index of the items that are in a list, by these two attributes. It contains only the items that have both, so
/// nothing else in the table costs anything when a list is read.
const INDEX: &str = "lists";
const LIST: &str = "list";
const PLACE: &str = "place";

/// One table.
#[derive(Clone, Debug)]
pub struct DynamoDb {
    client: Client,
    table: String,
}

impl DynamoDb {
    /// Uses the table of this name. Makes no call.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Reads the item under a key, as the last write left it. An eventually consistent read could miss a try that was
    /// counted a moment ago.
    async fn item(&self, key: &str) -> Result<Option<HashMap<String, AttributeValue>>, StoreError> {
        let call = self.client.get_item().table_name(&self.table).key(KEY, AttributeValue::S(key.to_owned()));
        Ok(call.consistent_read(true).send().await.map_err(failed("GetItem"))?.item)
    }
}

impl DynamoDb {
    async fn put(&self, key: &str, version: Option<u64>, write: Write<'_>) -> Result<Written, StoreError> {
        let writer = AttributeValue::S(random_uuid());
        let mut call = self
            .client
            .put_item()
            .table_name(&self.table)
            .item(KEY, AttributeValue::S(key.to_owned()))
            .item(BODY, AttributeValue::S(write.body.to_owned()))
            .item(VERSION, AttributeValue::N(next(version).to_string()))
            .item(WRITER, writer.clone());
        if let Some(until) = write.keep_until {
            call = call.item(KEEP_UNTIL, AttributeValue::N(until.to_string()));
        }
        if let Some(listed) = write.listed {
            call = call
                .item(LIST, AttributeValue::S(listed.list.to_owned()))
                .item(PLACE, AttributeValue::S(listed.place.to_owned()));
        }
        call = match version {
            None => call.condition_expression("attribute_not_exists(#key)").expression_attribute_names("#key", KEY),
            Some(version) => call
                .condition_expression("#version = :version")
                .expression_attribute_names("#version", VERSION)
                .expression_attribute_values(":version", AttributeValue::N(version.to_string())),
        };
        let Err(error) = call.send().await else { return Ok(Written::Stored) };
        if !error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) {
            return Err(failed("PutItem")(error));
        }
        let found = self.item(key).await?;
        let is_own = found.is_some_and(|item| item.get(WRITER) == Some(&writer));
        Ok(if is_own { Written::Stored } else { Written::Conflict })
    }
}

impl Store for DynamoDb {
    fn load<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<Document>> {
        async move {
            let Some(item) = self.item(key).await? else { return Ok(None) };
            document(&item).map(Some).ok_or_else(|| foreign("GetItem"))
        }
        .boxed()
    }

    fn save<'a>(&'a self, key: &'a str, version: Option<u64>, write: Write<'a>) -> StoreFuture<'a, Written> {
        self.put(key, version, write).boxed()
    }

    fn list<'a>(&'a self, list: &'static str, from: &'a str, to: &'a str, most: u16) -> StoreFuture<'a, Vec<Document>> {
        // `BETWEEN` includes both ends, and no place is the same as `to` unless it was on an earlier page. So one more
        // is read, and left out.
        let call = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("#list = :list AND #place BETWEEN :from AND :to")
            .expression_attribute_names("#list", LIST)
            .expression_attribute_names("#place", PLACE)
            .expression_attribute_values(":list", AttributeValue::S(list.to_owned()))
            .expression_attribute_values(":from", AttributeValue::S(from.to_owned()))
            .expression_attribute_values(":to", AttributeValue::S(to.to_owned()))
            .scan_index_forward(false)
            .limit(i32::from(most) + 1);
        async move {
            let answer = call.send().await.map_err(failed("Query"))?;
            let is_before = |item: &&HashMap<String, AttributeValue>| {
                item.get(PLACE).and_then(|place| place.as_s().ok()).is_some_and(|place| place.as_str() < to)
            };
            let items = answer.items().iter().filter(is_before).take(usize::from(most));
            items.map(|item| document(item).ok_or_else(|| foreign("Query"))).collect()
        }
        .boxed()
    }

    fn add<'a>(&'a self, key: &'a str, by: i64, until: u64) -> StoreFuture<'a, i64> {
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(KEY, AttributeValue::S(key.to_owned()))
            .update_expression("ADD #count :by SET #until = :until")
            .expression_attribute_names("#count", COUNT)
            .expression_attribute_names("#until", KEEP_UNTIL)
            .expression_attribute_values(":by", AttributeValue::N(by.to_string()))
            .expression_attribute_values(":until", AttributeValue::N(until.to_string()))
            .return_values(ReturnValue::UpdatedNew);
        async move {
            let answer = call.send().await.map_err(failed("UpdateItem"))?;
            answer.attributes().and_then(|item| number(item, COUNT)).ok_or_else(|| foreign("UpdateItem"))
        }
        .boxed()
    }
}

fn document(item: &HashMap<String, AttributeValue>) -> Option<Document> {
    Some(Document { version: number(item, VERSION)?, body: item.get(BODY)?.as_s().ok()?.clone() })
}

fn number<T: FromStr>(item: &HashMap<String, AttributeValue>, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn foreign(operation: &'static str) -> StoreError {
    StoreError { operation, code: "not an item of this function".to_owned() }
}

fn failed<E: ProvideErrorMetadata>(operation: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> StoreError {
    move |error| StoreError { operation, code: aws_error_code(&error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Code, Problem};
    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
    use aws_sdk_dynamodb::types::error::{ConditionalCheckFailedException, ProvisionedThroughputExceededException};
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use serde_json::json;
    use std::sync::{Arc, Mutex};

    fn table(rules: &[&Rule]) -> DynamoDb {
        DynamoDb::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules), "State")
    }

    fn write(keep_until: Option<u64>) -> Write<'static> {
        Write { body: "{}", keep_until, listed: None }
    }

    #[tokio::test]
    async fn every_read_is_consistent_and_every_write_conditional() {
        let read = mock!(Client::get_item)
            .match_requests(|input| input.consistent_read() == Some(true))
            .then_output(|| GetItemOutput::builder().build());
        assert_eq!(table(&[&read]).load("k").await, Ok(None));

        let first = mock!(Client::put_item)
            .match_requests(|input: &PutItemInput| {
                input.condition_expression() == Some("attribute_not_exists(#key)")
                    && input.item().is_some_and(|item| item[KEEP_UNTIL] == AttributeValue::N("99".into()))
            })
            .then_output(|| PutItemOutput::builder().build());
        assert_eq!(table(&[&first]).save("k", None, write(Some(99))).await, Ok(Written::Stored));

        let later = mock!(Client::put_item)
            .match_requests(|input: &PutItemInput| {
                let values = input.expression_attribute_values();
                values.is_some_and(|values| values[":version"] == AttributeValue::N("4".into()))
                    && input.item().is_some_and(|item| item[VERSION] == AttributeValue::N("5".into()))
                    // Without it the table's TTL leaves the item alone.
                    && input.item().is_some_and(|item| !item.contains_key(KEEP_UNTIL))
            })
            .then_output(|| PutItemOutput::builder().build());
        assert_eq!(table(&[&later]).save("k", Some(4), write(None)).await, Ok(Written::Stored));
    }

    #[tokio::test]
    async fn a_lost_race_is_no_error_and_every_error_is() {
        let lost = mock!(Client::put_item).then_error(|| {
            PutItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
        });
        let somebody_elses = mock!(Client::get_item)
            .then_output(|| GetItemOutput::builder().item(WRITER, AttributeValue::S("somebody else".into())).build());
        assert_eq!(table(&[&lost, &somebody_elses]).save("k", Some(1), write(Some(1))).await, Ok(Written::Conflict));
        let busy = mock!(Client::put_item).then_error(|| {
            PutItemError::ProvisionedThroughputExceededException(
                ProvisionedThroughputExceededException::builder().build(),
            )
        });
        assert!(table(&[&busy]).save("k", Some(1), write(Some(1))).await.is_err());
        let foreign = mock!(Client::get_item)
            .then_output(|| GetItemOutput::builder().item(KEY, AttributeValue::S("k".into())).build());
        assert!(table(&[&foreign]).load("k").await.is_err(), "an item without a document is not none");
    }

    #[tokio::test]
    async fn a_call_that_the_role_may_not_make_is_a_fault_of_the_setup_and_nobody_is_told_to_try_again() {
        let body = json!({ "__type": "AccessDeniedException", "message": "not authorized" }).to_string();
        let denied = mock!(Client::get_item).sequence().http_status(400, Some(body)).build();
        let error = table(&[&denied]).load("k").await.unwrap_err();
        assert_eq!(Problem::from(error).code(), Code::Misconfigured);
    }

    #[tokio::test]
    async fn a_write_whose_answer_was_lost_is_not_taken_for_somebody_elses() {
        for version in [None, Some(4)] {
            let (stored, read) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
            let written = Arc::clone(&stored);
            // The item is stored, the answer is lost, and the SDK's repetition meets the item.
            let lost = mock!(Client::put_item)
                .match_requests(move |input: &PutItemInput| {
                    written.lock().unwrap().clone_from(&input.item);
                    true
                })
                .sequence()
                .http_status(500, None)
                .error(|| {
                    PutItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
                })
                .build();
            let counted = Arc::clone(&read);
            let found = mock!(Client::get_item).then_compute_output(move |_| {
                *counted.lock().unwrap() = Some(());
                GetItemOutput::builder().set_item(stored.lock().unwrap().clone()).build()
            });
            assert_eq!(table(&[&lost, &found]).save("k", version, write(Some(1))).await, Ok(Written::Stored));
            assert_eq!((lost.num_calls(), read.lock().unwrap().is_some()), (2, true), "the SDK repeats the write");
        }
    }
}
