//! kill -9 of server and HSMs while KMS connects to its key store and changes the password of `kmsuser`, or while it
//! disconnects: KMS can always connect afterwards.
//!
//! Nobody but KMS knows that password. If it were changed in the cluster and lost in the server, or kept in the
//! server and not changed in the cluster, the keys would be lost to KMS. In each round the server, one HSM or both, or
//! all of them are killed at a moment of the connection that chance chooses; everything comes back by itself; the
//! connection ends, or fails for a reason that passes; and in the end the key store is connected, what was encrypted
//! before decrypts, and `kmsuser` is not locked.
//!
//! `STRONGROOM_KEY_STORE_CRASH_ROUNDS` sets the number of rounds (default 4), `STRONGROOM_CRASH_SEED` repeats a run's
//! choices.

mod blow;
mod stage;
#[path = "../../benches/rig/key_store.rs"]
mod store;

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use blow::Blow;
use stage::Stage;

use crate::choices::Choices;
use crate::cluster_crash::{cluster, http};
use crate::crash::tell;

#[test]
fn kms_connects_again_whatever_is_killed_while_it_connects() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let rounds = number("STRONGROOM_KEY_STORE_CRASH_ROUNDS").unwrap_or(4);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("STRONGROOM_CRASH_SEED").unwrap_or(now.as_nanos() as u64);
    tell(&format!("kill -9 while a key store connects, {rounds} rounds: STRONGROOM_CRASH_SEED={seed}"));

    let mut choices = Choices::new(seed);
    let mut stage = Stage::start();
    let mut ends = BTreeMap::<String, u64>::new();
    for round in 0..rounds {
        let blow = Blow::choose(&mut choices, stage.usual());
        let context = format!("seed {seed}, round {round}, {blow:?}");
        let end = stage.round(&blow, &context);
        *ends.entry(end).or_default() += 1;
    }
    stage.end(&format!("seed {seed}, at the end"));
    let ends: Vec<_> = ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
    tell(&format!(
        "kill -9 while a key store connects, {rounds} rounds: {}; KMS could connect after each: seed {seed}",
        ends.join(", ")
    ));
}
