//! One person of the storm: what they do, and what they must never see.

use std::sync::Arc;
use std::time::Duration;

use account_api::mailer::memory::Sent;
use anyhow::{Context as _, Result, ensure};
use local_cloud::user_pool::Profile;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::Seen;
use super::client::{Answer, Client, PAUSE, Way};
use super::world::{PROVIDER, World, subject};

/// How many flows each person goes through.
const FLOWS: u32 = 4;

/// How long a person waits for a mail.
const LOOKS_FOR_MAIL: u32 = 50;

/// How often a person looks whether a change that was cut off still keeps them out, every four seconds. It may for 30.
const LOOKS_WHETHER_FREE: u32 = 10;

/// What the API says as long as it does.
const BUSY: [&str; 2] = ["identity-changing", "commit-in-progress"];

/// What may keep a person from connecting a provider for longer than they have patience.
const NOT_NOW: [&str; 3] = ["try-again", "mail-not-sent", "identity-changing"];

/// What the slower of two clients may see while the other one connects a provider.
const OVERTAKEN: [&str; 2] = ["account-unusable", "accounts-changed"];

/// How long a person waits before they invite somebody again.
const INVITES_AGAIN: Duration = Duration::from_secs(account_api::invitation::PAUSE + 1);

/// Whether this is an address that the owner of the account had, asked for, or was invited with. Two neighbours ask for the
/// same one. A guest has no number, and an account that is as old as their address.
pub(super) fn may_have(owner: Option<u32>, email: &str) -> bool {
    let Some(number) = owner else { return email.contains("-guest") };
    email.starts_with(&format!("p{number}-")) && !email.contains("-guest")
        || email.starts_with(&format!("pair{}-", number / 2))
}

/// What a person knows of the identity that they have at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Identity {
    /// They have not signed in with it.
    Unused,
    /// They have signed in with it, and were not told that it is connected.
    SignedIn,
    /// They were told that it is connected.
    Connected,
    /// They have asked to disconnect it.
    Disconnecting,
    /// They were told that it is disconnected.
    Disconnected,
}

impl Identity {
    /// Whether these may be all accounts that have it, where `sub` is the person's own one. Only who asked to disconnect it
    /// may have it nowhere: their next sign-in makes an account for it.
    fn may_be_with(self, sub: &str, owners: &[&Profile]) -> bool {
        let is_own = |owner: &Profile| owner.attribute("sub") == sub;
        match (self, owners) {
            (Self::Unused | Self::Disconnecting | Self::Disconnected, []) => true,
            (Self::SignedIn, [owner]) => is_own(owner) || !owner.is_native(),
            (Self::Connected | Self::Disconnecting, [owner]) => is_own(owner),
            _ => false,
        }
    }
}

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Changes the address.
    Change,
    /// Changes the address to one that a neighbour wants, too.
    Contest,
    /// Begins a change and takes it back.
    Cancel,
    /// Begins a change and guesses at its code.
    Guess,
    /// Invites somebody, who answers.
    Invite,
    /// Connects a provider, and every other person disconnects it again.
    Connect,
    /// Signs out everywhere.
    SignOut,
}

/// One person with their clients.
pub(super) struct Person<W> {
    number: u32,
    world: Arc<W>,
    way: Way,
    seen: Seen,
    random: StdRng,
    own: Profile,
    /// Signed in to the account.
    client: Client,
    /// Codes that have worked, or whose change has ended.
    spent: Vec<String>,
    identity: Identity,
    /// The request that connected it, with its code.
    connected: Option<Value>,
    /// Guests who were invited.
    guests: Vec<String>,
    /// Makes addresses that nobody has had.
    fresh: u32,
}

impl<W: World> Person<W> {
    pub(super) fn new(number: u32, own: Profile, seed: u64, world: Arc<W>, way: Way, seen: Seen) -> Self {
        let random = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(u64::from(number)));
        let (client, spent, guests) = (way.client(None), Vec::new(), Vec::new());
        let (identity, connected) = (Identity::Unused, None);
        Self { number, world, way, seen, random, own, client, spent, identity, connected, guests, fresh: 0 }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// The `sub` of their account.
    pub(super) fn sub(&self) -> &str {
        self.own.attribute("sub")
    }

