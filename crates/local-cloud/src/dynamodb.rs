//! The account API's table, at whatever plays DynamoDB.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::http::Http;
use crate::user_pool::REGION;

/// Makes a table as `account-api.yaml` makes it.
///
/// # Errors
///
/// Fails if the call is refused.
pub async fn state_table(endpoint: &str, name: &str) -> Result<()> {
    let text = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let table = json!({
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [text("key"), text("list"), text("place")],
        "KeySchema": [key("key", "HASH")],
        "GlobalSecondaryIndexes": [{
            "IndexName": "lists", "KeySchema": [key("list", "HASH"), key("place", "RANGE")],
            "Projection": { "ProjectionType": "ALL" },
        }],
    });
    call(endpoint, "CreateTable", &table).await.map(drop)
}

/// Every item of a table, as DynamoDB's API writes it.
///
/// # Errors
///
/// Fails if a call is refused.
pub async fn items(endpoint: &str, table: &str) -> Result<Vec<Value>> {
    let (mut items, mut input) = (Vec::new(), json!({ "TableName": table, "ConsistentRead": true }));
    loop {
        let mut page = call(endpoint, "Scan", &input).await?;
        items.append(page["Items"].as_array_mut().context("Scan gave no items")?);
        match page["LastEvaluatedKey"].take() {
            Value::Null => return Ok(items),
            key => input["ExclusiveStartKey"] = key,
        }
    }
}

/// The item under a key, as DynamoDB's API writes it; null if there is none.
///
/// # Errors
///
/// Fails if the call is refused.
pub async fn item(endpoint: &str, table: &str, key: &str) -> Result<Value> {
    let input = json!({ "TableName": table, "Key": { "key": { "S": key } }, "ConsistentRead": true });
    Ok(call(endpoint, "GetItem", &input).await?["Item"].take())
}

/// Moves every time in the account API's table back by so many seconds, as if all of it had been written that much
/// earlier. Nobody may write to it meanwhile.
///
/// # Errors
///
/// Fails if a call is refused, or if an item is not one of the account API.
pub async fn age(endpoint: &str, table: &str, seconds: u64) -> Result<()> {
    for mut item in items(endpoint, table).await? {
        if let Some(body) = item["body"]["S"].as_str() {
            let mut body: Value = serde_json::from_str(body).context("an item's body is not JSON")?;
            earlier(&mut body, seconds);
            item["body"]["S"] = body.to_string().into();
        }
        if let Some(until) = item["keep_until"]["N"].as_str() {
            let until: u64 = until.parse().context("an item's keep_until is no time")?;
            item["keep_until"]["N"] = until.saturating_sub(seconds).to_string().into();
        }
        call(endpoint, "PutItem", &json!({ "TableName": table, "Item": item })).await?;
    }
    Ok(())
}

/// Numbers from here on are times, in seconds since 1970: this one was in 2001. No count is as high.
const FIRST_TIME: u64 = 1_000_000_000;

fn earlier(value: &mut Value, seconds: u64) {
    match value {
        Value::Number(number) => {
            if let Some(time) = number.as_u64().filter(|number| *number >= FIRST_TIME) {
                *value = (time - seconds).into();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| earlier(value, seconds)),
        Value::Object(members) => members.values_mut().for_each(|value| earlier(value, seconds)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

async fn call(endpoint: &str, operation: &str, input: &Value) -> Result<Value> {
    // The signature is not checked. It names the Region that the table is in.
    let signed =
        format!("AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/dynamodb/aws4_request, SignedHeaders=, Signature=");
    let target = format!("DynamoDB_20120810.{operation}");
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", target.as_str()),
        ("authorization", signed.as_str()),
    ];
    let answer = Http::default().send_body("POST", endpoint, &headers, input.to_string()).await?;
    ensure!(answer.status.is_success(), "{operation}: {}", answer.status);
    answer.json()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_earlier_and_nothing_else_changes() {
        let mut body = json!({ "tries": 3, "sent_at": 1_790_000_000, "never": 0, "recent": [{ "at": 1_790_000_060 }], "code": "1790000000" });
        earlier(&mut body, 60);
        let expected = json!({ "tries": 3, "sent_at": 1_789_999_940, "never": 0, "recent": [{ "at": 1_790_000_000 }], "code": "1790000000" });
        assert_eq!(body, expected);
    }
}
