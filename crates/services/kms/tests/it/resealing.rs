//! What KMS keeps sealed, after rotations of the seal: partitions' keys, and the passwords of key stores.

use std::time::Duration;

use strongroom_api_kms::{Kms as _, MacAlgorithmSpec, SigningAlgorithmSpec};
use strongroom_kms::SEALED;
use strongroom_resealing::{Parts, Resealing};
use strongroom_runtime::Clocks;
use strongroom_seal::Root;
use strongroom_store::{Db, RowMac, Statement};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, REGION, new_store, open, root, start};
use crate::symmetric_only::{generate_mac, sign, verify, verify_mac};

on_both_engines! {
    keys_decrypt_what_they_encrypted_before,
    pairs_and_secrets_of_macs_verify_what_they_made_before,
    a_connected_key_store_goes_on_and_is_connected_again,
    a_key_store_that_is_being_connected_comes_through,
}

/// More steps than connecting has.
const MORE_THAN_ENOUGH: usize = 40;

/// A store under a root of its own, which is rotated.
struct Vault {
    db: Db,
    root: Root,
    resealing: Resealing,
}

impl Vault {
    async fn open(database: &TestDatabase) -> Self {
        let (db, root) = (open(database).await, root());
        db.meta_insert_if_absent("seal.check", root.check_value().as_bytes()).await.unwrap();
        let parts = Parts {
            db: db.clone(),
            root: root.clone(),
            clocks: Clocks::system(),
            columns: vec![SEALED],
            kept: Vec::new(),
            grace: Duration::ZERO,
        };
        Self { db, root, resealing: Resealing::new(parts).unwrap() }
    }

    /// The caller of a server that has just started.
    fn client(&self) -> Client {
        Client::new(&start(&self.db, &self.root), ACCOUNT, REGION)
    }

    /// Rotates, and sees that the older root key is gone and nothing is left of it.
    async fn rotate(&self) {
        const MACS: [Statement; 4] = [
            Statement::new("SELECT mac FROM kms_keys"),
            Statement::new("SELECT mac FROM kms_materials"),
            Statement::new("SELECT mac FROM kms_aliases"),
            Statement::new("SELECT mac FROM kms_key_stores"),
        ];
        let outcome = self.resealing.rotate(&|_| {}).await.unwrap();
        assert!(outcome.finished, "{:?}", outcome.totals);
        assert_eq!(self.root.epochs(), [outcome.epoch]);
        for statement in MACS {
            for row in self.db.query(statement, &[]).await.unwrap() {
                assert_eq!(RowMac::epoch_of(&row.blob("mac").unwrap()), Some(outcome.epoch), "{statement:?}");
            }
        }
        let checked = self.resealing.check(&|_| {}).await.unwrap();
        assert_eq!(checked.refused, 0, "{:?}", checked.names);
    }
}

async fn keys_decrypt_what_they_encrypted_before(database: &TestDatabase) {
    let vault = Vault::open(database).await;
    let client = vault.client();
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"kept", &[]).await.unwrap();
    for _ in 0..2 {
        vault.rotate().await;
        // By the server that was there, and by one that has just started.
        for client in [&client, &vault.client()] {
            assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"kept");
            client.create_key().await;
        }
    }
}

/// Their tokens, too, are sealed under the partition's key, which alone is sealed afresh.
async fn pairs_and_secrets_of_macs_verify_what_they_made_before(database: &TestDatabase) {
    let vault = Vault::open(database).await;
    let client = vault.client();
    let pair = client.create_key_of("ECC_NIST_P256", "SIGN_VERIFY").await.key_id;
    let secret = client.create_key_of("HMAC_256", "GENERATE_VERIFY_MAC").await.key_id;
    let signing = sign(&pair, SigningAlgorithmSpec::EcdsaSha256, b"message");
    let signature = client.kms.sign(&client.context(), signing).await.unwrap().signature.unwrap().0;
    let making = generate_mac(&secret, MacAlgorithmSpec::HmacSha256, b"message");
    let mac = client.kms.generate_mac(&client.context(), making).await.unwrap().mac.unwrap().0;
    let public = client.public_key(&pair).await;
    vault.rotate().await;
    for client in [&client, &vault.client()] {
        let input = verify(&pair, SigningAlgorithmSpec::EcdsaSha256, b"message", &signature);
        client.kms.verify(&client.context(), input).await.unwrap();
        let input = verify_mac(&secret, MacAlgorithmSpec::HmacSha256, b"message", &mac);
        client.kms.verify_mac(&client.context(), input).await.unwrap();
        assert_eq!(client.public_key(&pair).await, public);
    }
}

async fn a_connected_key_store_goes_on_and_is_connected_again(database: &TestDatabase) {
    let vault = Vault::open(database).await;
    let client = vault.client();
    let (store, _) = client.connected_store().await;
    let key = client.create_key_in(&store).await;
    let blob = client.encrypt(&key, b"kept", &[]).await.unwrap();
    for _ in 0..2 {
        vault.rotate().await;
        assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"kept");
        // Started again, it logs in with what it opens.
        client.kms.forget_everything().await;
        assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"kept");
        // Connected anew, it shows the HSMs the password, which is changed then.
        client.disconnect(&store).await.unwrap();
        client.connect(&store).await.unwrap();
        assert_eq!(client.store_state(&store).await, ("CONNECTED".to_owned(), None));
        assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"kept");
    }
}

/// Cut off at each step, with a rotation before anybody goes on: the password that is pending is sealed afresh too.
async fn a_key_store_that_is_being_connected_comes_through(database: &TestDatabase) {
    let vault = Vault::open(database).await;
    let client = vault.client();
    let cluster = client.cloud().cluster();
    let store = client.create_store(new_store("store", &cluster)).await.unwrap();
    for step in 0.. {
        assert!(step < MORE_THAN_ENOUGH);
        client.begin_connecting(&store).await.unwrap();
        cluster.steps.hold(step);
        let ended = tokio::select! {
            ended = client.kms.settle_key_stores() => { ended.unwrap(); true }
            () = cluster.steps.reached() => false,
        };
        cluster.steps.release();
        if ended {
            break;
        }
        vault.rotate().await;
        let after = client.on(&client.kms.restarted(&vault.db, &vault.root));
        after.kms.settle_key_stores().await.unwrap();
        assert_eq!(after.store_state(&store).await, ("CONNECTED".to_owned(), None), "step {step}");
        after.disconnect(&store).await.unwrap();
        client.kms.forget_everything().await;
    }
}
