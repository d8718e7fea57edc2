//! The HSM's audit log.

use strongroom_hsm_core::{AuditDetail, AuditRecord, Mode, Options, Outcome, ServiceEvent};
use strongroom_hsm_proto::command::{
    Activate, Command, DeleteKey, FailureCode, HsmInfo, ListUsers, Logout, OpenSession, Role, ShareKey, Sign,
};

use crate::lab::{Lab, PASSWORD, code, create_user, hsm};

fn opcodes(records: &[AuditRecord]) -> Vec<&'static str> {
    records.iter().map(|record| record.opcode.1).collect()
}

#[test]
fn management_is_recorded_without_gaps_and_cryptography_is_not() {
    let mut lab = Lab::founded(2, &Options::new(Mode::NonFips));
    let at = lab.open(0);
    lab.run(at, Command::Activate(Activate { password: PASSWORD.to_owned() })).unwrap();
    let admin = lab.log_in(0, "admin", Role::Admin);
    lab.create_user(admin, "cu1", Role::CryptoUser).unwrap();
    lab.create_user(admin, "cu1", Role::CryptoUser).unwrap_err();
    lab.create_user(admin, "officer", Role::Admin).unwrap();
    lab.create_user(admin, "cu2", Role::CryptoUser).unwrap();
    let nobody = lab.open(0);
    lab.try_log_in(nobody, "nobody", Role::CryptoUser, PASSWORD).unwrap_err();
    lab.try_log_in(nobody, "cu1", Role::CryptoUser, "wrong password").unwrap_err();
    let user = lab.log_in(0, "cu1", Role::CryptoUser);
    let (public, private) = lab.signing_pair(user);
    lab.run(user, Command::Sign(Sign { key: private.key, mechanism: None, data: Vec::new() })).unwrap_err();
    lab.run(user, Command::ListUsers(ListUsers {})).unwrap();
    lab.run(user, Command::ShareKey(ShareKey { key: private.key, username: "cu2".to_owned() })).unwrap();
    lab.run(user, Command::DeleteKey(DeleteKey { key: public.key })).unwrap();
    lab.run(user, Command::Logout(Logout {})).unwrap();
    lab.hsms[0].disconnect(user.connection, lab.now);

    let records = lab.hsms[0].drain_audit(100);
    assert_eq!(
        opcodes(&records),
        [
            "CN_INIT_TOKEN",
            "CN_GEN_PSWD_ENC_KEY",
            "CN_CREATE_APPLIANCE_USER",
            "CN_INIT_DONE",
            "CN_GEN_KEY_ENC_KEY",
            "CN_ENCRYPT_SESSION_V2",
            "CN_CHANGE_PSWD",
            "CN_ENCRYPT_SESSION_V2",
            "CN_LOGIN",
            "CN_CREATE_USER",
            "CN_CREATE_USER",
            "CN_CREATE_CO",
            "CN_CREATE_USER",
            "CN_ENCRYPT_SESSION_V2",
            "CN_LOGIN",
            "CN_LOGIN",
            "CN_ENCRYPT_SESSION_V2",
            "CN_LOGIN",
            "CN_GENERATE_KEY_PAIR",
            "CN_SHARE_OBJECT",
            "CN_TOMBSTONE_OBJECT",
            "CN_LOGOUT",
            "CN_APP_FINALIZE",
        ]
    );
    for (number, record) in (0..).zip(&records) {
        assert_eq!(record.sequence, number);
        assert_eq!(AuditRecord::decode(&record.encode()).as_ref(), Ok(record));
    }
    let activation = &records[6];
    assert_eq!(activation.detail, AuditDetail::User { name: "admin".to_owned(), role: 6 });
    assert_eq!((records[9].response, records[9].session), (0, admin.session));
    assert_ne!(records[10].response, 0);
    let (unknown, wrong) = (&records[14], &records[15]);
    let text = "HSM Error: user isn't initialized or user with this name doesn't exist";
    assert_eq!((unknown.response, unknown.response_text.as_str()), (157, text));
    assert_eq!((wrong.response, wrong.response_text.as_str()), (163, "HSM Error: RET_USER_LOGIN_FAILURE"));
    assert_eq!(records[18].detail, AuditDetail::Keys { private: private.key, public: public.key });
    assert_eq!(records[19].detail, AuditDetail::Unknown);
    assert_eq!(records[20].detail, AuditDetail::Keys { private: public.key, public: 0 });

    lab.hsms[0].audit_stored(20);
    assert_eq!(opcodes(&lab.hsms[0].drain_audit(100)), ["CN_LOGOUT", "CN_APP_FINALIZE"]);
    assert!(lab.hsms[1].drain_audit(100).is_empty(), "each HSM records what was asked of it");
}

#[test]
fn a_record_reads_as_aws_writes_it() {
    let mut record = AuditRecord {
        sequence: 1,
        time_us: 1_513_717_277_140_812,
        reboot_counter: 0xe8,
        opcode: (0x1d, "CN_GEN_PSWD_ENC_KEY"),
        session: 0x0100_4001,
        response: 0,
        response_text: "HSM Return: SUCCESS".to_owned(),
        detail: AuditDetail::None,
    };
    let expected = "Time: 12/19/17 21:01:17.140812, usecs:1513717277140812\n\
                    Sequence No : 0x1\n\
                    Reboot counter : 0xe8\n\
                    Command Type(hex) : CN_MGMT_CMD (0x0)\n\
                    Opcode : CN_GEN_PSWD_ENC_KEY (0x1d)\n\
                    Session Handle : 0x1004001\n\
                    Response : 0:HSM Return: SUCCESS\n\
                    Log type : MINIMAL_LOG_ENTRY (0)";
    assert_eq!(record.to_string(), expected);
    record.detail = AuditDetail::User { name: "app_user".to_owned(), role: 5 };
    let user =
        "Log type : MGMT_USER_DETAILS_LOG (2)\nUser Name : app_user\nUser Type : CN_APPLIANCE_USER (5)";
    assert!(record.to_string().ends_with(user));
    record.detail = AuditDetail::Keys { private: 262_151, public: 0 };
    let keys = "Log type : MGMT_KEY_DETAILS_LOG (1)\nPriv/Secret Key Handle : 262151\nPublic Key Handle : 0";
    assert!(record.to_string().ends_with(keys));
    record.time_us = 951_782_400_000_000;
    assert!(record.to_string().starts_with("Time: 02/29/00 00:00:00.000000, "));
}

