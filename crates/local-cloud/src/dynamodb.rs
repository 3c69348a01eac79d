//! The account API's table, at whatever plays DynamoDB.

use anyhow::{Result, ensure};
use serde_json::json;

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
    // The signature is not checked. It names the Region that the table is made in.
    let signed =
        format!("AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/dynamodb/aws4_request, SignedHeaders=, Signature=");
    let headers = [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", "DynamoDB_20120810.CreateTable"),
        ("authorization", signed.as_str()),
    ];
    let answer = Http::default().send_body("POST", endpoint, &headers, table.to_string()).await?;
    ensure!(answer.status.is_success(), "CreateTable: {}", answer.status);
    Ok(())
}
