//! Directories sealed afresh after rotations of the seal: none is passed over, whatever is in it, and nothing comes back.

use std::sync::Arc;
use std::time::Duration;

use strongroom_iam::{SEALED, SealedDirectories};
use strongroom_journal::{Durability, Journal, JournalOptions};
use strongroom_outbox::Outbox;
use strongroom_resealing::{Parts, Resealing};
use strongroom_runtime::{Clocks, ManualTime};
use strongroom_seal::Root;
use strongroom_secret::Key256;
use strongroom_store::{Db, RowMac, Statement};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tempfile::TempDir;

use crate::fixture::iam::{ACCOUNT, Client, POLICY, Server, TRUST, serve_under};
use crate::fixture::{NOW, find, open, root};
use crate::mfa::device_of;
use crate::passwords::give;

on_both_engines! {
    a_directory_with_nobody_in_it_is_sealed_afresh,
    everything_in_a_directory_is_sealed_afresh,
    what_another_server_has_in_memory_brings_nothing_back,
}

/// A store under a root of its own, which a server rotates.
struct Vault {
    db: Db,
    root: Root,
    server: Arc<Server>,
    resealing: Resealing,
}

impl Vault {
    async fn open(database: &TestDatabase) -> Self {
        let (db, root) = (open(database).await, root());
        db.meta_insert_if_absent("seal.check", root.check_value().as_bytes()).await.unwrap();
        let server = serve_under(&root, &db, |iam| iam);
        let parts = Parts {
            db: db.clone(),
            root: root.clone(),
            clocks: Clocks::new(Arc::new(ManualTime::at(NOW)), 0),
            columns: vec![SEALED],
            kept: vec![Arc::new(SealedDirectories(server.iam.clone()))],
            grace: Duration::ZERO,
        };
        Self { db, root, server, resealing: Resealing::new(parts).unwrap() }
    }

    /// A server that has just started: nothing in memory.
    fn serve(&self) -> Arc<Server> {
        serve_under(&self.root, &self.db, |iam| iam)
    }

    /// Rotates, and sees that the older root key is gone and nothing is left of it.
    async fn rotate(&self) {
        let outcome = self.resealing.rotate(&|_| {}).await.unwrap();
        assert!(outcome.finished, "{:?}", outcome.totals);
        assert_eq!(self.root.epochs(), [outcome.epoch]);
        self.is_whole().await;
    }

    /// Everything opens, and names the epoch in use.
    async fn is_whole(&self) {
        const MACS: [Statement; 4] = [
            Statement::new("SELECT mac FROM iam_directories"),
            Statement::new("SELECT mac FROM iam_entities"),
            Statement::new("SELECT mac FROM iam_access_keys"),
            Statement::new("SELECT mac FROM iam_accounts"),
        ];
        for statement in MACS {
            for row in self.db.query(statement, &[]).await.unwrap() {
                let epoch = RowMac::epoch_of(&row.blob("mac").unwrap());
                assert_eq!(epoch, Some(self.root.current_epoch()), "{statement:?}");
            }
        }
        let checked = self.resealing.check(&|_| {}).await.unwrap();
        assert_eq!(checked.refused, 0, "{:?}", checked.names);
    }
}

/// As `strongroom init` leaves an account: its root user has an access key, and there is no user, group or role. The
/// digest is that of nothing, and the only MAC is the root's own.
async fn a_directory_with_nobody_in_it_is_sealed_afresh(database: &TestDatabase) {
    let vault = Vault::open(database).await;
    let folder = TempDir::new().unwrap();
    let options = JournalOptions { durability: Durability::Written, ..JournalOptions::default() };
    let journal =
        Journal::open(folder.path(), &options, &Key256::new([9; 32]), "tests", NOW).unwrap().journal;
    let outbox = Outbox::new(vault.db.clone(), RowMac::new(&vault.root), Arc::new(journal));
    let server = &vault.server;
    let made = server.iam.create_account(&outbox, Some(ACCOUNT.parse().unwrap()), "one", NOW).await.unwrap();
    for _ in 0..2 {
        vault.rotate().await;
        // By the server that was there, and by one that has just started.
        for server in [server, &vault.serve()] {
            assert!(find(&server.keys, &made.access_key_id).await.is_some());
        }
    }
    Client::new(&vault.serve(), ACCOUNT).create_user("a").await.unwrap();
    vault.is_whole().await;
}

async fn everything_in_a_directory_is_sealed_afresh(database: &TestDatabase) {
    let vault = Vault::open(database).await;
    let server = &vault.server;
    let client = Client::new(server, ACCOUNT);
    client.create_user("a").await.unwrap();
    let key = client.create_access_key("a").await.unwrap().access_key_id;
    give(&client, "a", "Abcdefg1").await.unwrap();
    device_of(&client, "a", "device").await;
    client.create_group("g").await.unwrap();
    client.join("g", "a").await.unwrap();
    client.create_role("r", TRUST).await.unwrap();
    client.create_policy("p", POLICY).await.unwrap();
    for _ in 0..2 {
        vault.rotate().await;
        for server in [server, &vault.serve()] {
            let client = Client::new(server, ACCOUNT);
            assert_eq!(client.holder(&key).await.as_deref(), Some("a"));
            client.user("a").await.unwrap();
            client.role("r").await.unwrap();
        }
    }
}

/// A server read a directory before the rotation, and changes it afterwards.
async fn what_another_server_has_in_memory_brings_nothing_back(database: &TestDatabase) {
    let vault = Vault::open(database).await;
    let [here, there] = [&vault.server, &vault.serve()].map(|server| Client::new(server, ACCOUNT));
    here.create_user("a").await.unwrap();
    give(&here, "a", "Abcdefg1").await.unwrap();
    there.user("a").await.unwrap();
    vault.rotate().await;
    there.create_user("b").await.unwrap();
    vault.is_whole().await;
    assert_eq!(Client::new(&vault.serve(), ACCOUNT).users().await, ["a", "b"]);
}
