//! Records, journals and damage to try things on.

use std::fs;
use std::path::{Path, PathBuf};

use strongroom_crypto::ed25519::{PrivateKey, PublicKey};
use strongroom_journal::{
    Checkpoint, CheckpointKey, EventId, EventType, FindingKind, Identity, IdentityKind, Journal,
    JournalError, JournalOptions, Keeper, KeeperOptions, Reader, Record, Report, Resource, SealedFrame,
    SessionContext, SessionIssuer, StreamId, TlsDetails, Trust, verify,
};
use strongroom_secret::Key256;
use tempfile::TempDir;

pub(crate) const NOW: i64 = 1_700_000_000_000;

pub(crate) fn key() -> Key256 {
    Key256::new([7; 32])
}

/// A directory in memory, where there is one: these tests flush a great deal.
pub(crate) fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

pub(crate) fn options(segment_bytes: u64) -> JournalOptions {
    JournalOptions { segment_bytes, begins_streams: true, ..JournalOptions::default() }
}

/// Opens a journal that must have nothing to say about the past.
pub(crate) fn open(dir: &Path, options: &JournalOptions) -> Journal {
    let opened = loop {
        match Journal::open(dir, options, &key(), "node-1", NOW) {
            // A process that another test is starting has this one's files, and with them its lock, until it is one of
            // its own.
            Err(JournalError::InUse { .. }) => std::thread::yield_now(),
            opened => break opened.unwrap(),
        }
    };
    assert_eq!(opened.notes, []);
    opened.journal
}

/// Where the records of a frame are in its bytes.
pub(crate) fn records_in(frame: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (contexts, records) =
        (usize::from(frame[7]), u32::from_le_bytes(frame[12..16].try_into().unwrap()) as usize);
    let entries = frame[88..].chunks_exact(36).take(contexts + records);
    let mut end = 88 + 36 * (contexts + records);
    let ranges = entries.map(|entry| {
        let start = end;
        // The fourth byte names a record's context.
        end += u32::from_le_bytes([entry[0], entry[1], entry[2], 0]) as usize;
        start..end
    });
    ranges.collect::<Vec<_>>().split_off(contexts)
}

/// Changes a frame's last record, and makes the frame's hashes fit.
pub(crate) fn forge(frame: &mut [u8]) {
    use strongroom_crypto::digest::sha256;
    let records = records_in(frame);
    let (last, end) = (records[records.len() - 1].clone(), frame.len() - 68);
    frame[last.end - 1] ^= 1;
    let leaf = sha256(&frame[last]);
    let contents = 88 + 36 * (usize::from(frame[7]) + records.len());
    frame[contents - 32..contents].copy_from_slice(&leaf);
    let hash = sha256(&frame[..contents]);
    frame[end..end + 32].copy_from_slice(&hash);
}

