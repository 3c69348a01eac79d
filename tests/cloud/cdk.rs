//! The construct for CDK: what its example synthesizes, and that example deployed to the local cloud.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use end_to_end::template::{Template, texts};
use end_to_end::{Cli, binary, cloud, has, native, owned};
use local_cloud::archive::{self, BOOTSTRAP};
use local_cloud::function::TRIGGERS;
use local_cloud::hosted_login::sign_in;
use local_cloud::http::Http;
use local_cloud::identity_provider::IdentityProvider;
use local_cloud::layout;
use local_cloud::stack::sam::Sam;
use local_cloud::toolbox::Toolbox;
use local_cloud::user_pool::{Kind, UserPool};
use serde_json::{Value, json};
use zip::CompressionMethod;

const MANIFEST: &str = include_str!("../../deploy/manifest.json");
const TEMPLATE: &str = include_str!("../../template.yaml");
const NAME: &str = "AccountLayerExample";

/// The functions of the example, with their resources in `template.yaml`.
const FUNCTIONS: [(&str, &str); 4] = [
    ("pre-sign-up", "PreSignUp"),
    ("post-confirmation", "PostConfirmation"),
    ("post-authentication", "PostAuthentication"),
    ("inbound-federation", "InboundFederation"),
];

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}: {text}");
}

/// The example, synthesized below `.local/`. `None` where there is no Node.js.
fn synthesized() -> Option<(PathBuf, Value)> {
    if !has("npm") {
        return None;
    }
    let folder = layout::local().join("cdk");
    let (packages, out) = (folder.join("packages"), folder.join("cdk.out"));
    std::fs::create_dir_all(&packages).unwrap();
    let sources = layout::root().join("deploy/cdk");
    run(Command::new("cp")
        .arg("-r")
        .args(["package.json", "package-lock.json", "tsconfig.json", "src", "example"].map(|name| sources.join(name)))
        .arg(&folder));
    std::fs::copy(layout::root().join("deploy/manifest.json"), folder.join("../manifest.json")).unwrap();
    // Compiled with the example: one run of the compiler for both.
    std::fs::write(folder.join("example/page.ts"), app_of_the_page()).unwrap();
    for name in TRIGGERS {
        let zip = archive::pack(&binary(name).unwrap(), BOOTSTRAP, CompressionMethod::Stored).unwrap();
        std::fs::write(packages.join(format!("{name}-{}.zip", architecture())), zip).unwrap();
    }
    let npm = |arguments: &[&str]| {
        let mut npm = Command::new("npm");
        npm.args(arguments).current_dir(&folder).env("CDK_OUTDIR", &out).env("PACKAGES", &packages);
        run(npm.env("ARCHITECTURE", architecture()));
    };
    // Only what the lock file names, and nothing if that is there already.
    npm(&["install", "--no-audit", "--no-fund", "--no-save", "--prefer-offline"]);
    npm(&["run", "synth"]);
    let text = std::fs::read_to_string(out.join(format!("{NAME}.template.json"))).unwrap();
    Some((out, serde_json::from_str(&text).unwrap()))
}

fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// The one resource of a type whose name begins like this.
fn resource<'a>(synthesized: &'a Value, kind: &str, begins: &str) -> (&'a str, &'a Value) {
    let all = synthesized["Resources"].as_object().unwrap().iter();
    let mut found = all.filter(|(name, one)| one["Type"] == kind && name.starts_with(begins));
    let (name, one) = found.next().unwrap();
    assert!(found.next().is_none(), "several {kind} {begins}");
    (name, &one["Properties"])
}

/// The actions of the policies of a role, by what they are for.
fn actions(synthesized: &Value, role: &str, on: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let policies = synthesized["Resources"].as_object().unwrap().values().filter(|one| {
        one["Type"] == "AWS::IAM::Policy"
            && one["Properties"]["Roles"].as_array().unwrap().contains(&json!({ "Ref": role }))
    });
    let statements =
        policies.flat_map(|policy| policy["Properties"]["PolicyDocument"]["Statement"].as_array().unwrap().clone());
    statements.flat_map(|statement| texts(&statement["Action"])).filter(|action| on(action)).collect()
}

#[tokio::test]
async fn the_construct_makes_what_the_template_makes_and_its_triggers_link_people() {
    let Some((out, synthesized)) = synthesized() else { return };
    compare(&synthesized);
    serves_several_pools_made_with_a_second_copy_of_the_library(out.parent().unwrap());
    serves_every_pool_and_says_what_it_cannot_know(out.parent().unwrap());
    the_page_is_an_app(out.parent().unwrap());
    deployed(&out, synthesized).await;
}

