use proptest::prelude::*;
use serde::Deserialize;
use strongroom_crypto::aes::AesKey;
use strongroom_crypto::{CryptoError, hex};

use crate::wycheproof::{self, Bytes, Verdict};

#[derive(Debug, Deserialize)]
struct Vector {
    #[serde(rename = "tcId")]
    id: u32,
    comment: String,
    key: Bytes,
    iv: Option<Bytes>,
    aad: Option<Bytes>,
    msg: Bytes,
    ct: Option<Bytes>,
    tag: Option<Bytes>,
    result: Verdict,
}

impl Vector {
    fn case(&self) -> String {
        format!("test {}: {}", self.id, self.comment)
    }

    fn valid(&self) -> bool {
        self.result == Verdict::Valid
    }

    fn key(&self) -> AesKey {
        AesKey::new(&self.key.0).unwrap()
    }

    fn ct(&self) -> &[u8] {
        &self.ct.as_ref().unwrap().0
    }

    fn iv(&self) -> &[u8] {
        &self.iv.as_ref().unwrap().0
    }
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn iv(text: &str) -> [u8; 16] {
    bytes(text).try_into().unwrap()
}

/// The keys and the plaintext of SP 800-38A, appendix F.
const KEYS: [&str; 3] = [
    "2b7e151628aed2a6abf7158809cf4f3c",
    "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
];
const PLAINTEXT: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                         30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

/// F.1.1, F.1.3 and F.1.5.
#[test]
fn known_answers_of_ecb() {
    let ciphertexts = [
        "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf\
         43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4",
        "bd334f1d6e45f25ff712a214571fa5cc974104846d0ad3ad7734ecb3ecee4eef\
         ef7afd2270e2e60adce0ba2face6444e9a4b41ba738d6c72fb16691603c18e0e",
        "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870\
         b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7",
    ];
    for (key, ciphertext) in KEYS.into_iter().zip(ciphertexts) {
        let key = AesKey::new(&bytes(key)).unwrap();
        assert_eq!(hex::encode(&key.encrypt_ecb(&bytes(PLAINTEXT)).unwrap()), ciphertext);
        assert_eq!(hex::encode(key.decrypt_ecb(&bytes(ciphertext)).unwrap().expose()), PLAINTEXT);
    }
}

/// F.2.1, F.2.3 and F.2.5.
#[test]
fn known_answers_of_cbc() {
    let ciphertexts = [
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2\
         73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
        "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a\
         571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd",
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d\
         39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
    ];
    let iv = iv("000102030405060708090a0b0c0d0e0f");
    for (key, ciphertext) in KEYS.into_iter().zip(ciphertexts) {
        let key = AesKey::new(&bytes(key)).unwrap();
        assert_eq!(hex::encode(&key.encrypt_cbc(&iv, &bytes(PLAINTEXT)).unwrap()), ciphertext);
        assert_eq!(hex::encode(key.decrypt_cbc(&iv, &bytes(ciphertext)).unwrap().expose()), PLAINTEXT);
    }
}

/// F.5.1, F.5.3 and F.5.5.
#[test]
fn known_answers_of_ctr() {
    let ciphertexts = [
        "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff\
         5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
        "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94\
         1e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050",
        "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5\
         2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6",
    ];
    let iv = iv("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    for (key, ciphertext) in KEYS.into_iter().zip(ciphertexts) {
        let key = AesKey::new(&bytes(key)).unwrap();
        assert_eq!(hex::encode(&key.encrypt_ctr(&iv, &bytes(PLAINTEXT)).unwrap()), ciphertext);
        assert_eq!(hex::encode(key.decrypt_ctr(&iv, &bytes(ciphertext)).unwrap().expose()), PLAINTEXT);
        // A stream: the start of a text has the start of its ciphertext.
        assert_eq!(hex::encode(&key.encrypt_ctr(&iv, &bytes(PLAINTEXT)[..19]).unwrap()), ciphertext[..38]);
    }
}

#[test]
fn the_counter_runs_over_all_128_bits() {
    let key = AesKey::new(&[1; 16]).unwrap();
    let stream = key.encrypt_ctr(&[0xff; 16], &[0; 32]).unwrap();
    assert_eq!(stream[..16], key.encrypt_ecb(&[0xff; 16]).unwrap());
    assert_eq!(stream[16..], key.encrypt_ecb(&[0; 16]).unwrap());
}

#[test]
fn wycheproof_cbc_pad() {
    let vectors = wycheproof::read::<Vector>(include_str!("../../testdata/wycheproof_aes_cbc_pad.json"));
    assert_eq!(vectors.len(), 72);
    for vector in vectors {
        let (key, iv) = (vector.key(), vector.iv().try_into().unwrap());
        let plaintext = key.decrypt_cbc_pad(iv, vector.ct()).map(|plaintext| plaintext.expose().clone());
        let expected = if vector.valid() { Ok(vector.msg.0.clone()) } else { Err(CryptoError) };
        assert_eq!(plaintext, expected, "{}", vector.case());
        if vector.valid() {
            assert_eq!(key.encrypt_cbc_pad(iv, &vector.msg.0).unwrap(), vector.ct(), "{}", vector.case());
        }
    }
}

#[test]
fn wycheproof_gcm_with_any_key_and_iv() {
    let vectors = wycheproof::read::<Vector>(include_str!("../../testdata/wycheproof_aes_gcm.json"));
    assert_eq!(vectors.len(), 69);
    for vector in vectors {
        let (key, tag, aad) =
            (vector.key(), &vector.tag.as_ref().unwrap().0, &vector.aad.as_ref().unwrap().0);
        let sealed = [vector.ct(), tag].concat();
        let opened = key.open_gcm(vector.iv(), aad, &sealed, tag.len());
        let opened = opened.map(|plaintext| plaintext.expose().clone());
        let expected = if vector.valid() { Ok(vector.msg.0.clone()) } else { Err(CryptoError) };
        assert_eq!(opened, expected, "{}", vector.case());
        if vector.valid() {
            let again = key.seal_gcm(vector.iv(), aad, &vector.msg.0, tag.len()).unwrap();
            assert_eq!(again, sealed, "{}", vector.case());
        }
    }
}

#[test]
fn gcm_tags_may_be_shortened_to_96_bits() {
    let key = AesKey::generate(24).unwrap();
    for iv in [&[1; 12][..], &[1; 8], &[1; 16], &[1], &[1; 256]] {
        let whole = key.seal_gcm(iv, b"aad", b"plaintext", 16).unwrap();
        for length in 12..=16 {
            let sealed = key.seal_gcm(iv, b"aad", b"plaintext", length).unwrap();
            assert_eq!(sealed, whole[..9 + length]);
            let opened = key.open_gcm(iv, b"aad", &sealed, length).unwrap();
            assert_eq!(opened.expose(), b"plaintext");
            for position in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[position] ^= 0x40;
                assert!(key.open_gcm(iv, b"aad", &changed, length).is_err());
            }
            assert!(key.open_gcm(iv, b"AAD", &sealed, length).is_err());
            assert!(key.open_gcm(iv, b"", &sealed, length).is_err());
            assert!(key.open_gcm(iv, b"aad", &sealed[..length - 1], length).is_err());
        }
        for length in [0, 4, 8, 11, 17, usize::MAX] {
            assert!(key.seal_gcm(iv, b"", b"", length).is_err());
            assert!(key.open_gcm(iv, b"", &[0; 64], length).is_err());
        }
        let sealed = key.seal_gcm(iv, b"", b"", 14).unwrap();
        assert!(key.open_gcm(iv, b"", &sealed, 14).unwrap().expose().is_empty());
    }
    for iv in [&[][..], &[1; 257]] {
        assert!(key.seal_gcm(iv, b"", b"", 16).is_err());
        assert!(key.open_gcm(iv, b"", &[0; 16], 16).is_err());
    }
}

