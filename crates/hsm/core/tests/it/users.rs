//! Users: made, locked, changed, deleted.

use strongroom_crypto::digest::Hash;
use strongroom_crypto::rsa;
use strongroom_hsm_core::{Mode, Options, Outcome};
use strongroom_hsm_proto::command::{
    AnswerChallenge, BeginRegistration, ChangePassword, CloseSession, Command, DeleteKey, DeleteUser,
    Deregister, ExportUser, Failure, FailureCode, FinishRegistration, ImportUser, ListUsers, Logout,
    RegistrationPurpose, Result as Answered, Role, UserDescription,
};

use crate::lab::{At, Lab, PASSWORD, code, create_user, hsm};

fn users(lab: &mut Lab, hsm: usize) -> Vec<UserDescription> {
    let at = lab.open(hsm);
    match lab.run(at, Command::ListUsers(ListUsers {})) {
        Ok(Some(Answered::Users(list))) => list.users,
        other => panic!("{other:?}"),
    }
}

fn user(lab: &mut Lab, hsm: usize, name: &str) -> UserDescription {
    users(lab, hsm).into_iter().find(|user| user.username == name).unwrap()
}

pub(crate) fn delete_user(name: &str, role: Role) -> Command {
    Command::DeleteUser(DeleteUser { username: name.to_owned(), role: role.into() })
}

fn change_password(name: &str, role: Role, password: &str, deregister: bool) -> Command {
    Command::ChangePassword(ChangePassword {
        username: name.to_owned(),
        role: role.into(),
        password: password.to_owned(),
        deregister_mfa: deregister,
        deregister_quorum: deregister,
    })
}

#[test]
fn names_and_passwords_have_their_forms() {
    let mut lab = Lab::with_users(1);
    let admin = lab.log_in(0, "admin", Role::Admin);
    for name in ["", "a b", "ümlaut", "dash-ed", "a.b", &"n".repeat(32)] {
        let refused = lab.create_user(admin, name, Role::CryptoUser);
        assert_eq!(code(refused), FailureCode::InvalidRequest, "{name:?}");
    }
    for password in ["", "1234567", "pass:word", &"p".repeat(33)] {
        let refused = lab.run(admin, create_user("fine", Role::CryptoUser, password));
        assert_eq!(code(refused), FailureCode::InvalidRequest, "{password:?}");
    }
    for role in [Role::UnactivatedAdmin, Role::ApplianceUser] {
        assert_eq!(code(lab.create_user(admin, "fine", role)), FailureCode::InvalidRequest);
    }
    let longest = format!("{}_9", "N".repeat(29));
    lab.run(admin, create_user(&longest, Role::CryptoUser, &"p".repeat(32))).unwrap();
    assert_eq!(user(&mut lab, 0, &longest.to_lowercase()).role(), Role::CryptoUser);
    assert_eq!(code(lab.create_user(admin, &longest, Role::CryptoUser)), FailureCode::UserExists);
    lab.create_user(admin, &longest, Role::Admin).unwrap();
}

#[test]
fn too_many_wrong_passwords_lock_until_an_admin_sets_another() {
    let mut lab = Lab::with_users(2);
    let already = lab.log_in(0, "cu1", Role::CryptoUser);
    let wrong = |lab: &mut Lab, hsm: usize| {
        let at = lab.open(hsm);
        code(lab.try_log_in(at, "cu1", Role::CryptoUser, "wrong password"))
    };
    for _ in 0..5 {
        assert_eq!(wrong(&mut lab, 0), FailureCode::LoginFailed);
    }
    assert!(!user(&mut lab, 0, "cu1").locked);
    assert_eq!(wrong(&mut lab, 1), FailureCode::LoginFailed, "each HSM counts by itself");
    assert_eq!(wrong(&mut lab, 0), FailureCode::LoginFailed);
    assert!(user(&mut lab, 1, "cu1").locked, "a tripped lock is everywhere");
    for hsm in [0, 1] {
        let at = lab.open(hsm);
        assert_eq!(code(lab.try_log_in(at, "cu1", Role::CryptoUser, PASSWORD)), FailureCode::Locked);
    }
    let admin = lab.log_in(1, "admin", Role::Admin);
    assert_eq!(lab.run(already, Command::Logout(Logout {})), Ok(None), "the lock is for log-ins");
    lab.try_log_in(already, "cu2", Role::CryptoUser, PASSWORD).unwrap();
    lab.run(admin, change_password("cu1", Role::CryptoUser, "another one", false)).unwrap();
    assert!(!user(&mut lab, 0, "cu1").locked);
    let at = lab.open(0);
    lab.try_log_in(at, "cu1", Role::CryptoUser, "another one").unwrap();
    lab.all_agree();
}

