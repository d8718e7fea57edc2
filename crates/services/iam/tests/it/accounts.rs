//! Accounts that the operator makes, and root users that are given another access key.

use std::sync::Arc;

use strongroom_iam::{AccountError, RootCredential};
use strongroom_identity::{AccountId, Principal};
use strongroom_journal::{Durability, EventType, Journal, JournalOptions};
use strongroom_outbox::Outbox;
use strongroom_secret::Key256;
use strongroom_store::{Db, RowMac};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::fixture::iam::{Client, Server, serve};
use crate::fixture::{NOW, find, open, root, secret, start};

on_both_engines! {
    an_account_is_made_with_a_root_user,
    accounts_are_listed_page_by_page,
    one_account_of_an_id_is_made_of_many_at_once,
    a_root_user_loses_what_it_had,
    of_many_resets_at_once_one_credential_stays,
    what_cannot_be_is_refused,
    each_change_is_recorded,
}

/// The operator, with a journal.
struct Operator {
    server: Arc<Server>,
    outbox: Outbox,
    journal: Arc<Journal>,
    _folder: TempDir,
}

impl Operator {
    fn on(db: &Db) -> Self {
        let folder = TempDir::new().unwrap();
        let options = JournalOptions { durability: Durability::Written, ..JournalOptions::default() };
        let opened = Journal::open(folder.path(), &options, &Key256::new([9; 32]), "tests", NOW).unwrap();
        let journal = Arc::new(opened.journal);
        let outbox = Outbox::new(db.clone(), RowMac::new(&root()), journal.clone());
        Self { server: serve(db), outbox, journal, _folder: folder }
    }

    async fn create(&self, id: Option<&str>, name: &str) -> Result<RootCredential, AccountError> {
        let id = id.map(|id| id.parse().unwrap());
        self.server.iam.create_account(&self.outbox, id, name, NOW).await
    }

    async fn reset(&self, account: AccountId) -> Result<RootCredential, AccountError> {
        self.server.iam.reset_root(&self.outbox, account, NOW + 1).await
    }

    fn events(&self) -> Vec<(String, String, EventType)> {
        let records = self.journal.reader().records(None).unwrap().map(|record| record.unwrap().1);
        records.map(|record| (record.account_id, record.event_name, record.event_type)).collect()
    }
}

async fn an_account_is_made_with_a_root_user(database: &TestDatabase) {
    let db = open(database).await;
    let operator = Operator::on(&db);
    let chosen = operator.create(Some("111122223333"), "chosen").await.unwrap();
    let drawn = operator.create(None, "drawn").await.unwrap();
    assert_ne!(chosen.account, drawn.account);
    assert!(!drawn.account.to_string().starts_with('0'));
    // At once, and by a server that has just started.
    for keys in [&operator.server.keys, &Arc::new(start(&db))] {
        for made in [&chosen, &drawn] {
            let found = find(keys, &made.access_key_id).await.unwrap();
            assert_eq!(found.principal, Principal::Root(made.account));
            assert_eq!(secret(&found), made.secret.expose());
        }
    }
    assert!(!format!("{drawn:?}").contains(drawn.secret.expose()));
}

async fn accounts_are_listed_page_by_page(database: &TestDatabase) {
    let operator = Operator::on(&open(database).await);
    assert_eq!(operator.server.iam.accounts(None).await.unwrap(), []);
    for (id, name) in [("300000000000", "c"), ("000000000001", "a"), ("200000000000", "b")] {
        operator.create(Some(id), name).await.unwrap();
    }
    let listed = operator.server.iam.accounts(None).await.unwrap();
    let shown: Vec<_> =
        listed.iter().map(|account| (account.id.to_string(), account.name.as_str())).collect();
    let expected = [("000000000001", "a"), ("200000000000", "b"), ("300000000000", "c")];
    assert_eq!(shown, expected.map(|(id, name)| (id.to_owned(), name)));
    assert!(listed.iter().all(|account| account.created_ms == NOW));
    let rest = operator.server.iam.accounts(Some(listed[0].id)).await.unwrap();
    assert_eq!(rest, listed[1..]);
    assert_eq!(operator.server.iam.accounts(Some(listed[2].id)).await.unwrap(), []);
}