#[test]
fn wycheproof_cmac() {
    let vectors = wycheproof::read::<Vector>(include_str!("../../testdata/wycheproof_aes_cmac.json"));
    assert_eq!(vectors.len(), 60);
    for vector in vectors {
        // Among the refusals are keys of lengths that AES does not have.
        let verified = AesKey::new(&vector.key.0)
            .and_then(|key| key.verify_cmac(&[&vector.msg.0], &vector.tag.as_ref().unwrap().0));
        assert_eq!(verified.is_ok(), vector.valid(), "{}", vector.case());
    }
    let key = AesKey::new(&[1; 32]).unwrap();
    let tag = key.cmac(&[b"in ", b"pieces"]).unwrap();
    assert_eq!(tag, key.cmac(&[b"in pieces"]).unwrap());
    assert!(key.verify_cmac(&[b"in pieces"], &tag[..15]).is_err());
}

fn wraps(
    vectors: Vec<Vector>,
    wrap: fn(&AesKey, &[u8]) -> Result<Vec<u8>, CryptoError>,
    unwrap: fn(&AesKey, &[u8]) -> Result<strongroom_secret::SecretBytes, CryptoError>,
) {
    for vector in vectors {
        let key = vector.key();
        let unwrapped = unwrap(&key, vector.ct()).map(|plaintext| plaintext.expose().clone());
        let expected = if vector.valid() { Ok(vector.msg.0.clone()) } else { Err(CryptoError) };
        assert_eq!(unwrapped, expected, "{}", vector.case());
        if vector.valid() {
            assert_eq!(wrap(&key, &vector.msg.0).unwrap(), vector.ct(), "{}", vector.case());
        }
    }
}

