//! A seed's entities, planted without a caller.

use std::sync::Arc;

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_iam::{
    AccessKeySeedling, GroupSeedling, PolicySeedling, PolicySeedlings, RoleSeedling, Seedling, UserSeedling,
};
use strongroom_identity::AccountId;
use strongroom_journal::{Durability, EventType, Journal, JournalOptions};
use strongroom_outbox::Outbox;
use strongroom_secret::{Key256, SecretString};
use strongroom_service::{NotPlanted, Planted};
use strongroom_store::{Db, RowMac};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;

use crate::fixture::iam::{Client, POLICY, STRANGER, TRUST, client, serve};
use crate::fixture::{NOW, OTHER_SECRET, SECRET, find, open, root, secret};

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const KEYS: &str = "arn:aws:iam::111122223333:policy/keys";

on_both_engines! {
    everything_is_made_once,
    what_is_not_said_stays,
    a_changed_policy_is_a_new_version,
    an_access_key_gets_the_secret_that_is_said,
    an_access_key_of_somebody_who_is_gone_is_given_again,
    what_does_not_fit_is_refused_by_its_member,
    each_change_is_recorded,
}

/// Somebody who plants, with a journal of his own.
struct Gardener {
    client: Client,
    outbox: Outbox,
    journal: Arc<Journal>,
    _folder: TempDir,
}

impl Gardener {
    async fn new(database: &TestDatabase) -> Self {
        Self::with(client(database).await, &open(database).await)
    }

    fn with(client: Client, db: &Db) -> Self {
        let folder = TempDir::new().unwrap();
        let options = JournalOptions { durability: Durability::Written, ..JournalOptions::default() };
        let opened = Journal::open(folder.path(), &options, &Key256::new([9; 32]), "tests", NOW).unwrap();
        let journal = Arc::new(opened.journal);
        let mac = RowMac::new(&root());
        let outbox = Outbox::new(db.clone(), mac, journal.clone());
        Self { client, outbox, journal, _folder: folder }
    }

    async fn plant_in(&self, account: AccountId, seedling: &Seedling) -> Result<Planted, NotPlanted> {
        self.client.iam().plant(&self.outbox, account, seedling, NOW).await
    }

    async fn plant(&self, seedling: &Seedling) -> Planted {
        self.plant_in(self.client.account, seedling).await.unwrap()
    }

    /// The member that a refusal is about, and its words.
    async fn refused(&self, seedling: &Seedling) -> (String, String) {
        match self.plant_in(self.client.account, seedling).await {
            Err(NotPlanted::Refused { member, why }) => (member, why),
            other => panic!("{other:?}"),
        }
    }
}

fn policy(document: &str) -> Seedling {
    Seedling::Policy(PolicySeedling {
        name: "keys".to_owned(),
        path: "/".to_owned(),
        description: Some("about keys".to_owned()),
        document: document.to_owned(),
        tags: None,
    })
}

fn group() -> Seedling {
    let policies = PolicySeedlings { attached: Some(vec![KEYS.to_owned()]), inline: None };
    Seedling::Group(GroupSeedling { name: "staff".to_owned(), path: "/".to_owned(), policies })
}

fn user() -> UserSeedling {
    UserSeedling {
        name: "alice".to_owned(),
        path: "/".to_owned(),
        policies: PolicySeedlings {
            attached: None,
            inline: Some(vec![("own".to_owned(), POLICY.to_owned())]),
        },
        boundary: None,
        groups: Some(vec!["staff".to_owned()]),
        tags: Some(vec![("Team".to_owned(), "keys".to_owned())]),
        access_keys: vec![access_key(SECRET)],
    }
}

fn access_key(secret: &str) -> AccessKeySeedling {
    AccessKeySeedling { id: KEY.to_owned(), secret: SecretString::new(secret.to_owned()), active: true }
}

fn role(trust: &str) -> Seedling {
    Seedling::Role(RoleSeedling {
        name: "reader".to_owned(),
        path: "/".to_owned(),
        description: None,
        trust: trust.to_owned(),
        max_session: Some(7200),
        policies: PolicySeedlings::default(),
        boundary: Some(KEYS.to_owned()),
        tags: None,
    })
}

fn made() -> Planted {
    Planted { made: true, changed: Vec::new() }
}