/// A construct that is installed from its folder brings its own `aws-cdk-lib`, and the app's pool is made by another
/// one.
fn serves_several_pools_made_with_a_second_copy_of_the_library(folder: &Path) {
    let script = r"
        const { AccountLayer } = require('./lib/src');
        for (const name of Object.keys(require.cache)) if (name.includes('aws-cdk-lib')) delete require.cache[name];
        const { App, Stack } = require('aws-cdk-lib');
        const { UserPool } = require('aws-cdk-lib/aws-cognito');
        const stack = new Stack(new App(), 'Stack');
        const userPool = new UserPool(stack, 'UserPool', { signInAliases: { email: true } });
        const architecture = require('aws-cdk-lib/aws-lambda').Architecture[process.env.ARCHITECTURE.toUpperCase()];
        const another = new UserPool(stack, 'Another', { signInAliases: { email: true } });
        const different = new UserPool(stack, 'Different', { signInAliases: { username: true, email: true } });
        const settings = { PROVIDERS: 'Google:claim' };
        const layer = (id, more) => new AccountLayer(stack, id, { userPool, morePools: more, packages: 'packages', architecture, settings });
        layer('Layer', [another]);
        let refused;
        try { layer('Wrong', [different]); } catch (error) { refused = error.message; }
        if (!/different kinds/.test(refused)) throw new Error(refused);
        const resources = Object.values(stack.node.root.synth().stacks[0].template.Resources);
        const attached = resources.filter((one) => one.Type === 'AWS::Cognito::UserPool').map((one) => Object.keys(one.Properties.LambdaConfig ?? {}).length);
        if (attached.join() !== '4,4,0') throw new Error(attached.join());
        const permissions = resources.filter((one) => one.Type === 'AWS::Lambda::Permission');
        const rights = resources.filter((one) => one.Type === 'AWS::IAM::Policy').flatMap((one) => one.Properties.PolicyDocument.Statement);
        const onPools = rights.filter((one) => JSON.stringify(one.Action).includes('cognito-idp:ListUsers'));
        if (permissions.length !== 8 || onPools.some((one) => one.Resource.length !== 2)) throw new Error(JSON.stringify(onPools));
    ";
    run(Command::new("node").args(["-e", script]).current_dir(folder).env("ARCHITECTURE", architecture()));
}

/// With one permission and one right for all pools, however many there are.
fn serves_every_pool_and_says_what_it_cannot_know(folder: &Path) {
    let script = r#"
        const { AccountLayer } = require('./lib/src');
        const { App, Stack } = require('aws-cdk-lib');
        const { UserPool } = require('aws-cdk-lib/aws-cognito');
        const architecture = require('aws-cdk-lib/aws-lambda').Architecture[process.env.ARCHITECTURE.toUpperCase()];
        const of = (props, signInAliases = { email: true }) => {
          const stack = new Stack(new App(), 'Shop');
          const userPool = new UserPool(stack, 'UserPool', { signInAliases });
          const more = typeof props === 'function' ? props(userPool) : props;
          new AccountLayer(stack, 'Layer', { userPool, packages: 'packages', architecture, settings: {}, ...more });
          return Object.values(stack.node.root.synth().stacks[0].template.Resources);
        };
        for (const everyPool of ['all', 'tagged']) {
          const resources = of({ everyPool });
          const permissions = resources.filter((one) => one.Type === 'AWS::Lambda::Permission');
          const statements = resources.filter((one) => one.Type === 'AWS::IAM::Policy').flatMap((one) => one.Properties.PolicyDocument.Statement);
          const rights = statements.filter((one) => JSON.stringify(one.Action).includes('cognito-idp:'));
          const arns = [...permissions.map((one) => one.Properties.SourceArn), ...rights.map((one) => one.Resource)].map((arn) => JSON.stringify(arn));
          if (permissions.length !== 4 || rights.length !== 3 || !arns.every((arn) => arn.includes(':userpool/*'))) throw new Error(arns);
          const condition = everyPool === 'tagged' ? '{"StringEquals":{"aws:ResourceTag/account-triggers":"Shop"}}' : undefined;
          if (!rights.every((one) => JSON.stringify(one.Condition) === condition)) throw new Error(JSON.stringify(rights));
          const tags = resources.find((one) => one.Type === 'AWS::Cognito::UserPool').Properties.UserPoolTags;
          if ((tags?.['account-triggers'] === 'Shop') !== (everyPool === 'tagged')) throw new Error(JSON.stringify(tags));
        }
        const name = (aliases) => of({}, aliases).find((one) => one.Properties?.Environment?.Variables?.NATIVE_USERNAME).Properties.Environment.Variables.NATIVE_USERNAME;
        const names = [{ email: true }, { username: true, email: true }, { username: true }].map(name);
        if (names.join() !== 'email,uuid,derived') throw new Error(names);
        const refused = (props, aliases) => { try { of(props, aliases); } catch (error) { return error.message; } };
        const circle = refused((pool) => ({ settings: { OVERRIDES: JSON.stringify([{ client_id: pool.addClient('App').userPoolClientId, settings: {} }]) } }));
        if (!/as text, in a second deployment/.test(circle)) throw new Error(circle);
        if (!/NATIVE_USERNAME has to be set/.test(refused({}, { phone: true }))) throw new Error('the kind is not known');
    "#;
    run(Command::new("node").args(["-e", script]).current_dir(folder).env("ARCHITECTURE", architecture()));
}