#[test]
fn wycheproof_kw() {
    let vectors = wycheproof::read(include_str!("../../testdata/wycheproof_aes_kw.json"));
    assert_eq!(vectors.len(), 66);
    wraps(vectors, AesKey::wrap_kw, AesKey::unwrap_kw);
}

#[test]
fn wycheproof_kwp() {
    let vectors = wycheproof::read(include_str!("../../testdata/wycheproof_aes_kwp.json"));
    assert_eq!(vectors.len(), 84);
    wraps(vectors, AesKey::wrap_kwp, AesKey::unwrap_kwp);
}

#[test]
fn pkcs5_padding_goes_before_key_wrapping() {
    let key = AesKey::generate(32).unwrap();
    for length in 8..64 {
        let plaintext = vec![0xab; length];
        let wrapped = key.wrap_kw_pkcs5(&plaintext).unwrap();
        assert_eq!(wrapped.len(), (length / 8 + 1) * 8 + 8);
        assert_eq!(*key.unwrap_kw_pkcs5(&wrapped).unwrap().expose(), plaintext);
        let count = 8 - length % 8;
        let padded = [plaintext, vec![count as u8; count]].concat();
        assert_eq!(key.wrap_kw(&padded).unwrap(), wrapped);
    }
    assert!(key.wrap_kw_pkcs5(&[1; 7]).is_err());
    // Well wrapped, badly padded.
    for last in [0, 9, 255] {
        let mut plaintext = [last; 24];
        plaintext[22] = 3;
        assert!(key.unwrap_kw_pkcs5(&key.wrap_kw(&plaintext).unwrap()).is_err(), "{last}");
    }
}

#[test]
fn lengths_that_a_mode_does_not_take_are_refused() {
    for length in (0..64).filter(|length| ![16, 24, 32].contains(length)) {
        assert!(AesKey::new(&vec![1; length]).is_err());
        assert!(AesKey::generate(length).is_err());
    }
    let key = AesKey::generate(16).unwrap();
    for length in (1..64).filter(|length| length % 16 != 0) {
        let data = vec![1; length];
        assert!(key.encrypt_ecb(&data).is_err() && key.decrypt_ecb(&data).is_err());
        assert!(key.encrypt_cbc(&[0; 16], &data).is_err() && key.decrypt_cbc(&[0; 16], &data).is_err());
        assert!(key.decrypt_cbc_pad(&[0; 16], &data).is_err());
    }
    assert!(key.decrypt_cbc_pad(&[0; 16], &[]).is_err());
    for length in [0, 1, 8, 15, 17, 64 * 1024 + 8] {
        assert!(key.wrap_kw(&vec![1; length]).is_err(), "{length}");
        assert!(key.unwrap_kw(&vec![1; length]).is_err(), "{length}");
    }
    assert!(key.wrap_kwp(&[]).is_err());
    assert!(key.wrap_kwp(&vec![1; 64 * 1024 + 1]).is_err());
    assert!(key.unwrap_kwp(&vec![1; 65 * 1024]).is_err());
    assert_eq!(key.wrap_kwp(&vec![1; 64 * 1024]).unwrap().len(), 64 * 1024 + 8);
}

proptest! {
    #[test]
    fn what_was_encrypted_comes_back(
        length in prop::sample::select(vec![16_usize, 24, 32]),
        key: [u8; 32],
        iv: [u8; 16],
        plaintext in proptest::collection::vec(any::<u8>(), 1..200),
    ) {
        let key = AesKey::new(&key[..length]).unwrap();
        let whole = &plaintext[..plaintext.len() / 16 * 16];
        let out = key.decrypt_ecb(&key.encrypt_ecb(whole).unwrap()).unwrap();
        prop_assert_eq!(out.expose(), whole);
        let out = key.decrypt_cbc(&iv, &key.encrypt_cbc(&iv, whole).unwrap()).unwrap();
        prop_assert_eq!(out.expose(), whole);
        let out = key.decrypt_cbc_pad(&iv, &key.encrypt_cbc_pad(&iv, &plaintext).unwrap()).unwrap();
        prop_assert_eq!(out.expose(), &plaintext);
        let out = key.decrypt_ctr(&iv, &key.encrypt_ctr(&iv, &plaintext).unwrap()).unwrap();
        prop_assert_eq!(out.expose(), &plaintext);
        let out = key.unwrap_kwp(&key.wrap_kwp(&plaintext).unwrap()).unwrap();
        prop_assert_eq!(out.expose(), &plaintext);
    }
}
