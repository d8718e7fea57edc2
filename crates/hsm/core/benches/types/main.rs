//! What a partition's keys cost over AWS-LC, for each type and operation: `cargo bench -p strongroom-hsm-core --bench types`.
//!
//! Each operation through an opened key, the same through `aws-lc-rs` with a key that is parsed, and what `openssl speed`
//! gets of it on one core, where it has it. Processor's time of one thread; messages have 32 bytes. The figures to quote
//! are the ratios. `pair` is a data key pair: made, both halves written out, the private one encrypted; beside it stands the
//! making of a key alone, which `openssl speed` does not measure.
//!
//! `STRONGROOM_BENCH_MILLISECONDS` sets the time of each measurement (default 500; RSA's pairs get forty times as much),
//! `STRONGROOM_BENCH_ONLY` the types whose names begin so.

#![allow(clippy::unwrap_used, reason = "a bench may stop at the first surprise")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures and prints")]

mod openssl;
mod pairs;
mod raw;

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use strongroom_crypto::digest::Hash;
use strongroom_crypto::{ec, ed25519, ml_dsa, ml_kem, rsa};
use strongroom_hsm_core::{
    Attributes, KeyHandle, KeyType, OpenedKey, Partition, PartitionId, PartitionKey, Signed, SigningScheme,
    Usage,
};
use strongroom_secret::SecretBytes;

use crate::openssl::Speeds;

pub(crate) const MESSAGE: [u8; 32] = [0x6d; 32];

/// One operation, ready to be done again and again.
pub(crate) type Call<'k> = Box<dyn FnMut() + 'k>;

fn main() {
    // `cargo test` runs benches without this argument, only to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let set = |name: &str| std::env::var(format!("STRONGROOM_BENCH_{name}")).ok();
    let time = Duration::from_millis(set("MILLISECONDS").map_or(500, |text| text.parse().unwrap()));
    let only = set("ONLY").unwrap_or_default();
    let speeds = Speeds::measure(1, false);
    println!("processor's time of one call on one thread; ratios of AWS-LC alone, and of openssl speed");
    println!(
        "{:>12} {:>12} {:>12} {:>12} {:>12} {:>10} {:>10}",
        "type", "call", "engine", "AWS-LC", "openssl", "of AWS-LC", "of openssl"
    );
    let under = opened(KeyType::Aes256, &SecretBytes::new(vec![7; 32]));
    for &key_type in KeyType::ALL.iter().filter(|key_type| format!("{key_type:?}").starts_with(&only)) {
        // AES keys are the matter of the bench `derived`.
        let Some(material) = material(key_type) else { continue };
        let key = opened(key_type, &material);
        let raw = raw::calls(key_type, material.expose(), &key);
        for ((name, mut engine), mut alone) in calls(&key).into_iter().zip(raw) {
            let (engine, alone) = (measure(time, &mut engine), measure(time, &mut alone));
            show(key_type, name, (engine, alone), seconds(&speeds, key_type, name));
        }
        if let (Some(mut engine), Some(mut alone)) = (pairs::engine(key_type, &under), pairs::raw(key_type)) {
            let time = time * pairs::patience(key_type);
            show(key_type, "pair", (run(time, &mut engine), run(time, &mut alone)), None);
        }
    }
}

/// Prints a row: what a call takes at the engine, through AWS-LC alone and in `openssl speed`, in seconds.
fn show(key_type: KeyType, name: &str, (engine, alone): (f64, f64), speed: Option<f64>) {
    print!("{:>12} {name:>12} {:>12} {:>12}", format!("{key_type:?}"), micros(engine), micros(alone));
    let of = |other: f64| format!("{:.0}%", 100.0 * other / engine);
    let (shown, ratio) = speed.map_or(("-".into(), "-".into()), |speed| (micros(speed), of(speed)));
    println!(" {shown:>12} {:>10} {ratio:>10}", of(alone));
}

fn micros(seconds: f64) -> String {
    format!("{:.2} µs", seconds * 1e6)
}

/// The time of one call by `openssl speed`, in seconds, of what it knows.
fn seconds(speeds: &Speeds, key_type: KeyType, call: &str) -> Option<f64> {
    let algorithm = match (key_type, call) {
        (KeyType::Rsa2048, _) => "rsa2048",
        (KeyType::Rsa3072, _) => "rsa3072",
        (KeyType::Rsa4096, _) => "rsa4096",
        (KeyType::EcP256, "agree") => "ecdhp256",
        (KeyType::EcP384, "agree") => "ecdhp384",
        (KeyType::EcP521, "agree") => "ecdhp521",
        (KeyType::EcP256, _) => "ecdsap256",
        (KeyType::EcP384, _) => "ecdsap384",
        (KeyType::EcP521, _) => "ecdsap521",
        (KeyType::Ed25519, _) => "ed25519",
        _ => return None,
    };
    let (private, public) = speeds.per_second(algorithm)?;
    // RSA's private operation is a signature's and a decryption's.
    Some(1.0 / if matches!(call, "sign" | "agree" | "decrypt") { private } else { public })
}

