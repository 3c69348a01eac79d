"""Who has which e-mail address, and whether it is verified."""

import base64
import functools
import json
import threading
import time
import urllib.request
from unittest import mock

from ministack.services import cognito

from .operations import CHANGE_CODE
from .patch import Patch, attributes, call, held, new_client, new_pool, new_user, sign_in, wrap, write_attributes

ADA, GRACE = "ada@example.com", "grace@example.com"


def one_at_a_time(create):
    """Runs one call after the other, so that two calls cannot both find that an address is free."""
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
        held = attributes(user)
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
                held = attributes(user)
                if held.get("email", "").lower() != email or held.get("email_verified") != "true":
                    continue
                if not data.get("ForceAliasCreation"):
                    return cognito.error_response_json(
                        "AliasExistsException", "An account with the email already exists.", 400)
                write_attributes(user, {"email_verified": "false"})
        return create(data)
    return admin_create_user


def refusing_a_taken_address(update):
    """Where the address is a user name or an alias, a verified one belongs to one native profile only, however it is set."""
    @functools.wraps(update)
    def admin_update_user_attributes(data):
        pool, _ = cognito._resolve_pool(data.get("UserPoolId"))
        own, _ = cognito._resolve_user(pool, data.get("Username")) if pool else (None, None)
        changes = cognito._attr_list_to_dict(data.get("UserAttributes", []))
        held = attributes(own)
        email = changes.get("email", held.get("email", "")).lower()
        proven = str(changes.get("email_verified", "")).lower() == "true"
        is_alias = pool and "email" in (pool.get("AliasAttributes") or [])
        is_name = is_alias or (pool and "email" in (pool.get("UsernameAttributes") or []))
        for user in pool["_users"].values() if own and email and proven and is_name else []:
            other = attributes(user)
            holds = other.get("email", "").lower() == email and user.get("UserStatus") != "EXTERNAL_PROVIDER"
            if user is not own and holds and (not is_alias or other.get("email_verified") == "true"):
                return cognito.error_response_json(
                    "AliasExistsException", "An account with the email already exists.", 400)
        return update(data)
    return admin_update_user_attributes


def verifying_the_address(confirm):
    """Confirming a registration with the code from a mail proves the address."""
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
    """Cognito writes a JSON true as the text "true". Python's str() would write "True"."""
    @functools.wraps(decode)
    def decode_id_token(token):
        claims = decode(token)
        return {name: str(value).lower() if isinstance(value, bool) else value for name, value in claims.items()}
    return decode_id_token


def looking_again(resolve):
    """Looks for an account again where another one came or went meanwhile."""
    @functools.wraps(resolve)
    def resolve_user(pool, username):
        while True:
            try:
                return resolve(pool, username)
            except RuntimeError:
                continue
    return resolve_user


