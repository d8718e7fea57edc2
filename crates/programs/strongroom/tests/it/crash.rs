//! kill -9 in the middle of everything, again and again: what was acknowledged is there, once, and recorded.
//!
//! `STRONGROOM_CRASH_ROUNDS` sets the number of rounds (default 5), `STRONGROOM_CRASH_SEED` repeats a run's
//! choices.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use strongroom_journal::Reader;

use crate::client::Client;
use crate::program::Place;

/// Clients at the same time.
const CLIENTS: usize = 6;

/// Calls that are acknowledged in a round before the server is killed.
const CALLS: std::ops::Range<u64> = 1..100;

/// A call that was acknowledged.
struct Acknowledged {
    request_id: String,
    effect: Effect,
}

/// What the server said that it had done.
enum Effect {
    Key { id: String, description: String },
    Alias { name: String, key: String },
    Ciphertext { blob: String, plaintext: String, key: String },
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let rounds = number("STRONGROOM_CRASH_ROUNDS").unwrap_or(5);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("STRONGROOM_CRASH_SEED").unwrap_or(now.as_nanos() as u64);
    let mut choices = Choices(seed);
    let place = Place::new();
    let mut all = Vec::new();
    let mut checked = 0;
    let numbers = AtomicUsize::new(10_000_000);
    for round in 0..rounds {
        let calls = choices.next(CALLS);
        let context = format!("seed {seed}, round {round}, killed after {calls} calls");
        all.extend(crash(&place, calls as usize, &numbers));
        let (intact, said) = place.verify_audit();
        assert!(intact, "{context}: {said}");
        check(&place, &all[checked..], &context);
        checked = all.len();
    }
    let context = format!("seed {seed}, at the end");
    check(&place, &all, &context);
    once(&place, &context);
    recorded(&place, &all, &context);
    let (intact, said) = place.verify_audit();
    assert!(intact, "{context}: {said}");
    println!("{} calls acknowledged in {rounds} rounds; seed {seed}", all.len());
}

/// Kills a server as soon as it has acknowledged so many calls, and answers all that it has.
fn crash(place: &Place, calls: usize, numbers: &AtomicUsize) -> Vec<Acknowledged> {
    let program = place.start();
    let address = program.address;
    let (sender, acknowledged) = channel();
    let mut told = Vec::new();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let sender = sender.clone();
            scope.spawn(move || work(&mut Client::new(address), numbers, &sender));
        }
        drop(sender);
        while told.len() < calls {
            told.push(acknowledged.recv_timeout(Duration::from_secs(20)).unwrap());
        }
        program.kill();
        // What was on its way is acknowledged too.
        told.extend(acknowledged.iter());
    });
    told
}

