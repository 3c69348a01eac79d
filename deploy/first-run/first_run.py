#!/usr/bin/env python3
"""Asks Amazon Cognito what this project's manual leaves open, and what it only read elsewhere.

    first_run.py run                 makes pools and a function for the test, asks, writes the answers, and deletes all of it
    first_run.py clean --prefix P    deletes what an interrupted run left behind
    first_run.py questions           lists the questions

It needs Python 3.9 or newer and boto3. docs/FIRST_RUN_ON_AWS.md says what it costs, which rights it needs, and where the
answers go. Every person in it is made up, with an address at example.com, and no message is sent without --mail.
"""

import argparse
import datetime
import html.parser
import http.cookiejar
import io
import json
import os
import pathlib
import platform
import re
import secrets
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

TAG = "first-run"
PREFIX = re.compile(r"first-run-[a-z0-9]{4,12}")
POOLS = ("provider", "email", "alias")

# The app of the test pools. Nothing listens there: the script reads the answer from the address and goes no further.
CALLBACK = "https://localhost/first-run"

# Three providers that are one: they differ in what the test pools take over from it.
MAPPINGS = {
    "FirstRun": {"email": "email", "email_verified": "email_verified", "given_name": "given_name"},
    "FirstRunBare": {"email": "email"},
    "FirstRunOne": {"email": "email", "email_verified": "custom:proof"},
}

# The function on all triggers. It writes one line for each call: names, forms and marks, and no value of a person.
RECORDER = '''
import json, os, time, uuid

MODE = json.loads(os.environ.get("MODE", "{}"))
SHOWN = ("email_verified", "cognito:user_status", "phone_number_verified")


def cognito():
    import boto3
    return boto3.client("cognito-idp")


# Loaded before Cognito's five seconds begin.
POOL = cognito() if MODE.get("calls") else None


def write(**line):
    print("first-run " + json.dumps({"round": MODE.get("round"), "at": time.time(), **line}), flush=True)


def form(name):
    if "_" in name:
        return name.split("_")[0] + "_..."
    try:
        uuid.UUID(name)
        return "a UUID"
    except ValueError:
        return "something else"


def attributes(held):
    return {name: held[name] if name in SHOWN else type(held[name]).__name__ for name in sorted(held or {})}


def documents(sent):
    return {name: attributes(claims) if isinstance(claims, dict) else type(claims).__name__ for name, claims in sent.items()}


def link(event, to):
    provider, _, subject = event["userName"].partition("_")
    provider = next(name for name in MODE["providers"] if name.lower() == provider.lower())
    POOL.admin_link_provider_for_user(
        UserPoolId=event["userPoolId"],
        DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": to},
        SourceUser={"ProviderName": provider, "ProviderAttributeName": "Cognito_Subject", "ProviderAttributeValue": subject})


def message(shape, code):
    text = shape["character"] * (shape["characters"] - len(code) * shape["codes"])
    return " ".join([code] * shape["codes"]) + text if shape["codes"] else text


def handler(event, context):
    if "marker" in event:
        write(marker=event["marker"])
        return event
    if "look" in event:
        try:
            cognito().admin_get_user(**event["look"])
            return {"answer": "ok"}
        except Exception as error:
            return {"answer": getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)}
    source, request = event["triggerSource"], event["request"]
    act = MODE.get(source.split("_")[0], {})
    placeholders = {name: request[name] for name in ("codeParameter", "linkParameter", "usernameParameter") if name in request}
    write(source=source, user_name=form(event.get("userName") or ""), attributes=attributes(request.get("userAttributes")),
          documents=documents(request.get("attributes") or {}), placeholders=placeholders)
    if "link" in act:
        try:
            link(event, act["link"])
            write(linked="ok")
        except Exception as error:
            write(linked=getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__))
    time.sleep(act.get("sleep", 0))
    if "fail" in act:
        raise Exception(act["fail"])
    if "message" in act:
        event["response"]["emailSubject"] = act["message"]["subject"]
        event["response"]["emailMessage"] = message(act["message"], request["codeParameter"])
    event["response"].update(act.get("response", {}))
    return event
'''

PLAN = """Account {account}, Region {region}.

This makes three user pools, a Lambda function with a role, and a log group, all with the prefix {prefix}, and deletes them at
the end. About 30 made-up people sign in, 15 of them through OIDC. That costs less than one US dollar, and nothing if the
account's free allowance of active users is not used up. It takes about fifteen minutes. Ctrl-C ends it and deletes everything.
"""

