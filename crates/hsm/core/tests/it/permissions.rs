//! Who may do what: every command for every role (CloudHSM User Guide, "HSM user permissions table").

use strongroom_hsm_core::{Mode, Options};
use strongroom_hsm_proto::command::{
    self, Activate, AnswerChallenge, Command, EnforcementLevel, FailureCode, QuorumService,
    RegistrationPurpose, Role,
};

use crate::lab::{Lab, PASSWORD};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Who {
    NoSession,
    NoLogin,
    Admin,
    CryptoUser,
}

const EVERYBODY: [Who; 4] = [Who::NoSession, Who::NoLogin, Who::Admin, Who::CryptoUser];
const ALL: &[Who] = &EVERYBODY;
const SESSIONS: &[Who] = &[Who::NoLogin, Who::Admin, Who::CryptoUser];
const LOGGED_IN: &[Who] = &[Who::Admin, Who::CryptoUser];
const ADMINS: &[Who] = &[Who::Admin];
const CRYPTO_USERS: &[Who] = &[Who::CryptoUser];

/// Every command that there is, and whom it is not refused for who they are.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(crate) fn rows() -> Vec<(Command, &'static [Who])> {
    let name = || "cu2".to_owned();
    let role: i32 = Role::CryptoUser.into();
    vec![
        (Command::HsmInfo(command::HsmInfo {}), ALL),
        (Command::OpenSession(command::OpenSession {}), ALL),
        (Command::CloseSession(command::CloseSession {}), SESSIONS),
        (Command::Activate(Activate { password: PASSWORD.to_owned() }), ALL),
        (
            Command::Login(command::Login { username: name(), role, password: "wrong password".to_owned() }),
            SESSIONS,
        ),
        (Command::AnswerChallenge(AnswerChallenge::default()), SESSIONS),
        (Command::Logout(command::Logout {}), LOGGED_IN),
        (Command::ListUsers(command::ListUsers {}), ALL),
        (crate::lab::create_user("new", Role::CryptoUser, PASSWORD), ADMINS),
        (Command::DeleteUser(command::DeleteUser { username: name(), role }), ADMINS),
        (
            Command::ChangePassword(command::ChangePassword {
                username: name(),
                role,
                password: PASSWORD.to_owned(),
                deregister_mfa: false,
                deregister_quorum: false,
            }),
            ADMINS,
        ),
        (
            Command::BeginRegistration(command::BeginRegistration {
                purpose: RegistrationPurpose::Mfa.into(),
                username: name(),
                role,
            }),
            ADMINS,
        ),
        (
            Command::FinishRegistration(command::FinishRegistration {
                purpose: RegistrationPurpose::Mfa.into(),
                username: name(),
                role,
                public_key: Vec::new(),
                unsigned: Vec::new(),
                signature: Vec::new(),
                password: String::new(),
            }),
            ADMINS,
        ),
        (Command::Deregister(command::Deregister { username: name(), role }), ADMINS),
        (Command::ExportUser(command::ExportUser { username: name(), role }), ADMINS),
        (Command::ImportUser(command::ImportUser::default()), ADMINS),
        (
            Command::GenerateToken(command::GenerateToken { service: QuorumService::User.into(), key: 0 }),
            ADMINS,
        ),
        (
            Command::GenerateToken(command::GenerateToken {
                service: QuorumService::KeyUsage.into(),
                key: 1,
            }),
            CRYPTO_USERS,
        ),
        (Command::ListTokens(command::ListTokens {}), LOGGED_IN),
        (Command::DeleteTokens(command::DeleteTokens { all: true }), ADMINS),
        (Command::ListQuorumValues(command::ListQuorumValues {}), ALL),
        (Command::SetQuorumValue(command::SetQuorumValue { service: 0, value: 1 }), ADMINS),
        (Command::ListTokenTimeouts(command::ListTokenTimeouts {}), ALL),
        (Command::SetTokenTimeout(command::SetTokenTimeout { generated: 60, approved: 0 }), ADMINS),
        (Command::GenerateKey(command::GenerateKey::default()), CRYPTO_USERS),
        (Command::GenerateKeyPair(command::GenerateKeyPair::default()), CRYPTO_USERS),
        (Command::ImportPublicKey(command::ImportPublicKey::default()), CRYPTO_USERS),
        (Command::FindKeys(command::FindKeys { filter: None, after: 0, most: 1 }), LOGGED_IN),
        (Command::ShowKeys(command::ShowKeys::default()), LOGGED_IN),
        (Command::SetAttribute(trust()), LOGGED_IN),
        (Command::ShareKey(command::ShareKey { key: 1, username: name() }), CRYPTO_USERS),
        (Command::UnshareKey(command::UnshareKey { key: 1, username: name() }), CRYPTO_USERS),
        (Command::DeleteKey(command::DeleteKey { key: 1 }), CRYPTO_USERS),
        (Command::WrapKey(command::WrapKey { mechanism: mechanism(), ..Default::default() }), CRYPTO_USERS),
        (
            Command::UnwrapKey(command::UnwrapKey { mechanism: mechanism(), ..Default::default() }),
            CRYPTO_USERS,
        ),
        (
            Command::DeriveKey(command::DeriveKey { mechanism: mechanism(), ..Default::default() }),
            CRYPTO_USERS,
        ),
        (Command::Agree(command::Agree { key: 1, peer: Vec::new() }), CRYPTO_USERS),
        (Command::ExportKey(command::ExportKey { key: 1 }), LOGGED_IN),
        (Command::ImportKey(command::ImportKey::default()), LOGGED_IN),
        (Command::ConfirmKey(command::ConfirmKey::default()), LOGGED_IN),
        (
            Command::Encrypt(command::Encrypt { key: 1, mechanism: mechanism(), data: Vec::new() }),
            CRYPTO_USERS,
        ),
        (
            Command::Decrypt(command::Decrypt { key: 1, mechanism: mechanism(), data: Vec::new() }),
            CRYPTO_USERS,
        ),
        (Command::Sign(command::Sign { key: 1, mechanism: mechanism(), data: Vec::new() }), CRYPTO_USERS),
        (
            Command::Verify(command::Verify {
                key: 1,
                mechanism: mechanism(),
                data: Vec::new(),
                signature: Vec::new(),
            }),
            CRYPTO_USERS,
        ),
        (Command::Digest(command::Digest { hash: 3, data: Vec::new() }), CRYPTO_USERS),
        (Command::Random(command::Random { length: 1 }), LOGGED_IN),
        (
            Command::EncryptDerived(command::EncryptDerived {
                key: 1,
                key_id: String::new(),
                material_id: Vec::new(),
                context: Vec::new(),
                plaintext: Vec::new(),
            }),
            CRYPTO_USERS,
        ),
        (Command::DecryptDerived(command::DecryptDerived::default()), CRYPTO_USERS),
        (
            Command::GenerateDerived(command::GenerateDerived { key: 1, length: 32, ..Default::default() }),
            CRYPTO_USERS,
        ),
        (Command::ReEncryptDerived(command::ReEncryptDerived::default()), CRYPTO_USERS),
        (Command::RegisterTrustAnchor(command::RegisterTrustAnchor::default()), ADMINS),
        (Command::DeregisterTrustAnchor(command::DeregisterTrustAnchor::default()), ADMINS),
        (Command::ListTrustAnchors(command::ListTrustAnchors {}), ALL),
        (Command::GetMtlsEnforcement(command::GetMtlsEnforcement {}), LOGGED_IN),
        (
            Command::SetMtlsEnforcement(command::SetMtlsEnforcement { level: EnforcementLevel::None.into() }),
            // Administrators too need a connection with a certificate: see `anchors`.
            &[],
        ),
    ]
}