    /// Whether the person's account is the one of these that has their identity at the provider.
    ///
    /// # Errors
    ///
    /// Fails if it is with nobody, with two, or with somebody else, and the person did not bring that about.
    pub(super) fn has_identity(&self, accounts: &[Profile]) -> Result<bool> {
        let has_it = |account: &&Profile| account.has_identity(PROVIDER, &subject(self.number));
        let owners: Vec<_> = accounts.iter().filter(has_it).collect();
        let is_right = self.identity.may_be_with(self.sub(), &owners);
        ensure!(is_right, "the identity of {} is {:?}, and with {owners:?}", self.sub(), self.identity);
        Ok(owners.iter().any(|owner| owner.attribute("sub") == self.sub()))
    }

    /// Goes through some flows, one after the other.
    pub(super) async fn storm(mut self) -> Self {
        let mut connects = self.random.random_range(0..2) == 0;
        for _ in 0..FLOWS {
            self.pause().await;
            let flow = match self.random.random_range(0..7) {
                0 | 1 => Flow::Change,
                2 => Flow::Contest,
                3 => Flow::Cancel,
                4 => Flow::Guess,
                5 => Flow::Invite,
                _ if std::mem::take(&mut connects) => Flow::Connect,
                _ => Flow::SignOut,
            };
            self.goes_through(flow).await;
        }
        self
    }

    /// Goes through a flow. What is not as it must be is seen.
    pub(super) async fn goes_through(&mut self, flow: Flow) {
        if let Err(why) = self.flow(flow).await {
            self.seen.wrong(format!("person {}: {why:#}", self.number));
        }
    }

    async fn flow(&mut self, flow: Flow) -> Result<()> {
        self.signs_in().await?;
        match flow {
            Flow::Change => self.change(self.own_address()).await.map(drop),
            Flow::Contest => {
                let contested = format!("pair{}-contested@example.com", self.number / 2);
                self.change(contested).await.map(drop)
            }
            Flow::Cancel => self.cancel().await,
            Flow::Guess => self.guess().await,
            Flow::Invite => self.invite().await,
            Flow::Connect => self.connect().await,
            Flow::SignOut => self.sign_out().await,
        }
    }

    /// The storm is over. The account must work as if nothing had been.
    pub(super) async fn afterwards(mut self) -> Self {
        if let Err(why) = self.works().await {
            self.seen.wrong(format!("afterwards, person {}: {why:#}", self.number));
        }
        self
    }

    async fn works(&mut self) -> Result<()> {
        self.signs_in().await?;
        let (status, standing) = self.send("GET", "/email-change", &Value::Null).await;
        ensure!(status == 200, "GET /email-change answers {status} {standing}");
        let (status, ways) = self.when_free(&self.client, "GET", "/identities", &Value::Null).await;
        ensure!(status == 200, "GET /identities answers {status} {ways}");
        // The change whose last answer was lost may be under way again, and there is one at a time.
        self.when_free(&self.client, "DELETE", "/email-change", &Value::Null).await;
        if !self.has_own_identity().await? && self.identity != Identity::Unused {
            // What was under way has just been completed, and that ended the sessions.
            self.signs_in().await?;
            ensure!(self.connects().await?, "the provider cannot be connected any more");
        }
        let new = self.own_address();
        ensure!(self.change(new.clone()).await? == Some(new), "the address cannot be changed any more");
        for guest in std::mem::take(&mut self.guests) {
            // Their account may be there and wait for them. Only an invitation opens it.
            if self.invite_guest(&guest).await? == Invited::Yes {
                continue;
            }
            // An invitation that failed may count all the same.
            tokio::time::sleep(INVITES_AGAIN).await;
            ensure!(self.invite_guest(&guest).await? == Invited::Yes, "{guest} cannot be invited any more");
        }
        Ok(())
    }
}

/// What became of an invitation.
#[derive(Debug, PartialEq, Eq)]
enum Invited {
    Yes,
    No,
}

