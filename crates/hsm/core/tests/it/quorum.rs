//! Approval by several: what is asked for, what is accepted, and what is not accepted twice.

use std::collections::HashMap;

use strongroom_crypto::digest::sha256;
use strongroom_crypto::{digest::Hash, rsa};
use strongroom_hsm_core::{ConnectionId, Outcome};
use strongroom_hsm_proto::command::{
    Approval, ApprovalSignature, AttributeName, Call, Command, DeleteTokens, ExportKey, Failure, FailureCode,
    GenerateKey, GenerateToken, Hash as HashName, KeyQuorum, KeyType, ListQuorumValues, ListTokens, Logout,
    Mechanism, MechanismKind, QuorumService, QuorumValues, RegistrationPurpose, Result as Answered, Role,
    SetAttribute, SetQuorumValue, ShareKey, Sign, TokenDescription, UnshareKey,
};

use crate::lab::{At, Lab, PASSWORD, code, create_user, flag, flags, key, label, output, template};
use crate::users::{delete_user, register, rsa_key};

const OFFICERS: [&str; 3] = ["admin", "officer1", "officer2"];

/// A lab whose users of one role have keys for approvals.
struct Signed {
    lab: Lab,
    keys: HashMap<&'static str, rsa::PrivateKey>,
    role: Role,
}

