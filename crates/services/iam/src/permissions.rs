//! What callers may do: the policies of users and roles, gathered from their account's directory and compiled.
//!
//! A text is compiled once, whoever has it. What a user or role has is gathered once for each version of the
//! directory, so that a request of a caller whose account has not changed costs one look-up.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use strongroom_identity::{AccountId, SessionTag};
use strongroom_policy::document::{Document, DocumentError, Kind as DocumentKind};
use strongroom_policy::{CallerPolicies, Policy};

use crate::domain::directory::Directory;
use crate::domain::kind::Kind;
use crate::domain::permissions::Permissions;
use crate::domain::role::Role;
use crate::domain::tags::Tags;
use crate::domain::user::User;
use crate::sts::token::Passed;

/// What is kept may weigh this many bytes, by estimate. Beyond it everything is dropped, and compiled again when
/// it is needed.
const KEPT_BYTES: usize = 128 << 20;

/// What a policy and a gathering of them weigh beside what they say, in bytes.
const OVERHEAD: usize = 256;

/// The managed policy that lets root users' federated sessions do what they are passed.
const EVERYTHING: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// The managed policy that an account's policy on passwords may give to all users.
const CHANGE_OWN_PASSWORD: &str = "arn:aws:iam::aws:policy/IAMUserChangePassword";

/// Compiled policies, kept in memory.
#[derive(Default)]
pub(crate) struct Compiled {
    kept: RwLock<Kept>,
}

#[derive(Default)]
struct Kept {
    /// By what they say.
    policies: HashMap<Box<str>, Arc<Policy>>,
    /// What users and roles have, by their unique ids.
    gathered: HashMap<Box<str>, Gathered>,
    weight: usize,
}

/// What a user or role has, at a version of its directory.
struct Gathered {
    account: AccountId,
    version: i64,
    nonce: String,
    policies: Arc<CallerPolicies>,
    weight: usize,
}

impl Gathered {
    fn is_of(&self, directory: &Directory) -> bool {
        self.account == directory.account
            && self.version == directory.version
            && self.nonce == directory.nonce
    }
}

impl Compiled {
    /// The policies and tags of a user of that directory.
    pub(crate) fn of_user(&self, directory: &Directory, user: &User) -> Arc<CallerPolicies> {
        self.gathered(directory, &user.id, || {
            let mut gathering = Gathering::new(self, directory);
            gathering.add(Kind::User, &user.name, &user.permissions);
            for group in directory.groups_of(user) {
                gathering.add(Kind::Group, &group.name, &group.permissions);
            }
            if directory.password_policy().is_some_and(|policy| policy.lets_users_change()) {
                gathering.attach(CHANGE_OWN_PASSWORD);
            }
            gathering.finish(user.boundary.as_deref(), &user.tags)
        })
    }

    /// The policies and tags of a role of that directory, which its sessions have.
    pub(crate) fn of_role(&self, directory: &Directory, role: &Role) -> Arc<CallerPolicies> {
        self.gathered(directory, &role.id, || {
            let mut gathering = Gathering::new(self, directory);
            gathering.add(Kind::Role, &role.name, &role.permissions);
            gathering.finish(role.boundary.as_deref(), &role.tags)
        })
    }

    /// What an account's root user has where its permissions are limited by those of a session: everything.
    pub(crate) fn of_root(&self, directory: &Directory) -> CallerPolicies {
        let everything = self.had(EVERYTHING, directory.managed_text(EVERYTHING));
        CallerPolicies { identity: vec![everything], ..CallerPolicies::default() }
    }

    /// The policies that were passed to a session of that directory's account. Those that are gone, or no longer read,
    /// deny everything; whoever passed them may have deleted them, and the log is not for him to fill.
    pub(crate) fn passed(&self, directory: &Directory, passed: &Passed) -> Vec<Arc<Policy>> {
        let inline = passed.inline.iter().map(|text| ("session policy", Some(text.as_str())));
        let managed = passed.managed.iter().map(|arn| (arn.as_str(), directory.managed_text(arn)));
        let policies = inline.chain(managed);
        policies
            .map(|(name, text)| self.compile(name, text).unwrap_or_else(|_| Arc::new(Policy::barring(name))))
            .collect()
    }

    /// A policy that somebody has; the name is how decisions speak of it. What is not there or cannot be read denies
    /// everything: nobody knows what it denied.
    fn had(&self, name: &str, text: Option<&str>) -> Arc<Policy> {
        self.compile(name, text).unwrap_or_else(|error| {
            tracing::error!(policy = name, %error, "it denies everything until it is detached or replaced");
            Arc::new(Policy::barring(name))
        })
    }

