use proptest::prelude::*;
use strongroom_crypto::ec::{self, Curve};
use strongroom_pki::{CertificateRequest, MAX_DER_LENGTH, Name, ReadError};

use crate::openssl::{Folder, P256};
use crate::{CLUSTER_KEY, cluster_name};

#[test]
fn openssl_reads_and_verifies_what_we_make() {
    let request = CertificateRequest::create(&cluster_name(), &*CLUSTER_KEY).unwrap();
    request.verify().unwrap();
    assert_eq!(request.public_key(), CLUSTER_KEY.public_key().to_spki().unwrap());
    assert_eq!(
        request.subject(),
        "C=US, ST=CA, O=Cavium, OU=N3FIPS, L=SanJose, CN=HSM:EXAMPLE1:PARTN:1, for FIPS mode"
    );

    let folder = Folder::new();
    folder.write("cluster.csr", request.to_pem());
    let text = folder.run("req -in cluster.csr -verify -noout -text");
    assert!(text.contains("Version: 1 (0x0)"), "{text}");
    assert!(text.contains("Public-Key: (2048 bit)"), "{text}");
    assert!(text.contains("sha256WithRSAEncryption"), "{text}");
    let subject = folder.run("req -in cluster.csr -noout -subject");
    assert_eq!(
        subject.trim(),
        "subject=C = US, ST = CA, O = Cavium, OU = N3FIPS, L = SanJose, CN = \"HSM:EXAMPLE1:PARTN:1, for FIPS mode\""
    );
}

#[test]
fn we_read_and_verify_what_openssl_makes() {
    let folder = Folder::new();
    folder.run(&format!("genpkey {P256} -out key"));
    folder.run("req -new -key key -subj /CN=someone -addext subjectAltName=DNS:example.com -out csr");
    let request = CertificateRequest::from_pem(&folder.read("csr")).unwrap();
    request.verify().unwrap();
    assert_eq!(request.subject(), "CN=someone");
    assert_eq!(CertificateRequest::from_der(request.as_der()).unwrap(), request);
    assert_eq!(CertificateRequest::from_pem(&request.to_pem()).unwrap(), request);
}

#[test]
fn a_request_for_a_key_on_a_curve_verifies_and_a_changed_one_does_not() {
    let key = ec::PrivateKey::generate(Curve::P256).unwrap();
    let request = CertificateRequest::create(&Name::new().common_name("device"), &key).unwrap();
    request.verify().unwrap();
    let der = request.as_der();
    for position in 0..der.len() {
        let mut changed = der.to_vec();
        changed[position] ^= 1;
        let verified = CertificateRequest::from_der(&changed).map(|request| request.verify());
        assert_ne!(verified, Ok(Ok(())), "byte {position}");
    }
}

#[test]
fn what_is_too_long_or_not_whole_is_refused() {
    let request = CertificateRequest::create(&cluster_name(), &*CLUSTER_KEY).unwrap();
    let der = request.as_der();
    for length in 0..der.len() {
        assert_eq!(CertificateRequest::from_der(&der[..length]), Err(ReadError::Malformed));
    }
    assert_eq!(CertificateRequest::from_der(&[der, &[0]].concat()), Err(ReadError::Malformed));
    assert_eq!(CertificateRequest::from_der(&vec![0x30; MAX_DER_LENGTH + 1]), Err(ReadError::TooLong));
    let pem = request.to_pem();
    assert_eq!(CertificateRequest::from_pem(&pem.repeat(2)), Err(ReadError::TooMany));
    assert_eq!(CertificateRequest::from_pem(&pem.replace("REQUEST", "QUEST")), Err(ReadError::NotPem));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(CertificateRequest::from_der(&bytes).is_err());
    }
}
