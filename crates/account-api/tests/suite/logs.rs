use crate::email_change::{NEW, OLD, prove, request, verify, wrong};
use crate::house::House;
use crate::identities::token;
use crate::identities_connect::{
    ADA, AT_GOOGLE, NEW as SELF_SERVICE, ada, confirming, half_moved_from, last_code, look, made_with_identity, offer,
    post,
};
use crate::invitations::{GUEST, PASSWORD, last_link};
use cognito_core::testing::CapturedLog;
use cognito_core::user_pool::memory::native;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn the_log_tells_what_was_decided_and_nothing_about_the_person() {
    let house = House::new([native(OLD)]);
    let mut secrets = vec![OLD.to_owned(), NEW.to_owned(), GUEST.to_owned(), "Grace".to_owned()];
    let ((), log) = CapturedLog::of(async {
        request(&house).await;
        request(&house).await;
        verify(&house, "000000").await;
        for address in [OLD, NEW] {
            secrets.push(house.code_sent_to(address));
            prove(&house, OLD, address).await;
        }
        let body = json!({ "email": GUEST, "attributes": { "given_name": "Grace" } });
        house.as_nobody("POST", "/invitations", Some(body)).await;
        let link = last_link(&house);
        for password in ["weak-secret", PASSWORD, PASSWORD] {
            secrets.push(password.to_owned());
            link.answer_with(&house, password).await;
        }
        secrets.push(link.token);
        house.mailer.set_broken(true);
        house.as_nobody("POST", "/invitations", Some(json!({ "email": OLD }))).await;
    })
    .await;
    for decision in [
        "email_change_requested",
        "request-pending",
        "wrong-code",
        "email_change_advanced",
        "email_changed",
        "guest_created",
        "weak-password",
        "invitation_completed",
        "already-completed",
        "mail-not-sent",
    ] {
        assert!(log.contains(decision), "no {decision} in:\n{log}");
    }
    // The memory pool's sub is made of the address; a real one is not.
    let log = log.replace(&format!("sub-{OLD}"), "the sub");
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} in:\n{log}");
    }
}

/// What a log line may not hold of these people. A `sub` of the memory pool is made of the address; a real one is not.
fn without_subs(log: &str) -> String {
    log.replace(&ada().sub, "a sub").replace(&made_with_identity().sub, "another sub")
}

#[tokio::test(start_paused = true)]
async fn the_log_of_the_ways_to_sign_in_names_no_address_code_subject_offer_or_confirmation() {
    let mut other = made_with_identity();
    "subject-at-google".clone_into(&mut other.identities[0].value);
    let house = House::set([ada(), other], &SELF_SERVICE);
    let secrets = [ADA, AT_GOOGLE, "***", &ada().user_name, "subject-at-google"];
    let mut secrets = secrets.map(str::to_owned).to_vec();
    let ((), log) = CapturedLog::of(async {
        let claims = token(&ada(), house.time());
        let get = async || house.call(Some(&claims), "GET", "/identities", None).await.unwrap();
        get().await;
        post(&house, &claims, "/identities", json!({ "offer": "00.ff" })).await;
        let offer = offer(&house, &made_with_identity(), &ada()).await;
        let seen = look(&house, &ada(), &offer).await;
        let mut body = confirming(&offer, &seen, &ada());
        house.mailer.set_broken(true);
        post(&house, &claims, "/identities", body.clone()).await;
        house.mailer.set_broken(false);
        post(&house, &claims, "/identities", body.clone()).await;
        let code = last_code(&house);
        body["code"] = json!(wrong(&code));
        post(&house, &claims, "/identities", body.clone()).await;
        body["code"] = json!(code);
        post(&house, &claims, "/identities", body.clone()).await;
        let ways = get().await;
        let id = ways.body["identities"][0]["id"].as_str().unwrap().to_owned();
        house.call(Some(&claims), "DELETE", &format!("/identities/{id}"), None).await;
        house.call(Some(&claims), "DELETE", "/identities/0", None).await;
        house.call(Some(&claims), "DELETE", "/sessions", None).await;
        post(&house, &claims, "/notices", json!({ "what": "password-changed" })).await;
        secrets.extend([offer, seen.body["confirmation"].as_str().unwrap().to_owned(), code, id]);
        // A move that cannot be completed.
        let house = half_moved_from(&made_with_identity()).await;
        house.pool.change(|accounts| drop(accounts.remove(0)));
        house.call(Some(&token(&made_with_identity(), house.time())), "GET", "/identities", None).await;
    })
    .await;
    for decision in [
        "offer-invalid",
        "mail-not-sent",
        "identity_code_sent",
        "wrong-code",
        "identity_connected",
        "identity_disconnected",
        "no-such-identity",
        "signed_out_everywhere",
        "password_change_told",
        "identity_given_back",
    ] {
        assert!(log.contains(decision), "no {decision} in:\n{log}");
    }
    let log = without_subs(&log);
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} in:\n{log}");
    }
}