# What ends a run early: Ctrl-C, a request to end, and a terminal that was closed.
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Trouble(Exception):
    """The run cannot go on. The message is for the person at the terminal."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def in_turn(call, until, seconds, what):
    """Calls until the answer is good enough. AWS makes some things ready a while after it made them."""
    end, pause = time.monotonic() + seconds, 0.05
    while True:
        answer = call()
        if until(answer):
            return answer
        if time.monotonic() > end:
            raise Trouble(f"{what}: not ready after {seconds} seconds")
        pause = min(2 * pause, 2)
        time.sleep(pause)


def outcome(call, **arguments):
    """What an AWS call ends with: `ok`, or the code and the text of its error."""
    try:
        call(**arguments)
        return {"code": "ok"}
    except ClientError as error:
        return {"code": error.response["Error"]["Code"], "text": error.response["Error"]["Message"]}


# --- What is made, and how it goes away -----------------------------------------------------------------------------------


class Cloud:
    """The clients for one account and Region, and the names of everything that a run makes there."""

    def __init__(self, arguments):
        self.prefix = arguments.prefix
        session = boto3.Session(region_name=arguments.region)
        self.region = session.region_name
        if not self.region:
            raise Trouble("No Region: give --region, or set AWS_REGION")
        self.calls, self.pages_url = set(), arguments.pages_url
        self.cognito, self.functions, self.roles, self.logs, self.sts = (
            session.client(service, endpoint_url=arguments.endpoint_url, config=Config(user_agent_extra=TAG))
            for service in ("cognito-idp", "lambda", "iam", "logs", "sts"))
        # Not repeated by the SDK: how often Cognito itself repeats is one of the questions.
        self.public = session.client("cognito-idp", endpoint_url=arguments.endpoint_url, config=Config(
            signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}))
        for client in (self.cognito, self.functions, self.roles, self.logs):
            client.meta.events.register("before-call", self.note)
        self.on_aws = ".amazonaws.com" in self.cognito.meta.endpoint_url
        self.recorder = f"{self.prefix}-recorder"
        self.log_group = f"/aws/lambda/{self.recorder}"
        if "InboundFederation" not in self.cognito.meta.service_model.shape_for("LambdaConfigType").members:
            raise Trouble("This boto3 does not know the inbound federation trigger. Update it: "
                          "python3 -m pip install --user --upgrade boto3")

    def note(self, model, **_):
        """Keeps the names of the calls, which are the rights that a run needs."""
        self.calls.add(f"{model.service_model.signing_name}:{model.name}")

    def pool_name(self, kind):
        return f"{self.prefix}-{kind}"

    def own_pools(self):
        """The pools of this run: by name and by tag, so that a pool of somebody else is never among them."""
        for page in self.cognito.get_paginator("list_user_pools").paginate(MaxResults=60):
            for pool in page["UserPools"]:
                if pool["Name"] in map(self.pool_name, POOLS):
                    described = self.cognito.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
                    if described.get("UserPoolTags", {}).get(TAG) == self.prefix:
                        yield described

    def exists(self, call, **arguments):
        try:
            call(**arguments)
            return True
        except ClientError as error:
            if error.response["Error"]["Code"] in ("ResourceNotFoundException", "NoSuchEntity", "NoSuchEntityException"):
                return False
            raise

    def left(self):
        """What is there of this run."""
        groups = self.logs.describe_log_groups(logGroupNamePrefix=self.log_group)["logGroups"]
        return ([f"user pool {pool['Name']}" for pool in self.own_pools()]
                + [f"function {self.recorder}"] * self.exists(self.functions.get_function, FunctionName=self.recorder)
                + [f"role {self.recorder}"] * self.exists(self.roles.get_role, RoleName=self.recorder)
                + [f"log group {group['logGroupName']}" for group in groups if group["logGroupName"] == self.log_group])

    def clean(self):
        """Deletes everything of this run, as far as it goes, and returns what is left. It can be repeated."""
        for pool in list(self.own_pools()):
            if pool.get("Domain"):
                self.delete(self.cognito.delete_user_pool_domain, UserPoolId=pool["Id"], Domain=pool["Domain"])
            self.delete(self.cognito.delete_user_pool, UserPoolId=pool["Id"])
        self.delete(self.functions.delete_function, FunctionName=self.recorder)
        self.delete(self.roles.delete_role_policy, RoleName=self.recorder, PolicyName="rights")
        self.delete(self.roles.delete_role, RoleName=self.recorder)
        # Last, so that no late call writes to it any more.
        self.delete(self.logs.delete_log_group, logGroupName=self.log_group)
        return self.left()

    def delete(self, call, **arguments):
        try:
            self.exists(call, **arguments)
        except (ClientError, BotoCoreError) as error:
            say(f"not deleted yet: {error}")


def clean(cloud):
    """Deletes everything, undisturbed by a further Ctrl-C, and says what to do if something stays."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    say("Deleting everything that this run made ...")
    # A call that was interrupted may still be at work there.
    time.sleep(5 if cloud.on_aws else 0)
    left = ["not known"]
    for _ in range(5):
        try:
            left = cloud.clean()
        except (ClientError, BotoCoreError) as error:
            say(f"deleting failed: {error}")
        if not left:
            say("Deleted. Nothing is left.")
            return left
        # IAM and the logs go on listing for some seconds what was deleted.
        time.sleep(5 if cloud.on_aws else 0)
    say(f"Still there: {', '.join(left)}. Run: first_run.py clean --prefix {cloud.prefix}")
    return left


# --- The laboratory: a provider, two pools that trust it, and the recorder ------------------------------------------------


