//! Random requests, approvals and uses on two HSMs, against a model of what an approval is good for.

use std::collections::HashSet;
use std::sync::OnceLock;

use proptest::prelude::*;
use strongroom_crypto::digest::{Hash, sha256};
use strongroom_crypto::rsa;
use strongroom_hsm_proto::command::{
    Approval, ApprovalSignature, Command, FailureCode, GenerateToken, Logout, QuorumService,
    RegistrationPurpose, Result as Answered, Role, SetQuorumValue, SetTokenTimeout,
};

use crate::lab::{At, Lab, PASSWORD, code};
use crate::users::{register, rsa_key};

const OFFICERS: [&str; 3] = ["admin", "officer1", "officer2"];
const NEEDED: usize = 2;
const LIFETIME_MS: u64 = 600_000;

#[derive(Clone, Debug)]
enum Step {
    /// Asks both HSMs for a token, and puts the two into one file.
    Ask {
        user: usize,
        service: usize,
    },
    /// Signs the file.
    Sign {
        file: usize,
        approver: usize,
    },
    /// Uses the file on one of the HSMs, for a change of one of the services.
    Use {
        file: usize,
        user: usize,
        hsm: usize,
        service: usize,
    },
    LogOut {
        user: usize,
        hsm: usize,
    },
    Pass {
        ms: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (two, three, files) = (0..2_usize, 0..3_usize, 0..4_usize);
    prop_oneof![
        3 => (two.clone(), two.clone()).prop_map(|(user, service)| Step::Ask { user, service }),
        6 => (files.clone(), three).prop_map(|(file, approver)| Step::Sign { file, approver }),
        6 => (files, two.clone(), two.clone(), two.clone())
            .prop_map(|(file, user, hsm, service)| Step::Use { file, user, hsm, service }),
        1 => (two.clone(), two).prop_map(|(user, hsm)| Step::LogOut { user, hsm }),
        1 => (0..400_000_u64).prop_map(|ms| Step::Pass { ms }),
    ]
}

struct File {
    approval: Approval,
    user: usize,
    service: usize,
    made_ms: u64,
    approvers: HashSet<usize>,
    /// On which HSMs its token is still known.
    known: [bool; 2],
    spent: bool,
}

/// A change that each service guards and that can be made again and again.
fn change(service: usize) -> Command {
    if service == 0 {
        // Guarded by `quorum`, it sets what is set already, anew.
        return Command::SetTokenTimeout(SetTokenTimeout { generated: 600, approved: 0 });
    }
    Command::SetQuorumValue(SetQuorumValue { service: QuorumService::Cluster.into(), value: 1 })
}

/// Both changes are of the service `quorum`; `cluster` is what the other tokens are for.
const SERVICES: [QuorumService; 2] = [QuorumService::Quorum, QuorumService::Cluster];

struct World {
    lab: Lab,
    keys: &'static [rsa::PrivateKey; 3],
    sessions: [[At; 2]; 2],
    files: Vec<File>,
}

impl World {
    fn new() -> Self {
        static KEYS: OnceLock<[rsa::PrivateKey; 3]> = OnceLock::new();

        let mut lab = Lab::with_users(2);
        let keys = KEYS.get_or_init(|| OFFICERS.map(|_| rsa_key()));
        for (name, key) in OFFICERS.into_iter().zip(keys) {
            let at = lab.log_in(0, name, Role::Admin);
            register(&mut lab, at, RegistrationPurpose::Quorum, (name, Role::Admin), key).unwrap();
        }
        let sessions = [0, 1].map(|user| [0, 1].map(|hsm| lab.log_in(hsm, OFFICERS[user], Role::Admin)));
        let value = SetQuorumValue { service: QuorumService::Quorum.into(), value: NEEDED as u32 };
        lab.run(sessions[0][0], Command::SetQuorumValue(value)).unwrap();
        Self { lab, keys, sessions, files: Vec::new() }
    }

    fn ask(&mut self, user: usize, service: usize) {
        let mut approval_data = Vec::new();
        for at in self.sessions[user] {
            let command = GenerateToken { service: SERVICES[service].into(), key: 0 };
            match self.lab.run(at, Command::GenerateToken(command)) {
                Ok(Some(Answered::Token(token))) => approval_data.extend(token.approval_data),
                other => panic!("{other:?}"),
            }
        }
        // One active token for each user and service: the older one goes.
        for file in &mut self.files {
            if (file.user, file.service) == (user, service) {
                file.known = [false; 2];
            }
        }
        self.files.push(File {
            approval: Approval { approval_data, signatures: Vec::new() },
            user,
            service,
            made_ms: self.lab.now.monotonic_ms,
            approvers: HashSet::new(),
            known: [true; 2],
            spent: false,
        });
    }

    fn sign(&mut self, file: usize, approver: usize) {
        let Some(file) = self.files.get_mut(file) else { return };
        let digest = sha256(&file.approval.approval_data);
        if file.approval.signatures.len() < 8 {
            file.approval.signatures.push(ApprovalSignature {
                username: OFFICERS[approver].to_owned(),
                role: Role::Admin.into(),
                signature: self.keys[approver].sign_pkcs1(Hash::Sha256, &digest).unwrap(),
            });
            file.approvers.insert(approver);
        }
    }

    fn use_up(&mut self, file: usize, user: usize, hsm: usize, service: usize) {
        let Some(found) = self.files.get(file) else { return };
        let late = self.lab.now.monotonic_ms >= found.made_ms + LIFETIME_MS;
        let good = found.user == user
            && found.service == 0
            && found.known[hsm]
            && !found.spent
            && !late
            && found.approvers.len() >= NEEDED;
        let approvals = vec![found.approval.clone()];
        let done = self.lab.run_approved(self.sessions[user][hsm], change(service), approvals);
        if good {
            assert_eq!(done, Ok(None));
            self.files[file].spent = true;
        } else {
            assert_eq!(code(done), FailureCode::QuorumFailed);
        }
    }

    fn log_out(&mut self, user: usize, hsm: usize) {
        let at = self.sessions[user][hsm];
        self.lab.run(at, Command::Logout(Logout {})).unwrap();
        self.lab.try_log_in(at, OFFICERS[user], Role::Admin, PASSWORD).unwrap();
        for file in self.files.iter_mut().filter(|file| file.user == user) {
            file.known[hsm] = false;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn an_approval_is_good_for_what_it_was_asked_for_and_once(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new();
        for step in steps {
            match step {
                Step::Ask { user, service } => world.ask(user, service),
                Step::Sign { file, approver } => world.sign(file, approver),
                Step::Use { file, user, hsm, service } => world.use_up(file, user, hsm, service),
                Step::LogOut { user, hsm } => world.log_out(user, hsm),
                Step::Pass { ms } => world.lab.pass_ms(ms),
            }
        }
        world.lab.all_agree();
    }
}
