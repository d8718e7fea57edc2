//! What an HSM and the control plane say to each other: nothing panics, and what reads is written and read again to
//! the same.
//!
//! The first byte chooses the message.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_hsm_proto::fleet::{FromHsm, FromPlane, ToHsm, ToPlane};

fn read<M: prost::Message + Default + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(message) = M::decode(bytes) {
        assert!(M::decode(message.encode_to_vec().as_slice()).is_ok_and(|again| again == message));
        let _ = format!("{message:?}");
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    match choice % 4 {
        0 => read::<ToPlane>(bytes),
        1 => read::<FromPlane>(bytes),
        2 => read::<ToHsm>(bytes),
        _ => read::<FromHsm>(bytes),
    }
});
