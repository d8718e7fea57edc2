//! Random sequences of what can happen to a key store, against a small model of what it is.

use std::sync::Arc;

use proptest::prelude::*;
use strongroom_kms::MIGRATIONS;
use strongroom_store::{Db, OpenOptions};

use crate::fixture::cluster::{KMS_PASSWORD, TestCluster};
use crate::fixture::{ACCOUNT, Client, REGION, new_store, root, start};

/// A password that `kmsuser` is given behind KMS's back.
const OTHER_PASSWORD: &str = "otherPassword";

#[derive(Clone, Copy, Debug)]
enum Step {
    Connect,
    Disconnect,
    /// KMS does what there is to do.
    Work,
    /// The server is another one.
    Restart,
    Rename,
    Delete,
    /// The owner tells KMS the password that is in force.
    TellPassword,
    /// The owner changes the password in the HSMs. KMS is not told.
    ChangePassword,
    Unplug,
    Plug,
}

/// What a key store is, as far as its owner can tell.
struct Model {
    /// `None` when it is deleted.
    state: Option<&'static str>,
    error: Option<&'static str>,
    /// KMS has the password that is in force.
    knows: bool,
    reachable: bool,
}

const INVALID: Result<(), &str> = Err("CustomKeyStoreInvalidStateException");
const NOT_FOUND: Result<(), &str> = Err("CustomKeyStoreNotFoundException");

impl Model {
    fn becomes(&mut self, state: &'static str) {
        (self.state, self.error) = (Some(state), None);
    }

    fn take(&mut self, step: Step) -> Result<(), &'static str> {
        let Some(state) = self.state else { return NOT_FOUND };
        match (step, state) {
            (Step::Connect, "DISCONNECTED") => self.becomes("CONNECTING"),
            (Step::Disconnect, "CONNECTING" | "CONNECTED" | "FAILED") => self.becomes("DISCONNECTING"),
            (Step::TellPassword, "DISCONNECTED") => self.knows = true,
            (Step::Delete, "DISCONNECTED") => (self.state, self.error) = (None, None),
            (Step::Work, "DISCONNECTING") => self.becomes("DISCONNECTED"),
            (Step::Work, "CONNECTING") => {
                self.error = match (self.reachable, self.knows) {
                    (false, _) => Some("NETWORK_ERRORS"),
                    (true, false) => Some("INVALID_CREDENTIALS"),
                    (true, true) => None,
                };
                self.state = Some(if self.error.is_none() { "CONNECTED" } else { "FAILED" });
            }
            (Step::Work | Step::Restart | Step::ChangePassword | Step::Unplug | Step::Plug, _)
            | (Step::Connect, "CONNECTING" | "CONNECTED")
            | (Step::Rename, "DISCONNECTED" | "CONNECTED") => {}
            (Step::Connect | Step::Disconnect | Step::Rename | Step::TellPassword | Step::Delete, _) => {
                return INVALID;
            }
        }
        Ok(())
    }
}

struct Pair {
    db: Db,
    client: Client,
    cluster: Arc<TestCluster>,
    store: String,
    model: Model,
    /// The password in the HSMs, if the owner has set it.
    password: Option<String>,
    renamed: usize,
}

impl Pair {
    async fn new() -> Self {
        let db = Db::open_sqlite_ephemeral(&OpenOptions::default()).await.unwrap();
        db.migrate(&[MIGRATIONS]).await.unwrap();
        let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
        let cluster = client.cloud().cluster();
        let store = client.create_store(new_store("store", &cluster)).await.unwrap();
        let model = Model { state: Some("DISCONNECTED"), error: None, knows: true, reachable: true };
        Self { db, client, cluster, store, model, password: Some(KMS_PASSWORD.to_owned()), renamed: 0 }
    }

    async fn take(&mut self, step: Step) {
        let expected = match step {
            // Only an owner who knows the password can tell it; KMS keeps its own to itself.
            Step::TellPassword if self.password.is_none() => return,
            _ => self.model.take(step),
        };
        let (client, store) = (&self.client, self.store.as_str());
        let answer = match step {
            Step::Connect => client.begin_connecting(store).await,
            Step::Disconnect => client.begin_disconnecting(store).await,
            Step::Delete => client.delete_store(store).await,
            Step::Rename => {
                self.renamed += 1;
                client.rename_store(store, &format!("store {}", self.renamed)).await
            }
            Step::TellPassword => client.set_store_password(store, self.password.as_deref().unwrap()).await,
            Step::Work => {
                client.kms.settle_key_stores().await.unwrap();
                if self.model.state == Some("CONNECTED") && self.model.knows {
                    self.password = None;
                }
                return self.compare().await;
            }
            Step::Restart => {
                self.client = client.on(&client.kms.restarted(&self.db, &root()));
                return self.compare().await;
            }
            Step::ChangePassword => {
                // An administrator cannot while KMS is logged in.
                if self.cluster.set_password(OTHER_PASSWORD).is_ok() {
                    self.model.knows &= self.password.as_deref() == Some(OTHER_PASSWORD);
                    self.password = Some(OTHER_PASSWORD.to_owned());
                }
                return self.compare().await;
            }
            Step::Unplug | Step::Plug => {
                self.model.reachable = matches!(step, Step::Plug);
                self.cluster.set_reachable(self.model.reachable);
                return self.compare().await;
            }
        };
        assert_eq!(
            answer.map_err(|error| error.code().to_owned()),
            expected.map_err(str::to_owned),
            "{step:?}"
        );
        self.compare().await;
    }

    async fn compare(&self) {
        match self.model.state {
            Some(state) => {
                let shown = self.client.store_state(&self.store).await;
                assert_eq!(shown, (state.to_owned(), self.model.error.map(str::to_owned)));
            }
            None => assert!(self.client.stores().await.is_empty()),
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Connect),
        4 => Just(Step::Disconnect),
        10 => Just(Step::Work),
        2 => Just(Step::Restart),
        2 => Just(Step::Rename),
        1 => Just(Step::Delete),
        2 => Just(Step::TellPassword),
        1 => Just(Step::ChangePassword),
        1 => Just(Step::Unplug),
        3 => Just(Step::Plug),
    ]
}

proptest! {
    // HSMs take their time over passwords.
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_key_store_does_as_the_model(steps in proptest::collection::vec(step(), 1..40)) {
        strongroom_testkit::run(async {
            let mut pair = Pair::new().await;
            for step in steps {
                pair.take(step).await;
            }
        });
    }
}
