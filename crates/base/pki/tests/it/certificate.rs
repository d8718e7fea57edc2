use strongroom_crypto::digest::Hash;
use strongroom_crypto::ec::Curve;
use strongroom_pki::{Certificate, PublicKeyKind, ReadError, SignatureAlgorithm, self_sign};

use crate::openssl::{Folder, P256, RSA};
use crate::{CLUSTER_KEY, NOW, root};

/// Every key and every digest that CloudHSM takes, made by openssl.
#[test]
fn signatures_of_every_supported_kind_verify() {
    let folder = Folder::new();
    let ec = |curve: &str| format!("-algorithm EC -pkeyopt ec_paramgen_curve:{curve}");
    let rsa = |bits: u32| format!("-algorithm RSA -pkeyopt rsa_keygen_bits:{bits}");
    let keys = [
        ("rsa2048", rsa(2048), PublicKeyKind::Rsa(2048)),
        ("rsa3072", rsa(3072), PublicKeyKind::Rsa(3072)),
        ("p256", ec("prime256v1"), PublicKeyKind::Ec(Curve::P256)),
        ("p384", ec("secp384r1"), PublicKeyKind::Ec(Curve::P384)),
        ("p521", ec("secp521r1"), PublicKeyKind::Ec(Curve::P521)),
    ];
    let hashes = [Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512];
    for (name, arguments, kind) in keys {
        folder.run(&format!("genpkey {arguments} -out {name}.key"));
        for hash in hashes {
            let digest = format!("{hash:?}").to_lowercase();
            let make = format!("req -x509 -new -key {name}.key -subj /CN={name} -days 10 -{digest} -out crt");
            folder.run(&make);
            let certificate = Certificate::from_pem(&folder.read("crt")).unwrap();
            assert_eq!(certificate.public_key_kind(), kind);
            assert!(certificate.is_self_signed(), "{name} {digest}");
            let is_rsa = matches!(kind, PublicKeyKind::Rsa(_));
            let expected =
                if is_rsa { SignatureAlgorithm::RsaPkcs1(hash) } else { SignatureAlgorithm::Ecdsa(hash) };
            assert_eq!(certificate.signature_algorithm(), Some(expected));

            if is_rsa {
                folder.run(&format!("{make} -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest"));
                let certificate = Certificate::from_pem(&folder.read("crt")).unwrap();
                assert!(certificate.is_self_signed(), "{name} {digest} pss");
                let salt_length = hash.output_length();
                let expected = SignatureAlgorithm::RsaPss { hash, salt_length };
                assert_eq!(certificate.signature_algorithm(), Some(expected));
            }
        }
    }
}

#[test]
fn algorithms_that_are_not_supported_verify_nothing() {
    let folder = Folder::new();
    folder.authority("old", RSA, "-sha1");
    let certificate = Certificate::from_pem(&folder.read("old.crt")).unwrap();
    assert_eq!(certificate.signature_algorithm(), None);
    assert!(certificate.is_self_issued() && !certificate.is_self_signed());

    folder.authority("edwards", "-algorithm ED25519", "");
    let certificate = Certificate::from_pem(&folder.read("edwards.crt")).unwrap();
    assert_eq!(certificate.public_key_kind(), PublicKeyKind::Other);
    assert!(!certificate.is_self_signed());

    // Two hashes in one signature.
    folder.authority("mixed", RSA, "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_mgf1_md:sha512");
    let certificate = Certificate::from_pem(&folder.read("mixed.crt")).unwrap();
    assert_eq!(certificate.signature_algorithm(), None);
}

#[test]
fn what_openssl_shows_of_a_certificate_is_what_we_read() {
    let folder = Folder::new();
    let pem = folder.authority("Root", P256, "-addext subjectAltName=DNS:example.com,IP:10.0.0.1,IP:fd00::1");
    let certificate = Certificate::from_pem(&pem).unwrap();
    let shown = folder.run("x509 -in Root.crt -noout -serial -fingerprint -sha256 -subject");
    assert!(shown.contains(&format!("serial={}", certificate.serial().to_uppercase())), "{shown}");
    let fingerprint = shown.lines().find(|line| line.to_lowercase().contains("fingerprint=")).unwrap();
    let fingerprint = fingerprint.split_once('=').unwrap().1.replace(':', "").to_lowercase();
    assert_eq!(certificate.fingerprint(), fingerprint);
    assert_eq!(certificate.subject(), "C=US, O=Example, CN=Root");
    assert_eq!(certificate.issuer(), certificate.subject());
    assert_eq!(certificate.common_name(), Some("Root"));
    assert_eq!(certificate.version(), 3);
    assert_eq!(certificate.dns_names(), ["example.com"]);
    let addresses: [std::net::IpAddr; 2] = ["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()];
    assert_eq!(certificate.addresses(), addresses);
    assert_eq!(certificate.not_after() - certificate.not_before(), 3650 * crate::DAY);
    folder.run("pkey -in Root.key -pubout -outform DER -out spki");
    assert!(certificate.is_for_key(&std::fs::read(folder.path("spki")).unwrap()));
}

#[test]
fn version_1_is_read() {
    let folder = Folder::new();
    folder.authority("Root", RSA, "");
    folder.run(&format!("genpkey {RSA} -out leaf.key"));
    folder.run("req -new -key leaf.key -subj /CN=leaf -out leaf.csr");
    folder.run("x509 -req -in leaf.csr -CA Root.crt -CAkey Root.key -CAcreateserial -days 10 -out leaf.crt");
    let (root, leaf) = (folder.read("Root.crt"), folder.read("leaf.crt"));
    let (root, leaf) = (Certificate::from_pem(&root).unwrap(), Certificate::from_pem(&leaf).unwrap());
    assert_eq!(leaf.version(), 1);
    assert!(!leaf.has_extensions());
    assert!(leaf.names_issuer(&root) && !root.names_issuer(&leaf));
    leaf.verify_signed_by(&root).unwrap();
    assert!(root.verify_signed_by(&leaf).is_err());
}

#[test]
fn a_time_is_within_or_not() {
    let certificate = self_sign(&root("Root"), &*CLUSTER_KEY).unwrap();
    let (first, last) = (certificate.not_before(), certificate.not_after());
    assert!(certificate.is_valid_at(NOW) && certificate.is_valid_at(first) && certificate.is_valid_at(last));
    for other in [first - 1, last + 1, 0, i64::MIN, i64::MAX] {
        assert!(!certificate.is_valid_at(other), "{other}");
    }
}

#[test]
fn no_changed_byte_goes_unnoticed() {
    let certificate = self_sign(&root("Root"), &*CLUSTER_KEY).unwrap();
    let der = certificate.as_der();
    for position in 0..der.len() {
        let mut changed = der.to_vec();
        changed[position] ^= 1;
        let believed = Certificate::from_der(&changed).map(|changed| changed.verify_signed_by(&certificate));
        assert_ne!(believed, Ok(Ok(())), "byte {position}");
    }
    for length in 0..der.len() {
        assert_eq!(Certificate::from_der(&der[..length]), Err(ReadError::Malformed));
    }
    assert_eq!(Certificate::from_der(&[der, &[0]].concat()), Err(ReadError::Malformed));
}