fn changed(members: &[&'static str]) -> Planted {
    Planted { made: false, changed: members.to_vec() }
}

async fn everything_is_made_once(database: &TestDatabase) {
    let gardener = Gardener::new(database).await;
    let trust = TRUST.replace(r#""111122223333""#, r#""arn:aws:iam::111122223333:user/alice""#);
    let all = [policy(POLICY), group(), Seedling::User(user()), role(&trust)];
    for seedling in &all {
        assert_eq!(gardener.plant(seedling).await, made(), "{seedling:?}");
    }
    let alias = Seedling::AccountAlias("acme".to_owned());
    assert_eq!(gardener.plant(&alias).await, changed(&["AccountAlias"]));
    for seedling in all.iter().chain([&alias]) {
        assert_eq!(gardener.plant(seedling).await, Planted::default(), "{seedling:?}");
    }
    let client = &gardener.client;
    assert_eq!(client.holder(KEY).await.as_deref(), Some("alice"));
    assert_eq!(secret(&find(&client.server.keys, KEY).await.unwrap()), SECRET);
    let alice = client.user("alice").await.unwrap();
    assert_eq!(alice.tags.unwrap()[0].key, "Team");
    let role = client.role("reader").await.unwrap();
    assert_eq!(role.max_session_duration, Some(7200));
    assert_eq!(role.permissions_boundary.unwrap().permissions_boundary_arn.as_deref(), Some(KEYS));
    // A server that begins now finds it all, and nothing to do.
    let db = open(database).await;
    let again = Gardener::with(client.on(&serve(&db)), &db);
    for seedling in &all {
        assert_eq!(again.plant(seedling).await, Planted::default(), "{seedling:?}");
    }
}

async fn what_is_not_said_stays(database: &TestDatabase) {
    let gardener = Gardener::new(database).await;
    for seedling in [policy(POLICY), group(), Seedling::User(user())] {
        gardener.plant(&seedling).await;
    }
    let silent = UserSeedling {
        policies: PolicySeedlings::default(),
        groups: None,
        tags: None,
        access_keys: Vec::new(),
        ..user()
    };
    assert_eq!(gardener.plant(&Seedling::User(silent)).await, Planted::default());
    // What is said is all there is.
    let emptied = UserSeedling {
        policies: PolicySeedlings { attached: Some(vec![KEYS.to_owned()]), inline: Some(Vec::new()) },
        groups: Some(Vec::new()),
        tags: Some(Vec::new()),
        ..user()
    };
    assert_eq!(
        gardener.plant(&Seedling::User(emptied)).await,
        changed(&["ManagedPolicyArns", "Policies", "Tags", "Groups"])
    );
    let client = &gardener.client;
    assert!(client.user("alice").await.unwrap().tags.is_none());
    let input = iam::ListUserPoliciesRequest { user_name: "alice".to_owned(), ..Default::default() };
    let listed = client.iam().list_user_policies(&client.context(), input).await.unwrap();
    assert!(listed.policy_names.is_empty());
    assert_eq!(client.holder(KEY).await.as_deref(), Some("alice"));
}

async fn a_changed_policy_is_a_new_version(database: &TestDatabase) {
    let gardener = Gardener::new(database).await;
    gardener.plant(&policy(POLICY)).await;
    // More versions than there may be.
    for number in 0..7 {
        let text = POLICY.replace("kms:*", &format!("kms:List{number}*"));
        assert_eq!(gardener.plant(&policy(&text)).await, changed(&["PolicyDocument"]));
    }
    let client = &gardener.client;
    let input = iam::ListPolicyVersionsRequest { policy_arn: KEYS.to_owned(), ..Default::default() };
    let listed = client.iam().list_policy_versions(&client.context(), input).await.unwrap();
    let ids: Vec<_> =
        listed.versions.unwrap().into_iter().map(|version| version.version_id.unwrap()).collect();
    assert_eq!(ids, ["v8", "v7", "v6", "v5", "v4"]);
}

async fn an_access_key_gets_the_secret_that_is_said(database: &TestDatabase) {
    let gardener = Gardener::new(database).await;
    gardener.plant(&policy(POLICY)).await;
    gardener.plant(&group()).await;
    gardener.plant(&Seedling::User(user())).await;
    let other = UserSeedling { access_keys: vec![access_key(OTHER_SECRET)], ..user() };
    assert_eq!(gardener.plant(&Seedling::User(other)).await, changed(&["AccessKeys"]));
    let db = open(database).await;
    let restarted = serve(&db);
    assert_eq!(secret(&find(&restarted.keys, KEY).await.unwrap()), OTHER_SECRET);
    let inactive = AccessKeySeedling { active: false, ..access_key(OTHER_SECRET) };
    let inactive = UserSeedling { access_keys: vec![inactive], ..user() };
    assert_eq!(gardener.plant(&Seedling::User(inactive)).await, changed(&["AccessKeys"]));
    assert!(find(&serve(&db).keys, KEY).await.is_none());
}

/// The server has known the key as the first one's.
async fn an_access_key_of_somebody_who_is_gone_is_given_again(database: &TestDatabase) {
    let gardener = Gardener::new(database).await;
    gardener.plant(&policy(POLICY)).await;
    gardener.plant(&group()).await;
    gardener.plant(&Seedling::User(user())).await;
    let keys = &gardener.client.server.keys;
    assert_eq!(secret(&find(keys, KEY).await.unwrap()), SECRET);
    gardener.client.delete_access_key("alice", KEY).await.unwrap();
    assert!(find(keys, KEY).await.is_none());
    let bob = UserSeedling { name: "bob".to_owned(), access_keys: vec![access_key(OTHER_SECRET)], ..user() };
    gardener.plant(&Seedling::User(bob)).await;
    let credential = find(keys, KEY).await.unwrap();
    assert_eq!(secret(&credential), OTHER_SECRET);
    assert_eq!(credential.principal.arn(), "arn:aws:iam::111122223333:user/bob");
}

async fn what_does_not_fit_is_refused_by_its_member(database: &TestDatabase) {
    let gardener = Gardener::new(database).await;
    let (member, why) = gardener.refused(&Seedling::User(user())).await;
    assert_eq!(member, "Groups[0]");
    assert_eq!(why, "The group with name staff cannot be found.");
    let (member, why) = gardener.refused(&group()).await;
    assert_eq!(member, "ManagedPolicyArns[0]");
    assert!(why.contains(KEYS), "{why}");
    gardener.plant(&policy(POLICY)).await;
    gardener.plant(&group()).await;
    let unknown = TRUST.replace(r#""111122223333""#, r#""arn:aws:iam::111122223333:user/nobody""#);
    let (member, why) = gardener.refused(&role(&unknown)).await;
    assert_eq!(member, "AssumeRolePolicyDocument");
    assert!(why.starts_with("Invalid principal in policy"), "{why}");
    let broken = UserSeedling {
        policies: PolicySeedlings { attached: None, inline: Some(vec![("p".to_owned(), "{}".to_owned())]) },
        ..user()
    };
    let (member, _) = gardener.refused(&Seedling::User(broken)).await;
    assert_eq!(member, "Policies[0].PolicyDocument");
    // Nothing of a refused user is there, his key neither.
    assert!(gardener.client.users().await.is_empty());
    assert_eq!(gardener.client.holder(KEY).await, None);

    gardener.plant(&Seedling::User(user())).await;
    let moved = UserSeedling { path: "/elsewhere/".to_owned(), ..user() };
    let (member, why) = gardener.refused(&Seedling::User(moved)).await;
    assert_eq!(member, "Path");
    assert!(why.contains("under the path /;"), "{why}");
    let namesake = UserSeedling { name: "bob".to_owned(), ..user() };
    let (member, why) = gardener.refused(&Seedling::User(namesake)).await;
    assert_eq!(member, "AccessKeys[0].AccessKeyId");
    assert!(why.contains("belongs to somebody else in account 111122223333"), "{why}");
    // Not of another account either, whose entities these are not.
    let user = UserSeedling { groups: None, ..user() };
    let foreign = gardener.plant_in(STRANGER.parse().unwrap(), &Seedling::User(user)).await;
    assert!(matches!(foreign, Err(NotPlanted::Refused { member, .. }) if member.ends_with("AccessKeyId")));
}

async fn each_change_is_recorded(database: &TestDatabase) {
    let gardener = Gardener::new(database).await;
    gardener.plant(&policy(POLICY)).await;
    gardener.plant(&policy(POLICY)).await;
    gardener.plant(&policy(&POLICY.replace("kms:*", "kms:List*"))).await;
    let records = gardener.journal.reader().records(None).unwrap();
    let records: Vec<_> = records.map(|record| record.unwrap().1).collect();
    let details: Vec<_> =
        records.iter().map(|record| record.service_event_details.clone().unwrap()).collect();
    assert_eq!(details, [r#"{"made":true,"changed":[]}"#, r#"{"made":false,"changed":["PolicyDocument"]}"#]);
    let record = &records[0];
    assert_eq!(
        (record.event_name.as_str(), record.event_type),
        ("PlantResource", EventType::AwsServiceEvent)
    );
    assert_eq!(record.event_source, "iam.amazonaws.com");
    assert_eq!(record.resources.as_ref().unwrap()[0].arn, KEYS);
}