/// The app on the installation page.
fn app_of_the_page() -> String {
    let page = std::fs::read_to_string(layout::root().join("docs/install/cdk.md")).unwrap();
    let block = page.split("```ts\n").nth(1).unwrap().split("```").next().unwrap();
    block
        .replace("'cognito-account-layer'", "'../src'")
        .replace("'./cognito-account-layer/dist'", "process.env.PACKAGES!")
        .replace(
            "Architecture.X86_64",
            &format!("Architecture.{}", architecture().to_uppercase().replace("ARM64", "ARM_64")),
        )
}

/// The app on the installation page, synthesized.
fn the_page_is_an_app(folder: &Path) {
    let out = folder.join("page.out");
    let packages = folder.join("packages");
    run(Command::new("node")
        .arg("lib/example/page.js")
        .current_dir(folder)
        .env("CDK_OUTDIR", &out)
        .env("PACKAGES", packages));
    let text = std::fs::read_to_string(out.join("Accounts.template.json")).unwrap();
    let made: Value = serde_json::from_str(&text).unwrap();
    for kind in ["UserPoolClient", "UserPoolDomain", "UserPoolIdentityProvider"] {
        resource(&made, &format!("AWS::Cognito::{kind}"), "");
    }
    let (_, google) = resource(&made, "AWS::Cognito::UserPoolIdentityProvider", "");
    assert_eq!(google["AttributeMapping"]["email_verified"], "email_verified");
    let (_, pool) = resource(&made, "AWS::Cognito::UserPool", "");
    assert_eq!(pool["LambdaConfig"].as_object().unwrap().len(), FUNCTIONS.len());
}

/// What `attach --print cdk` writes for a pool, compiled.
async fn printed_lines_compile(pool: &UserPool, folder: &Path) {
    let function =
        pool.admin("DescribeUserPool", json!({})).await.unwrap()["UserPool"]["LambdaConfig"]["PreSignUp"].take();
    let function = function.as_str().unwrap();
    let arguments =
        ["attach", "--user-pool-id", pool.id(), "--pre-sign-up", function, "--inbound-federation", function];
    let ran = Cli::new().unwrap().run(&[&arguments[..], &["--print", "cdk"]].concat()).await.unwrap().ends(0);
    let declared = "import type { UserPool } from 'aws-cdk-lib/aws-cognito';\ndeclare const userPool: UserPool;\n";
    std::fs::write(folder.join("example/printed.ts"), format!("{declared}{}", ran.stdout)).unwrap();
    run(Command::new("npx").args(["tsc", "--noEmit"]).current_dir(folder));
    std::fs::remove_file(folder.join("example/printed.ts")).unwrap();
}