class Recorder:
    """The function on all triggers of the test pools."""

    def __init__(self, cloud):
        self.cloud, self.round, self.started = cloud, 0, int(time.time() * 1000) - 60_000

    def create(self):
        cloud = self.cloud
        cloud.logs.create_log_group(logGroupName=cloud.log_group, tags={TAG: cloud.prefix})
        cloud.logs.put_retention_policy(logGroupName=cloud.log_group, retentionInDays=1)
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
        role = cloud.roles.create_role(
            RoleName=cloud.recorder, AssumeRolePolicyDocument=policy(trust),
            Tags=[{"Key": TAG, "Value": cloud.prefix}])["Role"]["Arn"]
        self.partition, self.account = role.split(":")[1], role.split(":")[4]
        self.allow()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("recorder.py", RECORDER)
        in_turn(lambda: self.made(role, packed.getvalue()), bool, 90, "the function's role")
        self.ready()

    def made(self, role, code):
        """Whether the function is made now. Lambda does not know a new role at once."""
        try:
            self.arn = self.cloud.functions.create_function(
                FunctionName=self.cloud.recorder, Runtime="python3.12", Handler="recorder.handler", Role=role, Timeout=20,
                MemorySize=1024, Code={"ZipFile": code}, Tags={TAG: self.cloud.prefix})["FunctionArn"]
            return True
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidParameterValueException" and "role" in str(error):
                return False
            raise

    def allow(self, email_pool=None):
        """The recorder's rights: its log, one pool by its ARN, and every pool with the tag of this run."""
        arn = f"arn:{self.partition}:{{}}:{self.cloud.region}:{self.account}:{{}}"
        statements = [{"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                       "Resource": arn.format("logs", f"log-group:{self.cloud.log_group}:*")},
                      {"Effect": "Allow", "Action": "cognito-idp:AdminGetUser", "Resource": arn.format("cognito-idp", "userpool/*"),
                       "Condition": {"StringEquals": {f"aws:ResourceTag/{TAG}": self.cloud.prefix}}}]
        if email_pool:
            statements.append({"Effect": "Allow", "Action": "cognito-idp:AdminLinkProviderForUser", "Resource": email_pool})
        self.cloud.roles.put_role_policy(RoleName=self.cloud.recorder, PolicyName="rights", PolicyDocument=policy(*statements))

    def ready(self):
        configuration = lambda: self.cloud.functions.get_function_configuration(FunctionName=self.cloud.recorder)
        in_turn(configuration, lambda now: now.get("State", "Active") == "Active"
                and now.get("LastUpdateStatus", "Successful") == "Successful", 90, "the function")

    def may_be_called_by(self, pool):
        self.cloud.functions.add_permission(
            FunctionName=self.cloud.recorder, StatementId=pool.kind, Action="lambda:InvokeFunction",
            Principal="cognito-idp.amazonaws.com", SourceArn=pool.arn, SourceAccount=self.account)

    def invoke(self, event):
        answer = self.cloud.functions.invoke(FunctionName=self.cloud.recorder, Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())

    def begin(self, mode):
        """Says what the recorder does from now on, and lets it start before somebody waits for it."""
        self.round += 1
        settings = {"round": self.round, "providers": list(MAPPINGS), **mode}
        self.cloud.functions.update_function_configuration(
            FunctionName=self.cloud.recorder, Environment={"Variables": {"MODE": json.dumps(settings)}})
        self.ready()
        self.invoke({"marker": "warm"})

    def lines(self):
        """What the recorder wrote in this round, oldest first. A last line shows that the log has arrived."""
        marker = secrets.token_hex(8)
        self.invoke({"marker": marker})
        in_turn(self.read, lambda lines: any(line.get("marker") == marker for line in lines), 120, "the function's log")
        # Two instances of the function write two streams, and the other one may be a little behind.
        time.sleep(5 if self.cloud.on_aws else 0)
        return [line for line in self.read() if line["round"] == self.round and "marker" not in line]

    def read(self):
        found = []
        pages = self.cloud.logs.get_paginator("filter_log_events").paginate(
            logGroupName=self.cloud.log_group, startTime=self.started)
        for page in pages:
            texts = (event["message"] for event in page["events"])
            found += [json.loads(text.split(" ", 1)[1]) for text in texts if text.startswith("first-run {")]
        return sorted(found, key=lambda line: line["at"])


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Pool:
    """A user pool with a domain and an app client."""

    def __init__(self, cloud, kind):
        self.cloud, self.kind, self.domain = cloud, kind, cloud.pool_name(kind)

    def create(self, client, **settings):
        cognito = self.cloud.cognito
        pool = cognito.create_user_pool(
            PoolName=self.domain, UserPoolTags={TAG: self.cloud.prefix}, UsernameConfiguration={"CaseSensitive": False},
            **settings)["UserPool"]
        self.id, self.arn = pool["Id"], pool["Arn"]
        cognito.create_user_pool_domain(UserPoolId=self.id, Domain=self.domain, ManagedLoginVersion=1)
        self.prepare()
        made = cognito.create_user_pool_client(
            UserPoolId=self.id, ClientName=self.domain, AllowedOAuthFlows=["code"], AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=["openid", "email", "profile"],
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"], **client)["UserPoolClient"]
        self.client, self.secret = made["ClientId"], made.get("ClientSecret")

    def prepare(self):
        """What must be there before the app client."""

    def page(self, path):
        """The address of a page of the pool's domain."""
        return f"https://{self.domain}.auth.{self.cloud.region}.amazoncognito.com{path}"

    def authorize(self, **further):
        fields = {"response_type": "code", "client_id": self.client, "redirect_uri": CALLBACK,
                  "scope": "openid email profile", **further}
        return self.page("/oauth2/authorize?" + urllib.parse.urlencode(fields))

    def wait_for_domain(self):
        status = lambda: Browser(self.cloud).status(self.authorize())
        in_turn(status, lambda status: status == 200, 300, f"the domain {self.domain}")

    def native(self, name=None, email=None, verified=True, **further):
        """Makes a confirmed profile with a password, without any message. Returns its user name."""
        attributes = {**({"email": email, "email_verified": str(verified).lower()} if email else {}), **further}
        user = self.cloud.cognito.admin_create_user(
            UserPoolId=self.id, Username=name or email, MessageAction="SUPPRESS",
            UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()])["User"]
        self.cloud.cognito.admin_set_user_password(UserPoolId=self.id, Username=user["Username"], Password=PASSWORD, Permanent=True)
        return user["Username"]

    def attributes(self, name):
        user = self.cloud.cognito.admin_get_user(UserPoolId=self.id, Username=name)
        return {"user name": user["Username"], **{one["Name"]: one["Value"] for one in user["UserAttributes"]}}

    def reached(self, name, known):
        """Whose profile a name or alias leads to; `known` has a word for each user name."""
        try:
            return known.get(self.attributes(name)["user name"], "another profile")
        except ClientError as error:
            return error.response["Error"]["Code"]

    def stand_alone(self, email):
        """The user name of the profile that a sign-in made for an address."""
        users = self.cloud.cognito.list_users(UserPoolId=self.id, Filter=f'email = "{email}"')["Users"]
        return next((user["Username"] for user in users if user["UserStatus"] == "EXTERNAL_PROVIDER"), None)

    def link(self, to, subject, provider="FirstRun"):
        return outcome(
            self.cloud.cognito.admin_link_provider_for_user, UserPoolId=self.id,
            DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": to},
            SourceUser={"ProviderName": provider, "ProviderAttributeName": "Cognito_Subject", "ProviderAttributeValue": subject})

    def opens(self, name):
        """What a sign-in with name and password ends with."""
        return outcome(self.cloud.public.initiate_auth, ClientId=self.client, AuthFlow="USER_PASSWORD_AUTH",
                       AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD})["code"]


class TestPool(Pool):
    """A pool whose people come from the provider."""

    def __init__(self, cloud, kind, provider):
        super().__init__(cloud, kind)
        self.provider = provider

    def prepare(self):
        issuer = f"https://cognito-idp.{self.cloud.region}.amazonaws.com/{self.provider.id}"
        # The test pool itself calls token_url and attributes_url, so away from AWS they must lead to the emulator.
        reachable = lambda path: Browser(self.cloud).reachable(self.provider.page(path))
        details = {
            "client_id": self.provider.client, "client_secret": self.provider.secret, "oidc_issuer": issuer,
            "authorize_scopes": "openid email profile", "attributes_request_method": "GET",
            "authorize_url": self.provider.page("/oauth2/authorize"), "token_url": reachable("/oauth2/token"),
            "attributes_url": reachable("/oauth2/userInfo"), "jwks_uri": f"{issuer}/.well-known/jwks.json"}
        for name, mapping in MAPPINGS.items():
            self.cloud.cognito.create_identity_provider(
                UserPoolId=self.id, ProviderName=name, ProviderType="OIDC", ProviderDetails=details, AttributeMapping=mapping)


