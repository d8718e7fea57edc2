//! What the audit log calls things: opcodes and responses.
//!
//! Numbers without a published value are ours, from 0x8000 on.

use strongroom_hsm_proto::command::{Command, FailureCode, Role};

/// Opcodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    InitToken,
    CreateUser,
    CreateCo,
    ChangePassword,
    Login,
    Logout,
    DestroyObject,
    ShareObject,
    GenerateKeyPair,
    WrapKey,
    UnwrapKey,
    GenPasswordEncryptionKey,
    NistAesWrap,
    InitDone,
    DeleteUser,
    ExtractMaskedObject,
    InsertMaskedObject,
    CreateApplianceUser,
    OpenSession,
    AppFinalize,
    CloseSession,
    SetMValue,
    ApproveToken,
    DeleteToken,
    GetToken,
    GenerateKey,
    CreateObject,
    ModifyObject,
    TombstoneObject,
    DeriveKey,
    StoreCertificate,
    GenKeyEncryptionKey,
    BackupBegin,
    BackupEnd,
    RestoreBegin,
    RestoreEnd,
    EndMarker,
}

impl Opcode {
    /// The number and AWS's name.
    pub(crate) const fn published(self) -> (u16, &'static str) {
        match self {
            Self::InitToken => (0x1, "CN_INIT_TOKEN"),
            Self::CreateUser => (0x3, "CN_CREATE_USER"),
            Self::CreateCo => (0x4, "CN_CREATE_CO"),
            Self::ChangePassword => (0x9, "CN_CHANGE_PSWD"),
            Self::Login => (0xd, "CN_LOGIN"),
            Self::Logout => (0xe, "CN_LOGOUT"),
            Self::DestroyObject => (0x11, "CN_DESTROY_OBJECT"),
            Self::ShareObject => (0x12, "CN_SHARE_OBJECT"),
            Self::GenerateKeyPair => (0x19, "CN_GENERATE_KEY_PAIR"),
            Self::WrapKey => (0x1a, "CN_WRAP_KEY"),
            Self::UnwrapKey => (0x1b, "CN_UNWRAP_KEY"),
            Self::GenPasswordEncryptionKey => (0x1d, "CN_GEN_PSWD_ENC_KEY"),
            Self::NistAesWrap => (0x1e, "CN_NIST_AES_WRAP"),
            Self::InitDone => (0x95, "CN_INIT_DONE"),
            Self::DeleteUser => (0xa1, "CN_DELETE_USER"),
            Self::ExtractMaskedObject => (0xf0, "CN_EXTRACT_MASKED_OBJECT_USER"),
            Self::InsertMaskedObject => (0xf1, "CN_INSERT_MASKED_OBJECT_USER"),
            Self::CreateApplianceUser => (0xfc, "CN_CREATE_APPLIANCE_USER"),
            Self::OpenSession => (0x107, "CN_ENCRYPT_SESSION_V2"),
            Self::AppFinalize => (0x8000, "CN_APP_FINALIZE"),
            Self::CloseSession => (0x8001, "CN_CLOSE_SESSION"),
            Self::SetMValue => (0x8002, "CN_SET_M_VALUE"),
            Self::ApproveToken => (0x8003, "CN_APPROVE_TOKEN"),
            Self::DeleteToken => (0x8004, "CN_DELETE_TOKEN"),
            Self::GetToken => (0x8005, "CN_GET_TOKEN"),
            Self::GenerateKey => (0x8006, "CN_GENERATE_KEY"),
            Self::CreateObject => (0x8007, "CN_CREATE_OBJECT"),
            Self::ModifyObject => (0x8008, "CN_MODIFY_OBJECT"),
            Self::TombstoneObject => (0x8009, "CN_TOMBSTONE_OBJECT"),
            Self::DeriveKey => (0x800a, "CN_DERIVE_KEY"),
            Self::StoreCertificate => (0x800b, "CN_CERT_AUTH_STORE_CERT"),
            Self::GenKeyEncryptionKey => (0x800c, "CN_GEN_KEY_ENC_KEY"),
            Self::BackupBegin => (0x800d, "CN_BACKUP_BEGIN"),
            Self::BackupEnd => (0x800e, "CN_BACKUP_END"),
            Self::RestoreBegin => (0x800f, "CN_RESTORE_BEGIN"),
            Self::RestoreEnd => (0x8010, "CN_RESTORE_END"),
            Self::EndMarker => (0xffff, "END_MARKER_OPCODE"),
        }
    }

    /// AWS's name of a number that a record holds.
    pub(crate) fn name_of(number: u16) -> &'static str {
        ALL.iter()
            .map(|opcode| opcode.published())
            .find(|known| known.0 == number)
            .map_or("UNKNOWN", |known| known.1)
    }
}

