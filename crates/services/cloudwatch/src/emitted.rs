//! Metrics that follow from what is done: each record of the journal is counted once.
//!
//! * `AWS/KMS` `KeyUsageCount`: successful cryptographic operations on keys, for the account and Region, by `KeyId` (the bare
//!   id) and by `KeyId` and `Operation`. CloudWatch of AWS has no such metric; the journey's alarm is on it.
//! * `AWS/KMS` `SuccessfulRequest`: the same by `KeyArn` and `Operation` (KMS Developer Guide, "Monitor KMS keys with Amazon
//!   CloudWatch").
//! * `AWS/Usage` `CallCount`: every call of an API (CloudWatch User Guide, "AWS usage metrics").

use async_trait::async_trait;
use strongroom_deriving::{Batch, Effect, Needs};
use strongroom_journal::{EventType, Record, Resource};
use strongroom_store::{StoreError, Tx};

use crate::domain::home::Home;
use crate::domain::metric::{KEY_USAGE, KMS, Metric};
use crate::domain::statistic::StatisticSet;
use crate::repo::metrics;
use crate::repo::points::{At, Samples};

/// The source of KMS's records.
const KMS_EVENTS: &str = "kms.amazonaws.com";

/// The type of KMS's keys among a record's resources.
const KEY: &str = "AWS::KMS::Key";

/// Operations that use a key (KMS Developer Guide, "Cryptographic operations"). GenerateRandom uses none.
const USES: [&str; 14] = [
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];

/// The unit of uses of keys.
const COUNT: &str = "Count";
/// The unit of calls.
const NONE: &str = "None";

/// What `AWS/Usage` calls the services.
const SERVICES: [(&str, &str); 9] = [
    ("kms.amazonaws.com", "KMS"),
    ("cloudhsm.amazonaws.com", "CloudHSM"),
    ("iam.amazonaws.com", "IAM"),
    ("sts.amazonaws.com", "STS"),
    ("ec2.amazonaws.com", "EC2"),
    ("cloudtrail.amazonaws.com", "CloudTrail"),
    ("monitoring.amazonaws.com", "CloudWatch"),
    ("sns.amazonaws.com", "SNS"),
    ("logs.amazonaws.com", "Logs"),
];

/// Counts records.
pub(crate) struct Counting;

/// What a batch of records comes to.
#[derive(Default)]
pub(crate) struct Counted {
    samples: Samples,
    /// Where keys are there, and since when.
    keys_since: std::collections::BTreeMap<Home, i64>,
}

#[async_trait]
impl Effect for Counting {
    type Prepared = Counted;

    fn name(&self) -> &'static str {
        "metrics"
    }

    fn needs(&self) -> Needs {
        Needs::Facts
    }

    fn prepare(&self, batch: Batch) -> Counted {
        let mut counted = Counted::default();
        for (_, record) in &batch.records {
            counted.count(record);
        }
        counted
    }

    async fn commit(&self, tx: &mut Tx<'_>, counted: &Counted) -> Result<(), StoreError> {
        for (home, since_ms) in &counted.keys_since {
            metrics::begin(tx, home, *since_ms).await?;
            let all_keys = Metric::new(KMS, KEY_USAGE, &[]);
            metrics::note(tx, home, &all_keys.key(home), &all_keys, metrics::ALWAYS_MS).await?;
        }
        counted.samples.write(tx).await
    }
}

impl Counted {
    fn count(&mut self, record: &Record) {
        let Some(home) = Home::named(&record.account_id, &record.aws_region) else { return };
        if record.event_type == EventType::AwsApiCall {
            self.count_call(home, record);
        }
        if record.event_source == KMS_EVENTS && record.error_code.is_none() {
            self.count_keys(home, record);
        }
    }

    /// Calls are counted whatever came of them.
    fn count_call(&mut self, home: Home, record: &Record) {
        let service = SERVICES.iter().find(|(source, _)| *source == record.event_source);
        let Some((_, service)) = service else { return };
        let dimensions = [
            ("Class", "None"),
            ("Resource", record.event_name.as_str()),
            ("Service", service),
            ("Type", "API"),
        ];
        self.one(home, &Metric::new("AWS/Usage", "CallCount", &dimensions), record, NONE);
    }

    fn count_keys(&mut self, home: Home, record: &Record) {
        let own_account = Some(record.account_id.as_str());
        let is_key = |resource: &&Resource| {
            // Of a call on another account's key that account has a record of its own.
            resource.kind.as_deref() == Some(KEY) && resource.account_id.as_deref() == own_account
        };
        let keys: Vec<&str> =
            record.resources.iter().flatten().filter(is_key).map(|resource| resource.arn.as_str()).collect();
        if keys.is_empty() {
            return;
        }
        let since = self.keys_since.entry(home).or_insert(record.event_time_ms);
        *since = (*since).min(record.event_time_ms);
        let operation = record.event_name.as_str();
        if !USES.contains(&operation) {
            return;
        }
        self.one(home, &Metric::new(KMS, KEY_USAGE, &[]), record, COUNT);
        for arn in &keys {
            let id = arn.rsplit('/').next().unwrap_or(arn);
            self.one(home, &Metric::new(KMS, KEY_USAGE, &[("KeyId", id)]), record, COUNT);
            let by_both = [("KeyId", id), ("Operation", operation)];
            self.one(home, &Metric::new(KMS, KEY_USAGE, &by_both), record, COUNT);
        }
        let successful = match *keys.as_slice() {
            // The key that it was encrypted under comes first.
            [source, destination] => Metric::new(
                KMS,
                "SuccessfulRequest",
                &[("DestinationKeyArn", destination), ("Operation", operation), ("SourceKeyArn", source)],
            ),
            [key, ..] => Metric::new(KMS, "SuccessfulRequest", &[("KeyArn", key), ("Operation", operation)]),
            [] => return,
        };
        self.one(home, &successful, record, COUNT);
    }

    fn one(&mut self, home: Home, metric: &Metric, record: &Record, unit: &str) {
        let at = At { ms: record.event_time_ms, unit, is_fine: false };
        self.samples.add(home, metric, at, &StatisticSet::of(1.0, 1.0));
    }
}
