//! Signs in once with a browser: press the button, choose a person at the provider, arrive signed in.

use fantoccini::{ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use local_cloud::browser::Browser;
use local_cloud::local_stack::Address;
use local_cloud::local_stack::people::{FACEBOOK, GOOGLE, READY_ACCOUNT};

#[tokio::test]
async fn who_presses_the_button_arrives_signed_in_and_sees_every_way_in() {
    let address = Address::from_environment().unwrap();
    let browser = Browser::start().await.unwrap();
    let page = ClientBuilder::new(HttpConnector::new())
        .capabilities(browser.capabilities())
        .connect(browser.address())
        .await
        .unwrap();
    let text = async |selector: &str| page.find(Locator::Css(selector)).await.unwrap().text().await.unwrap();

    for (provider, subject) in [("Google", GOOGLE[0].subject), ("Facebook", FACEBOOK[0].subject)] {
        page.goto(&address.app).await.unwrap();
        page.find(Locator::Id(&format!("sign-in-{provider}"))).await.unwrap().click().await.unwrap();
        let person = format!("button[name=sub][value='{subject}']");
        page.wait().for_element(Locator::Css(&person)).await.unwrap().click().await.unwrap();
        page.wait().for_element(Locator::Id("ways-in")).await.unwrap();
        assert_eq!(text("#email").await, READY_ACCOUNT);
        if provider == "Google" {
            page.find(Locator::Id("sign-out")).await.unwrap().click().await.unwrap();
            page.wait().for_element(Locator::Id("sign-in-Google")).await.unwrap();
        }
    }

    let ways = text("#ways-in").await;
    for way in ["Password", "Google", GOOGLE[0].subject, "Facebook", FACEBOOK[0].subject] {
        assert!(ways.contains(way), "{way} is missing:\n{ways}");
    }
    let pool = address.stack.pool().unwrap();
    let account = pool.only_profile_of(READY_ACCOUNT).await.unwrap();
    assert_eq!(text("#subject").await, account.attribute("sub"));
    page.close().await.unwrap();
}