/// Makes keys, names them and encrypts under them, until the server is gone.
fn work(client: &mut Client, numbers: &AtomicUsize, told: &Sender<Acknowledged>) {
    let mut call = |operation: &str, body: &Value, effect: &dyn Fn(&Value) -> Effect| -> Option<Value> {
        let answer = client.kms(operation, body).ok()?;
        assert_eq!(answer.status, 200, "{operation} {body}: {answer:?}");
        told.send(Acknowledged { request_id: answer.request_id, effect: effect(&answer.body) }).unwrap();
        Some(answer.body)
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    loop {
        let number = || numbers.fetch_add(1, Ordering::Relaxed).to_string();
        let description = number();
        let Some(made) = call("CreateKey", &json!({"Description": description}), &|made| Effect::Key {
            id: text(&made["KeyMetadata"]["KeyId"]),
            description: description.clone(),
        }) else {
            return;
        };
        let key = text(&made["KeyMetadata"]["KeyId"]);
        let name = format!("alias/{description}");
        let alias = json!({"AliasName": name, "TargetKeyId": key});
        let named = |_: &Value| Effect::Alias { name: name.clone(), key: key.clone() };
        if call("CreateAlias", &alias, &named).is_none() {
            return;
        }
        for _ in 0..3 {
            // Eight digits are the Base64 of six bytes.
            let plaintext = number();
            let encrypt =
                json!({"KeyId": name, "Plaintext": plaintext, "EncryptionContext": {"number": plaintext}});
            let encrypted = |answer: &Value| Effect::Ciphertext {
                blob: text(&answer["CiphertextBlob"]),
                plaintext: plaintext.clone(),
                key: key.clone(),
            };
            if call("Encrypt", &encrypt, &encrypted).is_none() {
                return;
            }
        }
    }
}

/// Starts the server again and looks for what was acknowledged.
fn check(place: &Place, acknowledged: &[Acknowledged], context: &str) {
    let program = place.start();
    let mut client = program.client();
    for Acknowledged { effect, .. } in acknowledged {
        match effect {
            Effect::Key { id, description } => {
                let described = client.done("DescribeKey", &json!({"KeyId": id}));
                assert_eq!(described["KeyMetadata"]["Description"], *description, "{context}: {id}");
            }
            Effect::Alias { name, key } => {
                let described = client.done("DescribeKey", &json!({"KeyId": name}));
                assert_eq!(described["KeyMetadata"]["KeyId"], *key, "{context}: {name}");
            }
            Effect::Ciphertext { blob, plaintext, key } => {
                let decrypt = json!({"CiphertextBlob": blob, "EncryptionContext": {"number": plaintext}});
                let decrypted = client.done("Decrypt", &decrypt);
                assert_eq!(decrypted["Plaintext"], *plaintext, "{context}");
                assert!(decrypted["KeyId"].as_str().unwrap().ends_with(key.as_str()), "{context}");
            }
        }
    }
    program.stop();
}

/// Everything that there is was asked for once, is there once, and has a record: also what was done and never
/// acknowledged.
fn once(place: &Place, context: &str) {
    let program = place.start();
    let mut client = program.client();
    let keys = listed(&mut client, "ListKeys", "Keys", "KeyId");
    let aliases = listed(&mut client, "ListAliases", "Aliases", "AliasName");
    let mut descriptions = HashSet::new();
    for id in keys {
        let described = client.done("DescribeKey", &json!({"KeyId": id}));
        let description = described["KeyMetadata"]["Description"].as_str().unwrap().to_owned();
        assert!(descriptions.insert(description), "{context}: made twice: {described}");
    }
    program.stop();

    let mut made = HashSet::new();
    let mut named = HashSet::new();
    for record in Reader::open(&place.data().join("journal")).unwrap().records(None).unwrap() {
        let (_, record) = record.unwrap();
        let parameter = |name: &str| -> String {
            let parameters: Value =
                serde_json::from_str(record.request_parameters.as_ref().unwrap()).unwrap();
            parameters[name].as_str().unwrap().to_owned()
        };
        let again = match record.event_name.as_str() {
            "CreateKey" => !made.insert(parameter("description")),
            "CreateAlias" => !named.insert(parameter("aliasName")),
            _ => false,
        };
        assert!(!again, "{context}: recorded twice: {record:?}");
    }
    assert_eq!(
        descriptions.difference(&made).collect::<Vec<_>>(),
        [""; 0],
        "{context}: keys without a record"
    );
    let unrecorded: Vec<_> = aliases.iter().filter(|name| !named.contains(*name)).collect();
    assert_eq!(unrecorded, [""; 0], "{context}: aliases without a record");
}

/// The journal has a record of every call, and no call twice.
fn recorded(place: &Place, all: &[Acknowledged], context: &str) {
    let mut recorded = HashMap::new();
    let mut events = HashSet::new();
    for record in Reader::open(&place.data().join("journal")).unwrap().records(None).unwrap() {
        let (_, record) = record.unwrap();
        assert!(events.insert(record.event_id), "{context}: {record:?} comes twice");
        let request_id = record.request_id.clone().unwrap();
        let before = recorded.insert(request_id, record.event_name.clone());
        assert_eq!(before, None, "{context}: {record:?} comes twice");
    }
    for Acknowledged { request_id, effect } in all {
        let operation = match effect {
            Effect::Key { .. } => "CreateKey",
            Effect::Alias { .. } => "CreateAlias",
            Effect::Ciphertext { .. } => "Encrypt",
        };
        assert_eq!(recorded.get(request_id).map(String::as_str), Some(operation), "{context}: {request_id}");
    }
}

/// The names of everything that a paged operation lists; no name comes twice.
fn listed(client: &mut Client, operation: &str, list: &str, name: &str) -> HashSet<String> {
    let mut all = HashSet::new();
    let mut marker = Value::Null;
    loop {
        let page = client.done(operation, &json!({"Limit": 100, "Marker": marker}));
        for item in page[list].as_array().unwrap() {
            assert!(all.insert(item[name].as_str().unwrap().to_owned()), "{item} is listed twice");
        }
        marker = page["NextMarker"].clone();
        if marker.is_null() {
            return all;
        }
    }
}

/// Choices that a seed repeats (SplitMix64).
struct Choices(u64);

impl Choices {
    fn next(&mut self, range: std::ops::Range<u64>) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        range.start + (mixed ^ (mixed >> 31)) % (range.end - range.start)
    }
}
