//! HSMs' audit logs as CloudHSM hands them to CloudWatch Logs: the text that AWS writes, from the journal's records.

use serde_json::Value;
use strongroom_hsm_proto::fleet::AuditRecord;
use strongroom_journal::Record;

use crate::events::AUDITED;

/// What one HSM logged of one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// The cluster.
    pub cluster_id: String,
    /// The HSM.
    pub hsm_id: String,
    /// When it was done, in milliseconds since 1970.
    pub at_ms: i64,
    /// The record as AWS writes it, several lines.
    pub text: String,
}

/// What a record of the journal has of an HSM's audit log; `None` of every other record.
pub fn audit_line(record: &Record) -> Option<AuditLine> {
    if !record.event_name.starts_with(AUDITED) {
        return None;
    }
    let details: Value = serde_json::from_str(record.service_event_details.as_deref()?).ok()?;
    let text = |name: &str| Some(details.get(name)?.as_str()?.to_owned());
    let number = |name: &str| details.get(name).and_then(Value::as_u64).unwrap_or_default();
    let small = |name: &str| u32::try_from(number(name)).unwrap_or(u32::MAX);
    let logged = AuditRecord {
        sequence: number("sequence"),
        time_us: details.get("timeMicroseconds")?.as_i64()?,
        reboot_counter: small("rebootCounter"),
        command_type: small("commandType"),
        opcode: small("opcode"),
        opcode_name: text("opcodeName")?,
        session: number("sessionHandle"),
        response: small("response"),
        response_text: text("responseText")?,
        log_type: i32::try_from(number("logType")).unwrap_or(i32::MAX),
        secret_key: number("secretKeyHandle"),
        public_key: number("publicKeyHandle"),
        username: text("userName").unwrap_or_default(),
        user_type: small("userType"),
        ..AuditRecord::default()
    };
    Some(AuditLine {
        cluster_id: text("clusterId")?,
        hsm_id: text("hsmId")?,
        at_ms: record.event_time_ms,
        text: logged.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use strongroom_hsm_proto::fleet::LogType;

    use super::*;
    use crate::domain::home::Home;
    use crate::events::audited;

    #[test]
    fn a_record_of_the_journal_has_all_that_the_text_needs() {
        let home = Home { account: "111122223333".parse().unwrap(), region: "us-east-1" };
        let plain = AuditRecord {
            sequence: 0x1f,
            time_us: 1_513_717_277_140_812,
            reboot_counter: 0xe8,
            command_type: 9,
            opcode: 0x1d,
            opcode_name: "CN_GEN_PSWD_ENC_KEY".to_owned(),
            session: 0x0100_4001,
            response: 163,
            response_text: "HSM Error: RET_USER_LOGIN_FAILURE".to_owned(),
            ..AuditRecord::default()
        };
        let user = AuditRecord { username: "alice".to_owned(), user_type: 6, ..plain.clone() };
        let keys = AuditRecord { secret_key: 7, public_key: u64::MAX, ..plain.clone() };
        for (record, log_type) in [
            (plain.clone(), LogType::Minimal),
            (user, LogType::UserDetails),
            (keys, LogType::KeyDetails),
            (plain, LogType::Unknown),
        ] {
            let record = AuditRecord { log_type: log_type.into(), ..record };
            let line = audit_line(&audited(&home, "cluster-a", "hsm-b", &record)).unwrap();
            let (cluster_id, hsm_id) = ("cluster-a".to_owned(), "hsm-b".to_owned());
            let text = record.to_string();
            assert_eq!(line, AuditLine { cluster_id, hsm_id, at_ms: 1_513_717_277_140, text });
        }
        assert_eq!(audit_line(&Record::default()), None);
    }
}