#[test]
fn the_count_of_wrong_passwords_outlives_the_process_and_a_right_one_clears_it() {
    let mut lab = Lab::with_users(1);
    assert_eq!(lab.hsms[0].unsaved_local(), None);
    for _ in 0..5 {
        let at = lab.open(0);
        lab.try_log_in(at, "cu1", Role::CryptoUser, "wrong password").unwrap_err();
    }
    let local = lab.hsms[0].unsaved_local().expect("there is something to save before the answer");
    assert_eq!(lab.hsms[0].unsaved_local(), None);

    let again = hsm(0, Options::new(Mode::NonFips));
    again.load(&lab.hsms[0].snapshot()).unwrap();
    again.load_local(&local).unwrap();
    lab.hsms.push(again);
    let at = lab.open(1);
    lab.try_log_in(at, "cu1", Role::CryptoUser, "wrong password").unwrap_err();
    assert!(user(&mut lab, 1, "cu1").locked);

    for _ in 0..5 {
        let at = lab.open(0);
        lab.try_log_in(at, "cu2", Role::CryptoUser, "wrong password").unwrap_err();
    }
    lab.log_in(0, "cu2", Role::CryptoUser);
    let at = lab.open(0);
    lab.try_log_in(at, "cu2", Role::CryptoUser, "wrong password").unwrap_err();
    assert!(!user(&mut lab, 0, "cu2").locked);
}

#[test]
fn a_locked_out_user_stays_out_although_the_log_cannot_be_written() {
    let mut lab = Lab::with_users(1);
    for round in 0..8 {
        let at = lab.open(0);
        let login = strongroom_hsm_proto::command::Login {
            username: "cu1".to_owned(),
            role: Role::CryptoUser.into(),
            password: "wrong password".to_owned(),
        };
        match lab.execute(at, Command::Login(login), Vec::new()) {
            Outcome::Refused(failure) if round < 5 => assert_eq!(failure.code(), FailureCode::LoginFailed),
            Outcome::Change(planned) if round == 5 => drop(planned),
            Outcome::Refused(failure) if round > 5 => assert_eq!(failure.code(), FailureCode::Locked),
            other => panic!("{round}: {other:?}"),
        }
    }
    let at = lab.open(0);
    assert_eq!(code(lab.try_log_in(at, "cu1", Role::CryptoUser, PASSWORD)), FailureCode::Locked);
}

#[test]
fn who_owns_keys_or_is_logged_in_is_not_deleted() {
    let mut lab = Lab::with_users(2);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    assert_eq!(code(lab.run(admin, delete_user("cu1", Role::CryptoUser))), FailureCode::InUse);
    let (public, private) = lab.signing_pair(at);
    lab.run(at, Command::Logout(Logout {})).unwrap();
    assert_eq!(code(lab.run(admin, delete_user("cu1", Role::CryptoUser))), FailureCode::InUse);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    for key in [public.key, private.key] {
        lab.run(at, Command::DeleteKey(DeleteKey { key })).unwrap();
    }
    lab.run(at, Command::CloseSession(CloseSession {})).unwrap();
    let elsewhere = lab.log_in(1, "cu1", Role::CryptoUser);
    lab.run(admin, delete_user("CU1", Role::CryptoUser)).unwrap();
    assert_eq!(code(lab.run(elsewhere, Command::Logout(Logout {}))), FailureCode::NotLoggedIn);
    assert_eq!(code(lab.run(admin, delete_user("cu1", Role::CryptoUser))), FailureCode::NoSuchUser);
    assert_eq!(code(lab.run(admin, delete_user("admin", Role::Admin))), FailureCode::InUse);
    lab.all_agree();
}

