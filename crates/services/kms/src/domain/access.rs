//! Keys as policies see them: their policy, and what they say of themselves to its conditions (KMS Developer
//! Guide, "AWS KMS condition keys").

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use strongroom_identity::{AccountId, RequestContext};
use strongroom_policy::document::{Document, Kind};
use strongroom_policy::{Guard, Policy, Resource, Values};

use super::alias::AliasNames;
use super::identifier::Home;
use super::key::{Key, Manager};
use super::multi_region::Role;
use super::origin::Origin;
use super::policy::{self, Bound};
use super::spec::{KeySpec, KeyUsage};
use super::tags::Tags;
use crate::cache::Weighed;

/// Default policies kept compiled; there is one for each account.
const DEFAULTS: usize = 1024;

/// What begins the names of the condition keys for tags on the resource.
const RESOURCE_TAG: &str = "aws:resourcetag/";

/// What ends the names of AWS services.
const AWS_DOMAIN: &str = ".amazonaws.com";

/// What callers of other accounts can do to a key, if policies let them (KMS Developer Guide, "Allowing users
/// in other accounts to use a KMS key"); cryptography itself, and these.
const FOR_OTHERS: [&str; 22] = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:Sign",
    "kms:Verify",
    "kms:GenerateMac",
    "kms:VerifyMac",
    "kms:DeriveSharedSecret",
    "kms:Encapsulate",
    "kms:Decapsulate",
    "kms:CreateGrant",
    "kms:DescribeKey",
    "kms:GetPublicKey",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:RetireGrant",
    "kms:RevokeGrant",
];

/// A key's policy: its text as it was given, if any was, and the whole compiled once it is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyPolicy {
    text: Option<String>,
    bound: Bound,
    compiled: OnceLock<Arc<Policy>>,
}

impl KeyPolicy {
    /// The policy of that text, with the unique ids of those whom it names; `None` for the one that a key has from the
    /// start.
    pub(crate) fn new(text: Option<String>, bound: Bound) -> Self {
        Self { text, bound, compiled: OnceLock::new() }
    }

    /// Whether it says the same of the same people.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.text == other.text && self.bound == other.bound
    }

    /// Those whom it names.
    pub(crate) fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Its text, if one was given.
    pub(crate) fn given(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

impl Weighed for KeyPolicy {
    fn weight(&self) -> usize {
        self.text.as_ref().map_or(0, |text| text.len() + Policy::weight_of(text)) + self.bound.weight()
    }
}

/// Compiles the text of a policy, in which unique ids stand for those who are bound. One that was accepted once and is
/// not read now denies everything, to those who have grants too: nobody knows whom it denied.
pub(super) fn compile(text: &str, bound: &Bound) -> Policy {
    Document::parse(text, Kind::Key).map_or_else(
        |_| Policy::barring(policy::NAME),
        |document| Policy::new(policy::NAME, &bound.counting(document)),
    )
}

/// The default policy of an account's keys, which they share.
fn default_of(account: AccountId) -> Arc<Policy> {
    static COMPILED: Mutex<Option<HashMap<AccountId, Arc<Policy>>>> = Mutex::new(None);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let compiled = compiled.get_or_insert_default();
    if compiled.len() >= DEFAULTS {
        compiled.clear();
    }
    compiled
        .entry(account)
        .or_insert_with(|| Arc::new(compile(&policy::default_text(account), &Bound::default())))
        .clone()
}

/// What a key is made of, what it is for, and what it is among its related keys. The last changes when another becomes the
/// primary one; the rest stays so for life.
#[derive(Clone, Copy)]
pub(crate) struct Nature {
    pub(crate) spec: KeySpec,
    pub(crate) usage: KeyUsage,
    /// Where its materials come from.
    pub(crate) origin: Origin,
    /// What it is among its related keys, if it is a multi-Region key.
    pub(crate) role: Option<Role>,
}

impl Nature {
    fn condition_key(self, key: &str) -> Option<Values<'static>> {
        match key {
            "kms:keyspec" | "kms:customermasterkeyspec" => Some(Values::text(self.spec.as_str())),
            "kms:keyusage" | "kms:customermasterkeyusage" => Some(Values::text(self.usage.as_str())),
            "kms:keyorigin" => Some(Values::text(self.origin.as_str())),
            "kms:multiregion" => Some(self.role.is_some().into()),
            "kms:multiregionkeytype" => self.role.map(|role| Values::text(role.as_str())),
            _ => None,
        }
    }
}

