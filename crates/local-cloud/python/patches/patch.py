"""One change of MiniStack's Cognito, and the proof that it is still needed."""

import asyncio
import json
from dataclasses import dataclass
from typing import Callable

from ministack.services import cognito

PASSWORD = "Correct-Horse-7-Battery"


@dataclass(frozen=True)
class Patch:
    """A difference between MiniStack and AWS, and the code that removes it."""

    name: str
    """What AWS does, as docs/LOCAL_STACK.md lists it."""
    gaps: tuple[Callable[[], bool], ...]
    """Whether MiniStack, in its present state, behaves differently: a check for each part of the patch."""
    apply: Callable[[], None]
    """Closes the gaps in this process."""
    follows: tuple[Callable[[], bool], ...] = ()
    """Whether something that only this patch brings about is wrong. These checks pass without it."""


def wrap(name, *wrappers):
    """Puts wrappers around a function of MiniStack's Cognito, the last one outermost."""
    for wrapper in wrappers:
        setattr(cognito, name, wrapper(getattr(cognito, name)))


def attributes(user):
    """The attributes of a user as a dict. Empty if there is no user."""
    return cognito._attr_list_to_dict((user or {}).get("Attributes", []))


def write_attributes(user, changes):
    """Changes attributes of a user and keeps the others."""
    user["Attributes"] = cognito._dict_to_attr_list(attributes(user) | changes)
    user["UserLastModifiedDate"] = cognito._now_epoch()


# The calls with which the gaps are checked.

def call(action, **data):
    """Status and body of an operation."""
    status, _, body = asyncio.run(cognito._dispatch_idp(action, data))
    return status, json.loads(body or b"{}")


def new_pool(**settings):
    """The id of a new pool whose user names are addresses, unless the settings say otherwise."""
    if "AliasAttributes" not in settings:
        settings = {"UsernameAttributes": ["email"]} | settings
    return call("CreateUserPool", PoolName="gaps", AutoVerifiedAttributes=["email"], **settings)[1]["UserPool"]["Id"]


def new_client(pool, **settings):
    """A new app client of a pool."""
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    settings = {"ExplicitAuthFlows": flows} | settings
    return call("CreateUserPoolClient", UserPoolId=pool, ClientName="gaps", **settings)[1]["UserPoolClient"]


def new_user(pool, username, email=None, verified=True):
    """A confirmed user with a password. Returns the status of the creation."""
    pairs = {"email": email or username, "email_verified": str(verified).lower()}
    status, _ = call("AdminCreateUser", UserPoolId=pool, Username=username, MessageAction="SUPPRESS",
                     UserAttributes=[{"Name": name, "Value": value} for name, value in pairs.items()])
    call("AdminSetUserPassword", UserPoolId=pool, Username=username, Password=PASSWORD, Permanent=True)
    return status


def sign_in(client, username, password=PASSWORD):
    """What a sign-in with a password answers."""
    return call("InitiateAuth", ClientId=client["ClientId"], AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": username, "PASSWORD": password})[1]


def held(pool, username):
    """The attributes of a user, as the pool shows them."""
    user = call("AdminGetUser", UserPoolId=pool, Username=username)[1]
    return {pair["Name"]: pair["Value"] for pair in user["UserAttributes"]}
