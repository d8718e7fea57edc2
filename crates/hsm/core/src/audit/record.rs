//! Records, and how AWS writes them.

use std::fmt;

use prost::Message;
use strongroom_hsm_proto::command::Role;
use strongroom_hsm_proto::fleet;

use super::Opcode;
use crate::HsmError;
use crate::effect::UserRef;

/// A record of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Counts up by one from 0, for ever.
    pub sequence: u64,
    /// When, in microseconds since 1970.
    pub time_us: i64,
    /// How often the HSM was started.
    pub reboot_counter: u32,
    /// What was done: its number and AWS's name for it.
    pub opcode: (u16, &'static str),
    /// The session in which it was done; 0 for none.
    pub session: u64,
    /// How it ended: 0, or the number of an error.
    pub response: u32,
    /// That in words.
    pub response_text: String,
    /// What it was about.
    pub detail: AuditDetail,
}

/// What a record is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuditDetail {
    /// Nothing to tell.
    #[default]
    None,
    /// Keys, by handle; 0 for none.
    Keys {
        /// The private or secret key; of a deletion the deleted one, whatever it was.
        private: u64,
        /// The public key.
        public: u64,
    },
    /// A user.
    User {
        /// The name.
        name: String,
        /// The role, in the log's numbers.
        role: u32,
    },
    /// Something the log has no form for.
    Unknown,
}

/// What the control plane has an HSM do, of what the audit log records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceEvent {
    /// A backup begins.
    BackupBegin,
    /// It has ended.
    BackupEnd,
    /// A backup begins to be restored.
    RestoreBegin,
    /// It is restored.
    RestoreEnd,
    /// The cluster's certificate is stored.
    CertificateStored,
}

impl ServiceEvent {
    pub(crate) const fn opcode(self) -> Opcode {
        match self {
            Self::BackupBegin => Opcode::BackupBegin,
            Self::BackupEnd => Opcode::BackupEnd,
            Self::RestoreBegin => Opcode::RestoreBegin,
            Self::RestoreEnd => Opcode::RestoreEnd,
            Self::CertificateStored => Opcode::StoreCertificate,
        }
    }
}

/// The detail of a user.
pub(crate) fn user_detail(user: &UserRef) -> AuditDetail {
    let role = match Role::try_from(user.role) {
        Ok(Role::CryptoUser) => CRYPTO_USER,
        Ok(Role::Admin) => CRYPTO_OFFICER,
        Ok(Role::UnactivatedAdmin) => PRE_OFFICER,
        _ => APPLIANCE_USER,
    };
    AuditDetail::User { name: user.name.clone(), role }
}

const CRYPTO_USER: u32 = 1;
const CRYPTO_OFFICER: u32 = 2;
const APPLIANCE_USER: u32 = 5;
const PRE_OFFICER: u32 = 6;

/// The record as the one log event that CloudHSM makes of it.
impl fmt::Display for AuditRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fleet::AuditRecord::from(self).fmt(f)
    }
}

/// The record as it is handed over.
impl From<&AuditRecord> for fleet::AuditRecord {
    fn from(record: &AuditRecord) -> Self {
        let (opcode, opcode_name) = record.opcode;
        let mut sent = Self {
            sequence: record.sequence,
            time_us: record.time_us,
            reboot_counter: record.reboot_counter,
            command_type: if opcode_name == "CN_CERT_AUTH_STORE_CERT" { 9 } else { 0 },
            opcode: opcode.into(),
            opcode_name: opcode_name.to_owned(),
            session: record.session,
            response: record.response,
            response_text: record.response_text.clone(),
            ..Self::default()
        };
        sent.log_type = match &record.detail {
            AuditDetail::None => fleet::LogType::Minimal,
            AuditDetail::Keys { private, public } => {
                (sent.secret_key, sent.public_key) = (*private, *public);
                fleet::LogType::KeyDetails
            }
            AuditDetail::User { name, role } => {
                (sent.username, sent.user_type) = (name.clone(), *role);
                fleet::LogType::UserDetails
            }
            AuditDetail::Unknown => fleet::LogType::Unknown,
        }
        .into();
        sent
    }
}

impl AuditRecord {
    /// Writes the record for this HSM's own file.
    pub fn encode(&self) -> Vec<u8> {
        SavedRecord::from(self).encode_to_vec()
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(saved: &[u8]) -> Result<Self, HsmError> {
        SavedRecord::decode(saved).map(Self::from).map_err(|_| HsmError::InvalidState)
    }
}

/// A record as it is kept on this HSM until it is stored.
#[derive(Clone, PartialEq, Message)]
struct SavedRecord {
    #[prost(uint64, tag = "1")]
    sequence: u64,
    #[prost(int64, tag = "2")]
    time_us: i64,
    #[prost(uint32, tag = "3")]
    reboot_counter: u32,
    #[prost(uint32, tag = "4")]
    opcode: u32,
    #[prost(uint64, tag = "5")]
    session: u64,
    #[prost(uint32, tag = "6")]
    response: u32,
    #[prost(string, tag = "7")]
    response_text: String,
    /// 0 none, 1 keys, 2 user, 5 unknown: the numbers of the log types.
    #[prost(uint32, tag = "8")]
    detail: u32,
    #[prost(uint64, repeated, tag = "9")]
    keys: Vec<u64>,
    #[prost(string, tag = "10")]
    user: String,
    #[prost(uint32, tag = "11")]
    role: u32,
}

impl From<&AuditRecord> for SavedRecord {
    fn from(record: &AuditRecord) -> Self {
        let (mut keys, mut user, mut number) = (Vec::new(), String::new(), 0);
        let detail = match &record.detail {
            AuditDetail::None => 0,
            AuditDetail::Keys { private, public } => {
                keys = vec![*private, *public];
                1
            }
            AuditDetail::User { name, role } => {
                user.clone_from(name);
                number = *role;
                2
            }
            AuditDetail::Unknown => 5,
        };
        Self {
            sequence: record.sequence,
            time_us: record.time_us,
            reboot_counter: record.reboot_counter,
            opcode: record.opcode.0.into(),
            session: record.session,
            response: record.response,
            response_text: record.response_text.clone(),
            detail,
            keys,
            user,
            role: number,
        }
    }
}

impl From<SavedRecord> for AuditRecord {
    fn from(saved: SavedRecord) -> Self {
        let opcode = u16::try_from(saved.opcode).unwrap_or(u16::MAX);
        let detail = match (saved.detail, saved.keys.as_slice()) {
            (0, _) => AuditDetail::None,
            (1, &[private, public]) => AuditDetail::Keys { private, public },
            (2, _) => AuditDetail::User { name: saved.user, role: saved.role },
            _ => AuditDetail::Unknown,
        };
        Self {
            sequence: saved.sequence,
            time_us: saved.time_us,
            reboot_counter: saved.reboot_counter,
            opcode: (opcode, Opcode::name_of(opcode)),
            session: saved.session,
            response: saved.response,
            response_text: saved.response_text,
            detail,
        }
    }
}
