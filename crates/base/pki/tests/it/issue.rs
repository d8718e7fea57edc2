use strongroom_crypto::ec::{self, Curve};
use strongroom_crypto::rsa;
use strongroom_pki::{
    BasicConstraints, Certificate, Identity, Kind, Name, Signer, Validity, issue, self_sign,
};

use crate::openssl::{Folder, P256};
use crate::{CLUSTER_KEY, NOW, endpoint, root, validity};

fn device_key() -> ec::PrivateKey {
    ec::PrivateKey::generate(Curve::P256).unwrap()
}

/// The chain of a hardware certificate: a manufacturer's root, a device under it, a partition under that.
#[test]
fn openssl_verifies_the_chain_of_a_device() {
    let manufacturer = device_key();
    let manufacturer_root = self_sign(&root("Manufacturer"), &manufacturer).unwrap();
    let device = rsa::PrivateKey::generate(2048, 65_537).unwrap();
    let identity = Identity::new(
        Name::new().common_name("Device"),
        Kind::Authority { path_length: Some(0) },
        validity(),
    );
    let spki = device.public_key().to_spki().unwrap();
    let hardware = issue(&identity, &spki, &manufacturer_root, &manufacturer).unwrap();
    let spki = CLUSTER_KEY.public_key().to_spki().unwrap();
    let partition = issue(&endpoint("Partition"), &spki, &hardware, &device).unwrap();

    assert!(manufacturer_root.is_self_signed() && !hardware.is_self_signed());
    let constraints = BasicConstraints { ca: true, path_length: Some(0) };
    assert_eq!(hardware.basic_constraints(), Some(constraints));
    assert_eq!(hardware.may_sign_certificates(), Some(true));
    let constraints = BasicConstraints { ca: false, path_length: None };
    assert_eq!(partition.basic_constraints(), Some(constraints));
    assert!(partition.is_for_key(&spki));
    partition.verify_signed_by(&hardware).unwrap();

    let folder = Folder::new();
    folder.write("root.crt", manufacturer_root.to_pem());
    folder.write("hardware.crt", hardware.to_pem());
    folder.write("partition.crt", partition.to_pem());
    let shown = folder.run(&format!(
        "verify -x509_strict -attime {NOW} -CAfile root.crt -untrusted hardware.crt partition.crt"
    ));
    assert_eq!(shown, "partition.crt: OK\n");
    assert!(!folder.output(&format!("verify -attime {NOW} -CAfile root.crt partition.crt")).status.success());
}

#[test]
fn an_endpoint_has_names_and_addresses() {
    let key = device_key();
    let mut identity = endpoint("control plane");
    identity.dns_names = vec!["localhost".to_owned(), "plane.example.com".to_owned()];
    identity.addresses = vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    let certificate = self_sign(&identity, &key).unwrap();
    assert_eq!(certificate.dns_names(), identity.dns_names);
    assert_eq!(certificate.addresses(), identity.addresses);

    let folder = Folder::new();
    folder.write("plane.crt", certificate.to_pem());
    let text = folder.run("x509 -in plane.crt -noout -text");
    for part in [
        "DNS:localhost, DNS:plane.example.com, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "CA:FALSE",
        "Version: 3 (0x2)",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn certificates_are_issued_under_a_root_that_openssl_made() {
    let folder = Folder::new();
    let root = Certificate::from_pem(&folder.authority("Root", P256, "")).unwrap();
    folder.run("pkcs8 -topk8 -nocrypt -in Root.key -outform DER -out Root.der");
    let root_key = ec::PrivateKey::from_pkcs8(&std::fs::read(folder.path("Root.der")).unwrap()).unwrap();
    let key = device_key();
    let spki = Signer::public_key(&key).unwrap();
    let identity = Identity::new(
        Name::new().common_name("leaf"),
        Kind::Endpoint,
        Validity { not_before: root.not_before(), not_after: root.not_after() },
    );
    let certificate = issue(&identity, &spki, &root, &root_key).unwrap();
    folder.write("leaf.crt", certificate.to_pem());
    assert_eq!(folder.run("verify -CAfile Root.crt leaf.crt"), "leaf.crt: OK\n");

    // With another key than the issuer's there is nothing to issue.
    assert!(issue(&identity, &spki, &root, &key).is_err());
}

#[test]
fn serial_numbers_differ() {
    let key = device_key();
    let one = self_sign(&root("Root"), &key).unwrap();
    let other = self_sign(&root("Root"), &key).unwrap();
    assert_ne!(one.serial(), other.serial());
    assert_eq!(one.serial().len(), 32);
}

#[test]
fn what_cannot_be_written_is_refused() {
    let key = device_key();
    let mut identity = endpoint("name");
    identity.validity = Validity { not_before: NOW, not_after: NOW - 1 };
    assert!(self_sign(&identity, &key).is_err());
    identity.validity = Validity { not_before: i64::MIN, not_after: NOW };
    assert!(self_sign(&identity, &key).is_err());
    let mut identity = endpoint("name");
    identity.dns_names = vec!["b\u{fc}cher.example".to_owned()];
    assert!(self_sign(&identity, &key).is_err());
    let identity = Identity::new(Name::new().country("\u{df}"), Kind::Endpoint, validity());
    assert!(self_sign(&identity, &key).is_err());
    // Keys that this crate does not sign with.
    let key = ec::PrivateKey::generate(Curve::Secp256k1).unwrap();
    assert!(self_sign(&endpoint("name"), &key).is_err());
    assert!(self_sign(&endpoint("name"), &ec::PrivateKey::generate(Curve::P384).unwrap()).is_err());
}
