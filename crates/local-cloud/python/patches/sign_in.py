"""Codes, tokens, passwords and sessions."""

import functools
import json
import threading

from ministack.services import cognito

from .patch import PASSWORD, Patch, call, new_client, new_pool, new_user, sign_in, wrap

ADA = "ada@example.com"


def with_every_check(run):
    """Checks codes, tokens and secret hashes. MiniStack checks them only if requests must be signed, too."""
    @functools.wraps(run)
    def run_idp_handler(handler, action, data):
        if action in cognito._UNSIGNED_IDP_ACTIONS or action == "VerifyUserAttribute":
            cognito._pin_unsigned_idp_scope(data)
        error = (cognito._validate_client_secret_hash(action, data) or cognito._auth_flow_error(action, data)
                 or cognito._access_token_error(data) or cognito._confirmation_code_error(action, data))
        return error or run(handler, action, data)
    return run_idp_handler


def by_session(revoked):
    """A sign-out ends all sessions. MiniStack compares times in whole seconds, so some would survive."""
    @functools.wraps(revoked)
    def refresh_token_revoked(token, user):
        return revoked(token, user) or cognito._token_claims(token).get("origin_jti") in cognito._revoked_tokens
    return refresh_token_revoked


# The sessions of people who have to choose a password, with their user. MiniStack accepts any text as a session.
choices = {}


def handing_out_one_session(answer):
    """A sign-in with a temporary password gives a session for choosing another password."""
    @functools.wraps(answer)
    def password_auth_result(pool, pid, cid, user, *rest, **named):
        status, headers, body = answer(pool, pid, cid, user, *rest, **named)
        challenge = json.loads(body)
        if challenge.get("ChallengeName") == "NEW_PASSWORD_REQUIRED":
            choices[challenge["Session"]] = (pid, user["Username"])
        return status, headers, body
    return password_auth_result


def choosing_a_password_once(respond):
    """A chosen password must satisfy the pool's policy, and a temporary one is replaced only once."""
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


def a_wrong_code_confirms():
    client = new_client(new_pool())["ClientId"]
    call("SignUp", ClientId=client, Username=ADA, Password=PASSWORD)
    return call("ConfirmSignUp", ClientId=client, Username=ADA, ConfirmationCode="000000")[0] == 200


def a_token_outlives_a_sign_out():
    pool = new_pool()
    client = new_client(pool)
    new_user(pool, ADA)
    token = sign_in(client, ADA)["AuthenticationResult"]["AccessToken"]
    call("AdminUserGlobalSignOut", UserPoolId=pool, Username=ADA)
    change = [{"Name": "name", "Value": "Ada"}]
    return call("UpdateUserAttributes", AccessToken=token, UserAttributes=change)[0] == 200


def a_client_with_a_secret_needs_none():
    client = new_client(new_pool(), GenerateSecret=True)["ClientId"]
    return call("SignUp", ClientId=client, Username=ADA, Password=PASSWORD)[0] == 200


def a_flow_that_is_off_signs_in():
    pool = new_pool()
    new_user(pool, ADA)
    client = new_client(pool, ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"])["ClientId"]
    return call("InitiateAuth", ClientId=client, AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": ADA, "PASSWORD": PASSWORD})[0] == 200


def a_session_outlives_a_sign_out():
    pool = new_pool()
    client = new_client(pool)
    new_user(pool, ADA)
    for _ in range(3):
        # Only a session of the same second survives.
        token = sign_in(client, ADA)["AuthenticationResult"]["RefreshToken"]
        call("AdminUserGlobalSignOut", UserPoolId=pool, Username=ADA)
        status, _ = call("InitiateAuth", ClientId=client["ClientId"], AuthFlow="REFRESH_TOKEN_AUTH",
                         AuthParameters={"REFRESH_TOKEN": token})
        if status == 200:
            return True
    return False


def invited():
    """Pool and client of Ada, who has a temporary password, and the session with which she may replace it."""
    pool = new_pool()
    client = new_client(pool)
    new_user(pool, ADA)
    call("AdminSetUserPassword", UserPoolId=pool, Username=ADA, Password=PASSWORD, Permanent=False)
    return pool, client, sign_in(client, ADA)["Session"]


def chooses(client, session, password):
    """The status of replacing Ada's temporary password."""
    return call("RespondToAuthChallenge", ClientId=client["ClientId"], ChallengeName="NEW_PASSWORD_REQUIRED",
                Session=session, ChallengeResponses={"USERNAME": ADA, "NEW_PASSWORD": password})[0]


def any_session_replaces_a_temporary_password():
    _, client, _ = invited()
    return chooses(client, "nonsense", PASSWORD + "!") == 200


def a_weak_password_replaces_a_temporary_one():
    _, client, session = invited()
    return chooses(client, session, "weak") == 200


def a_temporary_password_is_replaced_twice():
    _, client, session = invited()
    return [chooses(client, session, PASSWORD + end) for end in "!?"] == [200, 200]


PATCHES = [
    Patch("a wrong code, a token after a sign-out, a missing secret hash and a flow that is off are refused",
          (a_wrong_code_confirms, a_token_outlives_a_sign_out, a_client_with_a_secret_needs_none,
           a_flow_that_is_off_signs_in),
          lambda: wrap("_run_idp_handler", with_every_check)),
    Patch("a sign-out ends every session", (a_session_outlives_a_sign_out,),
          lambda: wrap("_refresh_token_revoked", by_session)),
    Patch("a temporary password is replaced once",
          (any_session_replaces_a_temporary_password, a_weak_password_replaces_a_temporary_one,
           a_temporary_password_is_replaced_twice),
          lambda: (
              wrap("_password_auth_result", handing_out_one_session),
              wrap("_admin_respond_to_auth_challenge", choosing_a_password_once),
              wrap("_respond_to_auth_challenge", choosing_a_password_once))),
]
