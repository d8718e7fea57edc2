//! The built-in backend: an HSM core in this process, a partition of it for each account and Region, key
//! tokens in the store.

mod attributes;

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_crypto::random;
use strongroom_hsm_core::{
    Attributes, BlobHeader, EncryptionContext, HsmError, KeyHandle, KeyToken, OpenedKey, Partition,
    PartitionId, PartitionKey,
};
use strongroom_seal::{Purpose, Root, Sealer};
use strongroom_secret::SecretBytes;
use strongroom_store::Db;

use self::attributes::{attributes, oaep_hash, scheme, signed};
use super::{Encapsulated, KeyBackend, NotMade, Wanted};
use crate::cache::{Cache, Ticket, Weighed};
use crate::domain::identifier::Home;
use crate::domain::key::{Held, Key, Material, OpenedOnce};
use crate::domain::spec::{
    EncryptionAlgorithm, KeySpec, KeyUsage, MacAlgorithm, Peer, Signed, SigningAlgorithm,
};
use crate::error::Refusal;
use crate::long_work::LongWork;
use crate::repo::partitions::{self, PartitionRow};

/// Partitions that are kept opened.
const PARTITIONS: usize = 256;

/// Opened keys that each of them keeps: none, because rows in memory keep their own.
const OPENED_KEYS: usize = 0;

/// The partitions of this node.
pub(crate) struct BuiltIn {
    db: Db,
    sealer: Sealer,
    partitions: Cache<Home, Partition>,
    long_work: LongWork,
}

impl BuiltIn {
    /// The partitions in `db`, whose keys are sealed under `root`. Keys that take long to make are made as `long_work`.
    pub(crate) fn new(db: Db, root: &Root, long_work: LongWork) -> Self {
        Self {
            db,
            sealer: Sealer::new(root, Purpose::Partition),
            partitions: Cache::new(PARTITIONS, usize::MAX),
            long_work,
        }
    }

    /// The partition at `home`, made when it is first needed.
    async fn partition(&self, home: &Home) -> Result<Arc<Partition>, Refusal> {
        match self.partitions.get(home) {
            Ok(partition) => Ok(partition),
            // Boxed: few calls have to carry what reading takes.
            Err(ticket) => Box::pin(self.load(home, ticket)).await,
        }
    }

    async fn load(&self, home: &Home, ticket: Ticket) -> Result<Arc<Partition>, Refusal> {
        let row = match partitions::find(&self.db, home).await? {
            Some(row) => row,
            None => self.make(home).await?,
        };
        let key = self.sealer.open(&sealing_context(home, &row), &row.sealed_key)?;
        let key = PartitionKey::from_bytes(key.expose())?;
        let id = PartitionId(row.partition_id);
        let partition = Arc::new(Partition::new(id, row.incarnation, row.epoch, &key, OPENED_KEYS)?);
        self.partitions.keep(ticket, home.clone(), partition.clone());
        Ok(partition)
    }

    /// Makes a partition and answers the one that is there in the end: of two made at once, one stays.
    async fn make(&self, home: &Home) -> Result<PartitionRow, Refusal> {
        let partition_id = random::bytes().map_err(HsmError::from)?;
        let mut row = PartitionRow { partition_id, incarnation: 1, epoch: 1, sealed_key: Vec::new() };
        row.sealed_key =
            self.sealer.seal(&sealing_context(home, &row), PartitionKey::generate()?.expose())?;
        partitions::insert_if_absent(&self.db, home, &row).await?;
        partitions::find(&self.db, home)
            .await?
            .ok_or_else(|| Refusal::internal("a new partition is not in the store"))
    }

