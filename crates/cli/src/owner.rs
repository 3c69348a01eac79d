//! Which tool owns a pool, and what its next deployment does to the triggers.

use crate::cloud::{Body, Cloud};
use crate::pool_settings::Description;
use anyhow::{Result, anyhow};
use aws_sdk_sts::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::{BoxError, ProvideErrorMetadata};
use aws_types::SigningName;
use std::fmt;

/// The tool that a pool comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// AWS Amplify.
    Amplify,
    /// SST.
    Sst,
    /// Terraform or OpenTofu.
    Terraform,
    /// Pulumi.
    Pulumi,
    /// A CloudFormation stack, whichever tool deploys it.
    Stack {
        /// The stack's name.
        name: String,
        /// The pool's name in the stack's template, if it is known.
        resource: Option<String>,
    },
}

/// The tag of a pool that a stack made. CloudFormation sets it, and nobody else can.
const STACK_NAME: &str = "aws:cloudformation:stack-name";
/// The tag with the pool's name in the template.
const LOGICAL_ID: &str = "aws:cloudformation:logical-id";

impl Owner {
    /// The tool that the pool's tags name. Makes no call.
    ///
    /// Amplify and SST tag what they make, and so does CloudFormation since 2025. Terraform and Pulumi have no tag of
    /// their own; teams often write one, such as `ManagedBy=Terraform`.
    pub(crate) fn tagged(pool: &Description) -> Option<Self> {
        let tags = pool.0["UserPoolTags"].as_object()?;
        let text = |name: &str| tags.get(name)?.as_str();
        let says = |word: &str| {
            tags.iter().any(|(name, value)| {
                let value = value.as_str().unwrap_or_default().to_lowercase();
                value.contains(word) || name.to_lowercase().contains(word) && !["false", "no", "0"].contains(&&*value)
            })
        };
        if tags.keys().any(|name| name.starts_with("amplify:")) || text("created-by") == Some("amplify") {
            return Some(Self::Amplify);
        }
        if tags.contains_key("sst:app") {
            return Some(Self::Sst);
        }
        if let Some(name) = text(STACK_NAME) {
            return Some(Self::of_stack(name, text(LOGICAL_ID)));
        }
        match () {
            () if says("terraform") || says("opentofu") => Some(Self::Terraform),
            () if says("pulumi") => Some(Self::Pulumi),
            () => None,
        }
    }

    fn of_stack(name: &str, resource: Option<&str>) -> Self {
        // Amplify chooses the names of its stacks.
        if name.starts_with("amplify-") {
            return Self::Amplify;
        }
        Self::Stack { name: name.to_owned(), resource: resource.map(str::to_owned) }
    }

    /// The owner by the pool's tags, or else the stack that CloudFormation knows it from. One call at most.
    ///
    /// # Errors
    ///
    /// Fails if CloudFormation does not say whether a stack has the pool.
    pub(crate) async fn of(cloud: &Cloud, pool: &Description) -> Result<Option<Self>> {
        match Self::tagged(pool) {
            None => stack_with(cloud, pool).await,
            known => Ok(known),
        }
    }

    /// What the tool's next deployment does to the triggers.
    pub(crate) fn next_deployment(&self) -> String {
        let source = match self {
            Self::Terraform => {
                return "The next terraform apply that changes anything of the pool sets the triggers to those of its own \
                        lambda_config, and always takes inbound federation off"
                    .to_owned();
            }
            Self::Pulumi => {
                return "The next pulumi up that changes anything of the pool sets the triggers to those of its \
                                    own lambdaConfig"
                    .to_owned();
            }
            Self::Amplify => "The next deployment of the backend".to_owned(),
            Self::Sst => "The next sst deploy".to_owned(),
            Self::Stack { name, .. } => {
                format!("The next deployment of {name}, with SAM, CDK, Serverless or CloudFormation itself,")
            }
        };
        format!("{source} that changes anything of the pool sets the triggers to those of its own template")
    }

    /// The page about this tool.
    pub(crate) fn page(&self) -> &'static str {
        match self {
            Self::Amplify => "docs/install/amplify.md",
            Self::Terraform => "docs/install/terraform.md",
            Self::Sst | Self::Pulumi | Self::Stack { .. } => "docs/install/README.md",
        }
    }

    /// The pool's name in the stack's template.
    pub(crate) fn resource(&self) -> Option<&str> {
        match self {
            Self::Stack { resource, .. } => resource.as_deref(),
            _ => None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Amplify => formatter.write_str("Amplify"),
            Self::Sst => formatter.write_str("SST"),
            Self::Terraform => formatter.write_str("Terraform"),
            Self::Pulumi => formatter.write_str("Pulumi"),
            Self::Stack { name, .. } => write!(formatter, "the CloudFormation stack {name}"),
        }
    }
}

/// Signs a request for CloudFormation.
///
/// It speaks the same protocol as STS. So the client of STS asks it this one question, and the SDK's crate for
/// CloudFormation, a very large one, is not needed.
#[derive(Debug)]
struct ForCloudFormation;

impl Intercept for ForCloudFormation {
    fn name(&self) -> &'static str {
        "ForCloudFormation"
    }

    fn modify_before_signing(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        settings.interceptor_state().store_put(SigningName::from_static("cloudformation"));
        Ok(())
    }
}

