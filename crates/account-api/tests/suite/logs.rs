use crate::house::House;
use cognito_core::testing::CapturedLog;
use cognito_core::user_pool::memory::native;
use serde_json::json;

const OLD: &str = "ada@example.com";
const NEW: &str = "lovelace@example.org";
const GUEST: &str = "grace@example.com";

#[tokio::test(start_paused = true)]
async fn the_log_tells_what_was_decided_and_nothing_about_the_person() {
    let house = House::new([native(OLD)]);
    let mut secrets = vec![OLD.to_owned(), NEW.to_owned(), GUEST.to_owned(), "Grace".to_owned()];
    let ((), log) = CapturedLog::of(async {
        let wish = || Some(json!({ "new_email": NEW }));
        let verify =
            async |code: &str| house.as_owner(OLD, "POST", "/email-change/verify", Some(json!({ "code": code }))).await;
        house.as_owner(OLD, "POST", "/email-change", wish()).await;
        house.as_owner(OLD, "POST", "/email-change", wish()).await;
        verify("000000").await;
        secrets.push(house.code_sent_to(OLD));
        verify(&house.code_sent_to(OLD)).await;
        secrets.push(house.code_sent_to(NEW));
        verify(&house.code_sent_to(NEW)).await;
        let body = json!({ "email": GUEST, "attributes": { "given_name": "Grace" } });
        house.as_nobody("POST", "/invitations", Some(body)).await;
        let mail = house.mailer.last_to(GUEST).unwrap();
        let (username, token) = (mail.parameter("username").unwrap(), mail.parameter("token").unwrap());
        for password in ["weak-secret", "The-Guest's-own-1", "The-Guest's-own-1"] {
            secrets.push(password.to_owned());
            let body = json!({ "username": username, "token": token, "password": password });
            house.as_nobody("POST", "/invitations/complete", Some(body)).await;
        }
        secrets.push(token);
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
