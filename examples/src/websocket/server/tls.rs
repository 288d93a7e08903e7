//! A throw-away certificate, generated for each server and kept in memory only.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use futures_rustls::TlsAcceptor;
use futures_rustls::pki_types::{CertificateDer, PrivateKeyDer};
use futures_rustls::rustls::ServerConfig;
use futures_rustls::rustls::crypto::ring;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// A server's TLS acceptor, and the certificate by which clients trust it.
pub(super) struct Identity {
    pub(super) acceptor: TlsAcceptor,
    /// The authority that signed the server's certificate, in PEM. Its key is not kept.
    pub(super) authority: String,
}

impl Identity {
    /// Generates an identity for `localhost`, the loopback addresses and the given address.
    pub(super) fn throw_away(address: IpAddr) -> io::Result<Identity> {
        let (authority, certificate, key) = issue(address).map_err(io::Error::other)?;
        Ok(Identity { acceptor: acceptor(certificate, key).map_err(io::Error::other)?, authority })
    }
}

fn issue(
    address: IpAddr,
) -> Result<(String, CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "throw-away authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let address = address.to_string();
    if !names.contains(&address) {
        names.push(address);
    }
    let mut server = CertificateParams::new(names)?;
    server.distinguished_name.push(DnType::CommonName, "localhost");
    server.use_authority_key_identifier_extension = true;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &authority)?;

    Ok((authority.pem(), certificate.der().clone(), key.into()))
}

fn acceptor(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> Result<TlsAcceptor, futures_rustls::rustls::Error> {
    // Without naming the provider, a second one in the same program would be an error.
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