#[test]
fn whoever_logged_in_with_another_password_logs_in_again_but_not_who_set_the_new_one() {
    let mut lab = Lab::with_users(2);
    let (here, there) = (lab.log_in(0, "cu1", Role::CryptoUser), lab.log_in(1, "cu1", Role::CryptoUser));
    lab.run(here, change_password("cu1", Role::CryptoUser, "my own one", false)).unwrap();
    lab.generate_aes(here, Vec::new());
    assert_eq!(code(lab.run(there, Command::Logout(Logout {}))), FailureCode::NotLoggedIn);
    lab.try_log_in(there, "cu1", Role::CryptoUser, "my own one").unwrap();
    let other = change_password("cu2", Role::CryptoUser, "not mine", false);
    assert_eq!(code(lab.run(here, other)), FailureCode::Forbidden);
    let admin = lab.log_in(0, "admin", Role::Admin);
    lab.run(here, Command::Logout(Logout {})).unwrap();
    lab.run(admin, change_password("cu1", Role::CryptoUser, "the admin's", false)).unwrap();
    assert_eq!(code(lab.run(there, Command::Logout(Logout {}))), FailureCode::NotLoggedIn);
    let nobody = change_password("nobody", Role::CryptoUser, "password2", false);
    assert_eq!(code(lab.run(admin, nobody)), FailureCode::NoSuchUser);
}

#[test]
fn the_password_of_whoever_is_logged_in_is_changed_in_that_session_only() {
    let mut lab = Lab::with_users(2);
    let (one, other) = (lab.log_in(0, "cu1", Role::CryptoUser), lab.log_in(0, "cu1", Role::CryptoUser));
    let admin = lab.log_in(0, "admin", Role::Admin);
    let change = || change_password("cu1", Role::CryptoUser, "another one", false);
    for at in [one, other, admin] {
        assert_eq!(code(lab.run(at, change())), FailureCode::InUse);
    }
    lab.run(other, Command::Logout(Logout {})).unwrap();
    assert_eq!(code(lab.run(admin, change())), FailureCode::InUse);
    lab.run(one, change()).unwrap();
    let connection = one.connection;
    lab.hsms[0].disconnect(connection, lab.now);
    lab.run(admin, change()).unwrap();
    // Nobody is logged in in two places as an administrator either.
    let second = lab.log_in(0, "admin", Role::Admin);
    let own = || change_password("admin", Role::Admin, "another one", false);
    assert_eq!(code(lab.run(admin, own())), FailureCode::InUse);
    lab.run(second, Command::Logout(Logout {})).unwrap();
    lab.run(admin, own()).unwrap();
}

#[test]
fn whoever_changed_in_a_state_that_is_taken_over_logs_in_again() {
    let mut lab = Lab::with_users(2);
    let sessions = ["cu1", "cu2", "cu3"].map(|name| lab.log_in(0, name, Role::CryptoUser));
    let mut ahead = Lab { hsms: vec![lab.hsms.remove(1)], now: lab.now };
    let admin = ahead.log_in(0, "admin", Role::Admin);
    ahead.run(admin, change_password("cu1", Role::CryptoUser, "another one", false)).unwrap();
    ahead.run(admin, delete_user("cu2", Role::CryptoUser)).unwrap();
    lab.hsms[0].load(&ahead.hsms[0].snapshot()).unwrap();
    let left = sessions.map(|at| lab.run(at, Command::Logout(Logout {})).is_ok());
    assert_eq!(left, [false, false, true]);
}

