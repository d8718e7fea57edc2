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
