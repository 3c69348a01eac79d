"""MiniStack, with the gaps closed that an account layer on Cognito falls into.

MiniStack is pinned (local-cloud.txt), so what is replaced here is known to be there. Each change
makes the local pool behave as Amazon Cognito does; docs/LOCAL_STACK.md lists them all, together with
the differences that remain.
"""

import copy
import functools
import json
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


def verify_user_attribute(data):
    """VerifyUserAttribute, which MiniStack does not know: completes a pending change of the e-mail."""
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


def write_attributes(user, changes):
    held = cognito._attr_list_to_dict(user.get("Attributes", []))
    held.update(changes)
    user["Attributes"] = cognito._dict_to_attr_list(held)
    user["UserLastModifiedDate"] = cognito._now_epoch()


# The code of every change of an e-mail address; MiniStack's own codes are as fixed.
CHANGE_CODE = "123456"

ADDED = {
    "AdminDeleteUserAttributes": admin_delete_user_attributes,
    "AdminGetUserAuthFactors": admin_get_user_auth_factors,
    "VerifyUserAttribute": verify_user_attribute,
}


def with_added_operations(dispatch):
    @functools.wraps(dispatch)
    async def dispatch_idp(action, data):
        if action in ADDED:
            return await run_reentrant(cognito._run_idp_handler, ADDED[action], action, data,
                                       thread_name="ministack-cognito-trigger")
        return await dispatch(action, data)
    return dispatch_idp


def with_every_check(run):
    """Codes, tokens and secret hashes count. MiniStack looks at them only if requests must be signed, too."""
    @functools.wraps(run)
    def run_idp_handler(handler, action, data):
        if action in cognito._UNSIGNED_IDP_ACTIONS or action == "VerifyUserAttribute":
            cognito._pin_unsigned_idp_scope(data)
        error = (cognito._validate_client_secret_hash(action, data) or cognito._auth_flow_error(action, data)
                 or cognito._access_token_error(data) or cognito._confirmation_code_error(action, data))
        return error or run(handler, action, data)
    return run_idp_handler


def by_session(revoked):
    """A sign-out ends the sessions there are; MiniStack compares times in whole seconds."""
    @functools.wraps(revoked)
    def refresh_token_revoked(token, user):
        return revoked(token, user) or cognito._token_claims(token).get("origin_jti") in cognito._revoked_tokens
    return refresh_token_revoked


def one_at_a_time(create):
    """Two calls at once cannot both find that an address is free."""
    lock = threading.Lock()

    @functools.wraps(create)
    def alone(data):
        with lock:
            return create(data)
    return alone


def keeping_the_old_address(update):
    """A new address is pending until its code is entered; where the pool does not ask for that, it is
    unverified."""
    @functools.wraps(update)
    def update_user_attributes(data):
        user, pool = cognito._user_pool_for_access_token(data.get("AccessToken"))
        changes = cognito._attr_list_to_dict(data.get("UserAttributes", []))
        email = changes.get("email")
        held = cognito._attr_list_to_dict((user or {}).get("Attributes", []))
        if not user or not email or email == held.get("email"):
            return update(data)
        settings = pool.get("UserAttributeUpdateSettings") or {}
        if "email" in (settings.get("AttributesRequireVerificationBeforeUpdate") or []):
            user["_pending_email"] = changes.pop("email")
        else:
            changes["email_verified"] = "false"
        write_attributes(user, changes)
        cognito._send_verification_email(pool, user["Username"], {**held, "email": email}, CHANGE_CODE)
        return cognito.json_response({"CodeDeliveryDetailsList": [{
            "AttributeName": "email", "DeliveryMedium": "EMAIL", "Destination": cognito._masked_destination(email)}]})
    return update_user_attributes


def ending_a_pending_change(update):
    """An administrator who sets a verified address ends a change that was under way."""
    @functools.wraps(update)
    def admin_update_user_attributes(data):
        answer = update(data)
        pool, _ = cognito._resolve_pool(data.get("UserPoolId"))
        user, _ = cognito._resolve_user(pool, data.get("Username")) if pool else (None, None)
        if user and "email" in cognito._attr_list_to_dict(data.get("UserAttributes", [])):
            user.pop("_pending_email", None)
        return answer
    return admin_update_user_attributes


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
                write_attributes(user, {"email_verified": "false"})
        return create(data)
    return admin_create_user


def refusing_a_taken_address(update):
    """A verified address belongs to one native profile only, however it is set."""
    @functools.wraps(update)
    def admin_update_user_attributes(data):
        pool, _ = cognito._resolve_pool(data.get("UserPoolId"))
        own, _ = cognito._resolve_user(pool, data.get("Username")) if pool else (None, None)
        changes = cognito._attr_list_to_dict(data.get("UserAttributes", []))
        held = cognito._attr_list_to_dict((own or {}).get("Attributes", []))
        email = changes.get("email", held.get("email", "")).lower()
        proven = str(changes.get("email_verified", "")).lower() == "true"
        is_alias = pool and "email" in (pool.get("AliasAttributes") or [])
        for user in pool["_users"].values() if own and email and proven else []:
            other = cognito._attr_list_to_dict(user.get("Attributes", []))
            holds = other.get("email", "").lower() == email and user.get("UserStatus") != "EXTERNAL_PROVIDER"
            if user is not own and holds and (not is_alias or other.get("email_verified") == "true"):
                return cognito.error_response_json(
                    "AliasExistsException", "An account with the email already exists.", 400)
        return update(data)
    return admin_update_user_attributes


# Sessions of people who are to choose a password, by user. MiniStack takes any text for one.
choices = {}


