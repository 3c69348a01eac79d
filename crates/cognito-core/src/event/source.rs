/// Why Cognito called a trigger: the closed set of sources that these functions know.
///
/// Any other source reads as [`TriggerSource::Unknown`], and its event is returned unchanged. AWS adds sources, and an
/// old function must not break a new flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TriggerSource {
    /// A person registers with a password.
    PreSignUpSignUp,
    /// An administrator, or our own linking, creates a profile.
    PreSignUpAdminCreateUser,
    /// A federated identity without a profile and without a link signs in.
    PreSignUpExternalProvider,
    /// A profile was confirmed, or a federated identity signed in for the first time.
    PostConfirmationConfirmSignUp,
    /// A forgotten password was replaced.
    PostConfirmationConfirmForgotPassword,
    /// A person signed in. Cognito does not send it on the first sign-in of a federated identity.
    PostAuthenticationAuthentication,
    /// The code after registration.
    CustomMessageSignUp,
    /// The invitation with a temporary password.
    CustomMessageAdminCreateUser,
    /// The registration code, sent again.
    CustomMessageResendCode,
    /// The code for a forgotten password.
    CustomMessageForgotPassword,
    /// The code for a changed e-mail address or phone number, sent by Cognito at the change.
    CustomMessageUpdateUserAttribute,
    /// The code for an e-mail address or phone number, sent because the person asked.
    CustomMessageVerifyUserAttribute,
    /// The second factor at sign-in.
    CustomMessageAuthentication,
    /// A federated sign-in, before its profile is written.
    InboundFederationExternalProvider,
    /// Any other source.
    Unknown,
}

impl TriggerSource {
    /// Every known source with its spelling in `triggerSource`.
    pub const KNOWN: [(Self, &'static str); 14] = [
        (Self::PreSignUpSignUp, "PreSignUp_SignUp"),
        (Self::PreSignUpAdminCreateUser, "PreSignUp_AdminCreateUser"),
        (Self::PreSignUpExternalProvider, "PreSignUp_ExternalProvider"),
        (Self::PostConfirmationConfirmSignUp, "PostConfirmation_ConfirmSignUp"),
        (Self::PostConfirmationConfirmForgotPassword, "PostConfirmation_ConfirmForgotPassword"),
        (Self::PostAuthenticationAuthentication, "PostAuthentication_Authentication"),
        (Self::CustomMessageSignUp, "CustomMessage_SignUp"),
        (Self::CustomMessageAdminCreateUser, "CustomMessage_AdminCreateUser"),
        (Self::CustomMessageResendCode, "CustomMessage_ResendCode"),
        (Self::CustomMessageForgotPassword, "CustomMessage_ForgotPassword"),
        (Self::CustomMessageUpdateUserAttribute, "CustomMessage_UpdateUserAttribute"),
        (Self::CustomMessageVerifyUserAttribute, "CustomMessage_VerifyUserAttribute"),
        (Self::CustomMessageAuthentication, "CustomMessage_Authentication"),
        (Self::InboundFederationExternalProvider, "InboundFederation_ExternalProvider"),
    ];

    /// Reads the value of `triggerSource`. Case counts, because AWS always writes it in the same way.
    #[must_use]
    pub fn from_wire(text: &str) -> Self {
        Self::KNOWN.iter().find(|(_, wire)| *wire == text).map_or(Self::Unknown, |(source, _)| *source)
    }

    /// The spelling in `triggerSource`, or `"unknown"` for a source outside the set.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::KNOWN.iter().find(|(source, _)| *source == self).map_or("unknown", |(_, wire)| wire)
    }
}