#[test]
fn when_the_log_is_full_what_must_be_recorded_is_refused() {
    let mut options = Options::new(Mode::NonFips);
    options.audit_records = 4;
    let mut lab = Lab::with_options(1, &options);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let other = lab.open(0);
    lab.create_user(admin, "new", Role::CryptoUser).unwrap();
    assert_eq!(code(lab.create_user(admin, "newer", Role::CryptoUser)), FailureCode::AuditLogFull);
    assert_eq!(code(lab.run(other, Command::OpenSession(OpenSession {}))), FailureCode::AuditLogFull);
    lab.run(admin, Command::HsmInfo(HsmInfo {})).unwrap();
    assert_eq!(opcodes(&lab.hsms[0].drain_audit(9))[4..], ["END_MARKER_OPCODE"], "said once");
    lab.hsms[0].audit_stored(1);
    // A plan holds its place until it is settled or dropped.
    let create = || create_user("newest", Role::CryptoUser, PASSWORD);
    let planned = lab.execute(admin, create(), Vec::new());
    assert!(matches!(planned, Outcome::Change(_)));
    assert_eq!(code(lab.create_user(admin, "newer", Role::CryptoUser)), FailureCode::AuditLogFull);
    drop(planned);
    lab.hsms[0].audit_stored(2);
    lab.run(admin, create()).unwrap();
    let sequences: Vec<_> = lab.hsms[0].drain_audit(9).iter().map(|record| record.sequence).collect();
    assert_eq!(sequences, [3, 4, 5, 6]);
    lab.hsms[0].audit_stored(6);
    lab.hsms[0].record(ServiceEvent::BackupBegin, lab.now);
    lab.hsms[0].record(ServiceEvent::BackupEnd, lab.now);
    assert_eq!(opcodes(&lab.hsms[0].drain_audit(9)), ["CN_BACKUP_BEGIN", "CN_BACKUP_END"]);
}

#[test]
fn numbering_goes_on_after_a_restart() {
    let mut lab = Lab::with_users(1);
    lab.log_in(0, "admin", Role::Admin);
    let saved = lab.hsms[0].unsaved_audit();
    assert_eq!(saved.len(), 2);
    assert!(lab.hsms[0].unsaved_audit().is_empty());
    lab.open(0);
    assert_eq!(opcodes(&lab.hsms[0].unsaved_audit()), ["CN_ENCRYPT_SESSION_V2"]);

    let again = hsm(0, Options::new(Mode::NonFips));
    again.load(&lab.hsms[0].snapshot()).unwrap();
    again.restore_audit(0, saved.clone());
    let mut again = Lab { hsms: vec![again], now: lab.now };
    assert!(again.hsms[0].unsaved_audit().is_empty());
    again.open(0);
    let records = again.hsms[0].drain_audit(9);
    assert_eq!(records[..2], saved);
    assert_eq!(records[2].sequence, 2);
}

#[test]
fn strangers_do_not_fill_the_log() {
    let mut options = Options::new(Mode::NonFips);
    options.audit_records = 8;
    let mut lab = Lab::with_options(1, &options);
    let admin = lab.log_in(0, "admin", Role::Admin);
    let stranger = lab.open(0);
    lab.hsms[0].audit_stored(u64::MAX);
    let nobody = crate::lab::At { session: 0, ..stranger };
    let unknown = crate::lab::At { session: 7, ..stranger };
    for (at, expected) in [
        (stranger, FailureCode::NotLoggedIn),
        (nobody, FailureCode::NoSession),
        (unknown, FailureCode::NoSession),
    ] {
        for command in [
            create_user("new", Role::CryptoUser, PASSWORD),
            Command::Logout(Logout {}),
            Command::DeleteKey(DeleteKey { key: 1 }),
        ] {
            assert_eq!(code(lab.run(at, command)), expected);
        }
    }
    for at in [nobody, unknown] {
        assert_eq!(code(lab.try_log_in(at, "admin", Role::Admin, PASSWORD)), FailureCode::NoSession);
    }
    assert!(lab.hsms[0].drain_audit(9).is_empty());

    for _ in 0..6 {
        lab.run(stranger, Command::OpenSession(OpenSession {})).unwrap();
    }
    assert_eq!(code(lab.run(stranger, Command::OpenSession(OpenSession {}))), FailureCode::AuditLogFull);
    assert_eq!(code(lab.try_log_in(stranger, "cu1", Role::CryptoUser, PASSWORD)), FailureCode::AuditLogFull);
    lab.create_user(admin, "one", Role::CryptoUser).unwrap();
    lab.create_user(admin, "two", Role::CryptoUser).unwrap();
    assert_eq!(code(lab.create_user(admin, "three", Role::CryptoUser)), FailureCode::AuditLogFull);
    assert_eq!(opcodes(&lab.hsms[0].drain_audit(9))[8..], ["END_MARKER_OPCODE"]);
}
