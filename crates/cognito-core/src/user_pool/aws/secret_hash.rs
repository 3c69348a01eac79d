use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What proves that the caller knows an app client's secret: HMAC-SHA-256 over user name and client id, in Base64
/// (Cognito developer guide, "Computing secret hash values").
pub(super) fn secret_hash(secret: &str, user_name: &str, client_id: &str) -> String {
    // HMAC accepts keys of any length (RFC 2104 section 2), so this never fails.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(user_name.as_bytes());
    mac.update(client_id.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_secret_hash_is_that_of_the_published_recipe() {
        // printf '%s' ada@example.comclient | openssl dgst -sha256 -hmac secret -binary | base64
        let hash = super::secret_hash("secret", "ada@example.com", "client");
        assert_eq!(hash, "pCfmF0r7Gu0NuqTNTEkVYGLmqkeLB+7ZDlvCeFKuOH0=");
    }
}
