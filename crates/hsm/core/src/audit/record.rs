//! Records, and how AWS writes them.

use std::fmt;

use prost::Message;
use strongroom_hsm_proto::command::Role;

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
        let (opcode, name) = self.opcode;
        writeln!(f, "Time: {}, usecs:{}", Time(self.time_us), self.time_us)?;
        writeln!(f, "Sequence No : {:#x}", self.sequence)?;
        writeln!(f, "Reboot counter : {:#x}", self.reboot_counter)?;
        f.write_str(if name == "CN_CERT_AUTH_STORE_CERT" {
            "Command Type(hex) : CN_CERT_AUTH_CMD (0x9)\n"
        } else {
            "Command Type(hex) : CN_MGMT_CMD (0x0)\n"
        })?;
        writeln!(f, "Opcode : {name} ({opcode:#x})")?;
        writeln!(f, "Session Handle : {:#x}", self.session)?;
        writeln!(f, "Response : {}:{}", self.response, self.response_text)?;
        match &self.detail {
            AuditDetail::None => f.write_str("Log type : MINIMAL_LOG_ENTRY (0)"),
            AuditDetail::Keys { private, public } => write!(
                f,
                "Log type : MGMT_KEY_DETAILS_LOG (1)\nPriv/Secret Key Handle : {private}\nPublic Key Handle : {public}"
            ),
            AuditDetail::User { name, role } => {
                let role_name = match *role {
                    CRYPTO_USER => "CN_CRYPTO_USER",
                    CRYPTO_OFFICER => "CN_CRYPTO_OFFICER",
                    PRE_OFFICER => "CN_CRYPTO_PRE_OFFICER",
                    _ => "CN_APPLIANCE_USER",
                };
                write!(
                    f,
                    "Log type : MGMT_USER_DETAILS_LOG (2)\nUser Name : {name}\nUser Type : {role_name} ({role})"
                )
            }
            AuditDetail::Unknown => f.write_str("Log type : UNKNOWN_LOG_TYPE (5)"),
        }
    }
}

/// `MM/DD/YY HH:MM:SS.uuuuuu`, from microseconds since 1970.
struct Time(i64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY_US: i64 = 86_400_000_000;
        let (year, month, day) = civil(self.0.div_euclid(DAY_US));
        let us = self.0.rem_euclid(DAY_US);
        let (seconds, us) = (us / 1_000_000, us % 1_000_000);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{month:02}/{day:02}/{:02} {hour:02}:{minute:02}:{second:02}.{us:06}", year.rem_euclid(100))
    }
}

/// Year, month and day of a day since 1970 in the Gregorian calendar, by counting eras of 400 years that begin
/// on the first of March.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
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
