//! What a client knows, held against what the server shows after a kill.

use serde_json::Value;

use super::found::{Found, Material, Rotations};
use super::key::{DISABLED, ENABLED, Key, PENDING_DELETION, shown_at};
use super::worker::{Ciphertext, Worker};
use crate::client::Client;

const DAY_MS: i64 = 86_400_000;

/// The shortest period between automatic rotations.
const SHORTEST_MS: i64 = 90 * DAY_MS;

impl Worker {
    /// Finds everything that was acknowledged, and nothing more, but for the change that was under way: it is
    /// made as a whole or not at all, and the worker takes over which.
    pub(super) fn compare(&mut self, found: &Found, context: &str) {
        let mine = found.keys.iter().filter(|(description, _)| self.owns(description));
        let mine = mine.map(|(description, key)| (description.clone(), key.clone())).collect();
        let mut expected = shown_at(&self.keys, found.now_ms);
        if let Some(change) = self.in_flight.take()
            && expected != mine
        {
            // Nobody was told when the key is deleted; one that is gone was deleted before now.
            let shown_ms = mine.get(&change.key).map(|key| key.deletion_ms);
            if let Some(id) = found.ids.get(&change.key) {
                self.ids.insert(change.key.clone(), id.clone());
            }
            self.done(&change, shown_ms.unwrap_or(Some(found.now_ms)));
            expected = shown_at(&self.keys, found.now_ms);
            assert_eq!(mine, expected, "{context}: {change:?} was under way");
        }
        assert_eq!(mine, expected, "{context}");
        for (description, _) in self.keys.extract_if(.., |_, key| key.is_deleted(found.now_ms)) {
            self.deleted.push(self.ids[&description].clone());
        }
        self.compare_rotations(found, context);
    }

    /// Rotations that were seen are still there, and those that came by themselves came when they were due.
    fn compare_rotations(&mut self, found: &Found, context: &str) {
        for (description, key) in &self.keys {
            let now = &found.rotations[description];
            let context = format!("{context}: {description} {key:?} {now:?}");
            now.check(key, found.now_ms, &context);
            if let Some(before) = self.rotations.insert(description.clone(), now.clone()) {
                now.compare(&before, key, found.now_ms, &context);
            }
        }
    }

    /// Decrypts what can be, from the ciphertext of that number on; the others are refused.
    pub(super) fn decrypt(&mut self, client: &mut Client, from: usize, context: &str) {
        for ciphertext in &mut self.ciphertexts[from..] {
            let answer = client.kms("Decrypt", &ciphertext.decrypt()).unwrap();
            let refusal = answer.body["__type"].as_str();
            let context = format!("{context}: a ciphertext under {} {answer:?}", ciphertext.key);
            match self.keys.get(&ciphertext.key).map(|key| key.state.as_str()) {
                Some(ENABLED) => {
                    let materials = &self.rotations[&ciphertext.key].materials;
                    ciphertext.compare(&answer.body, &self.ids[&ciphertext.key], materials, &context);
                }
                Some(DISABLED) => assert_eq!(refusal, Some("DisabledException"), "{context}"),
                Some(PENDING_DELETION) => assert_eq!(refusal, Some("KMSInvalidStateException"), "{context}"),
                _ => assert_eq!(answer.status, 400, "{context}"),
            }
        }
    }
}

impl Ciphertext {
    /// Compares what came of decrypting it, with the material that it was made under.
    fn compare(&mut self, decrypted: &Value, key: &str, materials: &[Material], context: &str) {
        assert_eq!(decrypted["Plaintext"], self.plaintext, "{context}");
        assert!(decrypted["KeyId"].as_str().is_some_and(|arn| arn.ends_with(key)), "{context}");
        let material = decrypted["KeyMaterialId"].as_str().unwrap();
        assert_eq!(self.material.as_deref().unwrap_or(material), material, "{context}");
        assert!(materials.iter().any(|known| known.id == material), "{context}");
        self.material = Some(material.to_owned());
    }
}

impl Rotations {
    /// What holds of any key: its first material, then others, by themselves never two within a period.
    fn check(&self, key: &Key, now_ms: i64, context: &str) {
        let firsts: Vec<_> = self.materials.iter().map(|material| material.kind.is_none()).collect();
        assert!(firsts[0] && !firsts[1..].contains(&true), "{context}");
        for two in self.automatic().windows(2) {
            assert!(two[1] - two[0] >= SHORTEST_MS, "rotated twice: {context}");
        }
        if key.is(ENABLED) {
            assert!(self.next_ms.is_none_or(|next_ms| next_ms > now_ms), "not rotated: {context}");
        }
    }

    /// What holds of a key that was seen before.
    fn compare(&self, before: &Self, key: &Key, now_ms: i64, context: &str) {
        assert!(self.materials.starts_with(&before.materials), "{context}, before {before:?}");
        let (Some(next_ms), Some(days)) = (before.next_ms, key.rotation_days) else { return };
        if !key.is(ENABLED) {
            return;
        }
        // Nothing has happened to the key's schedule since.
        let due = (0..).map(|periods| next_ms + periods * days as i64 * DAY_MS);
        let due: Vec<_> = due.take_while(|at_ms| *at_ms <= now_ms).collect();
        assert_eq!(self.automatic()[before.automatic().len()..], due, "{context}, before {before:?}");
    }

    /// When it rotated by itself.
    fn automatic(&self) -> Vec<i64> {
        let automatic = self.materials.iter().filter(|material| material.is("AUTOMATIC"));
        automatic.filter_map(|material| material.at_ms).collect()
    }
}