/// Environment, rights, permission and trigger of each function, beside the template's.
fn compare(synthesized: &Value) {
    let template = Template::parse(TEMPLATE).unwrap();
    let manifest: Value = serde_json::from_str(MANIFEST).unwrap();
    let parameters = owned(&[("Providers", "Google:claim"), ("DefaultGroup", "members")]);
    let (pool, properties) = resource(synthesized, "AWS::Cognito::UserPool", "UserPool");
    for (name, trigger) in FUNCTIONS {
        let begins = format!("AccountLayer{trigger}");
        let (function, made) = resource(synthesized, "AWS::Lambda::Function", &begins);
        let theirs = template.granted(trigger, &parameters).unwrap();
        let environment = made["Environment"]["Variables"].as_object().unwrap();
        for setting in manifest["functions"][name]["settings"].as_array().unwrap() {
            let setting = setting.as_str().unwrap();
            let default = manifest["settings"][setting]["default"].as_str().unwrap_or("");
            let own = environment.get(setting);
            let of_template = theirs.environment.get(setting).map_or(default, String::as_str);
            if setting == "RETRY_QUEUE_URL" {
                assert_eq!(own.is_some(), of_template == "RetryQueue", "{name}");
                continue;
            }
            assert_eq!(own.and_then(Value::as_str).unwrap_or(default), of_template, "{setting} of {name}");
        }
        let (role, assumed) = resource(synthesized, "AWS::IAM::Role", &begins);
        assert!(assumed["ManagedPolicyArns"].is_null(), "{name} may do more than it says");
        assert_eq!(actions(synthesized, role, |action| action.starts_with("cognito-idp:")), theirs.actions, "{name}");
        let mut others = BTreeSet::from(["logs:CreateLogStream", "logs:PutLogEvents"].map(str::to_owned));
        let queue = match name {
            "post-confirmation" => Some("RetryQueueRights"),
            "pre-sign-up" => Some("PreSignUpRetryQueueRights"),
            _ => None,
        };
        if let Some(queue) = queue {
            let rights = template.properties(queue, &parameters).unwrap().unwrap();
            others.extend(texts(&rights["PolicyDocument"]["Statement"][0]["Action"]));
        }
        assert_eq!(actions(synthesized, role, |action| !action.starts_with("cognito-idp:")), others, "{name}");
        let arn = json!({ "Fn::GetAtt": [function, "Arn"] });
        let attached = &properties["LambdaConfig"][trigger];
        let expected = if trigger == "InboundFederation" {
            json!({ "LambdaArn": arn, "LambdaVersion": "V1_0" })
        } else {
            arn.clone()
        };
        assert_eq!(*attached, expected);
        if name == "post-confirmation" {
            for (kind, name) in
                [("AWS::SQS::Queue", "RetryQueue"), ("AWS::Lambda::EventSourceMapping", "RetryQueueMapping")]
            {
                let (_, own) = resource(synthesized, kind, "AccountLayer");
                let theirs = template.properties(name, &parameters).unwrap().unwrap();
                for (property, value) in theirs.as_object().unwrap() {
                    // SQS encrypts unless it is told not to.
                    let is_default = property == "SqsManagedSseEnabled" && own.get(property).is_none();
                    // The texts are names of resources.
                    assert!(value.is_string() || is_default || own[property] == *value, "{property}: {own}");
                }
            }
        }
        let (_, permission) = resource(synthesized, "AWS::Lambda::Permission", &begins);
        assert_eq!(
            (&permission["Principal"], &permission["FunctionName"]),
            (&json!("cognito-idp.amazonaws.com"), &arn)
        );
        assert_eq!(permission["SourceArn"], json!({ "Fn::GetAtt": [pool, "Arn"] }));
    }
}

/// Deploys the example without CDK's own bootstrap stack, and signs somebody in.
async fn deployed(out: &Path, mut template: Value) {
    let endpoint = cloud().unwrap();
    // Needs what `cdk bootstrap` makes in an account.
    template.as_object_mut().unwrap().retain(|name, _| name != "Parameters" && name != "Rules");
    let bucket = "cdk-hnb659fds-assets-000000000000-eu-central-1";
    Http::default().send_body("PUT", &format!("{endpoint}/{bucket}"), &[], "").await.unwrap();
    for (_, trigger) in FUNCTIONS {
        let (_, function) = resource(&template, "AWS::Lambda::Function", &format!("AccountLayer{trigger}"));
        let key = function["Code"]["S3Key"].as_str().unwrap();
        let code = std::fs::read(out.join(format!("asset.{key}"))).unwrap();
        let put = Http::default().send_body("PUT", &format!("{endpoint}/{bucket}/{key}"), &[], code).await.unwrap();
        assert!(put.status.is_success(), "{}", put.status);
    }
    let file = out.join("deployed.json");
    std::fs::write(&file, template.to_string()).unwrap();
    let none: [(&str, &str); 0] = [];
    let outputs = Sam::install().await.unwrap().deploy(&endpoint, NAME, &file, none).await.unwrap();
    let pool = UserPool::open(&endpoint, &outputs["UserPoolId"]);
    printed_lines_compile(&pool, out.parent().unwrap()).await;
    let google = IdentityProvider::start(&Toolbox::local_cloud().await.unwrap(), None).await.unwrap();
    google.register(&pool, "Google").await.unwrap();
    let claims = json!({ "email": "ada@example.com", "email_verified": true, "given_name": "Ada" });
    google.knows("123456789012345678901", &claims).await.unwrap();
    let client = pool.create_client(&["Google"]).await.unwrap();
    let before = native(&pool, Kind::EmailAsUsername, "ada@example.com").await.unwrap();
    let token = sign_in(&pool, &client, "Google", "123456789012345678901").await.unwrap();
    assert_eq!(token["sub"], before.attribute("sub"), "the trigger linked her to the account she had");
    assert_eq!(pool.profiles().await.unwrap().len(), 1);
}