class Form(html.parser.HTMLParser):
    """The first form of a page that asks for a password. The classic pages have it twice, for wide and narrow screens."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self.feed(page)
        self.found = next((form for form in self.forms if "password" in form["fields"]), None)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append({"action": attributes.get("action"), "fields": {}})
        if tag == "input" and self.forms and attributes.get("name"):
            self.forms[-1]["fields"][attributes["name"]] = attributes.get("value") or ""


class Browser:
    """Follows a sign-in from page to page, with cookies, and stops at the app's callback."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    def __init__(self, cloud):
        self.cloud = cloud
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies, self.Stay)

    def reachable(self, url):
        """Where a page of a Cognito domain is. Away from AWS nothing listens at that domain."""
        address = urllib.parse.urlsplit(url)
        if self.cloud.pages_url and (address.hostname or "").endswith(".amazoncognito.com"):
            return self.cloud.pages_url.rstrip("/") + urllib.parse.urlunsplit(("", "", address.path, address.query, ""))
        return url

    def open(self, url, fields=None):
        """One request, and where it leads: status, next address, page."""
        url = self.reachable(url)
        address = urllib.parse.urlsplit(url)
        headers = {"User-Agent": f"Mozilla/5.0 ({TAG})"}
        if fields is not None:
            headers.update({"Origin": f"{address.scheme}://{address.netloc}", "Referer": url})
        body = None if fields is None else urllib.parse.urlencode(fields).encode()
        try:
            answer = self.opener.open(urllib.request.Request(url, body, headers), timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            page = answer.read().decode("utf-8", "replace")
            location = answer.headers.get("Location")
            return answer.status, urllib.parse.urljoin(url, location) if location else None, page, url

    def status(self, url):
        """The status of the page that an address leads to in the end, or nothing while the domain is not there."""
        try:
            for _ in range(5):
                status, url, _, _ = self.open(url)
                if not url:
                    return status
        except OSError:
            return None

    def sign_in(self, pool, provider, person):
        """Signs somebody in through a provider, as an app does it, and says how it ended."""
        url, fields = pool.authorize(identity_provider=provider, state=TAG), None
        for _ in range(15):
            status, following, page, here = self.open(url, fields)
            fields = None
            if following and following.startswith(CALLBACK):
                return self.finish(pool, dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(following).query)))
            if following:
                url = following
                continue
            form = Form(page).found
            if not form:
                return {"ended": "page", "status": status, "text": readable(page)}
            url = urllib.parse.urljoin(here, form["action"] or here)
            fields = {**form["fields"], "username": person["email"], "password": PASSWORD}
        raise Trouble("the sign-in went round in circles")

    def finish(self, pool, answer):
        if "code" not in answer:
            return {"ended": "callback", "error": answer.get("error"), "text": answer.get("error_description")}
        status, _, page, _ = self.open(pool.page("/oauth2/token"), {
            "grant_type": "authorization_code", "client_id": pool.client, "redirect_uri": CALLBACK, "code": answer["code"]})
        if status != 200:
            return {"ended": "token", "status": status, "text": readable(page)}
        # The tokens are not needed. They are opened nowhere and kept nowhere.
        return {"ended": "signed in"}


def readable(page):
    """The text of a page, shortened."""
    return re.sub(r"\s+", " ", re.sub(r"(?s)<(script|style).*?</\1>|<[^>]+>", " ", page)).strip()[:300]


# One password for every made-up person. It lives in this process only, and fits every pool with the default policy.
PASSWORD = "Aa1!" + secrets.token_urlsafe(24)


def made_up(name):
    """A name or the beginning of an address that nobody has."""
    return f"{name}{secrets.token_hex(6)}"