/// A key of a type as it would be imported.
fn material(key_type: KeyType) -> Option<SecretBytes> {
    let curve = |curve| ec::PrivateKey::generate(curve).unwrap().to_pkcs8();
    let modulus = |bits| rsa::PrivateKey::generate(bits, rsa::MIN_EXPONENT).unwrap().to_pkcs8();
    let dsa = |set| ml_dsa::PrivateKey::generate(set).unwrap().to_pkcs8();
    let kem = |set| ml_kem::PrivateKey::generate(set).unwrap().to_pkcs8();
    let material = match key_type {
        KeyType::Aes256 => return None,
        KeyType::Hmac224 => Ok(SecretBytes::new(vec![7; 28])),
        KeyType::Hmac256 => Ok(SecretBytes::new(vec![7; 32])),
        KeyType::Hmac384 => Ok(SecretBytes::new(vec![7; 48])),
        KeyType::Hmac512 => Ok(SecretBytes::new(vec![7; 64])),
        KeyType::Rsa2048 => modulus(2_048),
        KeyType::Rsa3072 => modulus(3_072),
        KeyType::Rsa4096 => modulus(4_096),
        KeyType::EcP256 => curve(ec::Curve::P256),
        KeyType::EcP384 => curve(ec::Curve::P384),
        KeyType::EcP521 => curve(ec::Curve::P521),
        KeyType::EcSecp256k1 => curve(ec::Curve::Secp256k1),
        KeyType::Ed25519 => ed25519::PrivateKey::generate().unwrap().to_pkcs8(),
        KeyType::MlDsa44 => dsa(ml_dsa::ParameterSet::MlDsa44),
        KeyType::MlDsa65 => dsa(ml_dsa::ParameterSet::MlDsa65),
        KeyType::MlDsa87 => dsa(ml_dsa::ParameterSet::MlDsa87),
        KeyType::MlKem512 => kem(ml_kem::ParameterSet::MlKem512),
        KeyType::MlKem768 => kem(ml_kem::ParameterSet::MlKem768),
        KeyType::MlKem1024 => kem(ml_kem::ParameterSet::MlKem1024),
    };
    Some(material.unwrap())
}

fn opened(key_type: KeyType, material: &SecretBytes) -> OpenedKey {
    let key = PartitionKey::from_bytes(&[0x77; 32]).unwrap();
    let partition = Partition::new(PartitionId([1; 16]), 1, 1, &key, 1).unwrap();
    let attributes = Attributes { key_type, usage: key_type.uses() };
    let token = partition.import(KeyHandle::random().unwrap(), &attributes, material).unwrap();
    partition.open(&token.reference, &token.bytes).unwrap()
}

/// The hash that keys of a type sign with here.
pub(crate) const fn hash(key_type: KeyType) -> Hash {
    match key_type {
        KeyType::EcP384 => Hash::Sha384,
        KeyType::EcP521 => Hash::Sha512,
        _ => Hash::Sha256,
    }
}

/// What a key does, in the order of [`raw::calls`].
fn calls(key: &OpenedKey) -> Vec<(&'static str, Call<'_>)> {
    let attributes = key.attributes();
    let scheme = match attributes.key_type {
        KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096 => SigningScheme::RsaPss(Hash::Sha256),
        KeyType::Ed25519 => SigningScheme::Ed25519,
        KeyType::MlDsa44 | KeyType::MlDsa65 | KeyType::MlDsa87 => SigningScheme::MlDsa,
        of_a_curve => SigningScheme::Ecdsa(hash(of_a_curve)),
    };
    let message = Signed::Message(&MESSAGE);
    let mut calls: Vec<(&'static str, Call<'_>)> = Vec::new();
    if attributes.key_type.mac_key_lengths().is_some() {
        let mac = key.mac(&MESSAGE).unwrap();
        calls.push(("MAC", Box::new(|| drop(black_box(key.mac(black_box(&MESSAGE)).unwrap())))));
        calls.push(("verify", Box::new(move || assert!(key.verify_mac(black_box(&MESSAGE), &mac).unwrap()))));
    } else if attributes.usage.contains(Usage::SIGN) {
        let signature = key.sign(scheme, message).unwrap();
        calls
            .push(("sign", Box::new(move || drop(black_box(key.sign(scheme, black_box(message)).unwrap())))));
        calls.push((
            "verify",
            Box::new(move || assert!(key.verify(scheme, black_box(message), &signature).unwrap())),
        ));
    }
    if attributes.usage.contains(Usage::DECRYPT) {
        let ciphertext = key.encrypt_oaep(Hash::Sha256, &MESSAGE).unwrap();
        calls.push((
            "encrypt",
            Box::new(|| drop(black_box(key.encrypt_oaep(Hash::Sha256, black_box(&MESSAGE)).unwrap()))),
        ));
        calls.push((
            "decrypt",
            Box::new(move || {
                drop(black_box(key.decrypt_oaep(Hash::Sha256, black_box(&ciphertext)).unwrap()));
            }),
        ));
    }
    if attributes.usage.contains(Usage::AGREE) {
        let peer = raw::point(key);
        calls.push(("agree", Box::new(move || drop(black_box(key.agree(black_box(&peer)).unwrap())))));
    }
    if attributes.usage.contains(Usage::ENCAPSULATE) {
        let ciphertext = key.encapsulate().unwrap().ciphertext;
        calls.push(("encapsulate", Box::new(|| drop(black_box(key.encapsulate().unwrap())))));
        calls.push((
            "decapsulate",
            Box::new(move || drop(black_box(key.decapsulate(black_box(&ciphertext)).unwrap()))),
        ));
    }
    calls
}

/// The processor's time of one call, in seconds, whatever else the machine does: the best of three runs.
fn measure(time: Duration, call: &mut Call<'_>) -> f64 {
    (0..3).map(|_| run(time / 3, call)).fold(f64::INFINITY, f64::min)
}

fn run(time: Duration, call: &mut Call<'_>) -> f64 {
    // So many calls between two looks at the clock that it does not count.
    let (start, mut calls, mut round) = (taken(), 0_u32, 1_u32);
    loop {
        (0..round).for_each(|_| call());
        calls += round;
        let spent = taken().saturating_sub(start);
        if spent >= time {
            return spent.as_secs_f64() / f64::from(calls);
        }
        round = (round * 2).min(256);
    }
}

/// The processor's time that this thread has taken.
fn taken() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
