use std::sync::LazyLock;

use strongroom_crypto::ec::Curve;
use strongroom_pki::{
    CertificateProblem as Problem, CertificateRequest, ClusterCertificate, PublicKeyKind, ReadError, Which,
    check_cluster_certificate,
};

use crate::openssl::{Folder, P256, RSA};
use crate::{CLUSTER_KEY, DAY, cluster_name};

static REQUEST: LazyLock<String> =
    LazyLock::new(|| CertificateRequest::create(&cluster_name(), &*CLUSTER_KEY).unwrap().to_pem());

/// A customer's folder: the cluster's request in `cluster.csr`.
fn customer() -> Folder {
    let folder = Folder::new();
    folder.write("cluster.csr", &*REQUEST);
    folder
}

/// Signs the request as AWS's user guide says: the result is of version 1.
fn sign(folder: &Folder, authority: &str, more: &str) -> String {
    folder.run(&format!(
        "x509 -req -days 3652 -in cluster.csr -CA {authority}.crt -CAkey {authority}.key -CAcreateserial \
         -out cluster.crt {more}"
    ));
    folder.read("cluster.crt")
}

/// Makes an intermediate CA, with the extensions in `extensions`.
fn intermediate(folder: &Folder, name: &str, issuer: &str, extensions: &str) -> String {
    folder.run(&format!("genpkey {P256} -out {name}.key"));
    folder.run(&format!("req -new -key {name}.key -subj /C=US/O=Example/CN={name} -out {name}.csr"));
    folder.write("extensions", extensions);
    folder.run(&format!(
        "x509 -req -days 1000 -in {name}.csr -CA {issuer}.crt -CAkey {issuer}.key -CAcreateserial \
         -extfile extensions -out {name}.crt"
    ));
    folder.read(&format!("{name}.crt"))
}

const AUTHORITY: &str = "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n";

/// openssl signs as of the machine's clock, so that is the time of these checks: a day after the certificate
/// begins.
fn check(signed: &str, anchor: &str) -> Result<ClusterCertificate, Problem> {
    check_at(signed, anchor, DAY)
}

fn check_at(signed: &str, anchor: &str, after: i64) -> Result<ClusterCertificate, Problem> {
    let start = strongroom_pki::Certificate::from_pem(signed).map_or(0, |signed| signed.not_before());
    check_cluster_certificate(&REQUEST, signed, anchor, start + after)
}

#[test]
fn the_steps_of_the_user_guide_pass() {
    for (key, more) in [
        (RSA, ""),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:3072", "-sha384"),
        (P256, ""),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:secp384r1", "-sha384"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:secp521r1", "-sha512"),
    ] {
        let folder = customer();
        let anchor = folder.authority("customerCA", key, "");
        let signed = sign(&folder, "customerCA", more);
        let accepted = check(&signed, &anchor).unwrap();
        assert_eq!(accepted.certificate().version(), 1);
        assert_eq!(accepted.certificate().to_pem(), signed);
        assert_eq!(accepted.trust_anchor().len(), 1);
        assert_eq!(accepted.trust_anchor()[0].to_pem(), anchor);
    }
}

#[test]
fn a_certificate_of_version_3_and_a_root_of_version_1_pass() {
    let folder = customer();
    let anchor = folder.authority("customerCA", RSA, "");
    folder.write("v3", "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n");
    let signed = sign(&folder, "customerCA", "-extfile v3");
    assert_eq!(check(&signed, &anchor).unwrap().certificate().version(), 3);

    folder.run(&format!("genpkey {RSA} -out old.key"));
    folder.run("req -new -key old.key -subj /CN=old -out old.csr");
    folder.run("x509 -req -days 3652 -in old.csr -signkey old.key -out old.crt");
    let signed = sign(&folder, "old", "");
    let accepted = check(&signed, &folder.read("old.crt")).unwrap();
    assert_eq!(accepted.trust_anchor()[0].version(), 1);
}

#[test]
fn pss_signatures_pass() {
    let folder = customer();
    let pss = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";
    let anchor = folder.authority("customerCA", RSA, pss);
    let signed = sign(&folder, "customerCA", pss);
    check(&signed, &anchor).unwrap();
}