/// The flows. Each returns early where the answer is a refusal that the API may give there.
impl<W: World> Person<W> {
    /// Changes the address, with each right code from two clients at once. Returns the new address if it is the account's.
    async fn change(&mut self, new: String) -> Result<Option<String>> {
        let Some((current, code)) = self.begin(&new).await? else { return Ok(None) };
        self.refuses_spent(&code).await?;
        let before = self.mails_to(&new);
        let advanced = self.client.twice("POST", "/email-change/verify", &json!({ "code": code })).await;
        self.spent.push(code.clone());
        if !advanced.iter().any(|(status, body)| *status == 200 && body["stage"] == "new") {
            return self.give_up(&new).await;
        }
        // Two people may ask for one address. Then its mailbox has the codes of both.
        if self.mail_after(&new, before).await.is_none() {
            return self.give_up(&new).await;
        }
        for code in self.codes(&new).into_iter().skip(before) {
            let done = self.client.twice("POST", "/email-change/verify", &json!({ "code": code })).await;
            if done.iter().any(|(status, body)| *status == 200 && body["stage"] == "done") {
                self.spent.push(code.clone());
                self.is_spent(&code, &new).await?;
                ensure!(self.email().await? == new, "the answer was done, and the address is not {new}");
                ensure!(current != new, "the address is what it was");
                self.seen.ended("addresses changed");
                return Ok(Some(new));
            }
        }
        self.give_up(&new).await
    }

    /// Begins a change. Returns the current address and the code that went there.
    async fn begin(&mut self, new: &str) -> Result<Option<(String, String)>> {
        let current = self.email().await?;
        let before = self.mails_to(&current);
        let (status, body) = self.when_free(&self.client, "POST", "/email-change", &json!({ "new_email": new })).await;
        // The call that was thrown back may have begun it.
        if (status == 202 || body["code"] == "request-pending")
            && let Some(code) = self.mail_after(&current, before).await
        {
            return Ok(Some((current, code)));
        }
        let _ = self.send("DELETE", "/email-change", &Value::Null).await;
        Ok(None)
    }

    /// A code that has worked, or whose change has ended, approves no other change. The last code of a change that is
    /// complete still gets its answer, unless the change is named that it is meant for.
    async fn refuses_spent(&mut self, right: &str) -> Result<()> {
        let Some(spent) = self.spent.last().filter(|spent| *spent != right).cloned() else { return Ok(()) };
        let (_, standing) = self.send("GET", "/email-change", &Value::Null).await;
        for body in [json!({ "code": spent, "id": standing["id"] }), json!({ "code": spent })] {
            let (status, answer) = self.send("POST", "/email-change/verify", &body).await;
            let is_repeated = body.get("id").is_none() && answer["stage"] == "done";
            ensure!(status != 200 || is_repeated, "a code worked a second time: {answer}");
        }
        let (_, after) = self.send("GET", "/email-change", &Value::Null).await;
        let stands = after["id"] == standing["id"] && after["stage"] == "current";
        ensure!(stands || after["code"] == "try-again", "a spent code moved a change: {after}");
        Ok(())
    }

    /// The same code once more gets the same answer, and changes nothing.
    async fn is_spent(&mut self, code: &str, new: &str) -> Result<()> {
        let (status, body) = self.send("POST", "/email-change/verify", &json!({ "code": code })).await;
        let is_repeated = status == 200 && body["stage"] == "done";
        ensure!(is_repeated || body["code"] == "no-request", "a repeated code answers {status} {body}");
        ensure!(self.email().await? == new, "a repeated code changed the address");
        Ok(())
    }

    /// Ends a change that does not go on. It may have been made all the same.
    async fn give_up(&mut self, new: &str) -> Result<Option<String>> {
        let _ = self.send("DELETE", "/email-change", &Value::Null).await;
        self.seen.ended("changes given up");
        Ok((self.email().await? == new).then(|| new.to_owned()))
    }