#[test]
fn enough_admins_stay_for_the_quorum() {
    let mut lab = Lab::with_users(1);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let set = strongroom_hsm_proto::command::SetQuorumValue {
        service: strongroom_hsm_proto::command::QuorumService::Cluster.into(),
        value: 2,
    };
    lab.run(admin, Command::SetQuorumValue(set)).unwrap();
    lab.run(admin, delete_user("officer1", Role::Admin)).unwrap();
    assert_eq!(code(lab.run(admin, delete_user("officer2", Role::Admin))), FailureCode::InUse);
}

#[test]
fn two_plans_for_one_user_do_not_both_hold() {
    let mut lab = Lab::with_users(2);
    let (one, other) = (lab.log_in(0, "admin", Role::Admin), lab.log_in(1, "officer1", Role::Admin));
    let plan =
        |lab: &Lab, at: At| match lab.execute(at, create_user("new", Role::CryptoUser, PASSWORD), Vec::new())
        {
            Outcome::Change(planned) => planned,
            outcome => panic!("{outcome:?}"),
        };
    let (first, second) = (plan(&lab, one), plan(&lab, one));
    assert!(lab.hsms[0].still_holds(&second, &[]));
    let elsewhere = plan(&lab, other);
    let first = [first];
    assert!(!lab.hsms[0].still_holds(&second, &first));
    let [first] = first;
    lab.commit(0, first).unwrap();
    assert!(!lab.hsms[0].still_holds(&second, &[]));
    assert!(!lab.hsms[1].still_holds(&elsewhere, &[]));
    let again = lab.create_user(other, "new", Role::CryptoUser);
    assert_eq!(code(again), FailureCode::UserExists);
}

#[test]
fn plans_that_do_not_touch_each_other_hold_in_one_batch_up_to_a_number() {
    let mut lab = Lab::with_users(1);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let user = lab.log_in(0, "cu1", Role::CryptoUser);
    let plan = |lab: &Lab, at: At, command: Command| match lab.execute(at, command, Vec::new()) {
        Outcome::Change(planned) => planned,
        outcome => panic!("{outcome:?}"),
    };
    let mut batch = vec![
        plan(&lab, admin, create_user("one", Role::CryptoUser, PASSWORD)),
        plan(&lab, admin, create_user("two", Role::CryptoUser, PASSWORD)),
    ];
    assert!(lab.hsms[0].still_holds(&batch[1], &batch[..1]));
    while batch.len() < 600 {
        let next = plan(&lab, user, crate::lab::generate_aes(Vec::new()));
        assert_eq!(lab.hsms[0].still_holds(&next, &batch), batch.len() < 512);
        batch.push(next);
    }
    // A user who changes takes the plans with it that it has made.
    let gone = [plan(&lab, user, change_password("cu1", Role::CryptoUser, "another one", false))];
    assert!(!lab.hsms[0].still_holds(&batch[5], &gone));
    assert!(lab.hsms[0].still_holds(&batch[0], &gone));
}

#[test]
fn users_are_counted() {
    let mut options = Options::new(Mode::NonFips);
    options.most_users = 9;
    let mut lab = Lab::with_options(1, &options);
    let admin = lab.log_in(0, "admin", Role::Admin);
    lab.create_user(admin, "eighth", Role::CryptoUser).unwrap();
    lab.create_user(admin, "ninth", Role::CryptoUser).unwrap();
    assert_eq!(code(lab.create_user(admin, "tenth", Role::CryptoUser)), FailureCode::LimitExceeded);
}

pub(crate) fn rsa_key() -> rsa::PrivateKey {
    rsa::PrivateKey::generate(2_048, 65_537).unwrap()
}