#[expect(clippy::unnecessary_wraps, reason = "commands hold mechanisms so")]
fn mechanism() -> Option<command::Mechanism> {
    Some(command::Mechanism::default())
}

fn trust() -> command::SetAttribute {
    let attribute = crate::lab::flag(command::AttributeName::Trusted, true);
    command::SetAttribute { key: 1, attribute: Some(attribute) }
}

#[test]
fn every_command_asks_who_is_there() {
    for (command, allowed) in rows() {
        let mut lab = Lab::with_options(1, &Options::new(Mode::NonFips));
        for who in EVERYBODY {
            let mut at = match who {
                Who::NoSession | Who::NoLogin => lab.open(0),
                Who::Admin => lab.log_in(0, "admin", Role::Admin),
                Who::CryptoUser => lab.log_in(0, "cu1", Role::CryptoUser),
            };
            if who == Who::NoSession {
                at.session = 0;
            }
            let refused = lab.run(at, command.clone()).err().map(|failure| failure.code());
            let for_who = matches!(
                refused,
                Some(FailureCode::NoSession | FailureCode::NotLoggedIn | FailureCode::Forbidden)
            );
            assert_eq!(!for_who, allowed.contains(&who), "{command:?} by {who:?}: {refused:?}");
        }
    }
}

/// A session is its connection's: nobody else can name it.
#[test]
fn sessions_belong_to_their_connection() {
    let mut lab = Lab::with_users(1);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let mut thief = lab.open(0);
    thief.session = admin.session;
    for command in [Command::Logout(command::Logout {}), Command::CloseSession(command::CloseSession {})] {
        let refused = lab.run(thief, command).unwrap_err();
        assert_eq!(refused.code(), FailureCode::NoSession);
    }
    lab.run(admin, Command::Logout(command::Logout {})).unwrap();
}

#[test]
fn sessions_are_counted() {
    let mut options = Options::new(Mode::NonFips);
    options.most_sessions = 2;
    let mut lab = Lab::with_options(1, &options);
    let idle = lab.open(0);
    let first = lab.log_in(0, "cu1", Role::CryptoUser);
    let second = lab.log_in(0, "cu2", Role::CryptoUser);
    let refused = lab.run(idle, Command::CloseSession(command::CloseSession {})).unwrap_err();
    assert_eq!(refused.code(), FailureCode::NoSession, "who is not logged in gives way");
    let refused = lab.run(first, Command::OpenSession(command::OpenSession {})).unwrap_err();
    assert_eq!(refused.code(), FailureCode::LimitExceeded);
    lab.run(second, Command::CloseSession(command::CloseSession {})).unwrap();
    lab.open(0);
}
