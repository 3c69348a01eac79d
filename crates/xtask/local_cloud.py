"""MiniStack, with the gaps closed that an account layer on Cognito falls into.

MiniStack is pinned (requirements.txt), so what is replaced here is known to be there. Each change
makes the local pool behave as Amazon Cognito does; docs/LOCAL_STACK.md lists them all, together with
the differences that remain.
"""

import functools
import sys
import threading

from ministack import app
from ministack.core.concurrency import run_reentrant
from ministack.services import cognito


def admin_delete_user_attributes(data):
    """AdminDeleteUserAttributes, which MiniStack does not know."""
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
    """AdminGetUserAuthFactors, which MiniStack does not know. Nobody here has a passkey."""
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


CREATION = threading.Lock()

ADDED = {
    "AdminDeleteUserAttributes": admin_delete_user_attributes,
    "AdminGetUserAuthFactors": admin_get_user_auth_factors,
}


def with_added_operations(dispatch):
    @functools.wraps(dispatch)
    async def dispatch_idp(action, data):
        if action in ADDED:
            return await run_reentrant(cognito._run_idp_handler, ADDED[action], action, data,
                                       thread_name="ministack-cognito-trigger")
        return await dispatch(action, data)
    return dispatch_idp


def refusing_a_taken_alias(create):
    """In a pool where e-mail is an alias, a verified address belongs to one profile only."""
    @functools.wraps(create)
    def admin_create_user(data):
        pool, _ = cognito._resolve_pool(data.get("UserPoolId"))
        wanted = cognito._attr_list_to_dict(data.get("UserAttributes", []))
        email = wanted.get("email", "").lower()
        proven = str(wanted.get("email_verified", "")).lower() == "true"
        if pool and email and proven and "email" in (pool.get("AliasAttributes") or []):
            for user in pool["_users"].values():
                held = cognito._attr_list_to_dict(user.get("Attributes", []))
                if held.get("email", "").lower() != email or held.get("email_verified") != "true":
                    continue
                if not data.get("ForceAliasCreation"):
                    return cognito.error_response_json(
                        "AliasExistsException", "An account with the email already exists.", 400)
                held["email_verified"] = "false"
                user["Attributes"] = cognito._dict_to_attr_list(held)
        return create(data)

    @functools.wraps(create)
    def one_at_a_time(data):
        # Requests run on threads of their own here, and looking whether a name is free and taking it
        # are two steps. With a message a trigger runs in between, which must not wait for this.
        if data.get("MessageAction") != "SUPPRESS":
            return admin_create_user(data)
        with CREATION:
            return admin_create_user(data)
    return one_at_a_time


def verifying_the_address(confirm):
    """Who confirms a registration with the code from a mail has proven the address."""
    @functools.wraps(confirm)
    def confirm_sign_up(data):
        answer = confirm(data)
        pool, _ = cognito._pool_for_client(data.get("ClientId"))
        if answer[0] == 200 and pool and "email" in (pool.get("AutoVerifiedAttributes") or []):
            user, _ = cognito._resolve_user(pool, data.get("Username"))
            held = cognito._attr_list_to_dict(user.get("Attributes", []))
            held["email_verified"] = "true"
            user["Attributes"] = cognito._dict_to_attr_list(held)
        return answer
    return confirm_sign_up


def with_claims_as_cognito_writes_them(decode):
    """Cognito hands a JSON true on as the text "true"; Python's str() would make it "True"."""
    @functools.wraps(decode)
    def decode_id_token(token):
        claims = decode(token)
        return {name: str(value).lower() if isinstance(value, bool) else value for name, value in claims.items()}
    return decode_id_token


def main():
    """Closes the gaps and runs MiniStack in this process."""
    cognito._dispatch_idp = with_added_operations(cognito._dispatch_idp)
    cognito._admin_create_user = refusing_a_taken_alias(cognito._admin_create_user)
    cognito._confirm_sign_up = verifying_the_address(cognito._confirm_sign_up)
    cognito._decode_id_token_unverified = with_claims_as_cognito_writes_them(cognito._decode_id_token_unverified)
    sys.exit(app.main())


if __name__ == "__main__":
    main()
