//! The server, its HSMs, a key store on them, and what was encrypted with a key in it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_hsm_proto::command::{ChangePassword, Command, ListUsers, Result as Done, Role};

use super::blow::Blow;
use super::store::{KMSUSER, KeyStore, kms};
use crate::cluster_crash::cluster::{HsmCluster, log_in, wait};
use crate::cluster_crash::processes::HsmProcess;
use crate::program::{Place, Program};

/// Zones of the HSMs.
pub(super) const ZONES: [&str; 2] = ["us-east-1a", "us-east-1b"];

/// How long it may take until everything that was killed is back and KMS connects.
const PATIENCE: Duration = Duration::from_mins(1);
/// The wait between two connections.
const BETWEEN: Duration = Duration::from_millis(250);

/// Why a connection may fail while HSMs are away. What would lock KMS out is none of them.
const PASSING: [&str; 3] = ["INSUFFICIENT_CLOUDHSM_HSMS", "INTERNAL_ERROR", "NETWORK_ERRORS"];

const PLAINTEXT: &str = "cGxhaW50ZXh0";

pub(super) struct Stage {
    place: Place,
    server: Option<Program>,
    cluster: HsmCluster,
    store: KeyStore,
    key: String,
    /// Made before everything else.
    first: Value,
    usual: Duration,
    passwords: u32,
}

impl Stage {
    /// Everything, connected once.
    pub(super) fn start() -> Self {
        let place = Place::new();
        let server = place.start();
        let folder = place.data().with_file_name("owner");
        let cluster = HsmCluster::first_use(server.address, &folder, &ZONES).unwrap();
        cluster.add_hsm(ZONES[1]).unwrap();
        let store = KeyStore::create(&cluster, "crash").unwrap();
        store.connect().unwrap();
        let key = store.create_key().unwrap();
        let first = kms(server.address, "Encrypt", &json!({"KeyId": key, "Plaintext": PLAINTEXT})).unwrap();
        let mut stage = Self {
            place,
            server: Some(server),
            cluster,
            store,
            key,
            first: first["CiphertextBlob"].clone(),
            usual: Duration::ZERO,
            passwords: 0,
        };
        stage.disconnect();
        let begun = Instant::now();
        stage.store.connect().unwrap();
        stage.usual = begun.elapsed();
        stage.disconnect();
        stage
    }

    /// How long a connection takes.
    pub(super) fn usual(&self) -> Duration {
        self.usual
    }

    /// One round; answers how what was struck ended.
    pub(super) fn round(&mut self, blow: &Blow, context: &str) -> String {
        if blow.resets {
            self.reset_password();
        }
        self.store.ask("ConnectCustomKeyStore").unwrap_or_else(|error| panic!("{context}: {error:#}"));
        if blow.disconnecting {
            self.settle(context);
            self.store.ask("DisconnectCustomKeyStore").unwrap();
        }
        sleep(blow.moment);
        self.strike(blow);
        let end = self.settle(context);
        self.connect_at_last(context);
        self.use_key(context);
        self.disconnect();
        if blow.disconnecting { format!("disconnecting, then {end}") } else { end }
    }

    fn strike(&mut self, blow: &Blow) {
        let hsms = HsmProcess::all(&self.place.data()).unwrap();
        assert_eq!(hsms.len(), ZONES.len(), "{hsms:?}");
        for hsm in &blow.hsms {
            hsms[*hsm].kill().unwrap();
        }
        if blow.server {
            self.server.take().unwrap().kill();
            sleep(blow.away);
            let server = self.place.start();
            self.cluster.server = server.address;
            self.store.server = server.address;
            self.server = Some(server);
        }
    }

    /// Waits until the key store is in a state in which it stays, and tells it.
    fn settle(&self, context: &str) -> String {
        let shown = self.store.settled().unwrap_or_else(|error| panic!("{context}: {error:#}"));
        assert!(
            shown.state != "FAILED" || PASSING.contains(&shown.code.as_str()),
            "{context}: KMS is locked out: {shown:?}"
        );
        if shown.code.is_empty() { shown.state } else { shown.code }
    }

