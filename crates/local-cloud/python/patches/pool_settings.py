"""The settings of a pool."""

import copy
import functools
import json

from ministack.services import cognito

from .patch import Patch, call, new_pool, wrap

# The settings of a pool that MiniStack stores. An update sets each one that it does not name to this value.
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
        # Nobody sets these, and no update removes them.
        tags = (pool or {}).get("UserPoolTags") or {}
        whole["UserPoolTags"] = {name: value for name, value in tags.items() if name.startswith("aws:")} | (
            whole.get("UserPoolTags") or {})
        answer = update(whole)
        if pool is not None and answer[0] == 200:
            for name in DEFAULTS:
                if name not in whole:
                    pool.pop(name, None)
            pool["Name"] = data.get("PoolName", pool["Name"])
        return answer
    return update_user_pool


def an_update_keeps_what_it_does_not_name():
    pool = new_pool()
    call("UpdateUserPool", UserPoolId=pool, DeletionProtection="ACTIVE")
    call("UpdateUserPool", UserPoolId=pool)
    return call("DescribeUserPool", UserPoolId=pool)[1]["UserPool"].get("DeletionProtection") == "ACTIVE"


def an_update_removes_the_tags_of_aws():
    pool = new_pool()
    stored, _ = cognito._resolve_pool(pool)
    stored["UserPoolTags"] = {"aws:cloudformation:stack-name": "a-stack"}
    call("UpdateUserPool", UserPoolId=pool)
    return not call("DescribeUserPool", UserPoolId=pool)[1]["UserPool"].get("UserPoolTags")


def both_names_of_the_days_are_taken():
    pool = new_pool()
    status, _ = call("UpdateUserPool", UserPoolId=pool, AdminCreateUserConfig={"UnusedAccountValidityDays": 7},
                     Policies={"PasswordPolicy": {"TemporaryPasswordValidityDays": 7}})
    return status == 200


def an_update_keeps_the_name():
    pool = new_pool()
    call("UpdateUserPool", UserPoolId=pool, PoolName="another")
    return call("DescribeUserPool", UserPoolId=pool)[1]["UserPool"]["Name"] != "another"


# What `GetUserPoolMfaConfig` tells, and `DescribeUserPool` does not.
FACTORS = ("SmsMfaConfiguration", "SoftwareTokenMfaConfiguration", "EmailMfaConfiguration", "WebAuthnConfiguration")


def without_factors(describe):
    """A description of a pool has no settings of second factors."""
    @functools.wraps(describe)
    def describe_user_pool(data):
        status, headers, body = describe(data)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        for name in FACTORS:
            answer["UserPool"].pop(name, None)
        return cognito.json_response(answer)
    return describe_user_pool


def a_description_has_settings_of_factors():
    pool = new_pool()
    call("SetUserPoolMfaConfig", UserPoolId=pool, MfaConfiguration="OPTIONAL",
         SoftwareTokenMfaConfiguration={"Enabled": True})
    return "SoftwareTokenMfaConfiguration" in call("DescribeUserPool", UserPoolId=pool)[1]["UserPool"]


PATCHES = [
    Patch("`DescribeUserPool` leaves out what `GetUserPoolMfaConfig` tells",
          (a_description_has_settings_of_factors,),
          lambda: wrap("_describe_user_pool", without_factors)),
    Patch("`UpdateUserPool` resets every setting that it is not given",
          (an_update_keeps_what_it_does_not_name, both_names_of_the_days_are_taken, an_update_keeps_the_name),
          lambda: wrap("_update_user_pool", resetting_what_is_left_out),
          (an_update_removes_the_tags_of_aws,)),
]
