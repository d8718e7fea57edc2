use strongroom_pki::{Certificate, MAX_PEM_LENGTH, ReadError, self_sign};

use crate::{CLUSTER_KEY, root};

fn pem() -> String {
    self_sign(&root("Root"), &*CLUSTER_KEY).unwrap().to_pem()
}

#[test]
fn lines_may_end_and_be_surrounded_in_every_way_that_files_come() {
    let pem = pem();
    let read = Certificate::from_pem(&pem).unwrap();
    for other in [
        pem.replace('\n', "\r\n"),
        pem.trim_end().to_owned(),
        format!("\n\n{pem}\n\n"),
        format!("Certificate:\n    Data:\n        Version: 3 (0x2)\n{pem}subject=CN = Root\n"),
        pem.replace('\n', " \n  "),
        pem.replace("BEGIN CERTIFICATE", "BEGIN X509 CERTIFICATE")
            .replace("END CERTIFICATE", "END X509 CERTIFICATE"),
    ] {
        assert_eq!(Certificate::from_pem(&other).unwrap(), read, "{other}");
    }
    assert!(pem.lines().all(|line| line.len() <= 64));
}

#[test]
fn what_is_no_pem_of_a_certificate_is_refused() {
    let pem = pem();
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for other in [
        String::new(),
        "certificate".to_owned(),
        pem.replace("-----END CERTIFICATE-----", ""),
        pem.replace("END CERTIFICATE", "END CERTIFICATES"),
        pem.replace("BEGIN CERTIFICATE", "BEGIN PRIVATE KEY"),
        pem.replacen("MII", "M!I", 1),
        pem.replacen("MII", "MI", 1),
        format!("{pem}{key}"),
        format!("{key}{pem}"),
        "-----BEGIN CERTIFICATE-----".to_owned(),
    ] {
        assert_eq!(Certificate::from_pem(&other), Err(ReadError::NotPem), "{other}");
    }
    let nothing = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    assert_eq!(Certificate::from_pem(nothing), Err(ReadError::Malformed));
}

#[test]
fn text_and_chains_are_bounded() {
    let pem = pem();
    assert_eq!(Certificate::chain_from_pem(&pem.repeat(4)).unwrap().len(), 4);
    assert_eq!(Certificate::chain_from_pem(&pem.repeat(5)), Err(ReadError::TooMany));
    assert_eq!(Certificate::from_pem(&pem.repeat(2)), Err(ReadError::TooMany));
    let filled = format!("{pem}{}", " ".repeat(MAX_PEM_LENGTH - pem.len()));
    assert_eq!(Certificate::chain_from_pem(&filled).unwrap().len(), 1);
    assert_eq!(Certificate::chain_from_pem(&format!("{filled} ")), Err(ReadError::TooLong));
}
