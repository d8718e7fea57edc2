//! Messages: garbage in them is an error, and what is secret is not printed.

use proptest::prelude::*;
use prost::Message;
use strongroom_hsm_proto::command::{Answer, Call, Hello, Login, Welcome};
use strongroom_hsm_proto::fleet::{BackUp, FromHsm, FromPlane, RestoreFrom, ToHsm, ToPlane};

/// Reads bytes as a message; what is read is written and read again to the same.
fn read_and_write<M: Message + Default + PartialEq>(bytes: &[u8]) {
    if let Ok(message) = M::decode(bytes) {
        assert!(M::decode(message.encode_to_vec().as_slice()).is_ok_and(|again| again == message));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_and_write::<Hello>(&bytes);
        read_and_write::<Welcome>(&bytes);
        read_and_write::<Call>(&bytes);
        read_and_write::<Answer>(&bytes);
        read_and_write::<ToPlane>(&bytes);
        read_and_write::<FromPlane>(&bytes);
        read_and_write::<ToHsm>(&bytes);
        read_and_write::<FromHsm>(&bytes);
    }
}

#[test]
fn secrets_are_not_printed() {
    let half = vec![171; 32];
    for printed in [
        format!("{:?}", BackUp { backup_id: "backup-1".into(), service_half: half.clone() }),
        format!(
            "{:?}",
            RestoreFrom {
                backup_id: "backup-1".into(),
                service_half: half,
                same_cluster: true,
                made_as: String::new()
            }
        ),
        format!("{:?}", Login { username: "u".into(), role: 1, password: "secret171".into() }),
    ] {
        assert!(!printed.contains("171"), "{printed}");
    }
}
