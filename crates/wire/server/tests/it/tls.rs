//! The front door over TLS: what is agreed on, what records tell of it, and certificates that are replaced.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use strongroom_crypto::ec::{Curve, PrivateKey};
use strongroom_identity::Tls;
use strongroom_pki::{Identity, Kind, Name, Validity, issue, self_sign};
use strongroom_server::{Certificate, Limits};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::rig::{HOST, Rig, Setup, in_time};
use crate::signing::Order;

/// An authority, and what it signs.
struct Authority {
    certificate: strongroom_pki::Certificate,
    key: PrivateKey,
}

/// Valid for longer than anybody runs these tests.
const VALIDITY: Validity = Validity { not_before: 1_400_000_000, not_after: 4_000_000_000 };

impl Authority {
    fn new() -> Self {
        let key = PrivateKey::generate(Curve::P256).unwrap();
        let name = Name::new().common_name("an authority");
        let identity = Identity::new(name, Kind::Authority { path_length: None }, VALIDITY);
        Self { certificate: self_sign(&identity, &key).unwrap(), key }
    }

    /// A certificate for the server, and its key.
    fn sign(&self) -> (Vec<CertificateDer<'static>>, rustls::pki_types::PrivateKeyDer<'static>) {
        let key = PrivateKey::generate(Curve::P256).unwrap();
        let mut identity = Identity::new(Name::new().common_name(HOST), Kind::Endpoint, VALIDITY);
        identity.dns_names = vec![HOST.to_owned()];
        let public = key.public_key().to_spki().unwrap();
        let made = issue(&identity, &public, &self.certificate, &self.key).unwrap();
        let der = PrivatePkcs8KeyDer::from(key.to_pkcs8().unwrap().expose().clone());
        (vec![CertificateDer::from(made.as_der().to_vec())], der.into())
    }

    /// Connects as a client that trusts it.
    async fn connect(
        &self,
        rig: &Rig,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.certificate.as_der().to_vec())).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(rig.address).await?;
        let connector = TlsConnector::from(Arc::new(config));
        in_time(connector.connect(ServerName::try_from(HOST).unwrap(), stream)).await
    }
}

async fn rig(authority: &Authority, limits: Limits) -> (Rig, Certificate) {
    let (chain, key) = authority.sign();
    let certificate = Certificate::new(chain, key).unwrap();
    let setup = Setup { limits, certificate: Some(certificate.clone()), ..Setup::default() };
    (Rig::of(setup).await, certificate)
}

#[tokio::test]
async fn calls_come_over_http_2_and_1_1_and_records_tell_how() {
    let authority = Authority::new();
    let (rig, _) = rig(&authority, Limits::default()).await;
    let request = Order::json("GetDoor", r#"{"DoorId":"front"}"#).sign();

    let stream = authority.connect(&rig, &[&TLS13], &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut client, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    assert_eq!(in_time(client.send_request(request.http2())).await.unwrap().status(), 200);
    drop(client);
    drop(in_time(connection).await);
    let host = Some(HOST.to_owned());
    let tls = Tls { version: "TLSv1.3", cipher_suite: "TLS_AES_256_GCM_SHA384", host: host.clone() };
    assert_eq!(rig.records.all()[0].tls, Some(tls));

    let stream = authority.connect(&rig, &[&TLS12], &["http/1.1"]).await.unwrap();
    let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let asked = http::Request::post("/").body(Full::new(Bytes::from(request.body.clone()))).unwrap();
    let (mut parts, body) = asked.into_parts();
    for (name, value) in &request.headers {
        parts.headers.insert(http::HeaderName::try_from(name.as_str()).unwrap(), value.parse().unwrap());
    }
    let answer = in_time(client.send_request(http::Request::from_parts(parts, body))).await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(in_time(answer.into_body().collect()).await.unwrap());
    let tls = Tls { version: "TLSv1.2", cipher_suite: "ECDHE-ECDSA-AES256-GCM-SHA384", host };
    assert_eq!(rig.records.all()[1].tls, Some(tls));
}

#[tokio::test]
async fn a_replaced_certificate_is_shown_to_who_comes_next() {
    let (before, after) = (Authority::new(), Authority::new());
    let (rig, certificate) = rig(&before, Limits::default()).await;
    before.connect(&rig, &[&TLS13], &[]).await.unwrap();
    after.connect(&rig, &[&TLS13], &[]).await.unwrap_err();
    let (chain, key) = after.sign();
    certificate.replace(chain, key).unwrap();
    after.connect(&rig, &[&TLS13], &[]).await.unwrap();
    before.connect(&rig, &[&TLS13], &[]).await.unwrap_err();
    // A key that is another's changes nothing.
    let ((chain, _), (_, key)) = (after.sign(), after.sign());
    certificate.replace(chain, key).unwrap_err();
    after.connect(&rig, &[&TLS13], &[]).await.unwrap();
}

#[tokio::test]
async fn who_does_not_begin_or_speaks_something_else_is_let_go() {
    let limits = Limits { handshake_time: Duration::from_millis(50), ..Limits::default() };
    let (rig, _) = rig(&Authority::new(), limits).await;
    let mut silent = TcpStream::connect(rig.address).await.unwrap();
    let mut said = Vec::new();
    in_time(silent.read_to_end(&mut said)).await.unwrap();
    assert_eq!(said, b"");

    let mut wire = rig.connect().await;
    wire.send(b"GET /_strongroom/health HTTP/1.1\r\nHost: doors.example.com\r\n\r\n").await;
    let mut said = Vec::new();
    // It is told by an alert of TLS, or just let go.
    drop(in_time(wire.stream.read_to_end(&mut said)).await);
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
    assert!(rig.stop(Duration::from_secs(20)).await);
}

#[tokio::test]
async fn a_handshake_under_way_does_not_keep_the_server() {
    let authority = Authority::new();
    let (rig, _) = rig(&authority, Limits::default()).await;
    let _silent = TcpStream::connect(rig.address).await.unwrap();
    // It comes after the silent one in the queue, and is answered: the silent one has been taken up.
    let _other = authority.connect(&rig, &[&TLS13], &[]).await.unwrap();
    assert!(rig.stop(Duration::from_secs(5)).await);
}