    /// Forgets everything, after the store has been emptied.
    pub(crate) fn start_over(&self) {
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Kept::default();
    }

    fn gathered(
        &self,
        directory: &Directory,
        id: &str,
        gather: impl FnOnce() -> CallerPolicies,
    ) -> Arc<CallerPolicies> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.gathered.get(id).filter(|known| known.is_of(directory)) {
            return known.policies.clone();
        }
        drop(kept);
        let policies = Arc::new(gather());
        let (account, version, nonce) = (directory.account, directory.version, directory.nonce.clone());
        let weight = OVERHEAD * (1 + policies.identity.len() + policies.tags.len());
        let gathered = Gathered { account, version, nonce, policies: policies.clone(), weight };
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.make_room(weight);
        if let Some(before) = kept.gathered.insert(id.into(), gathered) {
            kept.weight = kept.weight.saturating_sub(before.weight);
        }
        policies
    }

    /// A policy under a name.
    fn compile(&self, name: &str, text: Option<&str>) -> Result<Arc<Policy>, Unusable> {
        let text = text.ok_or(Unusable::Gone)?;
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.policies.get(text) {
            return Ok(under(name, known));
        }
        drop(kept);
        // All texts were read as what they are when they were put; here it counts only what they say.
        let document = Document::parse(text, DocumentKind::Identity)?;
        let policy = Arc::new(Policy::new(name, &document));
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.make_room(OVERHEAD + text.len() + Policy::weight_of(text));
        kept.policies.insert(text.into(), policy.clone());
        Ok(policy)
    }
}

/// Why a policy is not what it was.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("an attached policy is not there")]
    Gone,
    #[error("a policy no longer reads: {0}")]
    Unreadable(#[from] DocumentError),
}

impl Kept {
    fn make_room(&mut self, weight: usize) {
        if self.weight + weight > KEPT_BYTES {
            *self = Self::default();
        }
        self.weight += weight;
    }
}

/// The policy under that name, which it may have already.
fn under(name: &str, policy: &Arc<Policy>) -> Arc<Policy> {
    if policy.name() == name { policy.clone() } else { Arc::new(policy.named(name)) }
}

/// What a session has: what its role or user has, limited by the policies that were passed to it, with its tags
/// over theirs. A tag takes the place of one whose key differs in case only ("Pass session tags in AWS STS").
pub(crate) fn of_session(
    base: &CallerPolicies,
    session: Option<Vec<Arc<Policy>>>,
    tags: &[SessionTag],
) -> CallerPolicies {
    let overlaid: HashSet<_> = tags.iter().map(|tag| tag.key.to_lowercase()).collect();
    let kept = base.tags.iter().filter(|(key, _)| !overlaid.contains(&key.to_lowercase())).cloned();
    let own = tags.iter().map(|tag| (tag.key.clone(), tag.value.clone()));
    CallerPolicies { session, tags: kept.chain(own).collect(), ..base.clone() }
}

/// The policies of one user or role, as they are found.
struct Gathering<'g> {
    compiled: &'g Compiled,
    directory: &'g Directory,
    policies: Vec<Arc<Policy>>,
    /// What is attached to it or its groups; once, however often.
    attached: BTreeSet<String>,
}

impl<'g> Gathering<'g> {
    fn new(compiled: &'g Compiled, directory: &'g Directory) -> Self {
        Self { compiled, directory, policies: Vec::new(), attached: BTreeSet::new() }
    }

    fn add(&mut self, kind: Kind, entity: &str, permissions: &Permissions) {
        for (name, text) in &permissions.inline {
            let name = format!("{name} of {} {entity}", kind.resource_type());
            self.policies.push(self.compiled.had(&name, Some(text)));
        }
        permissions.attached.iter().for_each(|arn| self.attach(arn));
    }

    fn attach(&mut self, arn: &str) {
        if self.attached.insert(arn.to_owned()) {
            self.policies.push(self.managed(arn));
        }
    }

    /// A managed policy of AWS or of the directory's account.
    fn managed(&self, arn: &str) -> Arc<Policy> {
        self.compiled.had(arn, self.directory.managed_text(arn))
    }