const ALL: [Opcode; 37] = [
    Opcode::InitToken,
    Opcode::CreateUser,
    Opcode::CreateCo,
    Opcode::ChangePassword,
    Opcode::Login,
    Opcode::Logout,
    Opcode::DestroyObject,
    Opcode::ShareObject,
    Opcode::GenerateKeyPair,
    Opcode::WrapKey,
    Opcode::UnwrapKey,
    Opcode::GenPasswordEncryptionKey,
    Opcode::NistAesWrap,
    Opcode::InitDone,
    Opcode::DeleteUser,
    Opcode::ExtractMaskedObject,
    Opcode::InsertMaskedObject,
    Opcode::CreateApplianceUser,
    Opcode::OpenSession,
    Opcode::AppFinalize,
    Opcode::CloseSession,
    Opcode::SetMValue,
    Opcode::ApproveToken,
    Opcode::DeleteToken,
    Opcode::GetToken,
    Opcode::GenerateKey,
    Opcode::CreateObject,
    Opcode::ModifyObject,
    Opcode::TombstoneObject,
    Opcode::DeriveKey,
    Opcode::StoreCertificate,
    Opcode::GenKeyEncryptionKey,
    Opcode::BackupBegin,
    Opcode::BackupEnd,
    Opcode::RestoreBegin,
    Opcode::RestoreEnd,
    Opcode::EndMarker,
];

/// What a command is recorded as; none for commands that are not recorded. A deleted session key is
/// [`Opcode::DestroyObject`] instead, which shows only when it is done.
pub(crate) fn of_command(command: &Command) -> Option<Opcode> {
    Some(match command {
        Command::OpenSession(_) => Opcode::OpenSession,
        Command::CloseSession(_) => Opcode::CloseSession,
        Command::Activate(_)
        | Command::ChangePassword(_)
        | Command::FinishRegistration(_)
        | Command::Deregister(_) => Opcode::ChangePassword,
        Command::Login(_) | Command::AnswerChallenge(_) => Opcode::Login,
        Command::Logout(_) => Opcode::Logout,
        Command::CreateUser(user) if user.role == i32::from(Role::Admin) => Opcode::CreateCo,
        Command::CreateUser(_) => Opcode::CreateUser,
        Command::DeleteUser(_) => Opcode::DeleteUser,
        Command::ExportUser(_) | Command::ExportKey(_) => Opcode::ExtractMaskedObject,
        Command::ImportUser(_) | Command::ImportKey(_) => Opcode::InsertMaskedObject,
        Command::GenerateToken(_) => Opcode::GetToken,
        Command::DeleteTokens(_) => Opcode::DeleteToken,
        Command::SetQuorumValue(_) | Command::SetTokenTimeout(_) => Opcode::SetMValue,
        Command::GenerateKey(_) => Opcode::GenerateKey,
        Command::GenerateKeyPair(_) => Opcode::GenerateKeyPair,
        Command::ImportPublicKey(_) => Opcode::CreateObject,
        Command::SetAttribute(_) => Opcode::ModifyObject,
        Command::ShareKey(_) | Command::UnshareKey(_) => Opcode::ShareObject,
        Command::DeleteKey(_) => Opcode::TombstoneObject,
        Command::WrapKey(_) => Opcode::WrapKey,
        Command::UnwrapKey(_) => Opcode::UnwrapKey,
        Command::DeriveKey(_) => Opcode::DeriveKey,
        Command::RegisterTrustAnchor(_)
        | Command::DeregisterTrustAnchor(_)
        | Command::SetMtlsEnforcement(_) => Opcode::StoreCertificate,
        Command::HsmInfo(_)
        | Command::ListUsers(_)
        | Command::BeginRegistration(_)
        | Command::ListTokens(_)
        | Command::ListQuorumValues(_)
        | Command::ListTokenTimeouts(_)
        | Command::FindKeys(_)
        | Command::ShowKeys(_)
        | Command::ConfirmKey(_)
        | Command::Encrypt(_)
        | Command::Decrypt(_)
        | Command::Sign(_)
        | Command::Verify(_)
        | Command::Digest(_)
        | Command::Random(_)
        | Command::EncryptDerived(_)
        | Command::DecryptDerived(_)
        | Command::GenerateDerived(_)
        | Command::ReEncryptDerived(_)
        | Command::Agree(_)
        | Command::ListTrustAnchors(_)
        | Command::GetMtlsEnforcement(_) => return None,
    })
}

/// The number and the text of a response. 157 and 163 are AWS's; the rest are 0x200 and our failure code.
pub(crate) fn response(code: Option<FailureCode>, text: &str, is_login: bool) -> (u32, String) {
    let (number, text) = match code {
        None => return (0, "HSM Return: SUCCESS".to_owned()),
        Some(FailureCode::NoSuchUser) => (157, "user isn't initialized or user with this name doesn't exist"),
        Some(FailureCode::LoginFailed) if is_login => (163, "RET_USER_LOGIN_FAILURE"),
        Some(FailureCode::Busy) => (187, text),
        Some(code) => (0x200 + code as u32, text),
    };
    (number, format!("HSM Error: {text}"))
}