def handing_out_one_session(answer):
    """Who signs in with a temporary password gets a session to choose another one with."""
    @functools.wraps(answer)
    def password_auth_result(pool, pid, cid, user, *rest, **named):
        status, headers, body = answer(pool, pid, cid, user, *rest, **named)
        challenge = json.loads(body)
        if challenge.get("ChallengeName") == "NEW_PASSWORD_REQUIRED":
            choices[challenge["Session"]] = (pid, user["Username"])
        return status, headers, body
    return password_auth_result


def choosing_a_password_once(respond):
    """A chosen password satisfies the pool's policy, and a temporary one is replaced once."""
    lock = threading.Lock()

    @functools.wraps(respond)
    def respond_to_auth_challenge(data):
        if data.get("ChallengeName") != "NEW_PASSWORD_REQUIRED":
            return respond(data)
        with lock:
            responses = data.get("ChallengeResponses", {})
            pid, name = choices.get(data.get("Session"), (None, None))
            pool, _ = cognito._resolve_pool(pid) if pid else (None, None)
            user, _ = cognito._resolve_user(pool, responses.get("USERNAME")) if pool else (None, None)
            if not user or user["Username"] != name or user["UserStatus"] != "FORCE_CHANGE_PASSWORD":
                return cognito.error_response_json("NotAuthorizedException", "Invalid session for the user.", 400)
            error = cognito._validate_password(pool, responses.get("NEW_PASSWORD", ""))
            if error:
                return error
            del choices[data["Session"]]
            return respond(data)
    return respond_to_auth_challenge


def verifying_the_address(confirm):
    """Who confirms a registration with the code from a mail has proven the address."""
    @functools.wraps(confirm)
    def confirm_sign_up(data):
        answer = confirm(data)
        pool, _ = cognito._pool_for_client(data.get("ClientId"))
        if answer[0] == 200 and pool and "email" in (pool.get("AutoVerifiedAttributes") or []):
            user, _ = cognito._resolve_user(pool, data.get("Username"))
            write_attributes(user, {"email_verified": "true"})
        return answer
    return confirm_sign_up


def with_claims_as_cognito_writes_them(decode):
    """Cognito hands a JSON true on as the text "true"; Python's str() would make it "True"."""
    @functools.wraps(decode)
    def decode_id_token(token):
        claims = decode(token)
        return {name: str(value).lower() if isinstance(value, bool) else value for name, value in claims.items()}
    return decode_id_token


# What MiniStack keeps of a pool, and what an update that does not name it sets it to.
DEFAULTS = {
    "Policies": {"PasswordPolicy": {
        "MinimumLength": 8, "RequireUppercase": True, "RequireLowercase": True, "RequireNumbers": True,
        "RequireSymbols": True, "TemporaryPasswordValidityDays": 7}},
    "DeletionProtection": "INACTIVE", "LambdaConfig": {}, "AutoVerifiedAttributes": [], "SmsVerificationMessage": "",
    "EmailVerificationMessage": "", "EmailVerificationSubject": "", "VerificationMessageTemplate": None,
    "SmsAuthenticationMessage": "", "UserAttributeUpdateSettings": None, "MfaConfiguration": "OFF",
    "DeviceConfiguration": None, "EmailConfiguration": {}, "SmsConfiguration": {}, "UserPoolTags": {},
    "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False}, "UserPoolAddOns": None,
    "AccountRecoverySetting": {}, "UserPoolTier": "ESSENTIALS",
}


def resetting_what_is_left_out(update):
    """An update sets every setting that it does not name to its default, and takes one name of the days that a
    temporary password is valid."""
    @functools.wraps(update)
    def update_user_pool(data):
        days = ((data.get("Policies") or {}).get("PasswordPolicy") or {}).get("TemporaryPasswordValidityDays")
        if days is not None and "UnusedAccountValidityDays" in (data.get("AdminCreateUserConfig") or {}):
            return cognito.error_response_json(
                "InvalidParameterException",
                "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays", 400)
        whole = copy.deepcopy(DEFAULTS) | data
        whole = {name: value for name, value in whole.items() if value is not None}
        pool, _ = cognito._resolve_pool(data.get("UserPoolId"))
        answer = update(whole)
        if pool is not None and answer[0] == 200:
            for name in DEFAULTS:
                if name not in whole:
                    pool.pop(name, None)
            pool["Name"] = data.get("PoolName", pool["Name"])
        return answer
    return update_user_pool


def main():
    """Closes the gaps and runs MiniStack in this process."""
    cognito._dispatch_idp = with_added_operations(cognito._dispatch_idp)
    cognito._run_idp_handler = with_every_check(cognito._run_idp_handler)
    cognito._update_user_attributes = keeping_the_old_address(cognito._update_user_attributes)
    cognito._admin_update_user_attributes = one_at_a_time(
        refusing_a_taken_address(ending_a_pending_change(cognito._admin_update_user_attributes)))
    cognito._password_auth_result = handing_out_one_session(cognito._password_auth_result)
    cognito._admin_respond_to_auth_challenge = choosing_a_password_once(cognito._admin_respond_to_auth_challenge)
    cognito._respond_to_auth_challenge = choosing_a_password_once(cognito._respond_to_auth_challenge)
    cognito._refresh_token_revoked = by_session(cognito._refresh_token_revoked)
    cognito._update_user_pool = resetting_what_is_left_out(cognito._update_user_pool)
    cognito._admin_create_user = one_at_a_time(refusing_a_taken_alias(cognito._admin_create_user))
    cognito._confirm_sign_up = verifying_the_address(cognito._confirm_sign_up)
    cognito._decode_id_token_unverified = with_claims_as_cognito_writes_them(cognito._decode_id_token_unverified)
    sys.exit(app.main())


if __name__ == "__main__":
    main()