impl Signed {
    fn new(hsms: usize, names: &[&'static str], role: Role) -> Self {
        let mut lab = Lab::with_users(hsms);
        let mut keys = HashMap::new();
        for name in names {
            let at = lab.log_in(0, name, role);
            let key = rsa_key();
            register(&mut lab, at, RegistrationPurpose::Quorum, (name, role), &key).unwrap();
            keys.insert(*name, key);
        }
        Self { lab, keys, role }
    }

    fn approve(&self, approval_data: Vec<u8>, approvers: &[&'static str]) -> Approval {
        let digest = sha256(&approval_data);
        let signatures = approvers.iter().map(|name| ApprovalSignature {
            username: (*name).to_owned(),
            role: self.role.into(),
            signature: self.keys[name].sign_pkcs1(Hash::Sha256, &digest).unwrap(),
        });
        Approval { signatures: signatures.collect(), approval_data }
    }
}

fn token(lab: &mut Lab, at: At, service: QuorumService, key: u64) -> Vec<u8> {
    match lab.run(at, Command::GenerateToken(GenerateToken { service: service.into(), key })) {
        Ok(Some(Answered::Token(token))) => token.approval_data,
        other => panic!("{other:?}"),
    }
}

fn set_value(service: QuorumService, value: u32) -> Command {
    Command::SetQuorumValue(SetQuorumValue { service: service.into(), value })
}

fn new_user() -> Command {
    create_user("new", Role::CryptoUser, PASSWORD)
}

fn tokens(lab: &mut Lab, at: At) -> Vec<TokenDescription> {
    match lab.run(at, Command::ListTokens(ListTokens {})) {
        Ok(Some(Answered::Tokens(list))) => list.tokens,
        other => panic!("{other:?}"),
    }
}

#[test]
fn values_are_set_within_bounds() {
    let mut lab = Lab::with_users(1);
    let admin = lab.log_in(0, "admin", Role::Admin);
    for (service, value) in [
        (QuorumService::User, 0),
        (QuorumService::User, 4),
        (QuorumService::Quorum, 9),
        (QuorumService::KeyUsage, 2),
        (QuorumService::Registration, 2),
    ] {
        let refused = lab.run(admin, set_value(service, value)).unwrap_err();
        assert_eq!(refused.code(), FailureCode::InvalidRequest);
        if service == QuorumService::User {
            assert_eq!(refused.text, "Invalid quorum value provided.");
        }
    }
    lab.run(admin, set_value(QuorumService::User, 3)).unwrap();
    let values = lab.run(admin, Command::ListQuorumValues(ListQuorumValues {}));
    assert_eq!(values, Ok(Some(Answered::QuorumValues(QuorumValues { user: 3, quorum: 1, cluster: 1 }))));
}

#[test]
fn a_token_is_a_record_of_80_bytes() {
    let mut lab = Lab::with_users(1);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let record = token(&mut lab, admin, QuorumService::User, 0);
    assert_eq!(record.len(), 80);
    assert_eq!(record[..4], [0, 1, 0, 3]);
    assert_eq!(record[8..16], [0; 8]);
    assert_eq!(record[32..64], [b"admin".as_slice(), &[0; 27]].concat());
    assert_eq!(record[64..72], 1_800_000_600_u64.to_be_bytes());
    assert_eq!(record[72..], [0; 8]);
}

#[test]
fn a_user_is_made_with_two_approvals_and_an_approval_works_once_in_the_cluster() {
    let mut signed = Signed::new(2, &OFFICERS, Role::Admin);
    let here = signed.lab.log_in(0, "admin", Role::Admin);
    let there = signed.lab.log_in(1, "admin", Role::Admin);
    signed.lab.run(here, set_value(QuorumService::User, 2)).unwrap();
    let refused = signed.lab.run(here, new_user()).unwrap_err();
    assert_eq!(refused.code(), FailureCode::QuorumRequired);
    assert_eq!(refused.text, "Quorum approval is required for this operation");

    // One file for the whole cluster: the records of both HSMs.
    let data = [
        token(&mut signed.lab, here, QuorumService::User, 0),
        token(&mut signed.lab, there, QuorumService::User, 0),
    ]
    .concat();
    assert_eq!(tokens(&mut signed.lab, here).len(), 1);
    let one = signed.approve(data.clone(), &["admin"]);
    assert_eq!(refused_with(&mut signed.lab, here, new_user(), &one), FailureCode::QuorumFailed);
    let twice = signed.approve(data.clone(), &["admin", "admin"]);
    assert_eq!(refused_with(&mut signed.lab, here, new_user(), &twice), FailureCode::QuorumFailed);
    let approval = signed.approve(data, &["admin", "officer1"]);

    // A command that fails uses nothing up.
    let existing = create_user("cu1", Role::CryptoUser, PASSWORD);
    assert_eq!(refused_with(&mut signed.lab, here, existing, &approval), FailureCode::UserExists);
    // Neither does a plan that is not carried out.
    match signed.lab.execute(there, new_user(), vec![approval.clone()]) {
        Outcome::Change(planned) => drop(planned),
        other => panic!("{other:?}"),
    }
    signed.lab.run_approved(here, new_user(), vec![approval.clone()]).unwrap();
    let records = signed.lab.hsms[0].drain_audit(usize::MAX);
    let last: Vec<_> = records[records.len() - 2..].iter().map(|record| record.opcode.1).collect();
    assert_eq!(last, ["CN_APPROVE_TOKEN", "CN_CREATE_USER"]);

    assert!(tokens(&mut signed.lab, here).is_empty() && tokens(&mut signed.lab, there).is_empty());
    let another = || create_user("another", Role::CryptoUser, PASSWORD);
    for at in [here, there] {
        assert_eq!(refused_with(&mut signed.lab, at, another(), &approval), FailureCode::QuorumFailed);
    }
    signed.lab.all_agree();
}

fn refused_with(lab: &mut Lab, at: At, command: Command, approval: &Approval) -> FailureCode {
    code(lab.run_approved(at, command, vec![approval.clone()]))
}

/// Plans made at once with one approval: only one of them is carried out.
#[test]
fn two_plans_with_one_approval_do_not_both_hold() {
    let mut signed = Signed::new(1, &OFFICERS, Role::Admin);
    let at = signed.lab.log_in(0, "admin", Role::Admin);
    signed.lab.run(at, set_value(QuorumService::User, 2)).unwrap();
    let data = token(&mut signed.lab, at, QuorumService::User, 0);
    let approval = signed.approve(data, &["officer2", "officer1"]);
    let plan = |name: &str| match signed.lab.execute(
        at,
        create_user(name, Role::CryptoUser, PASSWORD),
        vec![approval.clone()],
    ) {
        Outcome::Change(planned) => planned,
        other => panic!("{other:?}"),
    };
    let (first, second) = ([plan("one")], plan("two"));
    assert!(!signed.lab.hsms[0].still_holds(&second, &first));
    let [first] = first;
    signed.lab.commit(0, first).unwrap();
    assert!(!signed.lab.hsms[0].still_holds(&second, &[]));
}

#[test]
fn approvals_that_are_late_altered_foreign_or_of_another_session_fail() {
    let mut signed = Signed::new(1, &OFFICERS, Role::Admin);
    let at = signed.lab.log_in(0, "admin", Role::Admin);
    signed.lab.run(at, set_value(QuorumService::User, 2)).unwrap();
    let approvers = ["admin", "officer1"];
    let fails = |signed: &mut Signed, at: At, approval: Approval| {
        assert_eq!(refused_with(&mut signed.lab, at, new_user(), &approval), FailureCode::QuorumFailed);
    };

    let other_service = token(&mut signed.lab, at, QuorumService::Quorum, 0);
    let approval = signed.approve(other_service, &approvers);
    fails(&mut signed, at, approval);

    let data = token(&mut signed.lab, at, QuorumService::User, 0);
    let good = signed.approve(data.clone(), &approvers);
    for position in 0..data.len() {
        let mut altered = good.clone();
        altered.approval_data[position] ^= 1;
        fails(&mut signed, at, altered);
        // Also when people sign what was altered: the HSM knows what it gave out.
        let mut altered = data.clone();
        altered[position] ^= 1;
        let approval = signed.approve(altered, &approvers);
        fails(&mut signed, at, approval);
    }
    for data in [Vec::new(), data[..79].to_vec(), [data.clone(), vec![0; 80]].concat(), data.repeat(29)] {
        let approval = signed.approve(data, &approvers);
        fails(&mut signed, at, approval);
    }
    let mut wrong_signature = good.clone();
    wrong_signature.signatures[0].signature[9] ^= 1;
    fails(&mut signed, at, wrong_signature);
    let mut wrong_name = good.clone();
    wrong_name.signatures[0].username = "officer2".to_owned();
    fails(&mut signed, at, wrong_name);

    let other_session = signed.lab.log_in(0, "admin", Role::Admin);
    fails(&mut signed, other_session, good.clone());
    let other_user = signed.lab.log_in(0, "officer2", Role::Admin);
    fails(&mut signed, other_user, good.clone());

    signed.lab.pass_ms(599_999);
    assert_eq!(tokens(&mut signed.lab, at).len(), 2);
    signed.lab.pass_ms(1);
    assert!(tokens(&mut signed.lab, at).is_empty());
    fails(&mut signed, at, good);

    let data = token(&mut signed.lab, at, QuorumService::User, 0);
    let approval = signed.approve(data, &approvers);
    signed.lab.run(at, Command::Logout(Logout {})).unwrap();
    signed.lab.try_log_in(at, "admin", Role::Admin, PASSWORD).unwrap();
    fails(&mut signed, at, approval);

    let data = token(&mut signed.lab, at, QuorumService::User, 0);
    let approval = signed.approve(data, &approvers);
    signed.lab.run_approved(at, new_user(), vec![approval]).unwrap();
}

#[test]
fn an_administrator_has_one_token_for_each_service_and_can_delete_tokens() {
    let mut lab = Lab::with_users(1);
    let one = lab.log_in(0, "admin", Role::Admin);
    let other = lab.log_in(0, "officer1", Role::Admin);
    token(&mut lab, one, QuorumService::User, 0);
    token(&mut lab, one, QuorumService::User, 0);
    token(&mut lab, one, QuorumService::Cluster, 0);
    token(&mut lab, other, QuorumService::User, 0);
    let listed = tokens(&mut lab, other);
    let listed: Vec<_> = listed.iter().map(|token| (token.username.as_str(), token.service())).collect();
    assert_eq!(
        listed,
        [
            ("admin", QuorumService::User),
            ("admin", QuorumService::Cluster),
            ("officer1", QuorumService::User)
        ]
    );
    lab.run(one, Command::DeleteTokens(DeleteTokens { all: false })).unwrap();
    assert_eq!(tokens(&mut lab, one).len(), 1);
    lab.run(one, Command::DeleteTokens(DeleteTokens { all: true })).unwrap();
    assert!(tokens(&mut lab, one).is_empty());
}

#[test]
fn an_hsm_keeps_1024_tokens_and_late_ones_make_room() {
    let mut lab = Lab::with_users(1);
    let user = lab.log_in(0, "cu1", Role::CryptoUser);
    let made = lab.generate_aes(user, Vec::new()).key;
    for _ in 0..1_024 {
        token(&mut lab, user, QuorumService::KeyUsage, made);
    }
    let more = GenerateToken { service: QuorumService::KeyUsage.into(), key: made };
    assert_eq!(code(lab.run(user, Command::GenerateToken(more))), FailureCode::LimitExceeded);
    let admin = lab.log_in(0, "admin", Role::Admin);
    token(&mut lab, admin, QuorumService::User, 0);
    assert_eq!(tokens(&mut lab, admin).len(), 1_024, "the oldest token of a key gave way");
    lab.pass_ms(600_000);
    token(&mut lab, user, QuorumService::KeyUsage, made);
}

fn quorum_key(
    lab: &mut Lab,
    at: At,
    share_with: &[&str],
    manage: u32,
    usage: u32,
) -> Result<Option<Answered>, Failure> {
    lab.run(
        at,
        Command::GenerateKey(GenerateKey {
            key_type: KeyType::GenericSecret.into(),
            length: 32,
            template: template(flags(&[AttributeName::Sign])),
            share_with: share_with.iter().map(|name| (*name).to_owned()).collect(),
            quorum: Some(KeyQuorum { manage, usage }),
        }),
    )
}

fn hmac(key: u64) -> Command {
    Command::Sign(Sign {
        key,
        mechanism: Some(Mechanism {
            kind: MechanismKind::Hmac.into(),
            hash: HashName::Sha256.into(),
            ..Mechanism::default()
        }),
        data: b"data".to_vec(),
    })
}

#[test]
fn a_key_signs_with_as_many_approvals_as_it_was_made_for() {
    let mut signed = Signed::new(2, &["cu1", "cu2", "cu3"], Role::CryptoUser);
    let owner = signed.lab.log_in(0, "cu1", Role::CryptoUser);
    for (shares, manage, usage) in
        [(&["cu2"][..], 0, 3), (&[], 2, 0), (&["cu2", "CU1"], 3, 0), (&["cu2"], 9, 0)]
    {
        let refused = quorum_key(&mut signed.lab, owner, shares, manage, usage).unwrap_err();
        assert_eq!(refused.text, "Invalid quorum value provided.");
    }
    let key = key(quorum_key(&mut signed.lab, owner, &["cu2"], 2, 2)).key;
    let refused = signed.lab.run(owner, hmac(key)).unwrap_err();
    assert_eq!((refused.code(), refused.text.as_str()), (FailureCode::QuorumRequired, "Quorum Failed"));

    let data = token(&mut signed.lab, owner, QuorumService::KeyUsage, key);
    // cu3 is a stranger to the key.
    let strangers = signed.approve(data.clone(), &["cu1", "cu3"]);
    assert_eq!(refused_with(&mut signed.lab, owner, hmac(key), &strangers), FailureCode::QuorumFailed);
    let approval = signed.approve(data, &["cu2", "cu1"]);
    let (mac, _) = output(signed.lab.run_approved(owner, hmac(key), vec![approval.clone()]));
    assert_eq!(mac.len(), 32);
    assert_eq!(refused_with(&mut signed.lab, owner, hmac(key), &approval), FailureCode::QuorumFailed);

    // The service for use does not serve for management, nor one key for another.
    let rename = |key| Command::SetAttribute(SetAttribute { key, attribute: Some(label("renamed")) });
    let data = token(&mut signed.lab, owner, QuorumService::KeyUsage, key);
    let approval = signed.approve(data, &["cu2", "cu1"]);
    assert_eq!(refused_with(&mut signed.lab, owner, rename(key), &approval), FailureCode::QuorumFailed);
    let data = token(&mut signed.lab, owner, QuorumService::KeyManagement, key);
    let approval = signed.approve(data, &["cu2", "cu1"]);
    signed.lab.run_approved(owner, rename(key), vec![approval]).unwrap();
    let share = |username: &str| Command::ShareKey(ShareKey { key, username: username.to_owned() });
    assert_eq!(code(signed.lab.run(owner, share("cu3"))), FailureCode::QuorumRequired);
    let unshare = Command::UnshareKey(UnshareKey { key, username: "cu2".to_owned() });
    assert_eq!(code(signed.lab.run(owner, unshare)), FailureCode::InvalidRequest);
    let export = Command::ExportKey(ExportKey { key });
    assert_eq!(code(signed.lab.run(owner, export.clone())), FailureCode::QuorumRequired);
    let data = token(&mut signed.lab, owner, QuorumService::KeyManagement, key);
    let approval = signed.approve(data, &["cu2", "cu1"]);
    let exported = signed.lab.run_approved(owner, export.clone(), vec![approval.clone()]);
    assert!(matches!(exported, Ok(Some(Answered::Exported(_)))), "{exported:?}");
    assert_eq!(refused_with(&mut signed.lab, owner, export, &approval), FailureCode::QuorumFailed);
    signed.lab.all_agree();
}

#[test]
fn what_cannot_be_approved_is_refused_for_keys_with_a_quorum() {
    let mut lab = Lab::with_users(1);
    let owner = lab.log_in(0, "cu1", Role::CryptoUser);
    let command = Command::GenerateKey(GenerateKey {
        key_type: KeyType::Aes.into(),
        length: 32,
        template: template(vec![flag(AttributeName::Encrypt, true)]),
        share_with: vec!["cu2".to_owned()],
        quorum: Some(KeyQuorum { manage: 0, usage: 2 }),
    });
    let key = key(lab.run(owner, command)).key;
    let encrypt = strongroom_hsm_proto::command::Encrypt {
        key,
        mechanism: Some(Mechanism { kind: MechanismKind::AesGcm.into(), ..Mechanism::default() }),
        data: Vec::new(),
    };
    assert_eq!(code(lab.run(owner, Command::Encrypt(encrypt))), FailureCode::QuorumRequired);
}

#[test]
fn a_call_has_at_most_two_approvals() {
    let mut lab = Lab::with_users(1);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let many = vec![Approval::default(); 3];
    assert_eq!(code(lab.run_approved(admin, new_user(), many)), FailureCode::InvalidRequest);
    let nobody: Call = Call::default();
    let outcome = lab.hsms[0].execute(admin.connection, &nobody, lab.now);
    assert!(matches!(outcome, Outcome::Refused(_)));
    let _: ConnectionId = admin.connection;
    lab.run(admin, delete_user("officer2", Role::Admin)).unwrap();
}

#[test]
fn who_is_needed_for_a_quorum_of_a_key_is_not_deleted() {
    let mut lab = Lab::with_users(1);
    let owner = lab.log_in(0, "cu1", Role::CryptoUser);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let two = key(quorum_key(&mut lab, owner, &["cu2", "cu3"], 2, 0)).key;
    let plan = |lab: &Lab, name| match lab.execute(admin, delete_user(name, Role::CryptoUser), Vec::new()) {
        Outcome::Change(planned) => planned,
        outcome => panic!("{outcome:?}"),
    };
    // Either of them may go, not both.
    let (first, second) = ([plan(&lab, "cu2")], plan(&lab, "cu3"));
    assert!(!lab.hsms[0].still_holds(&second, &first));
    // Nor may a key be made meanwhile that needs the leaver.
    let third = plan(&lab, "cu3");
    quorum_key(&mut lab, owner, &["cu3"], 0, 2).unwrap();
    assert!(!lab.hsms[0].still_holds(&third, &[]));
    assert_eq!(code(lab.run(admin, delete_user("cu3", Role::CryptoUser))), FailureCode::InUse);
    lab.run(admin, delete_user("cu2", Role::CryptoUser)).unwrap();
    let list = lab.run(owner, Command::ShowKeys(strongroom_hsm_proto::command::ShowKeys { keys: vec![two] }));
    let Ok(Some(Answered::Keys(list))) = list else { panic!("{list:?}") };
    assert_eq!(list.keys[0].shared_with, ["cu3"]);
}

#[test]
fn a_session_key_does_not_bring_users_back_who_are_gone() {
    let mut lab = Lab::with_users(1);
    let owner = lab.log_in(0, "cu1", Role::CryptoUser);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let make = |share_with: &[&str], usage| {
        Command::GenerateKey(GenerateKey {
            key_type: KeyType::Aes.into(),
            length: 32,
            template: template(vec![flag(AttributeName::Token, false)]),
            share_with: share_with.iter().map(|name| (*name).to_owned()).collect(),
            quorum: Some(KeyQuorum { manage: 0, usage }),
        })
    };
    let plain = key(lab.run(owner, make(&["cu2", "cu3"], 0))).key;
    let needed = key(lab.run(owner, make(&["cu2"], 2))).key;
    lab.run(admin, delete_user("cu2", Role::CryptoUser)).unwrap();
    lab.create_user(admin, "cu2", Role::CryptoUser).unwrap();
    lab.run(admin, delete_user("cu2", Role::CryptoUser)).unwrap();
    let promote =
        |key| Command::SetAttribute(SetAttribute { key, attribute: Some(flag(AttributeName::Token, true)) });
    lab.run(owner, promote(plain)).unwrap();
    assert_eq!(code(lab.run(owner, promote(needed))), FailureCode::InvalidRequest);
    lab.create_user(admin, "cu2", Role::CryptoUser).unwrap();
    for (name, sees) in [("cu2", 0), ("cu3", 1)] {
        let at = lab.log_in(0, name, Role::CryptoUser);
        assert_eq!(crate::keys::find(&mut lab, at, Vec::new()).len(), sees, "{name}");
    }
}