    /// Takes a change back. Its code is void.
    async fn cancel(&mut self) -> Result<()> {
        let Some((current, code)) = self.begin(&self.own_address()).await? else { return Ok(()) };
        let (status, body) = self.send("DELETE", "/email-change", &Value::Null).await;
        if status != 204 {
            ensure!(body["code"] == "try-again", "DELETE /email-change answers {status} {body}");
            return Ok(());
        }
        let answers = self.client.twice("POST", "/email-change/verify", &json!({ "code": code })).await;
        ensure!(answers.iter().all(|(status, _)| *status != 200), "a cancelled change went on: {answers:?}");
        ensure!(self.email().await? == current, "a cancelled change changed the address");
        self.spent.push(code);
        self.seen.ended("changes cancelled");
        Ok(())
    }

    /// Guesses until the change ends. Then the right code is worth nothing.
    async fn guess(&mut self) -> Result<()> {
        let Some((_, code)) = self.begin(&self.own_address()).await? else { return Ok(()) };
        let guesses = (0..8).map(|guess| format!("{guess:06}")).filter(|guess| *guess != code);
        let mut tries = 0;
        for guess in guesses {
            let answers = self.client.twice("POST", "/email-change/verify", &json!({ "code": guess })).await;
            tries += answers.iter().filter(|(_, body)| body["code"] == "wrong-code").count();
            ensure!(answers.iter().all(|(status, _)| *status != 200), "a guess was right: {answers:?}");
        }
        ensure!(tries <= 5, "{tries} guesses were allowed");
        let (status, body) = self.send("POST", "/email-change/verify", &json!({ "code": code })).await;
        ensure!(status != 200, "the right code worked after so many guesses: {body}");
        self.spent.push(code);
        self.seen.ended("changes guessed at");
        Ok(())
    }

    async fn invite(&mut self) -> Result<()> {
        self.fresh += 1;
        let guest = format!("p{}-guest-{}@example.com", self.number, self.fresh);
        if self.invite_guest(&guest).await? == Invited::No {
            self.guests.push(guest);
        }
        Ok(())
    }

