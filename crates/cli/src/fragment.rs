//! What another tool needs to attach functions itself: lines for its own files.

use crate::function_arn::FunctionArn;
use crate::pool_settings::Description;
use crate::trigger::Trigger;
use clap::ValueEnum;
use std::fmt::Write as _;

/// A tool that there are fragments for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tool {
    /// Terraform and OpenTofu, in HCL
    Terraform,
    /// AWS CDK, in TypeScript; also for Amplify Gen 2 and SST 2
    Cdk,
    /// CloudFormation and SAM, in YAML
    Cloudformation,
    /// Serverless Framework, in YAML
    Serverless,
}

impl Tool {
    /// The page about this tool.
    pub(crate) fn page(self) -> &'static str {
        match self {
            Self::Terraform => "docs/install/terraform.md",
            Self::Cdk => "docs/install/cdk.md",
            Self::Cloudformation => "docs/install/sam.md",
            Self::Serverless => "docs/install/serverless.md",
        }
    }

    /// Whether the tool keeps this trigger. The AWS provider of Terraform has no argument for inbound federation, and
    /// takes it off.
    pub(crate) fn keeps(self, trigger: Trigger) -> bool {
        !(self == Self::Terraform && trigger == Trigger::InboundFederation)
    }
}

/// The lines for a tool's files: the triggers, and Cognito's permission to call each function once. `resource` is the
/// pool's name in the template of its stack. Functions of other accounts get no permission: only their account can give
/// it.
pub(crate) fn fragment(
    tool: Tool,
    pool: &Description,
    resource: Option<&str>,
    functions: &[(Trigger, FunctionArn)],
) -> String {
    let mut callable: Vec<&(Trigger, FunctionArn)> = Vec::new();
    for one in functions.iter().filter(|(_, function)| function.account == pool.account()) {
        if callable.iter().all(|(_, known)| *known != one.1) {
            callable.push(one);
        }
    }
    match tool {
        Tool::Terraform => terraform(pool, functions, &callable),
        Tool::Cdk => cdk(pool, functions, &callable),
        Tool::Cloudformation => cloudformation(pool, resource, functions, &callable),
        Tool::Serverless => {
            let resources = cloudformation(pool, resource, functions, &callable);
            let lines = resources.lines().map(|line| format!("  {line}\n"));
            format!("resources:\n{}", lines.collect::<String>())
        }
    }
}

/// A text in double quotes. HCL, TypeScript and YAML read it as JSON does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn terraform(pool: &Description, functions: &[(Trigger, FunctionArn)], callable: &[&(Trigger, FunctionArn)]) -> String {
    let name = |trigger: Trigger| trigger.option().replace('-', "_");
    let mut text = format!("# Into the aws_cognito_user_pool with the id {}:\nlambda_config {{\n", pool.id());
    let (kept, lost): (Vec<_>, Vec<_>) = functions.iter().partition(|(trigger, _)| Tool::Terraform.keeps(*trigger));
    let width = kept.iter().map(|(trigger, _)| name(*trigger).len()).max().unwrap_or_default();
    for (trigger, function) in kept {
        let _ = writeln!(text, "  {:width$} = {}", name(*trigger), quoted(function.as_str()));
    }
    text += "}\n";
    for (trigger, function) in lost {
        let _ = write!(
            text,
            "# The AWS provider has no {trigger}, and takes it off when it changes the pool. After every apply:\n\
             # cognito-triggers attach --user-pool-id {} --{trigger} {function} --yes --yes-i-own-it\n",
            pool.id()
        );
    }
    for (trigger, function) in callable {
        let _ = write!(text, "\nresource \"aws_lambda_permission\" \"cognito_{}\" {{\n", name(*trigger));
        let mut arguments = vec![
            ("statement_id", "cognito-user-pool"),
            ("function_name", function.name.as_str()),
            ("action", "lambda:InvokeFunction"),
            ("principal", "cognito-idp.amazonaws.com"),
            ("source_account", pool.account()),
            ("source_arn", pool.arn()),
        ];
        if let Some(alias) = &function.alias {
            arguments.insert(2, ("qualifier", alias.as_str()));
        }
        for (argument, value) in arguments {
            let _ = writeln!(text, "  {argument:14} = {}", quoted(value));
        }
        text += "}\n";
    }
    text
}

fn cdk(pool: &Description, functions: &[(Trigger, FunctionArn)], callable: &[&(Trigger, FunctionArn)]) -> String {
    let mut text = format!(
        "import {{ CfnUserPool }} from 'aws-cdk-lib/aws-cognito';\nimport {{ CfnPermission }} from 'aws-cdk-lib/aws-lambda';\n\n\
         // In the stack whose userPool has the id {}.\n\
         const pool = userPool.node.defaultChild as CfnUserPool;\n",
        pool.id()
    );
    for (trigger, function) in functions {
        let arn = quoted(function.as_str());
        let value = match trigger {
            Trigger::InboundFederation => format!("{{ LambdaArn: {arn}, LambdaVersion: \"V1_0\" }}"),
            _ => arn,
        };
        let _ = writeln!(text, "pool.addPropertyOverride('LambdaConfig.{}', {value});", trigger.member());
    }
    for (trigger, function) in callable {
        let _ = write!(
            text,
            "new CfnPermission(pool, '{}Permission', {{\n  \
               functionName: {},\n  action: 'lambda:InvokeFunction',\n  principal: 'cognito-idp.amazonaws.com',\n  \
               sourceAccount: {},\n  sourceArn: pool.attrArn,\n}});\n",
            trigger.member(),
            quoted(function.as_str()),
            quoted(pool.account()),
        );
    }
    text
}