impl Key {
    pub(crate) fn nature(&self) -> Nature {
        Nature { spec: self.spec, usage: self.usage, origin: self.origin(), role: self.role() }
    }

    /// What it says of itself.
    pub(crate) fn stated(&self) -> Stated<'_> {
        Stated { nature: self.nature(), tags: &self.tags, aliases: &self.aliases }
    }

    fn compiled_policy(&self) -> &Policy {
        self.policy.compiled.get_or_init(|| match (self.policy.given(), &self.manager) {
            (None, Manager::Customer) => default_of(self.home.account),
            _ => Arc::new(compile(&self.policy_text(), &self.policy.bound)),
        })
    }
}

impl Resource for Key {
    fn owner(&self) -> AccountId {
        self.home.account
    }

    fn arn(&self) -> String {
        self.arn.clone()
    }

    fn guard(&self) -> Guard<'_> {
        Guard::Key(self.compiled_policy())
    }

    fn serves_others(&self, action: &str) -> bool {
        FOR_OTHERS.contains(&action)
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        self.stated().condition_key(key, context)
    }
}

/// A key with a policy that it is to get, to see whether the caller would be locked out.
pub(crate) struct Proposed<'k> {
    pub(crate) home: &'k Home,
    pub(crate) arn: &'k str,
    pub(crate) stated: Stated<'k>,
    pub(crate) policy: Policy,
}

impl Resource for Proposed<'_> {
    fn owner(&self) -> AccountId {
        self.home.account
    }

    fn arn(&self) -> String {
        self.arn.to_owned()
    }

    fn guard(&self) -> Guard<'_> {
        Guard::Key(&self.policy)
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        self.stated.condition_key(key, context)
    }
}

/// What every key says of itself.
#[derive(Clone, Copy)]
pub(crate) struct Stated<'k> {
    pub(crate) nature: Nature,
    pub(crate) tags: &'k Tags,
    /// The names of its aliases.
    pub(crate) aliases: &'k AliasNames,
}

impl<'k> Stated<'k> {
    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'k>> {
        match key.strip_prefix(RESOURCE_TAG) {
            Some(name) => match self.tags.in_any_case(name).as_slice() {
                [] => None,
                [value] => Some(Values::text(*value)),
                several => Some(Values::texts(several.iter().copied())),
            },
            None if key == "kms:resourcealiases" => Some(Values::texts(self.aliases.iter())),
            None => self.nature.condition_key(key).or_else(|| of_caller(key, context)),
        }
    }
}

/// What a key, or what stands for one, says of whoever calls: the account, and the service that passed the request on.
pub(super) fn of_caller(key: &str, context: &RequestContext) -> Option<Values<'static>> {
    match key {
        "kms:calleraccount" => Some(Values::text(context.account().to_string())),
        "kms:viaservice" => {
            let service = context.forwarded_by().last()?;
            let name = service.strip_suffix(AWS_DOMAIN).unwrap_or(service);
            Some(Values::text(format!("{name}.{}{AWS_DOMAIN}", context.region.name())))
        }
        _ => None,
    }
}

/// An account's custom key stores, all of them: policies name none.
pub(crate) struct KeyStores(pub(crate) AccountId);

impl Resource for KeyStores {
    fn owner(&self) -> AccountId {
        self.0
    }

    fn arn(&self) -> String {
        "*".to_owned()
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        of_caller(key, context)
    }
}
