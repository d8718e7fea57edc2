//! What can be typed.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use crate::desk::Ended;

/// Every command with its options: those of the command reference of CloudHSM CLI.
const COMMANDS: &[(&str, &str)] = &[
    ("cluster activate", "password"),
    ("cluster hsm-info", ""),
    ("cluster mtls register-trust-anchor", "path approval"),
    ("cluster mtls deregister-trust-anchor", "certificate-reference approval"),
    ("cluster mtls list-trust-anchors", ""),
    ("cluster mtls get-enforcement", ""),
    ("cluster mtls set-enforcement", "level approval"),
    ("login", "username role password"),
    ("login mfa-token-sign", "token"),
    ("logout", ""),
    ("user create", "username role password approval"),
    ("user delete", "username role approval"),
    ("user list", ""),
    ("user change-password", "username role password approval deregister-mfa deregister-quorum"),
    ("user change-mfa token-sign", "username role token deregister change-password change-quorum approval"),
    ("user change-quorum token-sign register", "public-key signed-token"),
    ("user replicate", "username role source-cluster-id destination-cluster-id"),
    ("quorum token-sign generate", "service token filter"),
    ("quorum token-sign list", ""),
    ("quorum token-sign list-quorum-values", ""),
    ("quorum token-sign set-quorum-value", "service value approval"),
    ("quorum token-sign delete", "scope"),
    ("quorum token-sign list-timeouts", ""),
    ("quorum token-sign set-timeout", "generated approved"),
    (
        "key generate-symmetric aes",
        "label key-length-bytes session attributes share-crypto-users manage-key-quorum-value use-key-quorum-value",
    ),
    (
        "key generate-symmetric generic-secret",
        "label key-length-bytes session attributes share-crypto-users manage-key-quorum-value use-key-quorum-value",
    ),
    (
        "key generate-asymmetric-pair rsa",
        "public-label private-label modulus-size-bits public-exponent session public-attributes private-attributes \
         share-crypto-users manage-private-key-quorum-value use-private-key-quorum-value",
    ),
    (
        "key generate-asymmetric-pair ec",
        "public-label private-label curve session public-attributes private-attributes share-crypto-users \
         manage-private-key-quorum-value use-private-key-quorum-value",
    ),
    (
        "key generate-asymmetric-pair ml-dsa",
        "public-label private-label mldsa-algorithm session public-attributes private-attributes share-crypto-users \
         manage-private-key-quorum-value use-private-key-quorum-value",
    ),
    ("key import pem", "path label key-type-class attributes"),
    ("key generate-file", "encoding path filter"),
    ("key list", "filter max-items starting-token verbose"),
    ("key delete", "filter"),
    ("key share", "filter username role approval"),
    ("key unshare", "filter username role approval"),
    ("key set-attribute", "filter name value approval"),
    ("key replicate", "filter source-cluster-id destination-cluster-id"),
    (
        "key wrap aes-gcm",
        "payload-filter wrapping-filter path wrapping-approval payload-approval tag-length-bits aad",
    ),
    (
        "key wrap cloudhsm-aes-gcm",
        "payload-filter wrapping-filter path wrapping-approval payload-approval tag-length-bits aad",
    ),
    ("key wrap aes-no-pad", "payload-filter wrapping-filter path wrapping-approval payload-approval"),
    ("key wrap aes-pkcs5-pad", "payload-filter wrapping-filter path wrapping-approval payload-approval"),
    ("key wrap aes-zero-pad", "payload-filter wrapping-filter path wrapping-approval payload-approval"),
    (
        "key wrap rsa-aes",
        "payload-filter wrapping-filter path wrapping-approval payload-approval hash-function mgf",
    ),
    (
        "key wrap rsa-oaep",
        "payload-filter wrapping-filter path wrapping-approval payload-approval hash-function mgf",
    ),
    ("key wrap rsa-pkcs", "payload-filter wrapping-filter path wrapping-approval payload-approval"),
    (
        "key unwrap aes-gcm",
        "filter data data-path key-type-class label attributes share-crypto-users manage-key-quorum-value \
         use-key-quorum-value session approval tag-length-bits aad iv",
    ),
    (
        "key unwrap cloudhsm-aes-gcm",
        "filter data data-path key-type-class label attributes share-crypto-users manage-key-quorum-value \
         use-key-quorum-value session approval tag-length-bits aad",
    ),
    (
        "key unwrap aes-no-pad",
        "filter data data-path key-type-class label attributes share-crypto-users manage-key-quorum-value \
         use-key-quorum-value session approval",
    ),
    (
        "key unwrap rsa-aes",
        "filter data data-path key-type-class label attributes share-crypto-users manage-key-quorum-value \
         use-key-quorum-value session approval hash-function mgf",
    ),
    ("crypto sign ecdsa", "key-filter data data-path approval hash-function data-type"),
    ("crypto sign ed25519", "key-filter data data-path approval"),
    ("crypto sign ed25519ph", "key-filter data data-path approval hash-function data-type"),
    ("crypto sign ml-dsa", "key-filter data data-path approval hash-function data-type"),
    ("crypto sign rsa-pkcs", "key-filter data data-path approval hash-function data-type"),
    (
        "crypto sign rsa-pkcs-pss",
        "key-filter data data-path approval hash-function data-type mgf salt-length",
    ),
    ("crypto verify ecdsa", "key-filter data data-path signature signature-path hash-function data-type"),
    (
        "crypto verify rsa-pkcs-pss",
        "key-filter data data-path signature signature-path hash-function data-type mgf salt-length",
    ),
    (
        "configure",
        "address cluster-id region endpoint hsm-ca-cert client-cert-hsm-tls-file client-key-hsm-tls-file \
         disable-key-availability-check enable-key-availability-check disable-validate-key-at-init \
         enable-validate-key-at-init default-retry-mode log-level log-file log-type log-rotation",
    ),
    (
        "configure add-cluster",
        "address region endpoint hsm-ca-cert client-cert-hsm-tls-file client-key-hsm-tls-file",
    ),
    ("configure remove-cluster", ""),
    ("interactive", ""),
];

