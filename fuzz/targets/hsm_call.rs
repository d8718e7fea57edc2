//! What a client can make an HSM execute: nothing panics, refusals say why, what is planned can be applied, and the
//! state that comes of it is read back as it was written.
//!
//! The input is calls one after the other, each with its length in two bytes before it.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use prost::Message;
use strongroom_hsm_core::{Hsm, HsmIdentity, Mode, Now, Options, Outcome, Peer};
use strongroom_hsm_proto::command::{
    Activate, Call, Command, CreateUser, Login, OpenSession, Outcome as Answered, Role,
};
use strongroom_secret::Secret;

const NOW: Now = Now { domain_ms: 1_800_000_000_000, monotonic_ms: 0 };
const PASSWORD: &str = "password1";

fn hsm() -> Hsm {
    let identity = HsmIdentity {
        hsm_id: "hsm-fuzz".to_owned(),
        cluster_id: "cluster-fuzz".to_owned(),
        serial_number: String::new(),
        reboot_counter: 0,
    };
    let hsm = Hsm::new(identity, Options::new(Mode::NonFips));
    hsm.set_epoch(1, 1, &Secret::new([1; 32]));
    hsm
}

/// The users `admin` and `user`; passwords are hashed once, for all runs.
fn snapshot() -> &'static [u8] {
    static SNAPSHOT: OnceLock<Vec<u8>> = OnceLock::new();
    SNAPSHOT.get_or_init(|| {
        let hsm = hsm();
        hsm.apply(&hsm.found(NOW).expect("founded"), NOW).expect("applied");
        let connection = hsm.connect(Peer::default());
        let mut session = 0;
        for command in [
            Command::OpenSession(OpenSession {}),
            Command::Activate(Activate { password: PASSWORD.to_owned() }),
            Command::Login(Login {
                username: "admin".to_owned(),
                role: Role::Admin.into(),
                password: PASSWORD.to_owned(),
            }),
            Command::CreateUser(CreateUser {
                username: "user".to_owned(),
                role: Role::CryptoUser.into(),
                password: PASSWORD.to_owned(),
            }),
        ] {
            let call = Call { session, command: Some(command), ..Call::default() };
            match hsm.execute(connection, &call, NOW) {
                Outcome::Change(planned) => hsm.apply(&planned.effects, NOW).expect("applied"),
                Outcome::Done(reply) => {
                    if let Some(strongroom_hsm_proto::command::Result::Session(opened)) = reply.result {
                        session = opened.session;
                    }
                }
                Outcome::Refused(failure) => panic!("{failure:?}"),
            }
        }
        hsm.snapshot()
    })
}

fuzz_target!(|data: &[u8]| {
    let hsm = hsm();
    hsm.load(snapshot()).expect("the snapshot is ours");
    let connection = hsm.connect(Peer::default());
    let mut rest = data;
    while let Some((length, more)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(more.len());
        let (call, more) = more.split_at(length);
        rest = more;
        let Ok(call) = Call::decode(call) else { continue };
        match hsm.execute(connection, &call, NOW) {
            Outcome::Done(_) => {}
            Outcome::Refused(failure) => assert!(!failure.text.is_empty()),
            Outcome::Change(planned) => {
                hsm.apply(&planned.effects, NOW).expect("what is planned can be applied");
                assert!(!matches!(&planned.answer, Answered::Failure(failure) if failure.text.is_empty()));
                hsm.settle(planned, None, NOW);
            }
        }
    }
    let written = hsm.snapshot();
    hsm.load(&written).expect("what was written is read");
    assert_eq!(hsm.snapshot(), written);
    // What a damaged log or file would hand in.
    let _ = hsm.apply(data, NOW);
    let _ = hsm.load(data);
    let _ = hsm.load_local(data);
});