    fn finish(self, boundary: Option<&str>, tags: &Tags) -> CallerPolicies {
        let boundary = boundary.map(|arn| self.managed(arn));
        CallerPolicies {
            identity: self.policies,
            boundary,
            session: None,
            tags: tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use strongroom_policy::{Entity, Policies, Request, Subject, decide};

    use super::*;
    use crate::domain::directory::Entry;

    const POLICY: &str =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#;

    /// A user with two policies that allow KMS: an inline one of that text, and a managed one.
    fn user(name: &str, inline: &str) -> User {
        serde_json::from_value(serde_json::json!({
            "id": format!("AIDA{name}"), "path": "/", "name": name, "created_ms": 0,
            "permissions": { "inline": { "p": inline }, "attached": [EVERYTHING] },
        }))
        .unwrap()
    }

    fn directory(version: i64) -> Directory {
        let users = [user("a", POLICY), user("b", POLICY)].map(Entry::User);
        Directory::new("111122223333".parse().unwrap(), version, "nonce".to_owned(), users)
    }

    fn may_encrypt(policies: &CallerPolicies) -> bool {
        let owner = "111122223333".parse().unwrap();
        let subject = Subject::user(owner, Entity::new("arn:aws:iam::111122223333:user/a", "AIDAa"));
        let request = Request { subject: &subject, action: "kms:Encrypt", resource: "*", owner, keys: &() };
        decide(&request, &Policies { identity: &policies.identity, ..Policies::default() }).is_allowed()
    }

    #[test]
    fn what_does_not_read_or_is_not_there_denies_everything() {
        let compiled = Compiled::default();
        let directory = directory(1);
        assert!(may_encrypt(&compiled.of_user(&directory, &user("a", POLICY))));
        assert!(!may_encrypt(&compiled.of_user(&directory, &user("c", "{"))));
        let mut lost = user("d", POLICY);
        lost.permissions.attached.insert("arn:aws:iam::111122223333:policy/lost".to_owned());
        assert!(!may_encrypt(&compiled.of_user(&directory, &lost)));
    }

    /// Counts what is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<AtomicUsize>);

    impl tracing::Subscriber for Log {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }

        fn event(&self, _: &tracing::Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }

    #[test]
    fn what_callers_lose_fills_no_log() {
        let (compiled, log) = (Compiled::default(), Log::default());
        let directory = directory(1);
        let gone = "arn:aws:iam::111122223333:policy/gone".to_owned();
        let passed = Passed { inline: Some("{".to_owned()), managed: vec![gone.clone()] };
        let mut user = user("a", POLICY);
        user.permissions.attached.insert(gone);
        tracing::subscriber::with_default(log.clone(), || {
            for _ in 0..3 {
                let policies = compiled.passed(&directory, &passed);
                for policy in policies {
                    // The session policy, and the one that is gone: what is allowed beside either is denied.
                    let identity = vec![compiled.had(EVERYTHING, directory.managed_text(EVERYTHING)), policy];
                    assert!(!may_encrypt(&CallerPolicies { identity, ..CallerPolicies::default() }));
                }
                assert_eq!(log.0.load(Ordering::Relaxed), 0);
            }
            // What users have is looked at once for each version of the directory.
            for _ in 0..3 {
                compiled.of_user(&directory, &user);
                assert_eq!(log.0.load(Ordering::Relaxed), 1);
            }
        });
    }

    #[test]
    fn nothing_is_compiled_twice() {
        let compiled = Compiled::default();
        let one = directory(1);
        let (a, b) = (one.user("a").unwrap(), one.user("b").unwrap());
        let first = compiled.of_user(&one, a);
        assert!(Arc::ptr_eq(&first, &compiled.of_user(&one, a)));
        let next = directory(2);
        let second = compiled.of_user(&next, next.user("a").unwrap());
        assert!(!Arc::ptr_eq(&first, &second));
        for (before, after) in first.identity.iter().zip(&second.identity) {
            assert!(Arc::ptr_eq(before, after));
        }
        // The same under another name.
        let names = |policies: &CallerPolicies| policies.identity[0].name().to_owned();
        assert_eq!(names(&compiled.of_user(&one, b)), "p of user b");
        assert_eq!(compiled.kept.read().unwrap().policies.len(), 2);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut kept = Kept::default();
        kept.make_room(KEPT_BYTES);
        kept.policies.insert("".into(), Arc::new(Policy::silent("")));
        kept.make_room(1);
        assert!(kept.policies.is_empty());
        assert_eq!(kept.weight, 1);
    }

    #[test]
    fn session_tags_lie_over_those_of_the_role() {
        let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let base =
            CallerPolicies { tags: vec![tag("Team", "red"), tag("site", "x")], ..CallerPolicies::default() };
        let own = SessionTag { key: "team".to_owned(), value: "blue".to_owned(), is_transitive: false };
        assert_eq!(of_session(&base, None, &[own]).tags, [tag("site", "x"), tag("team", "blue")]);
    }
}
