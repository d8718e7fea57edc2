//! What the journal says of everything that was done.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use serde_json::Value;
use strongroom_journal::{Reader, Record};

use super::found::{Material, Rotations, text};
use super::worker::Worker;
use crate::program::Place;

/// The operations that change a key, and the member of their input that says which, or which alias.
const CHANGES: [(&str, &str); 14] = [
    ("CreateKey", "description"),
    ("TagResource", "keyId"),
    ("UntagResource", "keyId"),
    ("PutKeyPolicy", "keyId"),
    ("CreateAlias", "aliasName"),
    ("UpdateAlias", "aliasName"),
    ("DeleteAlias", "aliasName"),
    ("RotateKeyOnDemand", "keyId"),
    ("EnableKeyRotation", "keyId"),
    ("DisableKeyRotation", "keyId"),
    ("EnableKey", "keyId"),
    ("DisableKey", "keyId"),
    ("ScheduleKeyDeletion", "keyId"),
    ("CancelKeyDeletion", "keyId"),
];

#[derive(Default)]
pub(super) struct Recorded {
    /// Operations by request id.
    calls: HashMap<String, String>,
    /// How often each operation changed what.
    changes: BTreeMap<(&'static str, String), usize>,
    /// Rotations by key id.
    rotations: HashMap<String, Vec<Rotation>>,
    /// Ids of deleted keys.
    deletions: Vec<String>,
}

/// A rotation as KMS itself records it: its kind, the former material, the new one.
type Rotation = (String, String, String);

impl Recorded {
    /// Reads the whole journal. No call and no event comes twice.
    pub(super) fn read(place: &Place, context: &str) -> Self {
        let (mut recorded, mut events) = (Self::default(), HashSet::new());
        for record in Reader::open(&place.data().join("journal")).unwrap().records(None).unwrap() {
            let (_, record) = record.unwrap();
            assert!(events.insert(record.event_id), "{context}: {record:?} comes twice");
            recorded.add(&record, context);
        }
        recorded
    }

    fn add(&mut self, record: &Record, context: &str) {
        let event = record.event_name.as_str();
        if let Some(request_id) = record.request_id.clone() {
            let before = self.calls.insert(request_id, event.to_owned());
            assert_eq!(before, None, "{context}: {record:?} comes twice");
        }
        if record.error_code.is_some() {
            return;
        }
        if let Some((operation, subject)) = CHANGES.into_iter().find(|(operation, _)| *operation == event) {
            let parameters: Value =
                serde_json::from_str(record.request_parameters.as_ref().unwrap()).unwrap();
            *self.changes.entry((operation, text(&parameters[subject]))).or_default() += 1;
        }
        let key_id = || record.resources.as_ref().unwrap()[0].arn.rsplit('/').next().unwrap().to_owned();
        match event {
            "RotateKey" => self.rotations.entry(key_id()).or_default().push(rotation(record)),
            "DeleteKey" => self.deletions.push(key_id()),
            _ => {}
        }
    }

    /// Every call that was acknowledged is recorded, and every change that was made, acknowledged or not, as
    /// often as it was made.
    pub(super) fn compare(&self, workers: &[Worker], context: &str) {
        let mut changes = BTreeMap::new();
        let mut deleted = Vec::new();
        let mut rotations = self.rotations.clone();
        for worker in workers {
            for (request_id, operation) in &worker.acknowledged {
                let recorded = self.calls.get(request_id).map(String::as_str);
                assert_eq!(recorded, Some(*operation), "{context}: {request_id}");
            }
            changes.extend(worker.changes.clone());
            deleted.extend(worker.deleted.clone());
            for description in worker.keys.keys() {
                let recorded = rotations.remove(&worker.ids[description]).unwrap_or_default();
                let shown = worker.rotations[description].events();
                assert_eq!(sorted(recorded), sorted(shown), "{context}: {description}");
            }
        }
        let differ = |subject: &&(_, _)| self.changes.get(subject) != changes.get(subject);
        let wrong: BTreeSet<_> = self.changes.keys().chain(changes.keys()).filter(differ).collect();
        assert!(wrong.is_empty(), "{context}: recorded more or less often than they were made: {wrong:?}");
        assert_eq!(sorted(self.deletions.clone()), sorted(deleted), "{context}");
        // Of deleted keys only the records are left: each rotation led from one material to another.
        for (key, rotations) in rotations {
            let former: HashSet<_> = rotations.iter().map(|(_, former, _)| former).collect();
            let latter: HashSet<_> = rotations.iter().map(|(_, _, latter)| latter).collect();
            assert_eq!((former.len(), latter.len()), (rotations.len(), rotations.len()), "{context}: {key}");
            assert_eq!(former.difference(&latter).count(), 1, "{context}: {key} {rotations:?}");
            let on_demand = rotations.iter().filter(|(kind, ..)| kind == "ON_DEMAND").count();
            let asked = changes.get(&("RotateKeyOnDemand", key.clone())).copied();
            assert_eq!(on_demand, asked.unwrap_or(0), "{context}: {key}");
        }
    }
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes: usize = self.changes.values().sum();
        let of_kind = |wanted| self.rotations.values().flatten().filter(|(kind, ..)| kind == wanted).count();
        let (on_demand, automatic) = (of_kind("ON_DEMAND"), of_kind("AUTOMATIC"));
        let deletions = self.deletions.len();
        write!(f, "{changes} changes, {on_demand} + {automatic} rotations, {deletions} deletions")
    }
}

impl Rotations {
    /// The rotations as they should be recorded.
    fn events(&self) -> Vec<Rotation> {
        let event = |two: &[Material]| (two[1].kind.clone().unwrap(), two[0].id.clone(), two[1].id.clone());
        self.materials.windows(2).map(event).collect()
    }
}

fn rotation(record: &Record) -> Rotation {
    let details: Value = serde_json::from_str(record.service_event_details.as_ref().unwrap()).unwrap();
    let member = |name: &str| text(&details[name]);
    (member("rotationType"), member("previousKeyMaterialId"), member("currentKeyMaterialId"))
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}