    /// Invites somebody, who answers with two clients at once, each with another password.
    async fn invite_guest(&mut self, guest: &str) -> Result<Invited> {
        let before = self.mails(guest).len();
        let (status, body) = self.send("POST", "/invitations", &json!({ "email": guest })).await;
        if body["code"] == "account-exists" {
            return Ok(Invited::Yes);
        }
        let mut link = None;
        for _ in 0..LOOKS_FOR_MAIL {
            link = self.mails(guest).into_iter().skip(before).last();
            if link.is_some() || status != 202 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let Some(link) = link else { return Ok(Invited::No) };
        let name = link.parameter("username").context("a mail without a user name")?;
        let token = link.parameter("token").context("a mail without a token")?;
        let complete =
            |password: &str| json!({ "username": name, "token": token, "password": format!("The-Guest's-{password}") });
        let nobody = self.way.client(None);
        let path = "/invitations/complete";
        let (one, two) = (complete("first-1"), complete("other-1"));
        let answers = tokio::join!(nobody.press("POST", path, &one), nobody.press("POST", path, &two));
        let worked: Vec<_> =
            [(&answers.0, &one), (&answers.1, &two)].into_iter().filter(|((status, _), _)| *status == 200).collect();
        let Some((_, worked_first)) = worked.first() else { return Ok(Invited::No) };
        ensure!(worked.len() == 1, "a link worked twice: {answers:?}");
        let password = worked_first["password"].as_str().unwrap_or_default();
        ensure!(self.world.opens(guest, password).await?, "the password is none that worked: {answers:?}");
        let (status, body) = nobody.press("POST", path, &complete("third-1")).await;
        ensure!(status != 200, "a link worked again: {body}");
        self.seen.ended("invitations answered");
        Ok(Invited::Yes)
    }

    async fn connect(&mut self) -> Result<()> {
        if self.connects().await? && self.number.is_multiple_of(2) {
            return self.disconnect().await;
        }
        Ok(())
    }

    /// Signs in with the provider and makes one account of the two, with two clients at once. Returns whether it is done.
    async fn connects(&mut self) -> Result<bool> {
        let path = "/identities";
        let alone = self.world.signs_in_with_provider(self.number).await?;
        self.identity = Identity::SignedIn;
        let other = self.way.client(Some(self.world.token(&alone).await?));
        let to = json!({ "to": self.sub() });
        let Some(offered) = self.asks(&other, "/identities/offer", &to).await? else { return Ok(false) };
        let mut body = json!({ "offer": offered["offer"] });
        let Some(proposal) = self.asks(&self.client, path, &body).await? else { return Ok(false) };
        body["confirmation"] = proposal["confirmation"].clone();
        body["stays"] = json!(self.sub());
        let mailbox = self.email().await?;
        let before = self.mails_to(&mailbox);
        if self.asks(&self.client, path, &body).await?.is_none() {
            return Ok(false);
        }
        // The mail of an answer that was lost may be lost, too. Whoever begins anew gets another one.
        let Some(code) = self.mail_after(&mailbox, before).await else { return Ok(false) };
        self.cannot_connect_with_spent(&body, &code).await?;
        body["code"] = json!(code);
        let twice = self.client.twice("POST", path, &body).await;
        let is_overtaken = |(_, body): &Answer| says_one_of(body, &NOT_NOW) || says_one_of(body, &OVERTAKEN);
        let is_right = twice.iter().all(|answer| answer.0 == 200 || is_overtaken(answer));
        ensure!(is_right, "the code from the mail is answered with {twice:?}");
        // Both answers may have been lost. The same request gets the same answer again, and changes nothing.
        let again = self.asks(&self.client, path, &body).await?;
        if again.is_none() && twice.iter().all(|(status, _)| *status != 200) {
            return Ok(false);
        }
        self.identity = Identity::Connected;
        self.connected = Some(body);
        self.has_own_identity().await?;
        self.seen.ended("providers connected");
        Ok(true)
    }

    /// A code that has worked, for the same provider or for a change of the address, connects nothing.
    async fn cannot_connect_with_spent(&self, confirmed: &Value, right: &str) -> Result<()> {
        let connected = self.connected.as_ref().and_then(|body| body["code"].as_str());
        let spent = connected.or(self.spent.last().map(String::as_str));
        let Some(spent) = spent.filter(|spent| *spent != right) else { return Ok(()) };
        let mut body = confirmed.clone();
        body["code"] = json!(spent);
        let (status, answer) = self.send("POST", "/identities", &body).await;
        let is_refused = answer["code"] == "wrong-code" || says_one_of(&answer, &NOT_NOW);
        ensure!(is_refused, "a spent code is answered with {status} {answer}");
        ensure!(!self.has_own_identity().await?, "a code worked a second time");
        Ok(())
    }

    /// Disconnects the provider, with two clients at once. The code that connected it brings it back no more.
    async fn disconnect(&mut self) -> Result<()> {
        let ways = self.when_free(&self.client, "GET", "/identities", &Value::Null).await;
        let Some(ways) = unless_later(ways)? else { return Ok(()) };
        let id = ways["identities"][0]["id"].as_str().context("the account does not show its provider")?;
        self.identity = Identity::Disconnecting;
        let answers = self.client.twice("DELETE", &format!("/identities/{id}"), &Value::Null).await;
        if answers.iter().any(|(status, _)| *status == 204) {
            self.identity = Identity::Disconnected;
            self.has_own_identity().await?;
            // A day long, the answer to the request is that it was done.
            self.signs_in().await?;
            let connected = self.connected.as_ref().unwrap_or(&Value::Null);
            unless_later(self.send("POST", "/identities", connected).await)?;
            self.has_own_identity().await?;
            self.seen.ended("providers disconnected");
        }
        Ok(())
    }

    async fn sign_out(&mut self) -> Result<()> {
        let (status, _) = self.send("DELETE", "/sessions", &Value::Null).await;
        if status == 204 {
            self.seen.ended("people signed out everywhere");
        }
        Ok(())
    }
}

/// What a person has at hand.
impl<W: World> Person<W> {
    /// An address of their own that they have not had.
    fn own_address(&self) -> String {
        // Each draw is another one, and none depends on how far the person came.
        format!("p{}-{:08x}@example.com", self.number, rand::random::<u32>())
    }

