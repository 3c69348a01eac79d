//! The templates pass the linters of AWS.

use local_cloud::stack::sam::Sam;
use local_cloud::stack::template::TemplateFile;

#[tokio::test]
async fn the_templates_pass_sam_validate_and_cfn_lint() {
    let sam = Sam::install().await.unwrap();
    for template in TemplateFile::ALL {
        sam.lint(&template.path()).await.unwrap();
    }
}
