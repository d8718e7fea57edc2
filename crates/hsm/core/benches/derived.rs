//! What KMS's own ciphertexts cost over the cipher inside: `cargo bench -p strongroom-hsm-core --bench derived`.
//!
//! A message has a key and a commitment of its own, derived by SP 800-108; so much is the price of one material for
//! messages without number. Beside it: AES-256-GCM of AWS-LC with a key that is ready, and with one that is new for each
//! message. Time of the processor, of one thread.

#![allow(clippy::unwrap_used, reason = "a bench may stop at the first surprise")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures and prints")]

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use strongroom_crypto::aead::Aes256Gcm;
use strongroom_hsm_core::{
    Attributes, BlobHeader, EncryptionContext, KeyHandle, KeyType, OpenedKey, Partition, PartitionId,
    PartitionKey, Usage,
};
use strongroom_secret::{Key256, Secret};

const RUN: Duration = Duration::from_secs(1);
/// Calls between two looks at the clock.
const ROUND: u32 = 100;
/// Lengths of plaintexts: a data key, a kibibyte, the longest that KMS takes.
const LENGTHS: [usize; 3] = [32, 1_024, 4_096];
const NAMES: BlobHeader<'_> =
    BlobHeader { key_id: "1234abcd-12ab-34cd-56ef-1234567890ab", material_id: &[0x4d; 32] };

fn opened() -> OpenedKey {
    let key = PartitionKey::from_bytes(&[0x77; 32]).unwrap();
    let partition = Partition::new(PartitionId([1; 16]), 1, 1, &key, 1).unwrap();
    let attributes = Attributes { key_type: KeyType::Aes256, usage: Usage::SYMMETRIC };
    let token = partition.generate(KeyHandle::random().unwrap(), &attributes).unwrap();
    partition.open(&token.reference, &token.bytes).unwrap()
}

/// The processor's time that this thread has taken.
fn taken() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// The processor's time of one call, in nanoseconds, whatever else the machine does.
fn measure(mut call: impl FnMut()) -> u128 {
    let (start, mut calls) = (taken(), 0);
    while taken().saturating_sub(start) < RUN {
        (0..ROUND).for_each(|_| call());
        calls += ROUND;
    }
    (taken().saturating_sub(start) / calls).as_nanos()
}

fn main() {
    // `cargo test` runs benches without this argument, only to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let key = opened();
    let context = EncryptionContext::new([("purpose", "bench")]).unwrap();
    let raw_key: Key256 = Secret::new([7; 32]);
    let ready = Aes256Gcm::new(&raw_key).unwrap();
    let aad = [0; 130];
    println!("nanoseconds of one message");
    println!(
        "{:>6} {:>10} {:>12} {:>12} {:>10} {:>12} {:>12}",
        "bytes", "encrypt", "new key", "ready key", "decrypt", "new key", "ready key"
    );
    for length in LENGTHS {
        let plaintext = vec![0x5a; length];
        let blob = key.encrypt_derived(&NAMES, &context, &plaintext).unwrap();
        let sealed = ready.seal(&[0; 12], &aad, &plaintext).unwrap();
        let figures = [
            measure(|| {
                drop(black_box(key.encrypt_derived(&NAMES, &context, black_box(&plaintext)).unwrap()));
            }),
            measure(|| {
                let new = Aes256Gcm::new(black_box(&raw_key)).unwrap();
                drop(black_box(new.seal(&[0; 12], &aad, &plaintext).unwrap()));
            }),
            measure(|| drop(black_box(ready.seal(&[0; 12], &aad, black_box(&plaintext)).unwrap()))),
            measure(|| drop(black_box(key.decrypt_derived(black_box(&blob), &context).unwrap()))),
            measure(|| {
                let new = Aes256Gcm::new(black_box(&raw_key)).unwrap();
                drop(black_box(new.open(&[0; 12], &aad, &sealed).unwrap()));
            }),
            measure(|| drop(black_box(ready.open(&[0; 12], &aad, black_box(&sealed)).unwrap()))),
        ];
        let [encrypt, new, ready, decrypt, new_again, ready_again] = figures;
        println!(
            "{length:>6} {encrypt:>10} {new:>12} {ready:>12} {decrypt:>10} {new_again:>12} {ready_again:>12}"
        );
    }
}
