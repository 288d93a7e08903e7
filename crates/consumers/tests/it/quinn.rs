//! Two endpoints of QUIC over loopback.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat_consumers::quinn::QuinnRuntime;
use async_runtime_compat_examples::http::Host;
use quinn::rustls::RootCertStore;
use quinn::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use quinn::{
    ClientConfig, Endpoint, EndpointConfig, IdleTimeout, ServerConfig, SmolRuntime, TransportConfig,
};

use crate::{on_all_backends, run};

struct Certificate {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    fn new() -> Certificate {
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der());
        Certificate { certificate: signed.cert.der().clone(), key: key.into() }
    }

    fn server(&self) -> ServerConfig {
        let chain = vec![self.certificate.clone()];
        ServerConfig::with_single_cert(chain, self.key.clone_key()).unwrap()
    }

    fn client(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        ClientConfig::with_root_certificates(Arc::new(roots)).unwrap()
    }
}

fn endpoint(running: &Host, server: Option<ServerConfig>) -> Endpoint {
    let runtime = QuinnRuntime::new(running.runtime.clone(), Arc::new(SmolRuntime));
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    Endpoint::new(EndpointConfig::default(), server, socket, Arc::new(runtime)).unwrap()
}

/// Answers each stream with what came over it.
async fn echo(endpoint: Endpoint) {
    let connection = endpoint.accept().await.unwrap().await.unwrap();
    while let Ok((mut send, mut receive)) = connection.accept_bi().await {
        let request = receive.read_to_end(1 << 20).await.unwrap();
        send.write_all(&request).await.unwrap();
        send.finish().unwrap();
    }
}

#[test]
fn streams_are_echoed() {
    on_all_backends(|running| {
        let certificate = Certificate::new();
        let server = endpoint(running, Some(certificate.server()));
        let address: SocketAddr = server.local_addr().unwrap();
        let echo = running.runtime.spawn_with_handle(echo(server));
        run(async {
            let client = endpoint(running, None);
            let connecting =
                client.connect_with(certificate.client(), address, "localhost").unwrap();
            let connection = connecting.await.unwrap();
            let request = vec![7; 100_000];
            for _ in 0..10 {
                let (mut send, mut receive) = connection.open_bi().await.unwrap();
                send.write_all(&request).await.unwrap();
                send.finish().unwrap();
                assert!(receive.read_to_end(1 << 20).await.unwrap() == request);
            }
            connection.close(0_u32.into(), b"enough");
            echo.await.unwrap();
            client.wait_idle().await;
        });
    });
}

/// QUIC's own timers run on ours.
#[test]
fn silent_connection_times_out() {
    on_all_backends(|running| {
        let certificate = Certificate::new();
        let server = endpoint(running, Some(certificate.server()));
        let address = server.local_addr().unwrap();
        let accepted = running.runtime.spawn_with_handle(async move {
            let connection = server.accept().await.unwrap().await.unwrap();
            (server, connection)
        });
        run(async {
            let mut transport = TransportConfig::default();
            let limit = IdleTimeout::try_from(Duration::from_millis(100)).unwrap();
            transport.max_idle_timeout(Some(limit));
            let mut config = certificate.client();
            config.transport_config(Arc::new(transport));
            let client = endpoint(running, None);
            let connection =
                client.connect_with(config, address, "localhost").unwrap().await.unwrap();
            let _accepted = accepted.await.unwrap();
            assert_eq!(connection.closed().await, quinn::ConnectionError::TimedOut);
        });
    });
}
