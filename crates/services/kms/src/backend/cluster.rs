//! The backend of a custom key store: the HSMs of its cluster, in which KMS is logged in as `kmsuser`.
//!
//! A material is a token key there: its label is the ARN of the KMS key, its id attribute the id of the material, and
//! it never leaves the HSMs. What they call it, its handle, is looked up by that id on every new connection: a cluster
//! that takes the place of another may use other handles, and must never be asked with one of the former.

mod connection;
mod making;
mod mechanism;
mod refusal;

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use strongroom_hsm_client::ClientError;
use strongroom_hsm_core::EncryptionContext;
use strongroom_hsm_proto::command::{
    Command, ContextPair, DecryptDerived, EncryptDerived, GenerateDerived, Output, Random, ReEncryptDerived,
    Reply, Result as Answered,
};
use strongroom_identity::RequestContext;
use strongroom_secret::SecretBytes;

use self::connection::{Connection, Handles};
use self::mechanism::{Oaep, Signing};
use self::refusal::{
    is_decryption, is_of_a_vanished_key, is_of_a_wrong_ciphertext, nonsense, of_making, refusal, vanished,
};
use super::{DataKey, KeyBackend, NotMade, ReEncryption, Standing, Wanted};
use crate::cache::Weighed;
use crate::domain::identifier::Home;
use crate::domain::key::{Key, Material, MaterialId};
use crate::domain::key_store::ConnectionState;
use crate::domain::spec::{
    EncryptionAlgorithm, KeySpec, KeyUsage, MacAlgorithm, Peer, Signed, SigningAlgorithm,
};
use crate::error::Refusal;
use crate::management::KeyStores;

/// The keys of one custom key store.
pub(crate) struct InCluster {
    home: Home,
    store: String,
    stores: Arc<KeyStores>,
    /// What is known of the cluster's keys, on the connection that was used last.
    latest: RwLock<Option<Arc<Connection>>>,
}

/// Counted, not weighed: what one keeps in mind has a bound of its own.
impl Weighed for InCluster {
    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

impl InCluster {
    pub(super) fn new(home: Home, store: String, stores: Arc<KeyStores>) -> Self {
        Self { home, store, stores, latest: RwLock::new(None) }
    }

    /// The connection to the cluster as it is now. What was known of another is forgotten.
    async fn connection(&self) -> Result<Arc<Connection>, Refusal> {
        let cluster = self.stores.session(&self.home, &self.store).await?.cluster;
        if let Some(latest) = self.latest()
            && latest.is_to(&cluster)
        {
            return Ok(latest);
        }
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        match latest.as_ref().filter(|latest| latest.is_to(&cluster)) {
            Some(latest) => Ok(latest.clone()),
            None => Ok(latest.insert(Arc::new(Connection::new(cluster))).clone()),
        }
    }

    fn latest(&self) -> Option<Arc<Connection>> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has the cluster do what `command` makes of the handles of these materials. One round trip once they are known;
    /// until then more of them, which together take no longer than one may.
    async fn compute<const N: usize>(
        &self,
        keys: [(&Key, &Material); N],
        command: impl Fn([Handles; N]) -> Command + Send + Sync,
    ) -> Result<Reply, Refusal> {
        let computing = self.compute_in_time(keys, command);
        match tokio::time::timeout(self.stores.deadline(), computing).await {
            Ok(computed) => computed,
            Err(_) => Err(refusal(ClientError::DeadlineExceeded("keys are looked for".to_owned()))),
        }
    }

    /// Refuses cryptography while the key store is not connected, in AWS's words for it (KMS Developer Guide, "Key states
    /// of AWS KMS keys").
    async fn expect_available<const N: usize>(&self, keys: [(&Key, &Material); N]) -> Result<(), Refusal> {
        let store = self.stores.find(&self.home, &self.store).await?;
        match keys.first() {
            Some((key, _)) if store.state != ConnectionState::Connected => Err(key.unavailable()),
            _ => Ok(()),
        }
    }

    async fn compute_in_time<const N: usize>(
        &self,
        keys: [(&Key, &Material); N],
        command: impl Fn([Handles; N]) -> Command + Send + Sync,
    ) -> Result<Reply, Refusal> {
        self.expect_available(keys).await?;
        let connection = self.connection().await?;
        self.stores.admit(&self.store)?;
        let first = command(connection.find(keys).await?);
        let decrypts = is_decryption(&first);
        match connection.cluster().call(first).await {
            // One of them is gone. Which one, and whether it is back under another handle, a search tells.
            Err(error) if is_of_a_vanished_key(&error) => {
                for (_, material) in keys {
                    connection.forget(&material.id);
                }
                let handles = connection.find(keys).await?;
                connection.cluster().call(command(handles)).await
            }
            done => done,
        }
        .map_err(|error| match keys.as_slice() {
            [(key, _)] if is_of_a_vanished_key(&error) => vanished(&key.arn),
            _ if decrypts && is_of_a_wrong_ciphertext(&error) => Refusal::InvalidCiphertext,
            _ => refusal(error),
        })
    }
}

#[async_trait]
impl KeyBackend for InCluster {
    fn offers(&self, spec: KeySpec, usage: KeyUsage) -> bool {
        making::offers(spec, usage)
    }

