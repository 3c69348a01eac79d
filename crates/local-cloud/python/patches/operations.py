"""Operations that MiniStack does not know."""

import functools

from ministack.core import router
from ministack.core.concurrency import run_reentrant
from ministack.services import cognito

from .patch import Patch, call, write_attributes, wrap

# The code of every change of an e-mail address. MiniStack's own codes are fixed, too.
CHANGE_CODE = "123456"

# The added operations, by name.
ADDED = {}


def admin_delete_user_attributes(data):
    """AdminDeleteUserAttributes."""
    pool, error = cognito._resolve_pool(data.get("UserPoolId"))
    if error:
        return error
    user, error = cognito._resolve_user(pool, data.get("Username"))
    if error:
        return error
    unwanted = set(data.get("UserAttributeNames", []))
    user["Attributes"] = [pair for pair in user.get("Attributes", []) if pair["Name"] not in unwanted]
    user["UserLastModifiedDate"] = cognito._now_epoch()
    return cognito.json_response({})


def admin_get_user_auth_factors(data):
    """AdminGetUserAuthFactors. No account in this emulator has a passkey."""
    pool, error = cognito._resolve_pool(data.get("UserPoolId"))
    if error:
        return error
    user, error = cognito._resolve_user(pool, data.get("Username"))
    if error:
        return error
    return cognito.json_response({
        "Username": user["Username"],
        "PreferredMfaSetting": user.get("_preferred_mfa", ""),
        "UserMFASettingList": user.get("_mfa_enabled", []),
        "ConfiguredUserAuthFactors": ["PASSWORD"] if user.get("_password") else [],
    })


def verify_user_attribute(data):
    """VerifyUserAttribute: completes a pending change of the e-mail."""
    user, _ = cognito._user_pool_for_access_token(data.get("AccessToken"))
    if not user:
        return cognito.error_response_json("NotAuthorizedException", "Invalid Access Token", 400)
    if data.get("AttributeName") != "email":
        return cognito.error_response_json("InvalidParameterException", "Only email can be verified here.", 400)
    pending = user.get("_pending_email")
    error = cognito._code_error(CHANGE_CODE if pending else None, data.get("Code"))
    if error:
        return error
    write_attributes(user, {"email": user.pop("_pending_email"), "email_verified": "true"})
    return cognito.json_response({})


def with_added_operations(dispatch):
    """Looks among the added operations first."""
    @functools.wraps(dispatch)
    async def dispatch_idp(action, data):
        if action in ADDED:
            return await run_reentrant(cognito._run_idp_handler, ADDED[action], action, data,
                                       thread_name="ministack-cognito-trigger")
        return await dispatch(action, data)
    return dispatch_idp


def operation(name, handler):
    """The patch that adds an operation."""
    def is_unknown():
        return call(name)[1].get("__type", "").endswith("InvalidAction")

    def add():
        if not ADDED:
            wrap("_dispatch_idp", with_added_operations)
        ADDED[name] = handler
    return Patch(f"`{name}`", (is_unknown,), add)


# The one service that our code calls and MiniStack does not have.
NOT_THERE = "servicequotas"


def reads_every_service():
    """Whether MiniStack reads the description of every AWS service before it refuses one that it does not have."""
    return getattr(router, "_KNOWN_AWS_SERVICE_NAMES", ()) is None


def know_what_is_not_there():
    """Spares it that: it takes eight seconds, in which nobody gets an answer."""
    router._KNOWN_AWS_SERVICE_NAMES = frozenset([NOT_THERE])


PATCHES = [
    Patch("Service Quotas answers at once", (reads_every_service,), know_what_is_not_there),
    operation("AdminDeleteUserAttributes", admin_delete_user_attributes),
    operation("AdminGetUserAuthFactors", admin_get_user_auth_factors),
    operation("VerifyUserAttribute", verify_user_attribute),
]