fn cloudformation(
    pool: &Description,
    resource: Option<&str>,
    functions: &[(Trigger, FunctionArn)],
    callable: &[&(Trigger, FunctionArn)],
) -> String {
    let mut text = format!(
        "Resources:\n  # The pool with the id {}: add this to what it has.\n  {}:\n    Type: AWS::Cognito::UserPool\n    \
         Properties:\n      LambdaConfig:\n",
        pool.id(),
        resource.unwrap_or("UserPool"),
    );
    for (trigger, function) in functions {
        let arn = quoted(function.as_str());
        let value = match trigger {
            Trigger::InboundFederation => format!("\n          LambdaArn: {arn}\n          LambdaVersion: \"V1_0\""),
            _ => format!(" {arn}"),
        };
        let _ = writeln!(text, "        {}:{value}", trigger.member());
    }
    for (trigger, function) in callable {
        let _ = write!(
            text,
            "  {}Permission:\n    Type: AWS::Lambda::Permission\n    Properties:\n      FunctionName: {}\n      \
             Action: lambda:InvokeFunction\n      Principal: cognito-idp.amazonaws.com\n      SourceAccount: {}\n      \
             SourceArn: {}\n",
            trigger.member(),
            quoted(function.as_str()),
            quoted(pool.account()),
            quoted(pool.arn()),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(tool: Tool) -> String {
        let arn = |name: &str| FunctionArn::parse(&format!("arn:aws:lambda:eu-central-1:1:function:{name}")).unwrap();
        let foreign = FunctionArn::parse("arn:aws:lambda:eu-central-1:2:function:theirs").unwrap();
        let pool =
            json!({ "Id": "eu-central-1_A", "Arn": "arn:aws:cognito-idp:eu-central-1:1:userpool/eu-central-1_A" });
        let functions = [
            (Trigger::InboundFederation, arn("in")),
            (Trigger::PreSignUp, arn("sign:live")),
            (Trigger::PostConfirmation, arn("sign:live")),
            (Trigger::CustomMessage, foreign),
        ];
        fragment(tool, &Description(pool), Some("People"), &functions)
    }

    #[test]
    fn terraform_gets_the_block_that_its_provider_knows_and_is_told_about_the_rest() {
        assert_eq!(
            written(Tool::Terraform),
            r#"# Into the aws_cognito_user_pool with the id eu-central-1_A:
lambda_config {
  pre_sign_up       = "arn:aws:lambda:eu-central-1:1:function:sign:live"
  post_confirmation = "arn:aws:lambda:eu-central-1:1:function:sign:live"
  custom_message    = "arn:aws:lambda:eu-central-1:2:function:theirs"
}
# The AWS provider has no inbound-federation, and takes it off when it changes the pool. After every apply:
# cognito-triggers attach --user-pool-id eu-central-1_A --inbound-federation arn:aws:lambda:eu-central-1:1:function:in --yes --yes-i-own-it

resource "aws_lambda_permission" "cognito_inbound_federation" {
  statement_id   = "cognito-user-pool"
  function_name  = "in"
  action         = "lambda:InvokeFunction"
  principal      = "cognito-idp.amazonaws.com"
  source_account = "1"
  source_arn     = "arn:aws:cognito-idp:eu-central-1:1:userpool/eu-central-1_A"
}

resource "aws_lambda_permission" "cognito_pre_sign_up" {
  statement_id   = "cognito-user-pool"
  function_name  = "sign"
  qualifier      = "live"
  action         = "lambda:InvokeFunction"
  principal      = "cognito-idp.amazonaws.com"
  source_account = "1"
  source_arn     = "arn:aws:cognito-idp:eu-central-1:1:userpool/eu-central-1_A"
}
"#
        );
    }

    #[test]
    fn cdk_gets_overrides_of_the_resource_below_the_pool() {
        let text = written(Tool::Cdk);
        for line in [
            r#"pool.addPropertyOverride('LambdaConfig.InboundFederation', { LambdaArn: "arn:aws:lambda:eu-central-1:1:function:in", LambdaVersion: "V1_0" });"#,
            r#"pool.addPropertyOverride('LambdaConfig.PreSignUp', "arn:aws:lambda:eu-central-1:1:function:sign:live");"#,
            r#"  functionName: "arn:aws:lambda:eu-central-1:1:function:sign:live","#,
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is not in {text}");
        }
        assert_eq!(text.matches("new CfnPermission").count(), 2, "{text}");
    }

    #[test]
    fn cloudformation_gets_the_pool_by_its_own_name_and_serverless_the_same_below_resources() {
        let plain = written(Tool::Cloudformation);
        for part in [
            "  People:\n    Type: AWS::Cognito::UserPool\n    Properties:\n      LambdaConfig:\n        InboundFederation:\n          LambdaArn: ",
            "        PreSignUp: \"arn:aws:lambda:eu-central-1:1:function:sign:live\"\n",
            "  PreSignUpPermission:\n    Type: AWS::Lambda::Permission\n",
        ] {
            assert!(plain.contains(part), "{part} is not in {plain}");
        }
        let nested: Vec<_> = plain.lines().map(|line| format!("  {line}")).collect();
        assert_eq!(written(Tool::Serverless), format!("resources:\n{}\n", nested.join("\n")));
    }
}