    /// Connects it as an operator does who waits until the HSMs are back.
    fn connect_at_last(&self, context: &str) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.settle(context).as_str() {
                "CONNECTED" => return,
                "DISCONNECTED" => {
                    // Without any HSM it is refused at once.
                    if let Err(error) = self.store.ask("ConnectCustomKeyStore") {
                        let refused = error.to_string();
                        let passes = ["CloudHsmClusterNotActive", "CloudHsmClusterInvalidConfiguration"];
                        assert!(passes.iter().any(|name| refused.contains(name)), "{context}: {refused}");
                        sleep(BETWEEN);
                    }
                }
                _ => {
                    self.store.ask("DisconnectCustomKeyStore").unwrap();
                    sleep(BETWEEN);
                }
            }
        }
        panic!("{context}: KMS cannot connect any more: {:?}", self.store.show());
    }

    /// What was encrypted before decrypts, and more can be encrypted.
    fn use_key(&self, context: &str) {
        let decrypt = |blob: &Value| {
            let decrypted = kms(self.store.server, "Decrypt", &json!({"CiphertextBlob": blob}));
            let decrypted = decrypted.unwrap_or_else(|error| panic!("{context}: {error:#}"));
            assert_eq!(decrypted["Plaintext"], PLAINTEXT, "{context}");
        };
        decrypt(&self.first);
        let asked = json!({"KeyId": self.key, "Plaintext": PLAINTEXT});
        let encrypted = kms(self.store.server, "Encrypt", &asked);
        decrypt(&encrypted.unwrap_or_else(|error| panic!("{context}: {error:#}"))["CiphertextBlob"]);
    }

    fn disconnect(&self) {
        self.store.ask("DisconnectCustomKeyStore").unwrap();
        let shown = self.store.settled().unwrap();
        assert_eq!(shown.state, "DISCONNECTED", "{shown:?}");
        // HSMs come back by themselves; the next round wants all of them.
        wait("all HSMs to serve", || {
            let active = self.cluster.hsms()?.iter().filter(|hsm| hsm.state == "ACTIVE").count();
            let running = HsmProcess::all(&self.place.data())?.len();
            let options = self.cluster.options()?;
            let mut admin = log_in(options, "admin", Role::Admin)?;
            let users = admin.call(Command::ListUsers(ListUsers {}))?;
            let Some(Done::Users(list)) = users.result else { anyhow::bail!("no users") };
            let locked = list.users.iter().any(|user| user.username == KMSUSER && user.locked);
            assert!(!locked, "kmsuser is locked");
            Ok((active == ZONES.len() && running == ZONES.len()).then_some(()))
        })
        .unwrap();
    }

    /// The administrator sets another password for `kmsuser`, and the owner tells KMS.
    fn reset_password(&mut self) {
        self.passwords += 1;
        let password = format!("Kmsuser7password{}", self.passwords);
        // The sessions of a server that was killed end a moment later.
        wait("a new password", || {
            let change = Command::ChangePassword(ChangePassword {
                username: KMSUSER.to_owned(),
                role: Role::CryptoUser.into(),
                password: password.clone(),
                ..ChangePassword::default()
            });
            log_in(self.cluster.options()?, "admin", Role::Admin)?.call(change)?;
            Ok(Some(()))
        })
        .unwrap();
        let asked = json!({"CustomKeyStoreId": self.store.id, "KeyStorePassword": password});
        kms(self.store.server, "UpdateCustomKeyStore", &asked).unwrap();
    }

    /// Ends everything properly.
    pub(super) fn end(mut self, context: &str) {
        self.server.take().unwrap().stop();
        assert_eq!(HsmProcess::all(&self.place.data()).unwrap(), [], "{context}: left behind");
        let (intact, said) = self.place.verify_audit();
        assert!(intact, "{context}: {said}");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What a test leaves running ends with it.
        drop(self.server.take());
        for hsm in HsmProcess::all(&self.place.data()).unwrap_or_default() {
            drop(hsm.kill());
        }
    }
}
