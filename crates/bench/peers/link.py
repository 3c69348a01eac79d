"""A pre sign-up trigger as articles show it, for `cargo xtask bench --peer`.

It shows what Lambda's Python runtime and boto3 cost. It calls the Lambda Runtime API itself, as Lambda's own
bootstrap does. It needs boto3:

    python3 -m venv .local/peers/python && .local/peers/python/bin/pip install boto3
    cargo xtask bench --peer "python=.local/peers/python/bin/python crates/bench/peers/link.py"

Measure it, but do not use it: it trusts every address, and it cannot handle two invocations at once.
"""

import http.client
import json
import os
import secrets

import boto3

client = boto3.client("cognito-idp")
NEXT = "/2018-06-01/runtime/invocation/next"
ANSWER = "/2018-06-01/runtime/invocation/{}/{}"


def handle(event):
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


def main():
    """Asks for events and answers them until the process is ended."""
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        runtime.request("GET", NEXT)
        question = runtime.getresponse()
        request, event = question.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(question.read())
        try:
            outcome, body = "response", handle(event)
        except Exception as error:  # the runtime API takes a name and a message
            outcome, body = "error", {"errorType": type(error).__name__, "errorMessage": str(error)}
        runtime.request("POST", ANSWER.format(request, outcome), json.dumps(body))
        runtime.getresponse().read()


if __name__ == "__main__":
    main()
