//! The template passes the linters of AWS.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use local_cloud::layout;
use local_cloud::stack::sam::Sam;

#[tokio::test]
async fn the_template_passes_sam_validate_and_cfn_lint() {
    Sam::install().await.unwrap().lint(&layout::root().join("template.yaml")).await.unwrap();
}
