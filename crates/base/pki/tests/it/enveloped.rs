use strongroom_crypto::rsa;
use strongroom_pki::{envelop, private_key_pem};

use crate::CLUSTER_KEY;
use crate::openssl::Folder;

#[test]
fn openssl_opens_it_with_the_recipients_key() {
    let folder = Folder::new();
    let pem = private_key_pem(&CLUSTER_KEY.to_pkcs8().unwrap());
    folder.write("recipient.key", pem.expose());
    for length in [0, 1, 15, 16, 32, 1024, 2_400] {
        let content = vec![0xa5; length];
        let made = envelop(CLUSTER_KEY.public_key(), &content).unwrap();
        folder.write("made.der", &made);
        let opened =
            folder.output("cms -decrypt -inform DER -in made.der -inkey recipient.key -binary -out opened");
        assert!(opened.status.success(), "{length}: {}", String::from_utf8_lossy(&opened.stderr));
        assert_eq!(std::fs::read(folder.path("opened")).unwrap(), content, "{length}");
        assert!(length < 15 || !made.windows(length).any(|window| window == content), "{length}");
    }
    let shown = folder.run("cms -cmsout -print -inform DER -in made.der");
    for part in ["pkcs7-envelopedData", "rsaesOaep", "aes-256-cbc", "mgf1", "sha256"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

/// Steps in as AWS's SDK for enclaves does: through a header of indefinite length, and past whole elements of definite
/// length. (Its own answers look so: the dump in issue 779 of RustCrypto/formats.)
#[test]
fn the_layers_are_those_that_aws_sdk_steps_into() {
    fn into(tag: u8, bytes: &[u8]) -> &[u8] {
        assert_eq!(&bytes[..2], &[tag, 0x80]);
        &bytes[2..]
    }
    fn past(tag: u8, bytes: &[u8]) -> (&[u8], &[u8]) {
        assert_eq!(bytes[0], tag);
        let (header, length) = match bytes[1] {
            0x82 => (4, usize::from(bytes[2]) << 8 | usize::from(bytes[3])),
            0x81 => (3, usize::from(bytes[2])),
            short => (2, usize::from(short)),
        };
        (&bytes[header..header + length], &bytes[header + length..])
    }
    let made = envelop(CLUSTER_KEY.public_key(), &[7; 32]).unwrap();
    let (_, rest) = past(0x06, into(0x30, &made));
    let (version, rest) = past(0x02, into(0x30, into(0xa0, rest)));
    assert_eq!(version, [2]);
    let (recipients, rest) = past(0x31, rest);
    let (recipient, _) = past(0x30, recipients);
    let (version, recipient) = past(0x02, recipient);
    assert_eq!(version, [2]);
    let (identifier, recipient) = past(0x80, recipient);
    assert_eq!(identifier.len(), 32);
    let (_, recipient) = past(0x30, recipient);
    assert_eq!(past(0x04, recipient).0.len(), 256);
    let (_, rest) = past(0x06, into(0x30, rest));
    let (_, rest) = past(0x30, rest);
    let (content, rest) = past(0x04, into(0xa0, rest));
    assert_eq!(content.len(), 48);
    assert_eq!(rest, [0; 10]);
}

#[test]
fn each_time_it_is_another_and_nobody_else_opens_it() {
    let [one, two] = [(); 2].map(|()| envelop(CLUSTER_KEY.public_key(), b"the same").unwrap());
    assert_ne!(one, two);
    let folder = Folder::new();
    let other = rsa::PrivateKey::generate(2048, 65_537).unwrap();
    folder.write("other.key", private_key_pem(&other.to_pkcs8().unwrap()).expose());
    folder.write("made.der", one);
    let opened =
        folder.output("cms -decrypt -debug_decrypt -inform DER -in made.der -inkey other.key -out opened");
    assert!(!opened.status.success());
}

#[test]
fn what_is_too_long_is_refused() {
    assert!(envelop(CLUSTER_KEY.public_key(), &vec![0; 70_000]).is_err());
}