    fn keeps_outside(&self) -> bool {
        true
    }

    async fn expect_room(&self, context: &RequestContext) -> Result<(), Refusal> {
        self.stores.for_new_key(context, &self.store).await.map(drop)
    }

    async fn expect_reach(&self) -> Result<(), Refusal> {
        self.connection().await.map(drop)
    }

    async fn standing(&self, key: &Key) -> Result<Standing, Refusal> {
        let store = self.stores.find(&self.home, &self.store).await?;
        let is_connected = store.state == ConnectionState::Connected;
        // What was missing on a connection of before may be there on this one.
        let latest = self.latest().zip(self.stores.live(&store)).filter(|(latest, live)| latest.is_to(live));
        let is_missing = latest
            .zip(key.current_material.as_ref())
            .is_some_and(|((latest, _), current)| latest.misses(current));
        Ok(Standing { available: is_connected && !is_missing, cluster_id: Some(store.cluster_id.clone()) })
    }

    async fn generate(&self, wanted: &Wanted<'_>) -> Result<Material, NotMade> {
        let command = making::command(wanted)?;
        let connection = self.connection().await?;
        let reply = connection.cluster().call(command).await;
        let held = making::held(reply.map_err(|error| of_making(error, wanted.spec))?);
        let held = held.map_err(NotMade::Perhaps)?;
        connection.learn(wanted.material_id, Handles::of(&held));
        Ok(Material { id: wanted.material_id, held, created_ms: wanted.now_ms, rotation: None, import: None })
    }

    async fn destroy(&self, material_id: &MaterialId) -> Result<bool, Refusal> {
        let connection = self.connection().await?;
        connection.forget(material_id);
        connection.delete(material_id).await
    }

    fn forget(&self, key: &Key) {
        if let Some(latest) = self.latest() {
            for material in &key.materials {
                latest.forget(&material.id);
            }
        }
    }

