//! TLS between clients, HSMs and the control plane, with certificates as `openssl` makes them.

mod authority;

use std::sync::Arc;

use authority::Authority;
use rustls::pki_types::{PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, SignatureScheme};
use strongroom_hsm_proto::tls::{
    ClientAnchors, ClientIdentity, ClusterSigner, ClusterTrust, Judgement, SchemeOfCluster, TlsError,
    client_config, fleet, server_config,
};
use strongroom_pki::ReadError;

/// Signs with a key from a file, in the place of the HSM's core.
struct Signer(Arc<dyn rustls::sign::SigningKey>);

impl Signer {
    fn new(pem: &str) -> Arc<Self> {
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        Arc::new(Self(rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap()))
    }
}

impl ClusterSigner for Signer {
    fn sign(&self, scheme: SchemeOfCluster, message: &[u8]) -> Option<Vec<u8>> {
        let scheme = match scheme {
            SchemeOfCluster::PssSha256 => SignatureScheme::RSA_PSS_SHA256,
            SchemeOfCluster::PssSha384 => SignatureScheme::RSA_PSS_SHA384,
            SchemeOfCluster::PssSha512 => SignatureScheme::RSA_PSS_SHA512,
        };
        self.0.choose_scheme(&[scheme])?.sign(message).ok()
    }
}

/// Lets both ends talk until the handshake is done or one of them refuses.
fn shake_hands(
    client: ClientConfig,
    server: ServerConfig,
) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    let name = ServerName::try_from("127.31.0.9").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    // The client is done before the server has looked at its certificate.
    for _ in 0..6 {
        let bytes = said(&mut client);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        let bytes = said(&mut server);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok((client, server))
}

/// What one end has to say.
fn said<D>(from: &mut rustls::ConnectionCommon<D>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    bytes
}

fn serving(authority: &Authority, leaf: &authority::Issued, anchors: &ClientAnchors) -> ServerConfig {
    server_config(&leaf.certificate, &authority.certificate, Signer::new(&leaf.key), anchors.clone()).unwrap()
}