pub(crate) fn begin(purpose: RegistrationPurpose, name: &str, role: Role) -> Command {
    Command::BeginRegistration(BeginRegistration {
        purpose: purpose.into(),
        username: name.to_owned(),
        role: role.into(),
    })
}

/// Registers `key` in the session `at`; `password` only for a second factor.
pub(crate) fn register(
    lab: &mut Lab,
    at: At,
    purpose: RegistrationPurpose,
    (name, role): (&str, Role),
    key: &rsa::PrivateKey,
) -> Result<Option<Answered>, Failure> {
    let challenge = match lab.run(at, begin(purpose, name, role))? {
        Some(Answered::Challenge(challenge)) => challenge,
        other => panic!("{other:?}"),
    };
    if purpose == RegistrationPurpose::Quorum {
        assert_eq!(challenge.unsigned, Hash::Sha256.digest(&challenge.approval_data));
        assert!(challenge.approval_data.len() <= 245);
    }
    let finish = FinishRegistration {
        purpose: purpose.into(),
        username: name.to_owned(),
        role: role.into(),
        public_key: key.public_key().to_spki().unwrap(),
        signature: key.sign_pkcs1(Hash::Sha256, &challenge.unsigned).unwrap(),
        unsigned: challenge.unsigned,
        password: PASSWORD.to_owned(),
    };
    lab.run(at, Command::FinishRegistration(finish))
}

