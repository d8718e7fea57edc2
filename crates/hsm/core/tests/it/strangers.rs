//! Whatever a client sends, the HSM answers and stays whole.

use proptest::prelude::*;
use strongroom_hsm_core::Outcome;
use strongroom_hsm_proto::command::{Call, Command, FailureCode, Role};

use crate::lab::Lab;
use crate::permissions::rows;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Calls of every kind, with bytes changed, cut or added.
    #[test]
    fn no_call_breaks_the_hsm(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 60),
        tail in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut lab = Lab::with_users(1);
        let sessions = [lab.log_in(0, "admin", Role::Admin), lab.log_in(0, "cu1", Role::CryptoUser)];
        let commands: Vec<Command> = rows().into_iter().map(|(command, _)| command).collect();
        for (which, place, byte) in changes {
            let command = which.get(&commands).clone();
            for at in sessions {
                let call = Call { session: at.session, command: Some(command.clone()), ..Call::default() };
                let mut encoded = prost::Message::encode_to_vec(&call);
                let place = place.index(encoded.len());
                match byte % 3 {
                    0 => encoded[place] = byte,
                    1 => encoded.truncate(place),
                    _ => encoded.extend(&tail),
                }
                let Ok(call) = <Call as prost::Message>::decode(encoded.as_slice()) else { continue };
                match lab.hsms[0].execute(at.connection, &call, lab.now) {
                    Outcome::Done(_) => {}
                    Outcome::Refused(failure) => {
                        prop_assert_ne!(failure.code(), FailureCode::Internal, "{:?}", failure);
                        prop_assert!(!failure.text.is_empty());
                    }
                    Outcome::Change(planned) => {
                        let before = lab.hsms[0].snapshot();
                        lab.commit(0, planned).ok();
                        let after = lab.hsms[0].snapshot();
                        lab.hsms[0].load(&before).unwrap();
                        lab.hsms[0].load(&after).unwrap();
                    }
                }
            }
        }
    }
}