/// The stack that has the pool. Pools that CloudFormation made before 2025 have no tag that says so.
async fn stack_with(cloud: &Cloud, pool: &Description) -> Result<Option<Owner>> {
    let question = format!("Action=DescribeStackResources&Version=2010-05-15&PhysicalResourceId={}", pool.id());
    let settings = aws_sdk_sts::config::Builder::from(cloud.config())
        .endpoint_url(cloud.endpoint("cloudformation", pool.region()))
        // Nothing is changed by the answer, so nobody waits for a second try.
        .retry_config(RetryConfig::disabled());
    let body = Body::default();
    let call = aws_sdk_sts::Client::from_conf(settings.build()).get_caller_identity().customize();
    let call = call.interceptor(body.clone()).interceptor(ForCloudFormation).mutate_request(move |request| {
        request.headers_mut().insert("content-length", question.len().to_string());
        *request.body_mut() = question.clone().into();
    });
    // An answer of CloudFormation is no answer of STS, so it is the text that counts.
    let failed = call.send().await.err();
    let answer = String::from_utf8(body.take()).unwrap_or_default();
    if let Some(stack) = answer.split_once("<DescribeStackResourcesResponse").map(|(_, rest)| rest) {
        let pools = stack.split("<member>").find(|member| text_of(member, "PhysicalResourceId") == Some(pool.id()));
        let member = pools.ok_or_else(|| anyhow!("CloudFormation answered without the pool"))?;
        let name = text_of(member, "StackName").ok_or_else(|| anyhow!("CloudFormation named no stack"))?;
        return Ok(Some(Owner::of_stack(name, text_of(member, "LogicalResourceId"))));
    }
    match failed.as_ref().and_then(ProvideErrorMetadata::code) {
        // Its answer where no stack has the pool.
        Some("ValidationError") => Ok(None),
        Some(code) => Err(anyhow!("{code}")),
        None => Err(anyhow!("no usable answer")),
    }
}

/// The text of the first element of this name.
fn text_of<'a>(xml: &'a str, element: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{element}>"))?;
    rest.split_once("</").map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::sync::{Arc, Mutex};

    fn pool(tags: &Value) -> Description {
        let arn = "arn:aws:cognito-idp:eu-central-1:1:userpool/eu-central-1_A";
        Description(json!({ "Id": "eu-central-1_A", "Arn": arn, "UserPoolTags": tags }))
    }

    fn stack(name: &str, resource: Option<&str>) -> Owner {
        Owner::Stack { name: name.to_owned(), resource: resource.map(str::to_owned) }
    }

    #[test]
    fn the_tags_of_a_pool_name_its_owner() {
        let of_stack = json!({ "aws:cloudformation:stack-name": "shop", "aws:cloudformation:logical-id": "Pool" });
        for (tags, owner) in [
            (json!({ "amplify:deployment-type": "branch", "created-by": "amplify" }), Owner::Amplify),
            (json!({ "aws:cloudformation:stack-name": "amplify-shop-main-auth179371D7" }), Owner::Amplify),
            (json!({ "sst:app": "shop", "sst:stage": "prod", "aws:cloudformation:stack-name": "shop" }), Owner::Sst),
            (of_stack, stack("shop", Some("Pool"))),
            (json!({ "ManagedBy": "Terraform" }), Owner::Terraform),
            (json!({ "terraform": "true" }), Owner::Terraform),
            (json!({ "iac": "opentofu" }), Owner::Terraform),
            (json!({ "pulumi:project": "shop" }), Owner::Pulumi),
        ] {
            assert_eq!(Owner::tagged(&pool(&tags)), Some(owner), "{tags}");
        }
        for tags in [json!({}), Value::Null, json!({ "terraform": "false", "team": "shop" }), json!({ "a": 1 })] {
            assert_eq!(Owner::tagged(&pool(&tags)), None, "{tags}");
        }
    }

    /// Asks about a pool without tags. Returns the answer, and who was asked with which signature and question.
    async fn asked(status: u16, answer: &'static str) -> (Result<Option<Owner>>, String) {
        let seen = Arc::new(Mutex::new(String::new()));
        let cloud = Cloud::answering({
            let seen = Arc::clone(&seen);
            move |request| {
                let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
                let signature = request.headers()["authorization"].to_str().unwrap();
                *seen.lock().unwrap() = format!("{} {signature} {body}", request.uri());
                (status, answer.to_owned())
            }
        });
        let owner = Owner::of(&cloud, &pool(&json!({}))).await;
        let seen = seen.lock().unwrap().clone();
        (owner, seen)
    }

    #[tokio::test]
    async fn cloudformation_knows_the_stack_of_a_pool_without_tags() {
        let (owner, seen) = asked(
            200,
            "<DescribeStackResourcesResponse><DescribeStackResourcesResult><StackResources><member>\
             <LogicalResourceId>Topic</LogicalResourceId><PhysicalResourceId>t</PhysicalResourceId><StackName>shop</StackName>\
             </member><member><LogicalResourceId>People</LogicalResourceId><PhysicalResourceId>eu-central-1_A\
             </PhysicalResourceId><StackName>shop</StackName></member></StackResources></DescribeStackResourcesResult>\
             </DescribeStackResourcesResponse>",
        )
        .await;
        assert_eq!(owner.unwrap(), Some(stack("shop", Some("People"))));
        for part in [
            "https://cloudformation.eu-central-1.amazonaws.com",
            "/eu-central-1/cloudformation/aws4_request",
            "Action=DescribeStackResources&Version=2010-05-15&PhysicalResourceId=eu-central-1_A",
        ] {
            assert!(seen.contains(part), "{part} is not in {seen}");
        }
    }

    #[tokio::test]
    async fn a_pool_of_no_stack_is_told_from_an_answer_that_does_not_say() {
        let error = "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack for eu-central-1_A \
                     does not exist</Message></Error></ErrorResponse>";
        assert_eq!(asked(400, error).await.0.unwrap(), None);
        let denied = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
        assert_eq!(asked(403, denied).await.0.unwrap_err().to_string(), "AccessDenied");
        assert_eq!(asked(200, "<html>sign in</html>").await.0.unwrap_err().to_string(), "no usable answer");
    }
}