async fn one_account_of_an_id_is_made_of_many_at_once(database: &TestDatabase) {
    let db = open(database).await;
    let mut at_once = JoinSet::new();
    for number in 0..8 {
        let operator = Operator::on(&db);
        at_once.spawn(async move { operator.create(Some("111122223333"), &format!("{number}")).await });
    }
    let made: Vec<_> = at_once.join_all().await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(made.len(), 1);
    let found = find(&start(&db), &made[0].access_key_id).await.unwrap();
    assert_eq!(secret(&found), made[0].secret.expose());
}

/// Each takes the place of all that there is: whichever is last, no other of them still opens anything.
async fn of_many_resets_at_once_one_credential_stays(database: &TestDatabase) {
    let db = open(database).await;
    let made = Operator::on(&db).create(Some("111122223333"), "one").await.unwrap();
    let mut at_once = JoinSet::new();
    for _ in 0..4 {
        let operator = Operator::on(&db);
        at_once.spawn(async move { operator.reset(made.account).await.unwrap() });
    }
    let reset = at_once.join_all().await;
    let keys = start(&db);
    let mut found = 0;
    for credential in reset.iter().chain([&made]) {
        found += usize::from(find(&keys, &credential.access_key_id).await.is_some());
    }
    assert_eq!(found, 1);
}

async fn a_root_user_loses_what_it_had(database: &TestDatabase) {
    let db = open(database).await;
    let operator = Operator::on(&db);
    let first = operator.create(None, "main").await.unwrap();
    let other = operator.create(None, "other").await.unwrap();
    let client = Client::new(&operator.server, &first.account.to_string());
    client.create_user("alice").await.unwrap();
    let of_user = client.create_access_key("alice").await.unwrap();
    // Both are in memory now.
    for id in [&first.access_key_id, &of_user.access_key_id] {
        assert!(find(&operator.server.keys, id).await.is_some());
    }

    let second = operator.reset(first.account).await.unwrap();
    let third = operator.reset(first.account).await.unwrap();
    for keys in [&operator.server.keys, &Arc::new(start(&db))] {
        for lost in [&first, &second] {
            assert!(find(keys, &lost.access_key_id).await.is_none());
        }
        assert_eq!(secret(&find(keys, &third.access_key_id).await.unwrap()), third.secret.expose());
        // What others have stays.
        for id in [&of_user.access_key_id, &other.access_key_id] {
            assert!(find(keys, id).await.is_some());
        }
    }
}

async fn what_cannot_be_is_refused(database: &TestDatabase) {
    let operator = Operator::on(&open(database).await);
    for name in ["", "tab\t", "é", &"x".repeat(51)] {
        assert!(matches!(operator.create(None, name).await, Err(AccountError::Name)), "{name:?}");
    }
    let made = operator.create(None, &"x".repeat(50)).await.unwrap();
    let again = operator.create(Some(&made.account.to_string()), "again").await;
    assert!(matches!(again, Err(AccountError::Exists(id)) if id == made.account));
    let unknown = operator.reset("999999999999".parse().unwrap()).await;
    assert!(matches!(unknown, Err(AccountError::Unknown(_))));
    assert_eq!(operator.events().len(), 1);
}

async fn each_change_is_recorded(database: &TestDatabase) {
    let operator = Operator::on(&open(database).await);
    let made = operator.create(None, "main").await.unwrap();
    operator.reset(made.account).await.unwrap();
    let of_account = |event: &str| (made.account.to_string(), event.to_owned(), EventType::AwsServiceEvent);
    assert_eq!(operator.events(), [of_account("CreateAccount"), of_account("ResetRootCredential")]);
}