/// Options of every command.
const EVERYWHERE: [&str; 3] = ["help", "cluster-id", "config"];

fn run(program: &str, words: &[&str]) -> Ended {
    let mut command = Command::new(program);
    command.env_clear().env("STRONGROOM_CLOUDHSM_CONFIG", "/nonexistent/cli.cfg").stdin(Stdio::null());
    Ended::of(command.args(words).output().unwrap())
}

fn cli(words: &[&str]) -> Ended {
    run(env!("CARGO_BIN_EXE_cloudhsm-cli"), words)
}

/// The long options that a help text describes.
fn options(help: &str) -> BTreeSet<&str> {
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    lines
        .filter_map(|line| line.split_once("--"))
        .map(|(_, rest)| rest.split([' ', ',', '=']).next().unwrap())
        .collect()
}

#[test]
fn every_command_is_there_with_its_options() {
    for (command, expected) in COMMANDS {
        let words: Vec<_> = command.split(' ').chain(["--help"]).collect();
        let ended = cli(&words);
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{command}");
        let found: BTreeSet<_> =
            options(&ended.stdout).into_iter().filter(|option| !EVERYWHERE.contains(option)).collect();
        let mut expected: BTreeSet<_> = expected.split_whitespace().collect();
        expected.remove("cluster-id");
        assert_eq!(found, expected, "{command}");
        assert!(options(&ended.stdout).contains("cluster-id"), "{command}");
    }
}

#[test]
fn help_shows_the_way() {
    let help = cli(&["--help"]).stdout;
    for part in
        ["configure -a", "cluster activate", "CLOUDHSM_PIN", "interactive", "Manage the users and keys"]
    {
        assert!(help.contains(part), "{part}: {help}");
    }
    assert!(cli(&["quorum", "token-sign", "--help"]).stdout.contains("openssl pkeyutl -sign"));
    assert!(cli(&["key", "list", "--help"]).stdout.contains("attr.label=my-key"));
    assert!(run(env!("CARGO_BIN_EXE_configure-cli"), &["--help"]).stdout.contains("--hsm-ca-cert"));
}

#[test]
fn what_is_not_understood_is_told_on_standard_error() {
    for (words, part) in [
        (vec!["user", "create", "--username", "x"], "--role"),
        (
            vec!["user", "create", "--username", "x", "--role", "king"],
            "[possible values: admin, crypto-user]",
        ),
        (vec!["key", "list", "--filter", "label=x"], "attr.NAME=VALUE"),
        (vec!["key", "list", "--filter", "attr.lable=x"], "there is no attribute"),
        (vec!["key", "list", "--max-items", "0"], "1.."),
        (
            vec!["crypto", "sign", "ecdsa", "--key-filter", "key-reference=1", "--hash-function", "sha256"],
            "--data",
        ),
        (vec!["usr", "list"], "unrecognized subcommand"),
        (vec!["user", "change-mfa", "token-sign", "--username", "x", "--role", "admin"], "--token"),
    ] {
        let ended = cli(&words);
        assert_eq!((ended.status, ended.stdout.as_str()), (1, ""), "{words:?}");
        assert!(ended.stderr.contains(part), "{words:?}: {}", ended.stderr);
    }
}

#[test]
fn without_a_configuration_one_is_told_how_to_make_it() {
    let refusal = cli(&["user", "list"]).refusal();
    assert!(refusal.contains("configure -a ADDRESS --hsm-ca-cert FILE"), "{refusal}");
}