    fn clear(&self) {
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn encrypt(
        &self,
        key: &Key,
        material: &Material,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let command = |[handles]: [Handles; 1]| {
            Command::EncryptDerived(EncryptDerived {
                key: handles.key,
                key_id: key.id.clone(),
                material_id: material.id.to_vec(),
                context: pairs(context),
                plaintext: plaintext.to_vec(),
            })
        };
        let mut output = output(self.compute([(key, material)], command).await?)?;
        Ok(std::mem::take(&mut output.data))
    }

    async fn decrypt(
        &self,
        key: &Key,
        material: &Material,
        context: &EncryptionContext,
        blob: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        let command = |[handles]: [Handles; 1]| {
            Command::DecryptDerived(DecryptDerived {
                key: handles.key,
                context: pairs(context),
                ciphertext: blob.to_vec(),
            })
        };
        let mut output = output(self.compute([(key, material)], command).await?)?;
        Ok(SecretBytes::new(std::mem::take(&mut output.data)))
    }

    async fn generate_data_key(
        &self,
        key: &Key,
        material: &Material,
        context: &EncryptionContext,
        length: usize,
        want_plaintext: bool,
    ) -> Result<DataKey, Refusal> {
        let command = |[handles]: [Handles; 1]| {
            Command::GenerateDerived(GenerateDerived {
                key: handles.key,
                key_id: key.id.clone(),
                material_id: material.id.to_vec(),
                context: pairs(context),
                length: length as u32,
                without_plaintext: !want_plaintext,
            })
        };
        let mut output = output(self.compute([(key, material)], command).await?)?;
        let plaintext = SecretBytes::new(std::mem::take(&mut output.plaintext));
        if want_plaintext && plaintext.expose().len() != length {
            return Err(nonsense("an HSM's data key has another length"));
        }
        Ok(DataKey { plaintext: want_plaintext.then_some(plaintext), blob: std::mem::take(&mut output.data) })
    }

    async fn re_encrypt(&self, what: &ReEncryption<'_>) -> Result<Vec<u8>, Refusal> {
        let (to, to_material) = what.to;
        let command = |[from, into]: [Handles; 2]| {
            Command::ReEncryptDerived(ReEncryptDerived {
                from: from.key,
                from_context: pairs(what.from_context),
                ciphertext: what.blob.to_vec(),
                to: into.key,
                key_id: to.id.clone(),
                material_id: to_material.id.to_vec(),
                to_context: pairs(what.to_context),
            })
        };
        let mut output = output(self.compute([what.from, what.to], command).await?)?;
        Ok(std::mem::take(&mut output.data))
    }

    async fn sign(
        &self,
        key: &Key,
        material: &Material,
        algorithm: SigningAlgorithm,
        signed: Signed<'_>,
    ) -> Result<Vec<u8>, Refusal> {
        let signing = Signing::new(algorithm, signed)?;
        let mut output = output(self.compute([(key, material)], |[handles]| signing.sign(handles)).await?)?;
        mechanism::given_out(key, std::mem::take(&mut output.data))
    }

    async fn verify(
        &self,
        key: &Key,
        material: &Material,
        algorithm: SigningAlgorithm,
        signed: Signed<'_>,
        signature: &[u8],
    ) -> Result<bool, Refusal> {
        let signing = Signing::new(algorithm, signed)?;
        let Some(signature) = mechanism::taken_in(key, signature) else { return Ok(false) };
        let command = |[handles]: [Handles; 1]| signing.verify(handles, &signature);
        verified(self.compute([(key, material)], command).await?)
    }

    async fn mac(
        &self,
        key: &Key,
        material: &Material,
        algorithm: MacAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let command = |[handles]: [Handles; 1]| mechanism::make_mac(handles, algorithm, message);
        let mut output = output(self.compute([(key, material)], command).await?)?;
        Ok(std::mem::take(&mut output.data))
    }

    async fn verify_mac(
        &self,
        key: &Key,
        material: &Material,
        algorithm: MacAlgorithm,
        message: &[u8],
        mac: &[u8],
    ) -> Result<bool, Refusal> {
        let command = |[handles]: [Handles; 1]| mechanism::verify_mac(handles, algorithm, message, mac);
        verified(self.compute([(key, material)], command).await?)
    }

    async fn encrypt_raw(
        &self,
        key: &Key,
        material: &Material,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let oaep = Oaep::new(algorithm)?;
        let command = |[handles]: [Handles; 1]| oaep.encrypt(handles, plaintext);
        let mut output = output(self.compute([(key, material)], command).await?)?;
        Ok(std::mem::take(&mut output.data))
    }

    async fn decrypt_raw(
        &self,
        key: &Key,
        material: &Material,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        let oaep = Oaep::new(algorithm)?;
        let command = |[handles]: [Handles; 1]| oaep.decrypt(handles, ciphertext);
        let mut output = output(self.compute([(key, material)], command).await?)?;
        Ok(SecretBytes::new(std::mem::take(&mut output.data)))
    }

    async fn agree(&self, key: &Key, material: &Material, peer: &Peer) -> Result<SecretBytes, Refusal> {
        let command = |[handles]: [Handles; 1]| mechanism::agree(handles, peer);
        let mut output = output(self.compute([(key, material)], command).await?)?;
        Ok(SecretBytes::new(std::mem::take(&mut output.data)))
    }

    async fn random(&self, length: usize) -> Result<SecretBytes, Refusal> {
        self.stores.find(&self.home, &self.store).await?.expect_connected()?;
        let connection = self.connection().await?;
        self.stores.admit(&self.store)?;
        let command = Command::Random(Random { length: length as u32 });
        let mut output = output(connection.cluster().call(command).await.map_err(refusal)?)?;
        if output.data.len() != length {
            return Err(nonsense("an HSM gives another number of random bytes"));
        }
        Ok(SecretBytes::new(std::mem::take(&mut output.data)))
    }
}

/// The encryption context as HSMs take it.
fn pairs(context: &EncryptionContext) -> Vec<ContextPair> {
    let pair = |(name, value): (&str, &str)| ContextPair { name: name.to_owned(), value: value.to_owned() };
    context.pairs().map(pair).collect()
}

/// Whether a signature or a MAC is right.
fn verified(reply: Reply) -> Result<bool, Refusal> {
    match reply.result {
        Some(Answered::Verified(verified)) => Ok(verified.valid),
        _ => Err(nonsense("an HSM verifies and answers something else")),
    }
}

/// What cryptography gave out.
fn output(reply: Reply) -> Result<Output, Refusal> {
    match reply.result {
        Some(Answered::Output(output)) => Ok(output),
        _ => Err(nonsense("an HSM answers cryptography with something else")),
    }
}
