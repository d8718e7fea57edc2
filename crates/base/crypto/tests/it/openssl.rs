//! The `openssl` command as the other side: keys, signatures and ciphertexts of one are the other's.

use std::fs;
use std::process::Command;

use strongroom_crypto::digest::Hash;
use strongroom_crypto::ec::{self, Curve};
use strongroom_crypto::{ed25519, rsa};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.0.path().join(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap()
    }

    fn run(&self, line: &str) {
        let mut command = Command::new("openssl");
        command.args(line.split_whitespace()).current_dir(self.0.path());
        let output = command.output().expect("openssl is installed: see scripts/system-packages.sh");
        assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

const NAMES: [(Curve, &str); 5] = [
    (Curve::P224, "secp224r1"),
    (Curve::P256, "prime256v1"),
    (Curve::P384, "secp384r1"),
    (Curve::P521, "secp521r1"),
    (Curve::Secp256k1, "secp256k1"),
];

#[test]
fn keys_on_curves() {
    let folder = Folder::new();
    for (curve, name) in NAMES {
        let ours = ec::PrivateKey::generate(curve).unwrap();
        folder.write("ours", ours.to_pkcs8().unwrap().expose());
        folder.run("pkey -inform DER -in ours -check -noout");
        folder.run("pkey -inform DER -in ours -pubout -outform DER -out ours.pub");
        assert_eq!(folder.read("ours.pub"), ours.public_key().to_spki().unwrap());
        folder.write("ours.sec1", ours.to_sec1().unwrap().expose());
        folder.run("ec -inform DER -in ours.sec1 -pubout -outform DER -out ours.pub");
        assert_eq!(folder.read("ours.pub"), ours.public_key().to_spki().unwrap());

        folder.run(&format!(
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{name} -outform DER -out theirs"
        ));
        folder.run("ec -inform DER -in theirs -outform DER -out theirs.sec1");
        folder.run("pkey -inform DER -in theirs -pubout -outform DER -out theirs.pub");
        let theirs = ec::PrivateKey::from_sec1(curve, &folder.read("theirs.sec1")).unwrap();
        assert_eq!(theirs.public_key().to_spki().unwrap(), folder.read("theirs.pub"));

        // Signatures, both ways, of a message longer than any digest.
        folder.write("message", &[7; 300]);
        let digest = Hash::Sha384.digest(&[7; 300]);
        let signature = ec::signature_to_der(curve, &ours.sign_digest(&digest).unwrap()).unwrap();
        folder.write("signature", &signature);
        folder.run("dgst -sha384 -keyform DER -verify ours.pub -signature signature message");
        folder.run("dgst -sha384 -keyform DER -sign theirs -out signature message");
        let signature = ec::signature_from_der(curve, &folder.read("signature")).unwrap();
        theirs.public_key().verify_digest(&digest, &signature).unwrap();

        // The secret that both agree on.
        folder.run("pkeyutl -derive -keyform DER -inkey ours -peerform DER -peerkey theirs.pub -out secret");
        assert_eq!(folder.read("secret"), *ours.agree(theirs.public_key()).unwrap().expose());

        // A curve that is written down instead of named is not taken.
        folder.run("pkey -inform DER -in theirs -ec_param_enc explicit -outform DER -out explicit");
        assert!(ec::PrivateKey::from_pkcs8(&folder.read("explicit")).is_err());
        folder.run("pkey -inform DER -in explicit -pubout -outform DER -out explicit.pub");
        assert!(ec::PublicKey::from_spki(&folder.read("explicit.pub")).is_err());
    }
}

#[test]
fn rsa_keys() {
    let folder = Folder::new();
    let ours = rsa::PrivateKey::generate(2304, 65_537).unwrap();
    folder.write("ours", ours.to_pkcs8().unwrap().expose());
    folder.run("pkey -inform DER -in ours -check -noout");
    folder.run("pkey -inform DER -in ours -pubout -outform DER -out ours.pub");
    assert_eq!(folder.read("ours.pub"), ours.public_key().to_spki().unwrap());

    folder.run("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out theirs.pem");
    folder.run("pkcs8 -topk8 -nocrypt -in theirs.pem -outform DER -out theirs");
    folder.run("pkey -in theirs.pem -pubout -outform DER -out theirs.pub");
    let theirs = rsa::PrivateKey::from_pkcs8(&folder.read("theirs")).unwrap();
    assert_eq!(theirs.public_key().to_spki().unwrap(), folder.read("theirs.pub"));

    folder.write("message", b"message");
    for (hash, name) in [(Hash::Sha1, "sha1"), (Hash::Sha224, "sha224"), (Hash::Sha512, "sha512")] {
        let pkcs1 = ours.sign_pkcs1_message(hash, b"message").unwrap();
        folder.write("signature", &pkcs1);
        folder.run(&format!("dgst -{name} -keyform DER -verify ours.pub -signature signature message"));
        let pss = ours.sign_pss_message(hash, b"message", hash.output_length()).unwrap();
        folder.write("signature", &pss);
        folder.run(&format!(
            "dgst -{name} -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -keyform DER \
             -verify ours.pub -signature signature message"
        ));
        let oaep = ours.public_key().encrypt_oaep(hash, b"", b"secret").unwrap();
        folder.write("ciphertext", &oaep);
        folder.run(&format!(
            "pkeyutl -decrypt -keyform DER -inkey ours -pkeyopt rsa_padding_mode:oaep \
             -pkeyopt rsa_oaep_md:{name} -in ciphertext -out plaintext"
        ));
        assert_eq!(folder.read("plaintext"), b"secret");
    }
}

#[test]
fn ed25519_keys() {
    let folder = Folder::new();
    let ours = ed25519::PrivateKey::generate().unwrap();
    folder.write("ours", ours.to_pkcs8().unwrap().expose());
    folder.run("pkey -inform DER -in ours -pubout -outform DER -out ours.pub");
    assert_eq!(folder.read("ours.pub"), ours.public_key().to_spki());
    folder.write("message", b"message");
    folder.run("pkeyutl -sign -keyform DER -inkey ours -rawin -in message -out signature");
    assert_eq!(folder.read("signature"), ours.sign(b"message").unwrap());
}
