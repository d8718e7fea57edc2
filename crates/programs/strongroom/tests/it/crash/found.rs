//! All that a server shows of its keys.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::key::{ENABLED, Key, Keys};
use crate::client::Client;

/// What a server shows, once it has done all that was due.
pub(super) struct Found {
    pub(super) now_ms: i64,
    pub(super) keys: Keys,
    /// Ids by description.
    pub(super) ids: HashMap<String, String>,
    /// Rotations by description.
    pub(super) rotations: HashMap<String, Rotations>,
}

/// A key's rotations: what was and what comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rotations {
    /// The key's materials, oldest first.
    pub(super) materials: Vec<Material>,
    /// When the key rotates next, if it does, milliseconds since 1970.
    pub(super) next_ms: Option<i64>,
}

/// A material and the rotation that brought it; the first came with the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Material {
    pub(super) id: String,
    pub(super) kind: Option<String>,
    pub(super) at_ms: Option<i64>,
}

impl Found {
    pub(super) fn at(client: &mut Client) -> Self {
        // No time passes, but what became due is done then.
        let settled = client.dev("POST", "/_strongroom/clock", &json!({"advance_seconds": 0})).unwrap();
        assert_eq!(settled.body["settled"], true, "{settled:?}");
        let mut found = Self {
            now_ms: Clock::read(client).unwrap().now_ms,
            keys: Keys::new(),
            ids: HashMap::new(),
            rotations: HashMap::new(),
        };
        let mut aliases: HashMap<String, BTreeSet<String>> = HashMap::new();
        for alias in listed(client, "ListAliases", "Aliases", "AliasName") {
            // The aliases of services name no key until someone uses them.
            if let Some(target) = alias["TargetKeyId"].as_str() {
                aliases.entry(target.to_owned()).or_default().insert(text(&alias["AliasName"]));
            }
        }
        for entry in listed(client, "ListKeys", "Keys", "KeyId") {
            let id = text(&entry["KeyId"]);
            let aliases = aliases.remove(&id).unwrap_or_default();
            found.look_at(client, &id, aliases);
        }
        assert!(aliases.is_empty(), "aliases of keys that are not there: {aliases:?}");
        found
    }

    fn look_at(&mut self, client: &mut Client, id: &str, aliases: BTreeSet<String>) {
        let named = json!({"KeyId": id});
        let metadata = client.done("DescribeKey", &named)["KeyMetadata"].take();
        let tags = client.done("ListResourceTags", &named)["Tags"].take();
        let tag = |tag: &Value| (text(&tag["TagKey"]), text(&tag["TagValue"]));
        let policy = text(&client.done("GetKeyPolicy", &named)["Policy"]);
        let policy: Value = serde_json::from_str(&policy).unwrap();
        let status = client.done("GetKeyRotationStatus", &named);
        let all = json!({"KeyId": id, "IncludeKeyMaterial": "ALL_KEY_MATERIAL", "Limit": 1000});
        let rotations = client.done("ListKeyRotations", &all);
        assert_eq!(rotations["Truncated"], false, "{rotations}");
        let materials: Vec<_> = rotations["Rotations"].as_array().unwrap().iter().map(material).collect();

        let description = text(&metadata["Description"]);
        let key = Key {
            state: text(&metadata["KeyState"]),
            deletion_ms: ms(&metadata["DeletionDate"]),
            tags: tags.as_array().unwrap().iter().map(tag).collect::<BTreeMap<_, _>>(),
            aliases,
            policy: text(&policy["Id"]),
            rotation_days: status["RotationPeriodInDays"].as_u64(),
            on_demand: materials.iter().filter(|material| material.is("ON_DEMAND")).count(),
        };
        assert_eq!(metadata["Enabled"], key.is(ENABLED), "{metadata}");
        let twice = self.keys.insert(description.clone(), key);
        assert_eq!(twice, None, "a key was made twice: {metadata}");
        self.ids.insert(description.clone(), id.to_owned());
        self.rotations.insert(description, Rotations { materials, next_ms: ms(&status["NextRotationDate"]) });
    }
}

impl Material {
    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind.as_deref() == Some(kind)
    }
}

fn material(entry: &Value) -> Material {
    Material {
        id: text(&entry["KeyMaterialId"]),
        kind: entry["RotationType"].as_str().map(str::to_owned),
        at_ms: ms(&entry["RotationDate"]),
    }
}

/// The server's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// How far it is ahead, in seconds.
    pub(super) ahead_s: u64,
    /// What it shows, in milliseconds since 1970.
    pub(super) now_ms: i64,
}

impl Clock {
    pub(super) fn read(client: &mut Client) -> io::Result<Self> {
        let clock = client.dev("GET", "/_strongroom/clock", &Value::Null)?;
        let ahead_s = clock.body["offset_seconds"].as_u64().unwrap();
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Ok(Self { ahead_s, now_ms: real.as_millis() as i64 + ahead_s as i64 * 1000 })
    }
}

/// Everything that a paged operation lists; no name comes twice.
fn listed(client: &mut Client, operation: &str, list: &str, name: &str) -> Vec<Value> {
    let (mut all, mut names, mut marker) = (Vec::new(), BTreeSet::new(), Value::Null);
    loop {
        let page = client.done(operation, &json!({"Limit": 100, "Marker": marker}));
        for item in page[list].as_array().unwrap() {
            assert!(names.insert(text(&item[name])), "{item} is listed twice");
            all.push(item.clone());
        }
        marker = page["NextMarker"].clone();
        if marker.is_null() {
            return all;
        }
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A date of an answer, in milliseconds since 1970.
pub(super) fn ms(date: &Value) -> Option<i64> {
    date.as_f64().map(|seconds| (seconds * 1000.0).round() as i64)
}
