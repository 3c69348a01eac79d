"""A pre sign-up trigger as articles show it, for `cargo xtask bench --peer`.

It shows what Lambda's Python runtime and boto3 cost. `awslambdaric` is the client of the Runtime API that Lambda's own
runtime contains.

    python3 -m venv .local/peers/python && .local/peers/python/bin/pip install boto3 awslambdaric
    cp crates/bench/peers/link.py .local/peers/
    cargo xtask bench --peer "python=env -C .local/peers python/bin/python -m awslambdaric link.handler"

Run it twice: the first start writes Python's compiled files, which Lambda's layer with boto3 has.

Measure it, but do not use it: it trusts every address, and it cannot handle two invocations at once.
"""

import secrets

import boto3
from botocore.config import Config

client = boto3.client("cognito-idp", config=Config(retries={"mode": "standard", "total_max_attempts": 3}))


def handler(event, context):
    """Links the newcomer to the account with the same address, or to a new one."""
    if event["triggerSource"] != "PreSignUp_ExternalProvider":
        return event
    pool, email = event["userPoolId"], event["request"]["userAttributes"]["email"]
    provider, subject = event["userName"].split("_", 1)
    users = client.list_users(UserPoolId=pool, Filter=f'email = "{email}"', Limit=2)["Users"]
    if users:
        name = users[0]["Username"]
    else:
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        created = client.admin_create_user(
            UserPoolId=pool, Username=email, MessageAction="SUPPRESS", UserAttributes=attributes
        )
        name = created["User"]["Username"]
        password = "Aa1!" + secrets.token_urlsafe(32)
        client.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)
        client.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName="Users")
    client.admin_link_provider_for_user(
        UserPoolId=pool,
        DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": name},
        SourceUser={
            "ProviderName": provider,
            "ProviderAttributeName": "Cognito_Subject",
            "ProviderAttributeValue": subject,
        },
    )
    return event
