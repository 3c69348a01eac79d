//! Trusted certificates and TLS settings.

use crate::settings::{Lookup, SettingError};
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::CipherSuite;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Variables for a file with certificates to trust instead of those compiled in. The first that is set counts.
const BUNDLES: [&str; 2] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

/// Tickets for resuming a session in another connection: eight for each of four servers.
const SESSIONS: usize = 32;

/// TLS with Mozilla's roots, which are compiled in, or with those of the file that the environment names.
pub(super) fn connector(lookup: Lookup<'_>) -> Result<TlsConnector, SettingError> {
    let named = BUNDLES.into_iter().find_map(|name| Some((name, lookup(name).filter(|path| !path.trim().is_empty())?)));
    let roots = match named {
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        Some((name, path)) => bundle(path.trim()).ok_or_else(|| SettingError {
            name,
            value: path,
            allowed: "a readable file with certificates as PEM".to_owned(),
        })?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        // The provider has suites for both versions, so this does not fail.
        .map_err(|_| SettingError { name: BUNDLES[0], value: String::new(), allowed: "TLS 1.2 or 1.3".to_owned() })?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The provider's suites, with the 128-bit keys first. They use SHA-256, for which Lambda's processors have
/// instructions, so a start costs less than with SHA-384. The server makes the final choice.
fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.cipher_suites.sort_by_key(|suite| !uses_sha256_and_aes(suite.suite()));
    provider
}

fn uses_sha256_and_aes(suite: CipherSuite) -> bool {
    matches!(
        suite,
        CipherSuite::TLS13_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    )
}

/// The certificates of a file. `None` if the file cannot be read or has no usable certificate.
fn bundle(path: &str) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).ok()? {
        // A system's bundle may have a malformed certificate among many good ones.
        let _ = roots.add(certificate.ok()?);
    }
    (!roots.is_empty()).then_some(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suites_with_sha256_are_offered_first_and_none_is_lost() {
        let suites = provider().cipher_suites;
        let first = suites.iter().take_while(|suite| uses_sha256_and_aes(suite.suite())).count();
        assert_eq!(first, suites.iter().filter(|suite| uses_sha256_and_aes(suite.suite())).count());
        assert_eq!((first, suites.len()), (3, ring::default_provider().cipher_suites.len()));
    }
}
