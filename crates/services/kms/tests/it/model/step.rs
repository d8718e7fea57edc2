//! What a sequence consists of.

use proptest::prelude::*;

use crate::fixture::{ACCOUNT, FAR_REGION, Pairs, REGION, STRANGER};
use crate::operations::ANYONE_MAY;

pub(super) const HOMES: [(&str, &str); 4] =
    [(ACCOUNT, REGION), (ACCOUNT, FAR_REGION), (STRANGER, REGION), (STRANGER, FAR_REGION)];
pub(super) const ALIASES: [&str; 5] = ["alias/a", "alias/a/b", "alias/B", "alias/_", "alias/z"];
pub(super) const CONTEXTS: [Pairs<'static>; 3] = [&[], &[("a", "b")], &[("a", "b"), ("c", "")]];
pub(super) const TAGS: [&str; 3] = ["a", "A", "é"];
/// The last lets nobody replace it.
pub(super) const POLICIES: [&str; 3] = [
    ANYONE_MAY,
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kms:Put*","Resource":"*"}}"#,
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kms:Get*","Resource":"*"}}"#,
];

/// An index of [`HOMES`].
pub(super) type Home = usize;

/// One of those that there are when the step is taken, counted around.
pub(super) type Which = usize;

/// A request's way to name a key.
#[derive(Clone, Debug)]
pub(super) enum Naming {
    Id(Which),
    Arn(Which),
    Alias(usize),
    AliasArn(Home, usize),
    Absent,
}

/// A change to one key.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Enable,
    Disable,
    ScheduleDeletion { days: i32 },
    CancelDeletion,
    Describe { description: String },
    Tag { name: usize, value: String },
    Untag { name: usize },
    PutPolicy { policy: usize },
    EnableRotation { days: Option<i32> },
    DisableRotation,
    Rotate,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    CreateKey,
    /// In the key store, which the first home has.
    CreateKeyInStore,
    /// Connects the key store, or disconnects it.
    Connect {
        wanted: bool,
    },
    CreateAlias {
        name: usize,
        target: Naming,
    },
    UpdateAlias {
        name: usize,
        target: Naming,
    },
    DeleteAlias {
        name: usize,
    },
    Change {
        key: Naming,
        change: Change,
    },
    Describe {
        key: Naming,
    },
    ListTags {
        key: Naming,
        page: i32,
    },
    GetPolicy {
        key: Naming,
    },
    RotationStatus {
        key: Naming,
    },
    ListRotations {
        key: Naming,
        all_material: bool,
        page: i32,
    },
    Encrypt {
        key: Naming,
        context: usize,
        plaintext: Vec<u8>,
    },
    GenerateDataKey {
        key: Naming,
        context: usize,
    },
    Decrypt {
        blob: Which,
        key: Option<Naming>,
        context: usize,
    },
    ReEncrypt {
        blob: Which,
        source: Option<Naming>,
        destination: Naming,
        from: usize,
        to: usize,
    },
    ListKeys {
        page: i32,
    },
    ListAliases {
        of: Option<Naming>,
        page: i32,
    },
    PassTime {
        days: i64,
    },
    Restart,
}

fn naming() -> impl Strategy<Value = Naming> {
    prop_oneof![
        6 => (0..64_usize).prop_map(Naming::Id),
        4 => (0..64_usize).prop_map(Naming::Arn),
        3 => (0..ALIASES.len()).prop_map(Naming::Alias),
        2 => (0..HOMES.len(), 0..ALIASES.len()).prop_map(|(home, name)| Naming::AliasArn(home, name)),
        1 => Just(Naming::Absent),
    ]
}

/// A key by its id or ARN, for changes: others are refused whatever the change.
fn key() -> impl Strategy<Value = Naming> {
    prop_oneof![
        8 => (0..64_usize).prop_map(Naming::Id),
        8 => (0..64_usize).prop_map(Naming::Arn),
        1 => naming(),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let days = proptest::option::of(prop_oneof![Just(90), Just(100), Just(2560)]);
    prop_oneof![
        4 => Just(Change::Enable),
        2 => Just(Change::Disable),
        2 => (7..31).prop_map(|days| Change::ScheduleDeletion { days }),
        2 => Just(Change::CancelDeletion),
        1 => "[a-zé]{0,3}".prop_map(|description| Change::Describe { description }),
        2 => (0..TAGS.len(), "[a-zé]{0,3}").prop_map(|(name, value)| Change::Tag { name, value }),
        1 => (0..TAGS.len()).prop_map(|name| Change::Untag { name }),
        1 => (0..POLICIES.len()).prop_map(|policy| Change::PutPolicy { policy }),
        3 => days.prop_map(|days| Change::EnableRotation { days }),
        1 => Just(Change::DisableRotation),
        3 => Just(Change::Rotate),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let context = || 0..CONTEXTS.len();
    let name = || 0..ALIASES.len();
    let page = || 1..4;
    let plaintext = proptest::collection::vec(any::<u8>(), 1..40);
    prop_oneof![
        2 => Just(Step::CreateKey),
        4 => (name(), key()).prop_map(|(name, target)| Step::CreateAlias { name, target }),
        2 => (name(), key()).prop_map(|(name, target)| Step::UpdateAlias { name, target }),
        1 => name().prop_map(|name| Step::DeleteAlias { name }),
        16 => (key(), change()).prop_map(|(key, change)| Step::Change { key, change }),
        2 => naming().prop_map(|key| Step::Describe { key }),
        1 => (key(), page()).prop_map(|(key, page)| Step::ListTags { key, page }),
        1 => key().prop_map(|key| Step::GetPolicy { key }),
        2 => key().prop_map(|key| Step::RotationStatus { key }),
        2 => (key(), any::<bool>(), page())
            .prop_map(|(key, all_material, page)| Step::ListRotations { key, all_material, page }),
        4 => (naming(), context(), plaintext)
            .prop_map(|(key, context, plaintext)| Step::Encrypt { key, context, plaintext }),
        1 => (naming(), context()).prop_map(|(key, context)| Step::GenerateDataKey { key, context }),
        5 => ((0..64_usize), proptest::option::of(naming()), context())
            .prop_map(|(blob, key, context)| Step::Decrypt { blob, key, context }),
        2 => ((0..64_usize), proptest::option::of(naming()), naming(), context(), context()).prop_map(
            |(blob, source, destination, from, to)| Step::ReEncrypt { blob, source, destination, from, to }
        ),
        1 => page().prop_map(|page| Step::ListKeys { page }),
        2 => (proptest::option::of(naming()), page()).prop_map(|(of, page)| Step::ListAliases { of, page }),
        4 => (0_i64..150).prop_map(|days| Step::PassTime { days }),
        1 => Just(Step::Restart),
    ]
}

/// The same, and what there is with a key store.
pub(super) fn step_with_store() -> impl Strategy<Value = Step> {
    prop_oneof![
        24 => step(),
        2 => Just(Step::CreateKeyInStore),
        1 => any::<bool>().prop_map(|wanted| Step::Connect { wanted }),
    ]
}