fn challenge_of(result: Result<Option<Answered>, Failure>) -> Vec<u8> {
    match result {
        Ok(Some(Answered::Login(login))) => login.challenge,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_second_factor_is_asked_for_and_checked() {
    let mut lab = Lab::with_users(1);
    let key = rsa_key();
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    register(&mut lab, at, RegistrationPurpose::Mfa, ("cu1", Role::CryptoUser), &key).unwrap();
    let described = user(&mut lab, 0, "cu1");
    assert!(described.mfa && described.quorum);
    lab.run(at, Command::Logout(Logout {})).unwrap();

    let at = lab.open(0);
    let recorded = lab.hsms[0].drain_audit(usize::MAX).len();
    let challenge = challenge_of(lab.try_log_in(at, "cu1", Role::CryptoUser, PASSWORD));
    assert_eq!(challenge.len(), 32);
    assert_eq!(lab.hsms[0].drain_audit(usize::MAX).len(), recorded, "half a log-in is none");
    assert_eq!(code(lab.run(at, Command::Logout(Logout {}))), FailureCode::NotLoggedIn);
    let answer = |challenge: &[u8]| {
        let signature = key.sign_pkcs1(Hash::Sha256, challenge).unwrap();
        Command::AnswerChallenge(AnswerChallenge { signature })
    };
    assert_eq!(code(lab.run(at, answer(&[1; 32]))), FailureCode::ChallengeFailed);
    assert_eq!(code(lab.run(at, answer(&challenge))), FailureCode::ChallengeFailed, "one try");
    let challenge = challenge_of(lab.try_log_in(at, "cu1", Role::CryptoUser, PASSWORD));
    lab.pass_ms(600_000);
    assert_eq!(code(lab.run(at, answer(&challenge))), FailureCode::ChallengeFailed, "late");
    let challenge = challenge_of(lab.try_log_in(at, "cu1", Role::CryptoUser, PASSWORD));
    assert!(challenge_of(lab.run(at, answer(&challenge))).is_empty());
    lab.run(at, Command::Logout(Logout {})).unwrap();

    let admin = lab.log_in(0, "admin", Role::Admin);
    let keep = change_password("cu1", Role::CryptoUser, "another one", false);
    assert_eq!(code(lab.run(admin, keep)), FailureCode::InvalidRequest);
    lab.run(admin, change_password("cu1", Role::CryptoUser, "another one", true)).unwrap();
    let described = user(&mut lab, 0, "cu1");
    assert!(!described.mfa && !described.quorum);
    let at = lab.open(0);
    assert!(challenge_of(lab.try_log_in(at, "cu1", Role::CryptoUser, "another one")).is_empty());
}

#[test]
fn half_a_login_ends_with_the_password_that_it_was_made_with() {
    let mut lab = Lab::with_users(1);
    let key = rsa_key();
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    register(&mut lab, at, RegistrationPurpose::Mfa, ("cu1", Role::CryptoUser), &key).unwrap();
    let half = lab.open(0);
    let challenge = challenge_of(lab.try_log_in(half, "cu1", Role::CryptoUser, PASSWORD));
    let admin = lab.log_in(0, "admin", Role::Admin);
    lab.run(at, Command::Logout(Logout {})).unwrap();
    lab.run(admin, change_password("cu1", Role::CryptoUser, "another one", true)).unwrap();
    let at = lab.open(0);
    lab.try_log_in(at, "cu1", Role::CryptoUser, "another one").unwrap();
    register(&mut lab, at, RegistrationPurpose::Mfa, ("cu1", Role::CryptoUser), &key).unwrap();
    let signature = key.sign_pkcs1(Hash::Sha256, &challenge).unwrap();
    let answer = Command::AnswerChallenge(AnswerChallenge { signature });
    assert_eq!(code(lab.run(half, answer)), FailureCode::ChallengeFailed);
}

#[test]
fn half_a_login_does_not_outlive_the_own_change_of_its_password() {
    let mut lab = Lab::with_users(1);
    let key = rsa_key();
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    register(&mut lab, at, RegistrationPurpose::Mfa, ("cu1", Role::CryptoUser), &key).unwrap();
    let half = lab.open(0);
    let challenge = challenge_of(lab.try_log_in(half, "cu1", Role::CryptoUser, PASSWORD));
    lab.run(at, change_password("cu1", Role::CryptoUser, "another one", true)).unwrap();
    register(&mut lab, at, RegistrationPurpose::Mfa, ("cu1", Role::CryptoUser), &key).unwrap();
    let signature = key.sign_pkcs1(Hash::Sha256, &challenge).unwrap();
    let answer = Command::AnswerChallenge(AnswerChallenge { signature });
    assert_eq!(code(lab.run(half, answer)), FailureCode::ChallengeFailed);
}

#[test]
fn a_second_factor_from_an_admin_brings_a_password_and_ends_sessions() {
    let mut lab = Lab::with_users(2);
    let (here, there) = (lab.log_in(0, "cu1", Role::CryptoUser), lab.log_in(1, "cu1", Role::CryptoUser));
    let admin = lab.log_in(0, "admin", Role::Admin);
    register(&mut lab, admin, RegistrationPurpose::Mfa, ("cu1", Role::CryptoUser), &rsa_key()).unwrap();
    for at in [here, there] {
        assert_eq!(code(lab.run(at, Command::Logout(Logout {}))), FailureCode::NotLoggedIn);
    }
    lab.run(admin, Command::Logout(Logout {})).unwrap();
}

#[test]
fn a_locked_user_does_not_unlock_itself() {
    let mut lab = Lab::with_users(1);
    let already = lab.log_in(0, "cu1", Role::CryptoUser);
    for _ in 0..6 {
        let at = lab.open(0);
        lab.try_log_in(at, "cu1", Role::CryptoUser, "wrong password").unwrap_err();
    }
    let own = change_password("cu1", Role::CryptoUser, "another one", false);
    assert_eq!(code(lab.run(already, own)), FailureCode::Locked);
    let mfa = register(&mut lab, already, RegistrationPurpose::Mfa, ("cu1", Role::CryptoUser), &rsa_key());
    assert_eq!(code(mfa), FailureCode::Locked);
    assert!(user(&mut lab, 0, "cu1").locked);
}

#[test]
fn a_second_factor_can_be_taken_away() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    register(&mut lab, at, RegistrationPurpose::Mfa, ("cu1", Role::CryptoUser), &rsa_key()).unwrap();
    let deregister =
        || Command::Deregister(Deregister { username: "cu1".to_owned(), role: Role::CryptoUser.into() });
    let other = lab.log_in(0, "cu2", Role::CryptoUser);
    assert_eq!(code(lab.run(other, deregister())), FailureCode::Forbidden);
    let admin = lab.log_in(0, "admin", Role::Admin);
    lab.run(admin, deregister()).unwrap();
    assert!(!user(&mut lab, 0, "cu1").mfa);
    assert_eq!(code(lab.run(admin, deregister())), FailureCode::InvalidRequest);
}

#[test]
fn registrations_demand_the_right_signature_key_and_time() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let key = rsa_key();
    let short = rsa::PrivateKey::generate(3_072, 65_537).unwrap();
    let wrong = register(&mut lab, at, RegistrationPurpose::Quorum, ("cu1", Role::CryptoUser), &short);
    assert_eq!(code(wrong), FailureCode::InvalidData);
    let finish = |unsigned: &[u8], signed: &[u8]| {
        Command::FinishRegistration(FinishRegistration {
            purpose: RegistrationPurpose::Quorum.into(),
            username: "cu1".to_owned(),
            role: Role::CryptoUser.into(),
            public_key: key.public_key().to_spki().unwrap(),
            unsigned: unsigned.to_vec(),
            signature: key.sign_pkcs1(Hash::Sha256, signed).unwrap(),
            password: String::new(),
        })
    };
    let challenge =
        |lab: &mut Lab| match lab.run(at, begin(RegistrationPurpose::Quorum, "cu1", Role::CryptoUser)) {
            Ok(Some(Answered::Challenge(challenge))) => challenge.unsigned,
            other => panic!("{other:?}"),
        };
    let asked = challenge(&mut lab);
    assert_eq!(code(lab.run(at, finish(&asked, &[2; 32]))), FailureCode::ChallengeFailed);
    assert_eq!(code(lab.run(at, finish(&[2; 32], &[2; 32]))), FailureCode::ChallengeFailed);
    let asked = challenge(&mut lab);
    lab.pass_ms(600_000);
    assert_eq!(code(lab.run(at, finish(&asked, &asked))), FailureCode::ChallengeFailed);
    let asked = challenge(&mut lab);
    lab.run(at, finish(&asked, &asked)).unwrap();
    assert_eq!(code(lab.run(at, finish(&asked, &asked))), FailureCode::ChallengeFailed, "used");
    let other = begin(RegistrationPurpose::Quorum, "cu2", Role::CryptoUser);
    assert_eq!(code(lab.run(at, other)), FailureCode::Forbidden);
}

