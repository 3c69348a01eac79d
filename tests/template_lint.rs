//! The template passes the linters of AWS.

#![allow(clippy::unwrap_used, reason = "a set-up that fails must fail the test")]

use xtask::layout;
use xtask::stack::sam::Sam;

#[tokio::test]
async fn the_template_passes_sam_validate_and_cfn_lint() {
    Sam::install().await.unwrap().lint(&layout::root().join("template.yaml")).await.unwrap();
}
