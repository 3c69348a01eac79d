//! Does the pool verify sign-ups with a link of Cognito, and do the messages fit that?

use super::{Facts, Finding};
use crate::trigger::Trigger;
use messages::settings::{MESSAGE_STYLE, TEMPLATE_DIR};
use messages::{Kind, Settings, Style};

const SUBJECT: &str = "VerificationMessageTemplate";

/// Messages for which Cognito may write its link in place of the code. For the last two, AWS does not say.
const PERHAPS_BY_LINK: [Kind; 4] = [Kind::SignUp, Kind::ResendCode, Kind::UpdateAttribute, Kind::VerifyAttribute];

/// The settings of custom-message, as far as they can be read. The folder with templates is on the function's machine. What the
/// function cannot start with is not known here.
pub(super) fn settings_of_messages(facts: &Facts) -> Option<Settings> {
    let lookup =
        |name: &str| facts.setting(Trigger::CustomMessage, name).filter(|_| name != TEMPLATE_DIR).map(str::to_owned);
    Settings::from_lookup(&lookup).ok().filter(|_| facts.has_settings(Trigger::CustomMessage))
}

pub(super) fn check(facts: &Facts) -> Option<Finding> {
    let by_link = facts.text("/VerificationMessageTemplate/DefaultEmailOption") == "CONFIRM_WITH_LINK";
    let remedy = || {
        format!(
            "Set {MESSAGE_STYLE}=link,sign-up=cognito-link,resend-code=cognito-link,update-attribute=code,\
             verify-attribute=code on custom-message (link only with APP_URL). Or let the pool send codes: set \
             VerificationMessageTemplate.DefaultEmailOption to CONFIRM_WITH_CODE"
        )
    };
    if !facts.functions.contains_key(&Trigger::CustomMessage) {
        let why = "The pool verifies sign-ups by a link of Cognito. If you attach custom-message, it has to know that. Opening \
                   the link is enough, so a mail scanner that opens links confirms a registration that somebody else made \
                   with the address";
        return by_link.then(|| Finding::note("pool_verifies_by_link", SUBJECT, why, remedy()));
    }
    let opened = || {
        let why = "The pool verifies by a link of Cognito. Opening it is enough, so a mail scanner that opens links confirms a \
                   registration that somebody else made with the address";
        let remedy = format!(
            "Let the pool send codes: set VerificationMessageTemplate.DefaultEmailOption to CONFIRM_WITH_CODE, and take \
             cognito-link out of {MESSAGE_STYLE}"
        );
        Finding::note("pool_verifies_by_link", SUBJECT, why, remedy)
    };
    let Some(settings) = settings_of_messages(facts) else { return by_link.then(opened) };
    let any = |kinds: &[Kind], style| kinds.iter().any(|kind| settings.style_of(*kind) == style);
    let sign_up = &PERHAPS_BY_LINK[..2];
    if by_link && any(&PERHAPS_BY_LINK, Style::Link) {
        let why = "The pool verifies by a link of Cognito, which Cognito writes in place of the code. So the links of \
                   custom-message, which have the code in them, are broken";
        Some(Finding::error("pool_verifies_by_link", SUBJECT, why, remedy()))
    } else if by_link && any(sign_up, Style::Code) {
        let why = "The pool verifies by a link of Cognito. It stands where custom-message tells people to type a code";
        Some(Finding::warning("pool_verifies_by_link", SUBJECT, why, remedy()))
    } else if !by_link && any(sign_up, Style::CognitoLink) {
        let why = "MESSAGE_STYLE relies on Cognito's link, and the pool sends codes: nobody can confirm a sign-up";
        let remedy = format!("Take cognito-link out of {MESSAGE_STYLE} on custom-message");
        Some(Finding::error("pool_verifies_by_code", SUBJECT, why, remedy))
    } else {
        by_link.then(opened)
    }
}