#[test]
fn a_version_1_certificate_is_believed_by_its_authority_and_by_its_pin() {
    let authority = Authority::new("rsa:2048");
    let leaf = authority.issue(&["-days", "30"]);
    assert!(leaf.text.contains("Version: 1"), "{}", leaf.text);
    for trust in [ClusterTrust::anchored(&authority.certificate), ClusterTrust::pinned(&leaf.certificate)] {
        let client = client_config(trust.unwrap(), None).unwrap();
        let (client, _) = shake_hands(client, serving(&authority, &leaf, &ClientAnchors::default())).unwrap();
        assert_eq!(client.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
        assert_eq!(client.peer_certificates().unwrap().len(), 2, "the chain comes along");
    }
}

#[test]
fn other_authorities_and_other_certificates_of_the_same_name_are_not_believed() {
    let (authority, other) = (Authority::new("rsa:2048"), Authority::new("rsa:2048"));
    let (leaf, sibling) = (authority.issue(&["-days", "30"]), authority.issue(&["-days", "30"]));
    for trust in [ClusterTrust::anchored(&other.certificate), ClusterTrust::pinned(&sibling.certificate)] {
        let client = client_config(trust.unwrap(), None).unwrap();
        let refused = shake_hands(client, serving(&authority, &leaf, &ClientAnchors::default())).unwrap_err();
        assert!(matches!(refused, rustls::Error::InvalidCertificate(_)), "{refused:?}");
    }
}

#[test]
fn a_server_without_the_key_is_not_believed() {
    let authority = Authority::new("rsa:2048");
    let (leaf, sibling) = (authority.issue(&["-days", "30"]), authority.issue(&["-days", "30"]));
    let forged = authority::Issued { key: sibling.key, ..leaf };
    let client = client_config(ClusterTrust::anchored(&authority.certificate).unwrap(), None).unwrap();
    let refused = shake_hands(client, serving(&authority, &forged, &ClientAnchors::default())).unwrap_err();
    assert!(matches!(refused, rustls::Error::InvalidCertificate(_)), "{refused:?}");
}

#[test]
fn expiry_warns_and_does_not_cut() {
    let authority = Authority::new("rsa:2048");
    let leaf = authority.issue(&["-not_before", "20200101000000Z", "-not_after", "20210101000000Z"]);
    let trust = ClusterTrust::anchored(&authority.certificate).unwrap();
    let der = rustls::pki_types::CertificateDer::from_pem_slice(leaf.certificate.as_bytes()).unwrap();
    assert_eq!(trust.judge(&der, &[], 1_600_000_000), Ok(Judgement::Believed));
    assert_eq!(trust.judge(&der, &[], 1_800_000_000), Ok(Judgement::BelievedThoughNotValidNow));
    let client = client_config(trust, None).unwrap();
    shake_hands(client, serving(&authority, &leaf, &ClientAnchors::default())).unwrap();
}

#[test]
fn authorities_of_every_usual_kind_count() {
    for algorithm in ["rsa:4096", "ec:prime256v1", "ec:secp384r1", "ec:secp521r1"] {
        let authority = Authority::new(algorithm);
        let leaf = authority.issue(&["-days", "30"]);
        let client = client_config(ClusterTrust::anchored(&authority.certificate).unwrap(), None).unwrap();
        let shaken = shake_hands(client, serving(&authority, &leaf, &ClientAnchors::default()));
        assert!(shaken.is_ok(), "{algorithm}: {:?}", shaken.err());
    }
}

#[test]
fn clients_need_a_certificate_only_where_it_is_enforced_and_expired_ones_do_not_count() {
    let (authority, clients, other) =
        (Authority::new("rsa:2048"), Authority::new("ec:prime256v1"), Authority::new("ec:prime256v1"));
    let leaf = authority.issue(&["-days", "30"]);
    let good = clients.issue(&["-days", "30"]);
    let expired = clients.issue(&["-not_before", "20200101000000Z", "-not_after", "20210101000000Z"]);
    let stranger = other.issue(&["-days", "30"]);
    let anchors = ClientAnchors::default();
    let connect = |identity: Option<&authority::Issued>| {
        let identity = identity.map(|id| ClientIdentity::from_pem(&id.certificate, &id.key).unwrap());
        let trust = ClusterTrust::anchored(&authority.certificate).unwrap();
        shake_hands(client_config(trust, identity).unwrap(), serving(&authority, &leaf, &anchors))
    };
    let now = rustls::pki_types::UnixTime::now().as_secs();
    // Without anchors nobody is asked.
    let (_, server) = connect(Some(&good)).unwrap();
    assert!(server.peer_certificates().is_none());

    anchors.set([(3, clients.certificate.as_str())], false).unwrap();
    connect(None).unwrap();
    let (_, server) = connect(Some(&good)).unwrap();
    assert_eq!(anchors.reference_of(server.peer_certificates().unwrap(), now), Some(3));
    assert!(connect(Some(&stranger)).is_err());
    assert!(connect(Some(&expired)).is_err());

    anchors.set([(3, clients.certificate.as_str())], true).unwrap();
    assert!(connect(None).is_err());
    connect(Some(&good)).unwrap();

    anchors.set([], false).unwrap();
    assert_eq!(anchors.reference_of(server.peer_certificates().unwrap(), now), None);
    assert_eq!(anchors.set([(1, "no certificate")], true), Err(TlsError::NotACertificate(ReadError::NotPem)));
}

#[test]
fn an_hsm_and_its_control_plane_know_each_other_byte_for_byte() {
    let (devices, plane) = (Authority::new("ec:prime256v1"), Authority::new("ec:prime256v1"));
    let device = devices.issue(&["-days", "30"]);
    let chain = [device.der(), devices.der()];
    let plane_config = || fleet::plane_config(&[plane.der()], &plane.key_der()).unwrap();

    let hsm = fleet::hsm_config(&chain, &device.key_der(), &plane.der()).unwrap();
    let (_, server) = shake_hands(hsm, plane_config()).unwrap();
    assert_eq!(server.peer_certificates().unwrap()[0].as_ref(), chain[0]);

    let mistaken = fleet::hsm_config(&chain, &device.key_der(), &devices.der()).unwrap();
    assert!(shake_hands(mistaken, plane_config()).is_err());

    let other = devices.issue(&["-days", "30"]);
    let thief = fleet::hsm_config(&chain, &other.key_der(), &plane.der()).unwrap();
    assert!(shake_hands(thief, plane_config()).is_err(), "a certificate without its key is nothing");

    let nobody = client_config(ClusterTrust::pinned(&plane.certificate).unwrap(), None).unwrap();
    assert!(shake_hands(nobody, plane_config()).is_err());
}

#[test]
fn only_authorities_stand_between_a_leaf_and_its_anchor() {
    const CA: &str = "basicConstraints=critical,CA:TRUE";
    let root = Authority::new("ec:prime256v1");
    let trust = ClusterTrust::anchored(&root.certificate).unwrap();
    let judge = |leaf: &authority::Issued, between: &[&authority::Issued]| {
        let between: Vec<_> = between.iter().map(|issued| issued.der()).collect();
        let between: Vec<_> = between.iter().map(Vec::as_slice).collect();
        let now = rustls::pki_types::UnixTime::now().as_secs();
        trust.judge(&leaf.der(), &between, now).is_ok()
    };
    for (extensions, believed) in [
        (&[][..], false),
        (&[CA], true),
        (&["basicConstraints=critical,CA:FALSE"], false),
        (&["keyUsage=keyCertSign"], false),
        (&[CA, "keyUsage=digitalSignature"], false),
        (&[CA, "1.3.6.1.4.1.55555.1=critical,ASN1:NULL"], false),
        (&[CA, "1.3.6.1.4.1.55555.1=ASN1:NULL"], true),
    ] {
        let middle = root.issue_under(None, "middle", extensions);
        assert_eq!(middle.text.contains("Version: 1"), extensions.is_empty());
        let leaf = root.issue_under(Some(&middle), "leaf", &[]);
        assert_eq!(judge(&leaf, &[&middle]), believed, "{extensions:?}");
        assert!(judge(&middle, &[]), "it is good as a leaf");
    }
    for (length, believed) in [(0, false), (1, true)] {
        let upper = format!("{CA},pathlen:{length}");
        let upper = root.issue_under(None, "upper", &[&upper]);
        let lower = root.issue_under(Some(&upper), "lower", &[CA]);
        let leaf = root.issue_under(Some(&lower), "leaf", &[]);
        assert_eq!(judge(&leaf, &[&lower, &upper]), believed, "{length}");
        assert!(judge(&lower, &[&upper]));
    }
}