    async fn open<'m>(&self, key: &Key, material: &'m Material) -> Result<&'m OpenedKey, Refusal> {
        let (reference, token, opened) = match &material.held {
            Held::Token { reference, token, opened, .. } => (reference, token, opened),
            Held::Absent { .. } => return Err(key.pending_import()),
            Held::InCluster { .. } => {
                return Err(Refusal::internal("a built-in key has a material in a cluster"));
            }
        };
        if let Some(opened) = opened.get() {
            return Ok(opened);
        }
        let partition = self.partition(&key.home).await?;
        Ok(opened.keep(partition.open(reference, token)?))
    }
}

#[async_trait]
impl KeyBackend for BuiltIn {
    fn offers(&self, spec: KeySpec, usage: KeyUsage) -> bool {
        spec.serves(usage) && attributes(spec, usage).is_some()
    }

    async fn generate(&self, wanted: &Wanted<'_>) -> Result<Material, NotMade> {
        let attributes = expected(wanted)?;
        let partition = self.partition(wanted.home).await?;
        let handle = KeyHandle::random()?;
        let token = if wanted.spec.is_slow_to_make() {
            let partition = partition.clone();
            let account = wanted.home.account;
            self.long_work.run(account, move || partition.generate(handle, &attributes)).await??
        } else {
            partition.generate(handle, &attributes)?
        };
        Ok(material(&partition, token, wanted)?)
    }

    async fn take_in(&self, wanted: &Wanted<'_>, chosen: &SecretBytes) -> Result<Material, Refusal> {
        let partition = self.partition(wanted.home).await?;
        let (handle, attributes) = (KeyHandle::random()?, expected(wanted)?);
        let chosen = chosen.clone();
        let (home, key_id) = (wanted.home.clone(), wanted.key_id.to_owned());
        let &Wanted { spec, usage, material_id, now_ms, .. } = wanted;
        // A long RSA key takes milliseconds to check and to open, which no thread of calls is held up for.
        let taking = tokio::task::spawn_blocking(move || {
            let wanted = Wanted { home: &home, key_id: &key_id, spec, usage, material_id, now_ms };
            match partition.import(handle, &attributes, &chosen) {
                Err(HsmError::InvalidMaterial) => Err(Refusal::InvalidCiphertext),
                token => material(&partition, token?, &wanted),
            }
        });
        taking.await.map_err(|error| Refusal::Internal(error.into()))?
    }

    async fn adopt(&self, wanted: &Wanted<'_>, from: (&Key, &Material)) -> Result<Material, Refusal> {
        let opened = self.open(from.0, from.1).await?;
        let partition = self.partition(wanted.home).await?;
        let token = partition.adopt(KeyHandle::random()?, opened)?;
        material(&partition, token, wanted)
    }

    /// Nothing is in memory of a key but what its row has opened, which goes with it.
    fn forget(&self, _key: &Key) {}

    fn clear(&self) {
        self.partitions.clear();
    }

    async fn encrypt(
        &self,
        key: &Key,
        material: &Material,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let names = BlobHeader { key_id: &key.id, material_id: &material.id };
        Ok(self.open(key, material).await?.encrypt_derived(&names, context, plaintext)?)
    }

    async fn decrypt(
        &self,
        key: &Key,
        material: &Material,
        context: &EncryptionContext,
        blob: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        match self.open(key, material).await?.decrypt_derived(blob, context) {
            Err(HsmError::InvalidCiphertext) => Err(Refusal::InvalidCiphertext),
            outcome => Ok(outcome?),
        }
    }

    async fn sign(
        &self,
        key: &Key,
        material: &Material,
        algorithm: SigningAlgorithm,
        what: Signed<'_>,
    ) -> Result<Vec<u8>, Refusal> {
        let scheme = scheme(algorithm)?;
        Ok(self.open(key, material).await?.sign(scheme, signed(scheme, what))?)
    }

    async fn verify(
        &self,
        key: &Key,
        material: &Material,
        algorithm: SigningAlgorithm,
        what: Signed<'_>,
        signature: &[u8],
    ) -> Result<bool, Refusal> {
        let scheme = scheme(algorithm)?;
        Ok(self.open(key, material).await?.verify(scheme, signed(scheme, what), signature)?)
    }

