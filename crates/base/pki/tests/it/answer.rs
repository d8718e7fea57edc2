use std::fs;

use strongroom_crypto::ec::{self, Curve};
use strongroom_crypto::rsa;
use strongroom_pki::{
    Certificate, CertificateRequest, Signer, Validity, check_cluster_certificate, private_key_pem, self_sign,
};

use crate::openssl::{Folder, P256, RSA};
use crate::{CLUSTER_KEY, NOW, cluster_name, root, validity};

/// An authority that openssl made, its name not an easy one, answers a cluster's request, and openssl, and what
/// InitializeCluster asks, find it right.
fn answers_as_openssl_does(key: &str, load: impl FnOnce(&[u8]) -> Box<dyn Signer>) {
    let folder = Folder::new();
    folder.run(&format!("genpkey {key} -out ca.key"));
    let subject = "/C=CH/O=Schl\u{fc}ssel/OU=one/OU=two/emailAddress=ca@example.com/CN=Authority";
    folder.run(&format!("req -x509 -new -utf8 -key ca.key -subj {subject} -days 20000 -out ca.crt"));
    folder.run("pkcs8 -topk8 -nocrypt -in ca.key -outform DER -out ca.der");
    let key = load(&fs::read(folder.path("ca.der")).unwrap());
    let authority = Certificate::from_pem(&folder.read("ca.crt")).unwrap();
    let request = CertificateRequest::create(&cluster_name(), &*CLUSTER_KEY).unwrap();
    let now = authority.not_before();
    // Beyond 2049, where times are written otherwise.
    let validity = Validity { not_before: now, not_after: now + 50 * 365 * 86_400 };

    let made = request.answer(validity, &authority, &&*key).unwrap();
    assert_eq!((made.version(), made.subject()), (1, request.subject()));
    assert_eq!((made.not_before(), made.not_after()), (validity.not_before, validity.not_after));
    check_cluster_certificate(&request.to_pem(), &made.to_pem(), &authority.to_pem(), now + 1).unwrap();
    folder.write("cluster.crt", made.to_pem());
    assert_eq!(folder.run("verify -CAfile ca.crt cluster.crt"), "cluster.crt: OK\n");
}

#[test]
fn an_rsa_authority_answers_a_request() {
    answers_as_openssl_does(RSA, |der| Box::new(rsa::PrivateKey::from_pkcs8(der).unwrap()));
}

#[test]
fn an_authority_on_a_curve_answers_a_request() {
    answers_as_openssl_does(P256, |der| Box::new(ec::PrivateKey::from_pkcs8(der).unwrap()));
    let p384 = P256.replace("prime256v1", "secp384r1");
    answers_as_openssl_does(&p384, |der| Box::new(ec::PrivateKey::from_pkcs8(der).unwrap()));
}

#[test]
fn a_key_of_another_authority_and_times_that_cannot_be_written_are_refused() {
    let (key, other) =
        (ec::PrivateKey::generate(Curve::P256).unwrap(), ec::PrivateKey::generate(Curve::P256).unwrap());
    let authority = self_sign(&root("Authority"), &key).unwrap();
    let request = CertificateRequest::create(&cluster_name(), &*CLUSTER_KEY).unwrap();
    assert!(request.answer(validity(), &authority, &key).is_ok());
    assert!(request.answer(validity(), &authority, &other).is_err());
    for (not_before, not_after) in [(NOW, NOW - 1), (NOW, i64::MAX), (-10_000_000_000, NOW)] {
        assert!(request.answer(Validity { not_before, not_after }, &authority, &key).is_err());
    }
}

#[test]
fn openssl_reads_a_private_key_in_its_file() {
    let folder = Folder::new();
    let key = ec::PrivateKey::generate(Curve::P256).unwrap();
    folder.write("key.pem", private_key_pem(&key.to_pkcs8().unwrap()).expose());
    assert!(folder.run("pkey -in key.pem -noout -check").contains("valid"));
}
