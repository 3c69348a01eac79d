//! Signs in once with a browser: press the button, choose a person at the provider, arrive signed in.

use local_cloud::local_stack::Address;
use local_cloud::local_stack::people::{FACEBOOK, GOOGLE, READY_ACCOUNT};

use crate::reader::{DESKTOP, Reader};

#[tokio::test]
async fn who_presses_the_button_arrives_signed_in_and_sees_every_way_in() {
    let address = Address::from_environment().unwrap();
    let reader = Reader::sits_down(DESKTOP).await.unwrap();

    for (provider, subject) in [("Google", GOOGLE[0].subject), ("Facebook", FACEBOOK[0].subject)] {
        reader.opens(&address.app).await.unwrap();
        reader.presses(&format!("#sign-in-{provider}")).await.unwrap();
        reader.presses(&format!("button[name=sub][value='{subject}']")).await.unwrap();
        reader.finds("#ways-in").await.unwrap();
        assert_eq!(reader.text("#email").await.unwrap(), READY_ACCOUNT);
        if provider == "Google" {
            reader.presses("#sign-out").await.unwrap();
            reader.finds("#sign-in-Google").await.unwrap();
        }
    }

    let ways = reader.text("#ways-in").await.unwrap();
    for way in ["Password", "Google", GOOGLE[0].subject, "Facebook", FACEBOOK[0].subject] {
        assert!(ways.contains(way), "{way} is missing:\n{ways}");
    }
    let pool = address.stack.pool().unwrap();
    let account = pool.only_profile_of(READY_ACCOUNT).await.unwrap();
    assert_eq!(reader.text("#subject").await.unwrap(), account.attribute("sub"));
    reader.leaves().await.unwrap();
}