pub(crate) fn event_id(number: u64) -> EventId {
    let mut id = [0xab; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    EventId(id)
}

/// A small record, told apart by its number.
pub(crate) fn record(number: u64) -> Record {
    Record {
        event_id: event_id(number),
        event_time_ms: NOW + number as i64,
        event_source: "kms.amazonaws.com".into(),
        event_name: "Decrypt".into(),
        aws_region: "us-east-1".into(),
        account_id: "111122223333".into(),
        identity: Identity {
            kind: Some(IdentityKind::IamUser),
            principal_id: Some("AIDAEXAMPLE".into()),
            arn: Some("arn:aws:iam::111122223333:user/alice".into()),
            account_id: Some("111122223333".into()),
            access_key_id: Some("AKIAEXAMPLE".into()),
            user_name: Some("alice".into()),
            ..Identity::default()
        },
        source_ip: "127.0.0.1".into(),
        read_only: true,
        management: true,
        ..Record::default()
    }
}

/// A record with every field.
pub(crate) fn full_record() -> Record {
    Record {
        event_id: EventId([
            0xab, 0x7c, 0x10, 0x2f, 0x00, 0x01, 0x4a, 0xbc, 0x8d, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
        ]),
        event_time_ms: 1_660_171_117_999,
        event_source: "kms.amazonaws.com".into(),
        event_name: "CreateKey".into(),
        aws_region: "eu-central-1".into(),
        account_id: "111122223333".into(),
        identity: Identity {
            kind: Some(IdentityKind::AssumedRole),
            principal_id: Some("AROAEXAMPLE:deploy".into()),
            arn: Some("arn:aws:sts::111122223333:assumed-role/Admin/deploy".into()),
            account_id: Some("111122223333".into()),
            access_key_id: Some("ASIAEXAMPLE".into()),
            user_name: None,
            session: Some(SessionContext {
                issuer: Some(SessionIssuer {
                    kind: IdentityKind::Role,
                    principal_id: "AROAEXAMPLE".into(),
                    arn: "arn:aws:iam::111122223333:role/Admin".into(),
                    account_id: "111122223333".into(),
                    user_name: Some("Admin".into()),
                }),
                created_ms: 1_660_170_000_000,
                mfa_authenticated: true,
                source_identity: Some("Jane".into()),
                federated_provider: Some("arn:aws:iam::111122223333:oidc-provider/idp.example.com".into()),
            }),
            invoked_by: Some("cloudtrail.amazonaws.com".into()),
            identity_provider: Some("idp.example.com".into()),
        },
        source_ip: "192.0.2.7".into(),
        user_agent: Some("aws-cli/1.45 \"quoted\"\tand\u{1}odd\\".into()),
        error_code: Some("AccessDenied".into()),
        error_message: Some("User: é is not authorized".into()),
        request_parameters: Some(r#"{"keyUsage":"ENCRYPT_DECRYPT"}"#.into()),
        response_elements: Some(r#"{"keyMetadata":{"enabled":true}}"#.into()),
        additional_event_data: Some(r#"{"keyMaterialId":"00ff"}"#.into()),
        service_event_details: Some(r#"{"rotationType":"AUTOMATIC"}"#.into()),
        request_id: Some("01234567-89ab-cdef-0123-456789abcdef".into()),
        read_only: false,
        resources: Some(vec![
            Resource {
                account_id: Some("111122223333".into()),
                kind: Some("AWS::KMS::Key".into()),
                arn: "arn:aws:kms:eu-central-1:111122223333:key/k1".into(),
            },
            Resource {
                account_id: None,
                kind: None,
                arn: "arn:aws:kms:eu-central-1:111122223333:alias/a".into(),
            },
        ]),
        event_type: EventType::AwsApiCall,
        api_version: Some("2014-11-01".into()),
        management: true,
        tls: Some(TlsDetails {
            version: Some("TLSv1.3".into()),
            cipher_suite: Some("TLS_AES_256_GCM_SHA384".into()),
            host: Some("kms.example.com".into()),
        }),
        shared_event_id: Some(EventId([0x11; 16])),
        decisions: Some(r#"[{"version":1}]"#.into()),
    }
}

/// Appends records of these numbers, one after the other, so that each has a frame of its own.
pub(crate) fn append(journal: &Journal, numbers: std::ops::Range<u64>) {
    runtime().block_on(async {
        for number in numbers {
            journal.append(&record(number)).await.unwrap();
        }
    });
}

/// Appends records of these numbers at once, as one frame or two.
pub(crate) fn append_together(journal: &Journal, numbers: std::ops::Range<u64>) {
    runtime().block_on(async {
        let records: Vec<_> = numbers.map(record).collect();
        let mut appends: Vec<_> = records.iter().map(|record| Box::pin(journal.append(record))).collect();
        std::future::poll_fn(|context| {
            appends.retain_mut(|append| match append.as_mut().poll(context) {
                std::task::Poll::Ready(done) => {
                    done.unwrap();
                    false
                }
                std::task::Poll::Pending => true,
            });
            if appends.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    });
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn close(journal: Journal) {
    runtime().block_on(journal.close()).unwrap();
    drop(journal);
}

pub(crate) fn check(dir: &Path) -> Report {
    verify(dir, &seal(), |_| {}).unwrap()
}

/// What whoever has the seal verifies with.
pub(crate) fn seal() -> Trust<'static> {
    Trust::seal(|epoch| (epoch == 1).then(key), |epoch| (epoch == 1).then(|| public_key(epoch)))
}

/// The key that signs checkpoints in an epoch.
pub(crate) fn checkpoint_key(epoch: u32) -> CheckpointKey {
    CheckpointKey { epoch, key: PrivateKey::from_seed(&[epoch as u8; 32]).unwrap() }
}

pub(crate) fn public_key(epoch: u32) -> PublicKey {
    *checkpoint_key(epoch).key.public_key()
}

/// The keeper of a journal, without copies.
pub(crate) fn keeper(journal: &Journal) -> Keeper {
    let options = KeeperOptions { key: checkpoint_key(1), keys_before: Vec::new(), copies: Vec::new() };
    journal.keeper(options, NOW).unwrap()
}

/// A file of these checkpoints.
pub(crate) fn as_file<'c>(checkpoints: impl IntoIterator<Item = &'c Checkpoint>) -> String {
    let texts: Vec<_> = checkpoints.into_iter().map(ToString::to_string).collect();
    texts.join("\n") + "\n"
}

/// Compresses all that is closed.
pub(crate) fn compress_all(journal: &Journal) -> usize {
    let mut keeper = keeper(journal);
    std::iter::from_fn(|| keeper.compress_next().unwrap()).count()
}

/// Verifies a journal that must be intact, and returns the notes.
pub(crate) fn intact(dir: &Path) -> Vec<FindingKind> {
    let report = check(dir);
    assert!(report.is_intact(), "{}", report.first_break().unwrap());
    report.findings.into_iter().map(|finding| finding.kind).collect()
}

pub(crate) fn streams(dir: &Path) -> Vec<StreamId> {
    Reader::open(dir).unwrap().streams().unwrap()
}

pub(crate) fn segment(dir: &Path, stream: StreamId, number: u32) -> PathBuf {
    dir.join(stream.to_string()).join(format!("{number:06}.seg"))
}

pub(crate) fn frames(dir: &Path) -> Vec<SealedFrame> {
    Reader::open(dir).unwrap().frames(None).unwrap().map(Result::unwrap).collect()
}

/// The event ids of all records, oldest first.
pub(crate) fn event_ids(dir: &Path) -> Vec<EventId> {
    let reader = Reader::open(dir).unwrap();
    reader.records(None).unwrap().map(|item| item.unwrap().1.event_id).collect()
}

/// Copies a journal as a crash at this moment would leave it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