#[test]
fn chains_pass_from_the_issuer_to_the_root() {
    let folder = customer();
    let root = folder.authority("root", RSA, "");
    let middle = intermediate(&folder, "middle", "root", AUTHORITY);
    let issuing = intermediate(&folder, "issuing", "middle", AUTHORITY);
    let signed = sign(&folder, "issuing", "");
    let accepted = check(&signed, &format!("{issuing}{middle}{root}")).unwrap();
    assert_eq!(accepted.trust_anchor().len(), 3);

    let problem = |anchor: String| check(&signed, &anchor).unwrap_err();
    assert_eq!(problem(format!("{issuing}{middle}")), Problem::RootNotSelfSigned);
    assert_eq!(problem(issuing.clone()), Problem::RootNotSelfSigned);
    assert_eq!(problem(format!("{root}{middle}{issuing}")), Problem::NotIssuedByAnchor);
    assert_eq!(problem(format!("{issuing}{root}")), Problem::ChainBroken(Which::TrustAnchor(0)));
    assert_eq!(problem(format!("{issuing}{middle}{issuing}")), Problem::ChainBroken(Which::TrustAnchor(1)));
    assert_eq!(
        problem(format!("{issuing}{middle}{root}{root}")),
        Problem::SelfSignedBeforeRoot(Which::TrustAnchor(2))
    );
    assert_eq!(
        problem(format!("{issuing}{middle}{root}{root}{root}")),
        Problem::TrustAnchorUnreadable(ReadError::TooMany)
    );
}

#[test]
fn path_lengths_count_the_authorities_below() {
    let folder = customer();
    let strict = "basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign\n";
    let root = folder.authority("root", RSA, "");
    let middle = intermediate(&folder, "middle", "root", strict);
    let signed = sign(&folder, "middle", "");
    check(&signed, &format!("{middle}{root}")).unwrap();

    let issuing = intermediate(&folder, "issuing", "middle", AUTHORITY);
    let signed = sign(&folder, "issuing", "");
    assert_eq!(
        check(&signed, &format!("{issuing}{middle}{root}")),
        Err(Problem::PathTooLong(Which::TrustAnchor(1)))
    );
}

#[test]
fn the_key_must_be_the_requests() {
    let folder = customer();
    let anchor = folder.authority("customerCA", RSA, "");
    let other = folder.authority("other", RSA, "");
    assert_eq!(check(&anchor, &anchor), Err(Problem::KeyMismatch));
    assert_eq!(check(&other, &anchor), Err(Problem::KeyMismatch));
}

#[test]
fn the_anchor_must_have_signed_it() {
    let folder = customer();
    let anchor = folder.authority("customerCA", RSA, "");
    let signed = sign(&folder, "customerCA", "");
    let other = folder.authority("other", RSA, "");
    assert_eq!(check(&signed, &other), Err(Problem::NotIssuedByAnchor));

    // One of the same name with another key.
    let namesake = Folder::new().authority("customerCA", RSA, "");
    assert_eq!(check(&signed, &namesake), Err(Problem::NotIssuedByAnchor));
    check(&signed, &anchor).unwrap();
}

#[test]
fn an_anchor_with_extensions_must_be_an_authority() {
    let only = Which::TrustAnchor(0);
    for (extensions, problem) in [
        ("keyUsage=keyCertSign", Problem::NoBasicConstraints(only)),
        ("basicConstraints=CA:false", Problem::NotAuthority(only)),
        ("basicConstraints=critical,CA:true\nkeyUsage=digitalSignature", Problem::Contradiction(only)),
        (
            "basicConstraints=critical,CA:true\nnameConstraints=critical,permitted;DNS:example.com",
            Problem::Contradiction(only),
        ),
        ("basicConstraints=critical,CA:true\n1.2.3.4=critical,ASN1:NULL", Problem::Contradiction(only)),
    ] {
        let folder = customer();
        folder.run(&format!("genpkey {RSA} -out ca.key"));
        folder.run("req -new -key ca.key -subj /CN=ca -out ca.csr");
        folder.write("extensions", extensions);
        folder.run("x509 -req -days 100 -in ca.csr -signkey ca.key -extfile extensions -out ca.crt");
        let signed = sign(&folder, "ca", "");
        assert_eq!(check(&signed, &folder.read("ca.crt")), Err(problem), "{extensions}");
    }
}

