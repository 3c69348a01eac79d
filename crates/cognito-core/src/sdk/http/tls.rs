//! Whom to trust, and how to speak TLS.

use crate::settings::{Lookup, SettingError};
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Files with certificates to trust in place of those compiled in; the first that is set counts.
const BUNDLES: [&str; 2] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

/// TLS with Mozilla's roots, which are compiled in, or those of the file the environment names.
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
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        // The provider's own suites serve both versions, so this does not happen.
        .map_err(|_| SettingError { name: BUNDLES[0], value: String::new(), allowed: "TLS 1.2 or 1.3".to_owned() })?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The certificates of a file; `None` if it cannot be read or holds no usable one.
fn bundle(path: &str) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).ok()? {
        // A system's bundle may hold one that is malformed beside many that are not.
        let _ = roots.add(certificate.ok()?);
    }
    (!roots.is_empty()).then_some(roots)
}
