//! What a seed says of KMS keys.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_identity::{AccountId, Region};
use strongroom_kms::{GrantSeedling, KeySeedling};
use strongroom_policy::document::Kind;
use strongroom_secret::{Key256, SecretBytes};

use super::Planner;
use crate::seed::findings::Shown;
use crate::seed::format::{Constraints, Grant, Key, Secret};
use crate::seed::limits as model;

/// Where a key is, unless the seed says otherwise: where the rest of the documentation is.
const USUAL_REGION: &str = "us-east-1";

/// The one spec whose material can be chosen, which is also the usual one.
const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

impl Planner {
    pub(super) fn key(&mut self, place: &str, account: AccountId, key: Key) -> Option<KeySeedling> {
        let at = |member: &str| format!("{place}.{member}");
        let region = key.region.as_deref().unwrap_or(USUAL_REGION);
        let Some(region) = Region::named(region) else {
            self.findings.add(
                &at("Region"),
                format_args!("{} is no Region of AWS; use one such as {USUAL_REGION}", Shown(region)),
            );
            return None;
        };
        if !is_new_key_id(&key.key_id) {
            let what = format!(
                "{} is no key id; use a UUID in lower case such as 1234abcd-12ab-34cd-56ef-1234567890ab",
                Shown(&key.key_id)
            );
            self.findings.add(&at("KeyId"), what);
        }
        let home = format!("in {region} of account {account}");
        self.once(&at("KeyId"), &format!("key {} {home}", key.key_id));
        let texts = [
            ("KeySpec", model::KEY_SPEC, &key.key_spec),
            ("KeyUsage", model::KEY_USAGE, &key.key_usage),
            ("Description", model::KEY_DESCRIPTION, &key.description),
        ];
        for (member, of, text) in texts {
            if let Some(text) = text {
                self.findings.check_text(&at(member), of, text);
            }
        }
        for (index, alias) in key.aliases.iter().enumerate() {
            let place = at(&format!("Aliases[{index}]"));
            self.findings.check_text(&place, model::ALIAS_NAME, alias);
            self.once(&place, &format!("{alias} {home}"));
        }
        let symmetric = key.key_spec.as_deref().is_none_or(|spec| spec == SYMMETRIC);
        let material = key.key_material.and_then(|text| self.material(&at("KeyMaterial"), &text, symmetric));
        Some(KeySeedling {
            id: key.key_id,
            region,
            spec: key.key_spec,
            usage: key.key_usage,
            description: key.description,
            policy: key.key_policy.map(|policy| self.document(&at("KeyPolicy"), &policy, Kind::Key)),
            enabled: key.enabled,
            tags: self.tags(place, key.tags, (model::KMS_TAG_KEY, model::KMS_TAG_VALUE)),
            aliases: key.aliases,
            grants: self.grants(place, key.grants),
            material,
        })
    }

    fn grants(&mut self, place: &str, grants: Vec<Grant>) -> Vec<GrantSeedling> {
        let mut names = BTreeSet::new();
        let grants = grants.into_iter().enumerate().map(|(index, grant)| {
            let at = |member: &str| format!("{place}.Grants[{index}].{member}");
            self.findings.check_text(&at("Name"), model::GRANT_NAME, &grant.name);
            if !names.insert(grant.name.clone()) {
                self.findings.add(
                    &at("Name"),
                    format_args!("another grant here is called {}; choose another name", grant.name),
                );
            }
            self.findings.check_text(
                &at("GranteePrincipal"),
                model::GRANT_PRINCIPAL,
                &grant.grantee_principal,
            );
            if let Some(retiring) = &grant.retiring_principal {
                self.findings.check_text(&at("RetiringPrincipal"), model::GRANT_PRINCIPAL, retiring);
            }
            for (index, operation) in grant.operations.iter().enumerate() {
                self.findings.check_text(
                    &at(&format!("Operations[{index}]")),
                    model::GRANT_OPERATION,
                    operation,
                );
            }
            if grant.operations.is_empty() {
                self.findings.add(&at("Operations"), "a grant allows something; name at least one operation");
            }
            let Constraints { encryption_context_equals, encryption_context_subset } = grant.constraints;
            if encryption_context_equals.is_some() && encryption_context_subset.is_some() {
                self.findings.add(
                    &at("Constraints"),
                    "EncryptionContextEquals and EncryptionContextSubset exclude each other; leave one out",
                );
            }
            GrantSeedling {
                name: grant.name,
                grantee: grant.grantee_principal,
                retiring: grant.retiring_principal,
                operations: grant.operations,
                encryption_context_equals: encryption_context_equals.map(|pairs| pairs.0),
                encryption_context_subset: encryption_context_subset.map(|pairs| pairs.0),
            }
        });
        grants.collect()
    }

    fn material(&mut self, place: &str, text: &Secret, symmetric: bool) -> Option<Key256> {
        self.secret(place, "the server makes the key");
        if !symmetric {
            self.findings
                .add(place, format_args!("only keys of KeySpec {SYMMETRIC} take material; leave it out"));
        }
        let bytes = STANDARD.decode(text.0.expose()).map(SecretBytes::new);
        let material = bytes.ok().and_then(|bytes| Key256::copied_from(bytes.expose()));
        if material.is_none() {
            self.findings.add(place, "this is not 32 bytes in base64; `openssl rand -base64 32` makes some");
        }
        material
    }
}

/// Whether a key may be given that id: a UUID in lower case (KMS Developer Guide, "Key identifiers").
fn is_new_key_id(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let parts: Vec<_> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(is_digit))
}