class Laboratory:
    """Everything that a run has made."""

    def __init__(self, cloud, arguments):
        self.cloud, self.mail, self.ses, self.reader = cloud, arguments.mail, arguments.ses_arn, None
        self.recorder = Recorder(cloud)
        self.provider = Pool(cloud, "provider")
        self.email, self.alias = (TestPool(cloud, kind, self.provider) for kind in ("email", "alias"))

    def build(self):
        """Makes everything. What fails in the middle is deleted by the caller."""
        say("Making the recorder, the provider and two test pools ...")
        self.recorder.create()
        claims = ["email", "email_verified", "given_name", "custom:proof"]
        self.provider.create(
            {"GenerateSecret": True, "ReadAttributes": claims, "SupportedIdentityProviders": ["COGNITO"],
             "CallbackURLs": [CALLBACK, self.email.page("/oauth2/idpresponse"), self.alias.page("/oauth2/idpresponse")]},
            UsernameAttributes=["email"],
            Schema=[{"Name": "proof", "AttributeDataType": "String", "Mutable": True,
                     "StringAttributeConstraints": {"MaxLength": "64"}}])
        client = {"SupportedIdentityProviders": ["COGNITO", *MAPPINGS], "CallbackURLs": [CALLBACK]}
        sender = {"EmailConfiguration": {"EmailSendingAccount": "DEVELOPER", "SourceArn": self.ses}} if self.ses else {}
        self.email.create(client, UsernameAttributes=["email"], LambdaConfig=self.triggers(), **sender)
        self.alias.create(client, AliasAttributes=["email", "preferred_username"], LambdaConfig=self.triggers())
        self.recorder.allow(self.email.arn)
        for pool in (self.email, self.alias):
            self.recorder.may_be_called_by(pool)
        for pool in (self.provider, self.email, self.alias):
            pool.wait_for_domain()

    def triggers(self):
        names = ("PreSignUp", "PostConfirmation", "PreAuthentication", "PostAuthentication", "CustomMessage", "PreTokenGeneration")
        return {**{name: self.recorder.arn for name in names},
                "InboundFederation": {"LambdaVersion": "V1_0", "LambdaArn": self.recorder.arn}}

    def person(self, **further):
        """A made-up person at the provider, with a verified address."""
        email = f"{made_up('ada-')}@example.com"
        name = self.provider.native(email=email, **further)
        return {"email": email, "name": name, "subject": self.provider.attributes(name)["sub"]}

    def sign_in(self, person, pool=None, provider="FirstRun"):
        return Browser(self.cloud).sign_in(pool or self.email, provider, person)

    def signed_in(self, person, pool=None, provider="FirstRun"):
        """Signs somebody in where the question is about what comes of it."""
        ended = self.sign_in(person, pool, provider)
        if ended["ended"] != "signed in":
            raise Trouble(f"the sign-in did not succeed: {ended}")

    def during(self, act, wait=0, **mode):
        """What an act ends with, and what the recorder wrote meanwhile."""
        self.recorder.begin(mode)
        try:
            ended = act()
            time.sleep(wait if self.cloud.on_aws else 0)
            return ended, self.recorder.lines()
        finally:
            # So that nothing of it reaches the next question.
            if mode:
                self.recorder.begin({})

    def sign_up(self, pool=None):
        """Registers somebody as anybody can. These pools verify no address by themselves, so no message is sent."""
        pool, email = pool or self.email, f"{made_up('ada-')}@example.com"
        return outcome(self.cloud.public.sign_up, ClientId=pool.client, Username=email, Password=PASSWORD,
                       UserAttributes=[{"Name": "email", "Value": email}])

    def scrub(self, text):
        """Takes out what says whose account this is. People in it are made up, but an answer names none of them either."""
        known = [(self.mail, "MAIL"), (self.ses, "SES-IDENTITY"), (PASSWORD, "PASSWORD")]
        known += [(getattr(pool, name, None), f"{pool.kind}-{name}".upper()) for pool in (self.provider, self.email, self.alias)
                  for name in ("secret", "client", "id")]
        known += [(getattr(self.recorder, "account", None), "ACCOUNT")]
        for secret, word in known:
            text = text.replace(secret, word) if secret else text
        text = re.sub(r"arn:aws[a-z-]*:[^\s\"\\]+", "ARN", text)
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID", text)
        text = re.sub(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", "TOKEN", text)
        return re.sub(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", "ADDRESS", text)


# --- The questions --------------------------------------------------------------------------------------------------------

QUESTIONS, NEEDS_MAIL = {}, set()


class NotAsked(Exception):
    """A question cannot be asked in this run."""


def question(identifier, doc, manual, mail=False):
    """A question, the page that depends on the answer, and what that page assumes; nothing if it leaves the answer open."""
    def add(ask):
        QUESTIONS[identifier] = {"doc": doc, "manual": manual, "ask": ask}
        if mail:
            NEEDS_MAIL.add(identifier)
        return ask
    return add


def answer(seen, agrees=None, **evidence):
    """What was seen. `agrees` is whether the manual says so, too; without it, the manual leaves the answer open."""
    return {"seen": seen, "verdict": {True: "agrees", False: "differs", None: "answers"}[agrees], "evidence": evidence}


def sources(lines):
    return [line["source"] for line in lines if "source" in line]


DIFFERS = "docs/LOCAL_STACK.md#what-still-differs"
PATCHES = "docs/LOCAL_STACK.md#what-we-change-in-ministack"
THREATS = "docs/THREAT_MODEL.md"
LATER = ["InboundFederation_ExternalProvider", "PreAuthentication_Authentication", "PostAuthentication_Authentication",
         "TokenGeneration_HostedAuth"]


@question("first-sign-in-triggers", DIFFERS,
          "A first sign-in calls inbound federation, pre sign-up, post confirmation and pre token generation, and neither pre "
          "authentication nor post authentication")
def first_sign_in_triggers(lab):
    person = lab.person()
    ended, lines = lab.during(lambda: lab.sign_in(person))
    expected = ["InboundFederation_ExternalProvider", "PreSignUp_ExternalProvider", "PostConfirmation_ConfirmSignUp",
                "TokenGeneration_HostedAuth"]
    return answer(sources(lines), sources(lines) == expected, ended=ended, lines=plain(lines))


@question("later-sign-in-triggers", DIFFERS,
          "A later sign-in calls inbound federation, pre authentication, post authentication and pre token generation")
def later_sign_in_triggers(lab):
    person = lab.person()
    lab.signed_in(person)
    ended, lines = lab.during(lambda: lab.sign_in(person))
    return answer(sources(lines), sources(lines) == LATER, ended=ended, lines=plain(lines))


@question("linking-sign-in-triggers", DIFFERS, None)
def linking_sign_in_triggers(lab):
    person = lab.person()
    native = lab.email.native(email=person["email"])
    ended, lines = lab.during(lambda: lab.sign_in(person), calls=True, PreSignUp={"link": native})
    held = lab.email.attributes(native)
    linked = [line["linked"] for line in lines if "linked" in line]
    return answer({"triggers": sources(lines), "link": linked, "ended": ended["ended"]}, ended=ended, lines=plain(lines),
                  identities=len(json.loads(held.get("identities", "[]"))), email_verified=held.get("email_verified"),
                  stand_alone_profile=bool(lab.email.stand_alone(person["email"])))


@question("later-linked-sign-in-triggers", DIFFERS,
          "A later sign-in of a linked identity calls the same triggers as that of a stand-alone profile, and not pre sign-up")
def later_linked_sign_in_triggers(lab):
    person = lab.person()
    native = lab.email.native(email=person["email"])
    linked = lab.email.link(native, person["subject"])
    lab.signed_in(person)
    ended, lines = lab.during(lambda: lab.sign_in(person))
    return answer(sources(lines), sources(lines) == LATER, ended=ended, link=linked, lines=plain(lines))


@question("late-trigger", "docs/TROUBLESHOOTING.md",
          "Cognito waits five seconds for a trigger, then calls it again; it does not say how often")
def late_trigger(lab):
    ended, lines = lab.during(lab.sign_up, wait=25, PreSignUp={"sleep": 7})
    times = [line["at"] for line in lines]
    gaps = [round(after - before, 1) for before, after in zip(times, times[1:])]
    return answer({"calls": len(lines), "seconds between them": gaps, "ended": ended["code"]}, ended=ended)


@question("failing-trigger", "docs/OUTCOMES.md",
          "An error of a trigger is not repeated, and its text reaches the app behind `PreSignUp failed with error`, with a full "
          "stop")
def failing_trigger(lab):
    ended, lines = lab.during(lab.sign_up, wait=10, PreSignUp={"fail": "A made-up refusal"})
    agrees = len(lines) == 1 and ended == {
        "code": "UserLambdaValidationException", "text": "PreSignUp failed with error A made-up refusal."}
    return answer({"calls": len(lines), **ended}, agrees)


@question("refusal-in-redirect", "docs/OUTCOMES.md",
          "An error of a trigger during a provider's sign-in reaches the app's callback as error_description")
def refusal_in_redirect(lab):
    person = lab.person()
    ended, lines = lab.during(lambda: lab.sign_in(person), PreSignUp={"fail": "A made-up refusal"})
    return answer(ended, ended["ended"] == "callback" and "A made-up refusal" in (ended.get("text") or ""),
                  calls=sources(lines), profile=bool(lab.email.stand_alone(person["email"])))


@question("inbound-event", "docs/providers/README.md",
          "The inbound federation event has the documents tokenResponse, idToken and userInfo, all values as text")
def inbound_event(lab):
    person = lab.person(given_name="Ada", **{"custom:proof": "yes"})
    ended, lines = lab.during(lambda: lab.sign_in(person))
    line = next(line for line in lines if line.get("source") == LATER[0])
    documents = line["documents"]
    kinds = {kind for claims in documents.values() for kind in (claims.values() if isinstance(claims, dict) else [claims])}
    agrees = sorted(documents) == ["idToken", "tokenResponse", "userInfo"] and not kinds & {"int", "bool", "list", "dict"}
    return answer({"documents": documents, "user name": line["user_name"]}, agrees, ended=ended)


@question("user-name-case", DIFFERS,
          "A pool that ignores case sends user names to triggers in lower case, the provider's name included")
def user_name_case(lab):
    person = lab.person()
    _, lines = lab.during(lambda: lab.sign_in(person))
    forms = {line["source"]: line["user_name"] for line in lines if "source" in line}
    return answer(forms, forms.get("PreSignUp_ExternalProvider") == "firstrun_...",
                  stored=(lab.email.stand_alone(person["email"]) or "").split("_")[0])


@question("unmapped-mark", THREATS,
          "On a linked account, a provider whose email_verified is not mapped leaves email_verified false")
def unmapped_mark(lab):
    person = lab.person()
    native = lab.email.native(email=person["email"])
    linked = lab.email.link(native, person["subject"], "FirstRunBare")
    lab.signed_in(person, provider="FirstRunBare")
    mark = lab.email.attributes(native).get("email_verified")
    return answer({"email_verified": mark}, mark == "false", link=linked)


@question("mark-of-one", "docs/providers/microsoft.md", None)
def mark_of_one(lab):
    person = lab.person(**{"custom:proof": "1"})
    ended, lines = lab.during(lambda: lab.sign_in(person, provider="FirstRunOne"))
    name = lab.email.stand_alone(person["email"])
    stored = lab.email.attributes(name).get("email_verified") if name else None
    return answer({"stored email_verified": stored}, ended=ended, lines=plain(lines))


@question("name-sent-once", "docs/providers/apple.md", None)
def name_sent_once(lab):
    person = lab.person(given_name="Ada")
    lab.signed_in(person)
    name = lab.email.stand_alone(person["email"])
    before = lab.email.attributes(name).get("given_name")
    lab.cloud.cognito.admin_delete_user_attributes(
        UserPoolId=lab.provider.id, Username=person["name"], UserAttributeNames=["given_name"])
    lab.signed_in(person)
    after = lab.email.attributes(name).get("given_name")
    return answer({"kept": bool(before) and after == before, "stored at first": bool(before), "emptied": after in (None, "")})


@question("link-twice", DIFFERS, None)
def link_twice(lab):
    person = lab.person()
    native = lab.email.native(email=person["email"])
    calls = [lab.email.link(native, person["subject"]) for _ in range(2)]
    ended = lab.sign_in(person)
    calls.append(lab.email.link(native, person["subject"]))
    identities = len(json.loads(lab.email.attributes(native).get("identities", "[]")))
    return answer({"first": calls[0]["code"], "again": calls[1]["code"], "again after a sign-in": calls[2]["code"]},
                  calls=calls, ended=ended, identities=identities)


@question("link-of-a-profile", DIFFERS, "Linking an identity that has a stand-alone profile ends with InvalidParameterException")
def link_of_a_profile(lab):
    person = lab.person()
    lab.signed_in(person)
    native = lab.email.native(email=f"{made_up('grace-')}@example.com")
    linked = lab.email.link(native, person["subject"])
    recorded = "identities" in lab.email.attributes(native)
    agrees = linked["code"] == "InvalidParameterException" and not recorded
    return answer({"code": linked["code"], "recorded all the same": recorded}, agrees, link=linked)


@question("auto-verify-of-a-provider", "docs/ARCHITECTURE.md", None)
def auto_verify_of_a_provider(lab):
    person = lab.person()
    lab.during(lambda: lab.signed_in(person, provider="FirstRunBare"), PreSignUp={"response": {"autoVerifyEmail": True}})
    held = lab.email.attributes(lab.email.stand_alone(person["email"]))
    return answer({"stored email_verified": held.get("email_verified")})


@question("alias-of-a-stand-alone-profile", THREATS, None)
def alias_of_a_stand_alone_profile(lab):
    person = lab.person()
    native = lab.alias.native(name=made_up("ada"), email=person["email"])
    before = lab.alias.opens(person["email"])
    lab.signed_in(person, lab.alias)
    return answer({"native email_verified": lab.alias.attributes(native).get("email_verified"),
                   "the address reaches": lab.alias.reached(person["email"], {native: "the native profile"}),
                   "password with the address": {"before": before, "after": lab.alias.opens(person["email"])}})


def mark(lab, pool, email, second):
    """Marks an address of somebody else as verified on a second profile."""
    marks = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    return outcome(lab.cloud.cognito.admin_update_user_attributes, UserPoolId=pool.id, Username=second, UserAttributes=marks)


@question("alias-by-update", THREATS,
          "In an alias pool, marking the address of somebody else on a second profile takes it from the first, without an error")
def alias_by_update(lab):
    email = f"{made_up('ada-')}@example.com"
    first, second = lab.alias.native(made_up("ada"), email), lab.alias.native(made_up("grace"))
    ended = mark(lab, lab.alias, email, second)
    reached = lab.alias.reached(email, {first: "the first profile", second: "the second profile"})
    marks = [lab.alias.attributes(name).get("email_verified") for name in (first, second)]
    return answer({"code": ended["code"], "the address reaches": reached},
                  ended["code"] == "ok" and reached == "the second profile", ended=ended, email_verified=marks)


@question("address-by-update", PATCHES,
          "Where the address is the user name, marking the address of somebody else ends with AliasExistsException")
def address_by_update(lab):
    email = f"{made_up('ada-')}@example.com"
    lab.email.native(email=email)
    ended = mark(lab, lab.email, email, lab.email.native(email=f"{made_up('grace-')}@example.com"))
    return answer(ended["code"], ended["code"] == "AliasExistsException", ended=ended)


@question("alias-by-creation", PATCHES,
          "In an alias pool, AdminCreateUser with the verified address of somebody else ends with AliasExistsException")
def alias_by_creation(lab):
    email = f"{made_up('ada-')}@example.com"
    lab.alias.native(made_up("ada"), email)
    ended = outcome(lab.alias.native, name=made_up("grace"), email=email)
    return answer(ended["code"], ended["code"] == "AliasExistsException", ended=ended)


@question("alias-as-user-name", THREATS, None)
def alias_as_user_name(lab):
    wanted, owner = made_up("ada"), lab.alias.native(made_up("grace"))
    lab.cloud.cognito.admin_update_user_attributes(
        UserPoolId=lab.alias.id, Username=owner, UserAttributes=[{"Name": "preferred_username", "Value": wanted}])
    ended = outcome(lab.cloud.cognito.admin_create_user, UserPoolId=lab.alias.id, Username=wanted, MessageAction="SUPPRESS")
    reached = lab.alias.reached(wanted, {owner: "the owner of the alias", wanted: "the new profile"})
    return answer({"AdminCreateUser": ended["code"], "the name reaches": reached}, ended=ended)


@question("condition-on-a-tag", "docs/SEVERAL_POOLS.md", "A right on pools can have a condition on aws:ResourceTag")
def condition_on_a_tag(lab):
    name = lab.alias.native(name=made_up("ada"))
    seen = lab.recorder.invoke({"look": {"UserPoolId": lab.alias.id, "Username": name}}).get("answer")
    return answer(seen, seen == "ok")


def message(lab, subject, **shape):
    """Sends one message with a text of the recorder, and returns what the call ended with."""
    lab.reader = lab.reader or lab.email.native(email=lab.mail)
    send = lambda: outcome(lab.cloud.public.forgot_password, ClientId=lab.email.client, Username=lab.reader)
    ended, lines = lab.during(send, CustomMessage={"message": {"subject": f"first-run {subject}", "character": "x", **shape}})
    if not sources(lines):
        raise Trouble(f"the custom message trigger was not called: {ended}")
    return ended


def person_says(lab, text):
    """What the person at the terminal sees in the mail."""
    return input(f"\n{text}\n> ").strip()[:200]


def needs_ses(lab):
    if lab.cloud.on_aws and not lab.ses:
        raise NotAsked("needs --ses-arn: Cognito takes a text of a function only if SES sends it")


@question("message-without-ses", "docs/TROUBLESHOOTING.md",
          "Without SES, a text of a function ends with HTTP 400 InvalidLambdaResponseException", mail=True)
def message_without_ses(lab):
    if lab.ses:
        raise NotAsked("needs a run without --ses-arn")
    ended = message(lab, "without SES", characters=200, codes=1)
    return answer(ended, ended["code"] == "InvalidLambdaResponseException")


def seen_by_a_person(lab, subject, asked, **shape):
    """Sends one message, and asks the person at the terminal what came."""
    if not sys.stdin.isatty():
        raise NotAsked("needs a person at the terminal")
    needs_ses(lab)
    ended = message(lab, subject, **shape)
    said = person_says(lab, asked) if ended["code"] == "ok" else "no mail was sent"
    return answer({"code": ended["code"], "the person saw": said}, ended=ended)


WHAT_CAME = "Did a mail arrive? Is its subject `first-run {}` or Cognito's own, and what is its text?"


@question("several-placeholders", "docs/MESSAGES.md", None, mail=True)
def several_placeholders(lab):
    asked = "Look for the mail `first-run several codes`. How many of its three places hold a code, and how many hold {####}?"
    return seen_by_a_person(lab, "several codes", asked, characters=200, codes=3)


@question("message-without-code", "docs/MESSAGES.md", None, mail=True)
def message_without_code(lab):
    return seen_by_a_person(lab, "no code", WHAT_CAME.format("no code"), characters=200, codes=0)


@question("message-too-long", "docs/MESSAGES.md", None, mail=True)
def message_too_long(lab):
    return seen_by_a_person(lab, "too long", WHAT_CAME.format("too long"), characters=20_001, codes=1)


@question("characters-of-a-message", "docs/MESSAGES.md", None, mail=True)
def characters_of_a_message(lab):
    """10,100 Unicode characters that are 20,194 UTF-16 units, and about 40,000 bytes."""
    needs_ses(lab)
    ended = message(lab, "counting", characters=10_100, codes=1, character="\U0001F600")
    return answer({"accepted": ended["code"] == "ok"}, ended=ended)


def plain(lines):
    """The lines of the recorder without what changes from run to run."""
    return [{key: value for key, value in line.items() if key not in ("round", "at") and value} for line in lines]


# What a script cannot ask, and how a person can.
BY_HAND = {
    "apple-names": ("docs/providers/apple.md",
                    "Let a function on inbound federation log the names of the claims in each document, no values, and authorise "
                    "the app at Apple for the first time. Under which name, in which document, is the person's name?"),
    "apple-names-later": ("docs/providers/apple.md", "Sign in from Apple again. Are the mapped names still in the profile?"),
    "subject-letters": ("docs/providers/README.md",
                        "Sign in from Entra ID, LinkedIn or Okta to a pool that ignores case. Has the subject in pre sign-up's "
                        "userName capital letters?"),
    "link-words": ("docs/MESSAGES.md",
                   "In a pool that verifies by link, change the address of a person. Does the mail hold a link of Cognito's where "
                   "the code would be? Does a placeholder with other words than Click Here work?"),
    "text-message": ("docs/MESSAGES.md", "With an SMS origin: what happens to a text message of 141 characters?"),
    "okta-issuer": ("docs/providers/okta.md", "With a domain of your own at Okta: which issuer is in its tokens?"),
    "addresses-verified": ("docs/providers/README.md",
                           "Facebook, Login with Amazon, LINE: can somebody come with an address that they never proved?"),
}


# --- A run ----------------------------------------------------------------------------------------------------------------


def ask(lab, identifier):
    """Asks one question. A failure is an answer too, and the next question is asked all the same."""
    asked = QUESTIONS[identifier]
    try:
        if identifier in NEEDS_MAIL and not lab.mail:
            raise NotAsked("needs --mail")
        found = asked["ask"](lab)
    except NotAsked as reason:
        found = {"verdict": "not asked", "how": str(reason)}
    except Exception as error:  # Whatever fails, the person's hour goes on with the next question.
        found = {"verdict": "failed", "error": f"{type(error).__name__}: {error}"[:500]}
    say(f"  {identifier}: {found['verdict']}")
    return {"id": identifier, "doc": asked["doc"], "manual": asked["manual"] or "leaves it open", **found}


def version():
    """The version of the repository that this file is part of."""
    try:
        text = (pathlib.Path(__file__).resolve().parents[2] / "Cargo.toml").read_text(encoding="utf-8")
        return re.search(r'^version = "([^"]+)"', text, re.MULTILINE).group(1)
    except (OSError, IndexError, AttributeError):
        return None


class Answers:
    """The file to hand in. It is written after each question, so that an interrupted run keeps what it knows."""

    def __init__(self, cloud, path, lab):
        self.path, self.lab = path, lab
        self.all = {
            "what": "answers of deploy/first-run/first_run.py", "project": version(), "date": datetime.date.today().isoformat(),
            "region": cloud.region, "asked of": "AWS" if cloud.on_aws else "an emulator", "python": platform.python_version(),
            "boto3": boto3.__version__, "ended": "interrupted", "left behind": "not known", "calls": [], "answers": []}

    def write(self):
        partial = f"{self.path}.part"
        with open(partial, "w", encoding="utf-8") as file:
            file.write(self.lab.scrub(json.dumps(self.all, indent=2, ensure_ascii=False)) + "\n")
        os.replace(partial, self.path)

    def counted(self):
        verdicts = [one["verdict"] for one in self.all["answers"]]
        return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in sorted(set(verdicts)))


def run(arguments):
    cloud = Cloud(arguments)
    wanted = arguments.only or list(QUESTIONS)
    unknown = set(wanted) - set(QUESTIONS)
    if unknown:
        raise Trouble(f"no such question: {', '.join(sorted(unknown))}")
    if cloud.left():
        raise Trouble(f"{cloud.prefix} is in use. Choose another prefix, or run: first_run.py clean --prefix {cloud.prefix}")
    account = cloud.sts.get_caller_identity()["Account"]
    say(PLAN.format(account=account, region=cloud.region, prefix=cloud.prefix))
    if not arguments.yes and not (sys.stdin.isatty() and input("Go on? Write yes: ") == "yes"):
        raise Trouble("Nothing was made. It needs your yes, or --yes.")
    lab = Laboratory(cloud, arguments)
    answers, code = Answers(cloud, arguments.answers, lab), 1
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    try:
        answers.write()
        lab.build()
        say("Asking ...")
        for identifier in wanted:
            answers.all["answers"].append(ask(lab, identifier))
            answers.write()
        answers.all["answers"] += [{"id": name, "doc": doc, "verdict": "not asked", "how": f"by hand: {how}"}
                                   for name, (doc, how) in BY_HAND.items()]
        answers.all["ended"], code = "all asked", 0
    except KeyboardInterrupt:
        say("Interrupted.")
        code = 130
    except (ClientError, BotoCoreError, OSError, Trouble) as error:
        answers.all["ended"] = f"{type(error).__name__}: {error}"
        say(f"The run stops: {error}")
    finally:
        left = [] if arguments.keep else clean(cloud)
        answers.all["left behind"] = "kept" if arguments.keep else left
        answers.all["calls"] = sorted(cloud.calls)
        answers.write()
    if arguments.keep:
        say(f"Everything was kept. To delete it: first_run.py clean --prefix {cloud.prefix}")
    say(f"{answers.counted() or 'nothing was asked'}. Answers: {arguments.answers}")
    return 3 if left else code


def arguments_of(command_line):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    cleaning, running = commands.add_parser("clean", help="delete what a run left"), commands.add_parser("run", help="ask")
    commands.add_parser("questions", help="list the questions")
    for command in (cleaning, running):
        command.add_argument("--region", help="otherwise AWS_REGION or your profile's")
        command.add_argument("--endpoint-url", help="of an emulator; otherwise AWS")
        command.add_argument("--pages-url", help="where an emulator serves the hosted pages")
    cleaning.add_argument("--prefix", required=True, help="as the run said it")
    running.add_argument("--prefix", default=f"first-run-{secrets.token_hex(4)}", help="otherwise a random one")
    running.add_argument("--answers", default="first-run-answers.json", help="the file to write")
    running.add_argument("--only", nargs="+", metavar="QUESTION", help="ask these only")
    running.add_argument("--mail", metavar="ADDRESS", help="an address of yours: ask about messages, too, with up to five mails")
    running.add_argument("--ses-arn", help="of an e-mail address that SES knows as verified, to send them")
    running.add_argument("--keep", action="store_true", help="delete nothing at the end")
    running.add_argument("--yes", action="store_true", help="do not ask before making anything")
    arguments = parser.parse_args(command_line)
    if arguments.command != "questions" and not PREFIX.fullmatch(arguments.prefix):
        parser.error("--prefix: first-run-, and 4 to 12 small letters and digits")
    return arguments


def main(command_line=None):
    arguments = arguments_of(command_line)
    if arguments.command == "questions":
        for identifier, asked in QUESTIONS.items():
            print(f"{identifier}\n    {asked['manual'] or 'The manual leaves it open.'} ({asked['doc']})")
        return 0
    try:
        if arguments.command == "run":
            return run(arguments)
        return 3 if clean(Cloud(arguments)) else 0
    except (Trouble, ClientError, BotoCoreError) as error:
        say(str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main())