#[test]
fn users_go_to_clones_and_nowhere_else() {
    let mut lab = Lab::with_users(1);
    let clone = hsm(8, Options::new(Mode::NonFips));
    clone.load(&lab.hsms[0].snapshot()).unwrap();
    let mut clone = Lab { hsms: vec![clone], now: lab.now };
    let admin = lab.log_in(0, "admin", Role::Admin);
    lab.create_user(admin, "traveller", Role::CryptoUser).unwrap();
    let export = ExportUser { username: "traveller".to_owned(), role: Role::CryptoUser.into() };
    let sealed = match lab.run(admin, Command::ExportUser(export)) {
        Ok(Some(Answered::Exported(exported))) => exported.sealed,
        other => panic!("{other:?}"),
    };
    let there = clone.log_in(0, "admin", Role::Admin);
    let import = |sealed: &[u8]| Command::ImportUser(ImportUser { sealed: sealed.to_vec() });
    clone.run(there, import(&sealed)).unwrap();
    clone.log_in(0, "traveller", Role::CryptoUser);
    assert_eq!(code(clone.run(there, import(&sealed))), FailureCode::UserExists);
    let mut altered = sealed.clone();
    altered[40] ^= 1;
    assert_eq!(code(clone.run(there, import(&altered))), FailureCode::CryptographyFailed);
}