#[test]
fn keys_and_signatures_of_other_kinds_are_refused() {
    let folder = customer();
    let anchor = folder.authority("edwards", "-algorithm ED25519", "");
    let signed = sign(&folder, "edwards", "");
    assert_eq!(check(&signed, &anchor), Err(Problem::UnsupportedSignature(Which::SignedCert)));

    for (name, key, kind) in [
        ("small", "-algorithm RSA -pkeyopt rsa_keygen_bits:2560", PublicKeyKind::Rsa(2560)),
        ("weak", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024", PublicKeyKind::Other),
        (
            "bitcoin",
            "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
            PublicKeyKind::Ec(Curve::Secp256k1),
        ),
    ] {
        let anchor = folder.authority(name, key, "");
        let signed = sign(&folder, name, "");
        let problem = Problem::UnsupportedKey(Which::TrustAnchor(0), kind);
        assert_eq!(check(&signed, &anchor), Err(problem));
    }

    let anchor = folder.authority("old", RSA, "-sha1");
    let signed = sign(&folder, "old", "-sha256");
    assert_eq!(check(&signed, &anchor), Err(Problem::UnsupportedSignature(Which::TrustAnchor(0))));
    let anchor = folder.authority("new", RSA, "-sha256");
    let signed = sign(&folder, "new", "-sha1");
    assert_eq!(check(&signed, &anchor), Err(Problem::UnsupportedSignature(Which::SignedCert)));
}

#[test]
fn all_must_be_valid_now() {
    let folder = customer();
    let anchor = folder.authority("customerCA", RSA, "-days 5000");
    let signed = sign(&folder, "customerCA", "");
    assert_eq!(check_at(&signed, &anchor, -1), Err(Problem::NotYetValid(Which::SignedCert)));
    check_at(&signed, &anchor, 0).unwrap();
    check_at(&signed, &anchor, 3652 * DAY).unwrap();
    assert_eq!(check_at(&signed, &anchor, 3652 * DAY + 1), Err(Problem::Expired(Which::SignedCert)));

    let anchor = folder.authority("short", RSA, "-days 10");
    let signed = sign(&folder, "short", "");
    assert_eq!(check_at(&signed, &anchor, 11 * DAY), Err(Problem::Expired(Which::TrustAnchor(0))));
}

#[test]
fn what_cannot_be_read_is_told_by_the_argument() {
    let folder = customer();
    let anchor = folder.authority("customerCA", RSA, "");
    let signed = sign(&folder, "customerCA", "");
    let unreadable = |signed: &str, anchor: &str| check(signed, anchor).unwrap_err();
    assert_eq!(unreadable("", &anchor), Problem::SignedCertUnreadable(ReadError::NotPem));
    assert_eq!(unreadable(&REQUEST, &anchor), Problem::SignedCertUnreadable(ReadError::NotPem));
    assert_eq!(unreadable(&signed.repeat(2), &anchor), Problem::SignedCertUnreadable(ReadError::TooMany));
    assert_eq!(unreadable(&"x".repeat(20_001), &anchor), Problem::SignedCertUnreadable(ReadError::TooLong));
    assert_eq!(unreadable(&signed, "anchor"), Problem::TrustAnchorUnreadable(ReadError::NotPem));
    let key = folder.read("customerCA.key");
    assert_eq!(unreadable(&signed, &key), Problem::TrustAnchorUnreadable(ReadError::NotPem));
    let swapped = check(&anchor, &signed).unwrap_err();
    assert_eq!(swapped, Problem::KeyMismatch);

    let other = CertificateRequest::from_pem(&REQUEST).unwrap();
    let mut changed = other.as_der().to_vec();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    let changed = CertificateRequest::from_der(&changed).unwrap().to_pem();
    assert_eq!(check_cluster_certificate(&changed, &signed, &anchor, 0), Err(Problem::Request));
}

#[test]
fn problems_are_sentences() {
    let text = Problem::Expired(Which::TrustAnchor(1)).to_string();
    assert_eq!(text, "certificate 2 of the trust anchor has expired");
    let text = Problem::UnsupportedKey(Which::SignedCert, PublicKeyKind::Rsa(1024)).to_string();
    assert_eq!(text, "the signed certificate has a key of an unsupported kind: RSA 1024");
}
