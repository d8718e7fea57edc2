//! An audit record as AWS writes it: one log event of several lines (CloudHSM User Guide, "Interpreting HSM audit logs").

use std::fmt;

use super::{AuditRecord, LogType};

/// Users of the audit log, by the number of their type.
const USER_TYPES: [(u32, &str); 4] =
    [(1, "CN_CRYPTO_USER"), (2, "CN_CRYPTO_OFFICER"), (5, "CN_APPLIANCE_USER"), (6, "CN_CRYPTO_PRE_OFFICER")];

/// The number of commands about certificates; all others manage.
const CERTIFICATES: u32 = 9;

/// The record without [`text`](AuditRecord::text), which is this.
impl fmt::Display for AuditRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Time: {}, usecs:{}", Time(self.time_us), self.time_us)?;
        writeln!(f, "Sequence No : {:#x}", self.sequence)?;
        writeln!(f, "Reboot counter : {:#x}", self.reboot_counter)?;
        f.write_str(if self.command_type == CERTIFICATES {
            "Command Type(hex) : CN_CERT_AUTH_CMD (0x9)\n"
        } else {
            "Command Type(hex) : CN_MGMT_CMD (0x0)\n"
        })?;
        writeln!(f, "Opcode : {} ({:#x})", self.opcode_name, self.opcode)?;
        writeln!(f, "Session Handle : {:#x}", self.session)?;
        writeln!(f, "Response : {}:{}", self.response, self.response_text)?;
        match LogType::try_from(self.log_type) {
            Ok(LogType::Minimal) => f.write_str("Log type : MINIMAL_LOG_ENTRY (0)"),
            Ok(LogType::KeyDetails) => write!(
                f,
                "Log type : MGMT_KEY_DETAILS_LOG (1)\nPriv/Secret Key Handle : {}\nPublic Key Handle : {}",
                self.secret_key, self.public_key
            ),
            Ok(LogType::UserDetails) => {
                let known = USER_TYPES.iter().find(|(number, _)| *number == self.user_type);
                let user_type = known.map_or("CN_APPLIANCE_USER", |(_, name)| name);
                let (name, number) = (&self.username, self.user_type);
                write!(
                    f,
                    "Log type : MGMT_USER_DETAILS_LOG (2)\nUser Name : {name}\nUser Type : {user_type} ({number})"
                )
            }
            Ok(LogType::Unknown) | Err(_) => f.write_str("Log type : UNKNOWN_LOG_TYPE (5)"),
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