    /// The address that the account has, from the pool itself.
    async fn email(&self) -> Result<String> {
        let account = self.world.account(&self.own.username).await?.context("the account is gone")?;
        Ok(account.attribute("email").to_owned())
    }

    /// Looks into the pool itself for [`Self::has_identity`]: at the account, and at the one that a sign-in with the
    /// provider makes.
    async fn has_own_identity(&self) -> Result<bool> {
        let mut accounts = Vec::new();
        for name in [&self.own.username, &format!("{PROVIDER}_{}", subject(self.number))] {
            accounts.extend(self.world.account(name).await?);
        }
        self.has_identity(&accounts)
    }

    fn mails(&self, to: &str) -> Vec<Sent> {
        self.world.mailboxes().all_to(to)
    }

    fn codes(&self, to: &str) -> Vec<String> {
        self.mails(to).iter().filter_map(Sent::code).collect()
    }

    /// How many codes went to an address.
    fn mails_to(&self, to: &str) -> usize {
        self.codes(to).len()
    }

    /// Waits for a code that comes after so many others.
    async fn mail_after(&self, to: &str, before: usize) -> Option<String> {
        for _ in 0..LOOKS_FOR_MAIL {
            if let Some(code) = self.codes(to).into_iter().skip(before).last() {
                return Some(code);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        None
    }

    /// Signs in to the account, as whoever changes something there has just done.
    async fn signs_in(&mut self) -> Result<()> {
        self.client = self.way.client(Some(self.world.token(&self.own).await?));
        Ok(())
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.client.press(method, path, body).await
    }

    /// Sends a request, and again as long as a change that was cut off keeps others out.
    async fn when_free(&self, client: &Client, method: &str, path: &str, body: &Value) -> Answer {
        for _ in 0..LOOKS_WHETHER_FREE {
            let answer = client.press(method, path, body).await;
            if !says_one_of(&answer.1, &BUSY) {
                return answer;
            }
            tokio::time::sleep(PAUSE).await;
        }
        client.press(method, path, body).await
    }

    /// Asks for the next step of connecting a provider. `None` if the person has to come later.
    async fn asks(&self, client: &Client, path: &str, body: &Value) -> Result<Option<Value>> {
        unless_later(self.when_free(client, "POST", path, body).await)
    }

    async fn pause(&self) {
        tokio::time::sleep(PAUSE.mul_f64(rand::random())).await;
    }
}

/// Whether an answer has one of these codes.
fn says_one_of(body: &Value, codes: &[&str]) -> bool {
    body["code"].as_str().is_some_and(|code| codes.contains(&code))
}

/// The body of a good answer, and `None` if the person has to come later.
fn unless_later((status, body): Answer) -> Result<Option<Value>> {
    if says_one_of(&body, &NOT_NOW) {
        return Ok(None);
    }
    ensure!(matches!(status, 200 | 202), "connecting a provider is answered with {status} {body}");
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn account(sub: &str, status: &str) -> Profile {
        Profile {
            username: sub.to_owned(),
            status: status.to_owned(),
            enabled: true,
            attributes: BTreeMap::from([("sub".to_owned(), sub.to_owned())]),
            identities: Vec::new(),
            groups: Vec::new(),
        }
    }

    #[test]
    fn an_identity_is_with_nobody_only_after_its_person_asked_for_that() {
        let (own, other) = (account("own", "CONFIRMED"), account("other", "CONFIRMED"));
        let alone = account("alone", "EXTERNAL_PROVIDER");
        let may = |identity: Identity| {
            let owners: [&[&Profile]; 5] = [&[], &[&own], &[&alone], &[&other], &[&own, &alone]];
            owners.map(|owners| identity.may_be_with("own", owners))
        };
        assert_eq!(may(Identity::Unused), [true, false, false, false, false]);
        assert_eq!(may(Identity::SignedIn), [false, true, true, false, false]);
        assert_eq!(may(Identity::Connected), [false, true, false, false, false]);
        assert_eq!(may(Identity::Disconnecting), [true, true, false, false, false]);
        assert_eq!(may(Identity::Disconnected), [true, false, false, false, false]);
    }
}