    /// The algorithm is the key's one, as its spec says.
    async fn mac(
        &self,
        key: &Key,
        material: &Material,
        _algorithm: MacAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        Ok(self.open(key, material).await?.mac(message)?)
    }

    async fn verify_mac(
        &self,
        key: &Key,
        material: &Material,
        _algorithm: MacAlgorithm,
        message: &[u8],
        mac: &[u8],
    ) -> Result<bool, Refusal> {
        Ok(self.open(key, material).await?.verify_mac(message, mac)?)
    }

    async fn encrypt_raw(
        &self,
        key: &Key,
        material: &Material,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        Ok(self.open(key, material).await?.encrypt_oaep(oaep_hash(algorithm)?, plaintext)?)
    }

    async fn decrypt_raw(
        &self,
        key: &Key,
        material: &Material,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        match self.open(key, material).await?.decrypt_oaep(oaep_hash(algorithm)?, ciphertext) {
            Err(HsmError::InvalidCiphertext) => Err(Refusal::InvalidCiphertext),
            outcome => Ok(outcome?),
        }
    }

    async fn agree(&self, key: &Key, material: &Material, peer: &Peer) -> Result<SecretBytes, Refusal> {
        Ok(self.open(key, material).await?.agree(&peer.point)?)
    }

    async fn encapsulate(&self, key: &Key, material: &Material) -> Result<Encapsulated, Refusal> {
        let made = self.open(key, material).await?.encapsulate()?;
        Ok(Encapsulated { secret: made.secret, ciphertext: made.ciphertext })
    }

    async fn decapsulate(
        &self,
        key: &Key,
        material: &Material,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        match self.open(key, material).await?.decapsulate(ciphertext) {
            Err(HsmError::InvalidCiphertext) => Err(Refusal::InvalidCiphertext),
            outcome => Ok(outcome?),
        }
    }

    async fn random(&self, length: usize) -> Result<SecretBytes, Refusal> {
        SecretBytes::filled(length, random::fill).map_err(|error| Refusal::Internal(error.into()))
    }
}

/// What the partition is asked for, of what [`KeyBackend::offers`] has let through.
fn expected(wanted: &Wanted<'_>) -> Result<Attributes, Refusal> {
    attributes(wanted.spec, wanted.usage).ok_or_else(|| Refusal::internal("no partition makes such keys"))
}

/// Partitions keep no keys and are bounded by their number.
impl Weighed for Partition {
    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

/// A new token as the material of a key: its first, unless the caller says which rotation made it. Its id is
/// its fingerprint.
fn material(partition: &Partition, token: KeyToken, wanted: &Wanted<'_>) -> Result<Material, Refusal> {
    let opened = partition.open(&token.reference, &token.bytes)?;
    Ok(Material {
        id: opened.fingerprint(wanted.key_id.as_bytes())?,
        held: Held::Token {
            reference: token.reference,
            token: token.bytes,
            public: opened.public_key()?,
            opened: OpenedOnce::default(),
        },
        created_ms: wanted.now_ms,
        rotation: None,
        import: None,
    })
}

/// What a sealed partition key is bound to.
fn sealing_context(home: &Home, row: &PartitionRow) -> Vec<u8> {
    partition_context(&home.account.to_string(), home.region, &row.partition_id, row.incarnation, row.epoch)
}

/// What a sealed partition key is bound to: moved to another row, or under another id, it does not open.
pub(crate) fn partition_context(
    account: &str,
    region: &str,
    id: &[u8; 16],
    incarnation: u32,
    epoch: u32,
) -> Vec<u8> {
    let mut context = format!("kms-partition/{account}/{region}/").into_bytes();
    context.extend(id);
    context.extend(incarnation.to_be_bytes());
    context.extend(epoch.to_be_bytes());
    context
}
