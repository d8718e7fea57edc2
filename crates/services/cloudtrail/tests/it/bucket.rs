//! A bucket in memory, that can forbid, be gone, or hang in the middle of a put.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use flate2::read::GzDecoder;
use serde_json::Value;
use strongroom_cloudtrail::{Behalf, Buckets, DeliveryError, Put};
use tokio::sync::Notify;

use crate::log_group::LogGroup;

#[derive(Default)]
pub(crate) struct Bucket {
    /// The log group that is there with it.
    pub(crate) logs: Arc<LogGroup>,
    state: Mutex<State>,
    /// Tells that a put hangs.
    pub(crate) hanging: Notify,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Put>,
    /// Keys that were put with other content the second time.
    changed: BTreeSet<String>,
    behalves: Vec<Behalf>,
    fails_with: Option<&'static str>,
    /// It is somewhere else, where the keys here are not known.
    is_elsewhere: bool,
    hangs: Option<Hang>,
}

/// Where a put hangs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hang {
    Before,
    After,
}

impl Bucket {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn fail_with(&self, code: Option<&'static str>) {
        self.state().fails_with = code;
    }

    /// Has it be at another S3.
    pub(crate) fn move_elsewhere(&self) {
        self.state().is_elsewhere = true;
    }

    /// Has the next put hang, once.
    pub(crate) fn hang(&self, at: Hang) {
        self.state().hangs = Some(at);
    }

    /// Has no put hang any more.
    pub(crate) fn hang_nowhere(&self) {
        self.state().hangs = None;
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.state().objects.keys().cloned().collect()
    }

    pub(crate) fn object(&self, key: &str) -> Put {
        self.state().objects[key].clone()
    }

    /// The text of an object that is compressed.
    pub(crate) fn text(&self, key: &str) -> String {
        std::io::read_to_string(GzDecoder::new(self.object(key).body.as_slice())).unwrap()
    }

    pub(crate) fn json(&self, key: &str) -> Value {
        serde_json::from_str(&self.text(key)).unwrap()
    }

    /// The keys of files of a Region, without the empty ones.
    pub(crate) fn files(&self, kind: &str, region: &str) -> Vec<String> {
        let folder = format!("/{kind}/{region}/");
        self.keys().into_iter().filter(|key| key.contains(&folder)).collect()
    }

    /// The records of all files.
    pub(crate) fn records(&self) -> Vec<Value> {
        let files =
            self.keys().into_iter().filter(|key| key.ends_with(".json.gz") && !key.contains("-Digest/"));
        files.flat_map(|key| self.json(&key)["Records"].as_array().unwrap().clone()).collect()
    }

    /// The ids of all records of all files, sorted.
    pub(crate) fn event_ids(&self) -> Vec<String> {
        let records = self.records();
        let mut ids: Vec<_> =
            records.iter().map(|record| record["eventID"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    }

    pub(crate) fn changed(&self) -> BTreeSet<String> {
        self.state().changed.clone()
    }

    pub(crate) fn behalves(&self) -> Vec<Behalf> {
        self.state().behalves.clone()
    }

    fn refuse(&self, behalf: &Behalf) -> Result<(), DeliveryError> {
        let mut state = self.state();
        state.behalves.push(behalf.clone());
        match state.fails_with {
            Some(code) => Err(DeliveryError { code: code.to_owned(), message: "as asked".to_owned() }),
            None => Ok(()),
        }
    }

    async fn hang_at(&self, at: Hang) {
        let hangs = self.state().hangs.take_if(|hang| *hang == at).is_some();
        if hangs {
            self.hanging.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Buckets for Bucket {
    fn encrypts(&self) -> bool {
        !self.state().is_elsewhere
    }

    async fn read_acl(&self, behalf: &Behalf, _bucket: &str) -> Result<(), DeliveryError> {
        self.refuse(behalf)
    }

    async fn put(&self, behalf: &Behalf, put: Put) -> Result<(), DeliveryError> {
        self.refuse(behalf)?;
        // As S3 has it: the bucket is in us-east-1, and finds no key elsewhere.
        if let Some(key) = put.kms_key_arn.as_deref().filter(|key| !key.starts_with("arn:aws:kms:us-east-1:"))
        {
            return Err(DeliveryError {
                code: "KMS.NotFoundException".to_owned(),
                message: format!("Invalid arn {key}"),
            });
        }
        self.hang_at(Hang::Before).await;
        {
            let mut state = self.state();
            let before = state.objects.insert(put.key.clone(), put.clone());
            if before.is_some_and(|before| before != put && !put.body.is_empty()) {
                state.changed.insert(put.key);
            }
        }
        self.hang_at(Hang::After).await;
        Ok(())
    }
}