def both_at_once(act):
    """The statuses of two calls of which each is inside the operation before the other one ends."""
    together, statuses = threading.Barrier(2), []
    now = cognito._now_epoch

    def both_are_inside():
        try:
            together.wait(0.5)
        except threading.BrokenBarrierError:
            pass
        return now()

    with mock.patch.object(cognito, "_now_epoch", both_are_inside):
        calls = [functools.partial(lambda number: statuses.append(act(number)[0]), number) for number in range(2)]
        threads = [threading.Thread(target=one) for one in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return statuses


def email(address):
    """A verified address, as attributes of a call."""
    return [{"Name": "email", "Value": address}, {"Name": "email_verified", "Value": "true"}]


def two_creations_get_one_address():
    data = {"UserPoolId": new_pool(), "Username": ADA, "MessageAction": "SUPPRESS"}
    return both_at_once(lambda _: cognito._admin_create_user(dict(data))) == [200, 200]


def two_creations_get_one_alias():
    pool = new_pool(AliasAttributes=["email"])
    data = {"UserPoolId": pool, "MessageAction": "SUPPRESS", "UserAttributes": email(ADA)}
    return both_at_once(lambda number: cognito._admin_create_user(data | {"Username": f"user-{number}"})) == [200, 200]


def two_updates_get_one_address():
    pool = new_pool(AliasAttributes=["email"])
    for number in range(2):
        new_user(pool, f"user-{number}", f"user-{number}@example.com")
    return both_at_once(lambda number: cognito._admin_update_user_attributes({
        "UserPoolId": pool, "Username": f"user-{number}", "UserAttributes": email(ADA)})) == [200, 200]


def changes_her_address(**settings):
    """Ada, who has just asked for another address: pool, access token, user name, and the answer."""
    pool = new_pool(**settings)
    client = new_client(pool)
    new_user(pool, ADA)
    token = sign_in(client, ADA)["AuthenticationResult"]["AccessToken"]
    name = call("GetUser", AccessToken=token)[1]["Username"]
    change = [{"Name": "email", "Value": GRACE}]
    return pool, token, name, call("UpdateUserAttributes", AccessToken=token, UserAttributes=change)[1]


ASKING = {"UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]}}


def a_new_address_is_stored_at_once():
    pool, _, name, _ = changes_her_address(**ASKING)
    return held(pool, name)["email"] == GRACE


def a_new_address_stays_verified():
    pool, _, name, _ = changes_her_address()
    return held(pool, name)["email_verified"] == "true"


def no_code_goes_to_the_new_address():
    _, _, _, answer = changes_her_address(**ASKING)
    return not answer.get("CodeDeliveryDetailsList")


def a_pending_change_outlives_an_administrators():
    pool, token, name, _ = changes_her_address(**ASKING)
    call("AdminUpdateUserAttributes", UserPoolId=pool, Username=name, UserAttributes=email("hedy@example.com"))
    call("VerifyUserAttribute", AccessToken=token, AttributeName="email", Code=CHANGE_CODE)
    return held(pool, name)["email"] != "hedy@example.com"


def an_alias_is_given_twice():
    pool = new_pool(AliasAttributes=["email"])
    new_user(pool, "ada", ADA)
    return new_user(pool, "eve", ADA) == 200


def a_forced_alias_is_held_by_two():
    pool = new_pool(AliasAttributes=["email"])
    new_user(pool, "ada", ADA)
    call("AdminCreateUser", UserPoolId=pool, Username="eve", MessageAction="SUPPRESS", UserAttributes=email(ADA),
         ForceAliasCreation=True)
    return held(pool, "ada")["email_verified"] == "true"


def a_verified_address_is_given_twice():
    pool = new_pool()
    new_user(pool, ADA)
    new_user(pool, GRACE)
    return call("AdminUpdateUserAttributes", UserPoolId=pool, Username=GRACE, UserAttributes=email(ADA))[0] == 200


def a_confirmed_registration_proves_nothing():
    pool = new_pool()
    client = new_client(pool)["ClientId"]
    call("SignUp", ClientId=client, Username=ADA, Password="Correct-Horse-7-Battery",
         UserAttributes=[{"Name": "email", "Value": ADA}])
    call("ConfirmSignUp", ClientId=client, Username=ADA, ConfirmationCode="123456")
    return held(pool, ADA).get("email_verified") != "true"


def a_claim_is_written_as_python_writes_it():
    pool = new_pool()
    call("CreateIdentityProvider", UserPoolId=pool, ProviderName="Okta", ProviderType="OIDC",
         ProviderDetails={"token_url": "http://127.0.0.1:9/token", "client_id": "local", "client_secret": "local"},
         AttributeMapping={"email": "email", "email_verified": "email_verified"})
    claims = {"sub": "1", "email": ADA, "email_verified": True}
    token = "e30." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".x"
    cognito._auth_codes["gaps"] = {
        "type": "relay", "pool_id": pool, "client_id": new_client(pool)["ClientId"], "state": "",
        "redirect_uri": "http://127.0.0.1/", "provider_name": "Okta", "scopes": [], "created_at": time.time()}
    answer = mock.MagicMock()
    answer.__enter__.return_value.read.return_value = json.dumps({"id_token": token}).encode()
    with mock.patch.object(urllib.request, "urlopen", return_value=answer):
        cognito._oauth2_idp_response("GET", b"", {"code": "x", "state": "gaps"})
    return held(pool, "Okta_1")["email_verified"] == "True"


def a_search_fails_if_an_account_comes():
    pool = cognito._resolve_pool(new_pool())[0]
    for address in (ADA, GRACE):
        new_user(pool["Id"], address)
    users, read = pool["_users"], cognito._attr_list_to_dict

    def read_while_one_comes(pairs):
        users.setdefault("comes", {})
        return read(pairs)

    with mock.patch.object(cognito, "_attr_list_to_dict", read_while_one_comes):
        try:
            cognito._resolve_user(pool, "nobody@example.com")
        except RuntimeError:
            return True
    return False


PATCHES = [
    Patch("two `AdminCreateUser` calls at once cannot both get an address", (two_creations_get_one_address,),
          lambda: wrap("_admin_create_user", one_at_a_time)),
    Patch("a new address is pending until its code is entered",
          (a_new_address_is_stored_at_once, a_new_address_stays_verified, no_code_goes_to_the_new_address),
          lambda: (
              wrap("_update_user_attributes", keeping_the_old_address),
              wrap("_admin_update_user_attributes", ending_a_pending_change)),
          (a_pending_change_outlives_an_administrators,)),
    Patch("`AdminCreateUser` refuses a verified alias that somebody has",
          (an_alias_is_given_twice, a_forced_alias_is_held_by_two, two_creations_get_one_alias),
          lambda: wrap("_admin_create_user", refusing_a_taken_alias, one_at_a_time)),
    Patch("`AdminUpdateUserAttributes` refuses a verified address that somebody has",
          (a_verified_address_is_given_twice, two_updates_get_one_address),
          lambda: wrap("_admin_update_user_attributes", refusing_a_taken_address, one_at_a_time)),
    Patch("`ConfirmSignUp` verifies the address", (a_confirmed_registration_proves_nothing,),
          lambda: wrap("_confirm_sign_up", verifying_the_address)),
    Patch("an account is found by its address while others come and go", (a_search_fails_if_an_account_comes,),
          lambda: wrap("_resolve_user", looking_again)),
    Patch("a claim that is JSON `true` becomes `true`", (a_claim_is_written_as_python_writes_it,),
          lambda: wrap("_decode_id_token_unverified", with_claims_as_cognito_writes_them)),
]
