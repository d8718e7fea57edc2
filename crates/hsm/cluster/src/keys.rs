//! The partition's keys, one for each epoch, and what is derived from them.
//!
//! ```text
//! partition key, epoch n -- SP 800-108 -- log | tokens | snapshot | cursor | hand-over
//! family key (all clones of a partition) -- objects that clones exchange
//! fleet half, service half -- key of a backup
//! ```
//!
//! Whoever holds a partition key can write the cluster's log. A backup therefore carries the keys of tokens and
//! the one log key that its tail was sealed under, never the partition keys themselves.

use strongroom_crypto::hmac::HmacSha256;
use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_crypto::{CryptoError, random};
use strongroom_secret::{Key256, SecretBytes};

use crate::codec::{Malformed, Reader, Writer};
use crate::{MAX_EPOCHS, PartitionId};

/// What key tokens of one epoch are sealed under.
///
/// It is derived as `strongroom_hsm_core::Partition` derives it: SP 800-108 in counter mode with HMAC-SHA-256
/// from the partition key, label `strongroom/hsm/tokens`, context partition id, incarnation, epoch.
#[derive(Clone, Debug)]
pub struct TokenKey {
    /// The partition in which the epoch was; a restored clone has another name than its original.
    pub partition: PartitionId,
    /// The incarnation in which the epoch was.
    pub incarnation: u32,
    /// The epoch.
    pub epoch: u32,
    /// The key.
    pub key: Key256,
}

/// Where keys are at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Era {
    pub(crate) partition: PartitionId,
    pub(crate) incarnation: u32,
    pub(crate) epoch: u32,
}

impl Era {
    fn context(self) -> [u8; 24] {
        let mut context = [0; 24];
        context[..16].copy_from_slice(&self.partition.0);
        context[16..20].copy_from_slice(&self.incarnation.to_be_bytes());
        context[20..].copy_from_slice(&self.epoch.to_be_bytes());
        context
    }

    fn derive(self, root: &Key256, label: &[u8]) -> Result<Key256, CryptoError> {
        Key256::filled(|key| sp800_108_counter_hmac_sha256(root.expose(), label, &self.context(), key))
    }
}

const LOG: &[u8] = b"strongroom/hsm/log";
const TOKENS: &[u8] = b"strongroom/hsm/tokens";
const SNAPSHOT: &[u8] = b"strongroom/hsm/snapshot";
const CURSOR: &[u8] = b"strongroom/hsm/cursor";
const HAND_OVER: &[u8] = b"strongroom/hsm/hand-over";

/// The longest ring of keys, written.
pub(crate) const MAX_RING: usize = 16 << 10;

/// The keys of one epoch, as far as they are known here.
#[derive(Clone)]
pub(crate) struct EpochKeys {
    pub(crate) era: Era,
    pub(crate) tokens: Key256,
    pub(crate) log: Option<Key256>,
    whole: Option<Whole>,
}

/// What only members have.
#[derive(Clone)]
struct Whole {
    root: Key256,
    snapshot: Key256,
    cursor: HmacSha256,
    hand_over: HmacSha256,
}

impl EpochKeys {
    /// Derives all from a partition key.
    pub(crate) fn derived(era: Era, root: Key256) -> Result<Self, CryptoError> {
        let cursor = HmacSha256::new(era.derive(&root, CURSOR)?.expose());
        let hand_over = HmacSha256::new(era.derive(&root, HAND_OVER)?.expose());
        Ok(Self {
            era,
            tokens: era.derive(&root, TOKENS)?,
            log: Some(era.derive(&root, LOG)?),
            whole: Some(Whole { snapshot: era.derive(&root, SNAPSHOT)?, cursor, hand_over, root }),
        })
    }

    /// Makes a new partition key.
    pub(crate) fn generated(era: Era) -> Result<Self, CryptoError> {
        Self::derived(era, random::key256()?)
    }

    pub(crate) fn root(&self) -> Option<&Key256> {
        self.whole.as_ref().map(|whole| &whole.root)
    }

    pub(crate) fn snapshot(&self) -> Option<&Key256> {
        self.whole.as_ref().map(|whole| &whole.snapshot)
    }

    pub(crate) fn cursor(&self) -> Option<&HmacSha256> {
        self.whole.as_ref().map(|whole| &whole.cursor)
    }

    /// What keys are handed over under to those who know this epoch.
    pub(crate) fn hand_over(&self) -> Option<&HmacSha256> {
        self.whole.as_ref().map(|whole| &whole.hand_over)
    }
}

/// The keys of all epochs that are not retired, oldest first.
#[derive(Clone, Default)]
pub(crate) struct KeyRing(Vec<EpochKeys>);

const TOKENS_ONLY: u8 = 0;
const WITH_LOG: u8 = 1;
const WHOLE: u8 = 2;

impl KeyRing {
    pub(crate) fn push(&mut self, keys: EpochKeys) {
        self.0.push(keys);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The keys of an epoch of `partition`.
    pub(crate) fn of(&self, partition: PartitionId, incarnation: u32, epoch: u32) -> Option<&EpochKeys> {
        let era = Era { partition, incarnation, epoch };
        self.0.iter().rev().find(|keys| keys.era == era)
    }

    /// The epochs of an incarnation whose partition key is here, oldest first.
    pub(crate) fn whole(&self, partition: PartitionId, incarnation: u32) -> impl Iterator<Item = &EpochKeys> {
        let here = move |era: Era| era.partition == partition && era.incarnation == incarnation;
        self.0.iter().filter(move |keys| keys.whole.is_some() && here(keys.era))
    }

    /// Drops what is older than the epoch given; the newest always stays.
    pub(crate) fn retire_before(&mut self, incarnation: u32, epoch: u32) {
        let newest = self.0.len().saturating_sub(1);
        let mut index = 0;
        self.0.retain(|keys| {
            let keep = index == newest || (keys.era.incarnation, keys.era.epoch) >= (incarnation, epoch);
            index += 1;
            keep
        });
    }

    pub(crate) fn token_keys(&self) -> Vec<TokenKey> {
        let token_key = |keys: &EpochKeys| TokenKey {
            partition: keys.era.partition,
            incarnation: keys.era.incarnation,
            epoch: keys.era.epoch,
            key: keys.tokens.clone(),
        };
        self.0.iter().map(token_key).collect()
    }

    /// Drops all but the keys of tokens: what a restored clone keeps of its original.
    pub(crate) fn keep_tokens_only(&mut self) {
        for keys in &mut self.0 {
            keys.log = None;
            keys.whole = None;
        }
    }

    /// Writes the ring for a member, or, without the partition keys, for a backup.
    pub(crate) fn encode(&self, for_backup: bool) -> SecretBytes {
        const LONGEST: usize = 16 + 4 + 4 + 1 + 64;
        let mut w = Writer(Vec::with_capacity(4 + self.0.len() * LONGEST));
        w.u32(self.0.len() as u32);
        for (index, keys) in self.0.iter().enumerate() {
            let era = keys.era;
            w.raw(&era.partition.0).u32(era.incarnation).u32(era.epoch);
            let newest = index + 1 == self.0.len();
            match (&keys.whole, &keys.log) {
                (Some(whole), _) if !for_backup => w.u8(WHOLE).raw(whole.root.expose()),
                (_, Some(log)) if !for_backup || newest => {
                    w.u8(WITH_LOG).raw(keys.tokens.expose()).raw(log.expose())
                }
                _ => w.u8(TOKENS_ONLY).raw(keys.tokens.expose()),
            };
        }
        SecretBytes::new(w.0)
    }

    /// Reads a ring.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(bytes);
        let mut ring = Self::default();
        for _ in 0..r.count(MAX_EPOCHS)? {
            let partition = PartitionId(r.array()?);
            let era = Era { partition, incarnation: r.u32()?, epoch: r.u32()? };
            let key = |r: &mut Reader<'_>| Ok(Key256::new(r.array()?));
            ring.push(match r.u8()? {
                TOKENS_ONLY => EpochKeys { era, tokens: key(&mut r)?, log: None, whole: None },
                WITH_LOG => EpochKeys { era, tokens: key(&mut r)?, log: Some(key(&mut r)?), whole: None },
                WHOLE => EpochKeys::derived(era, key(&mut r)?).map_err(|_| Malformed)?,
                _ => return Err(Malformed),
            });
        }
        r.end()?;
        Ok(ring)
    }
}

/// What a partition shares with all clones that are restored from its backups.
#[derive(Clone)]
pub(crate) struct Family {
    /// Seals what clones exchange.
    pub(crate) key: Key256,
    /// The fleet's half of the keys of backups.
    pub(crate) fleet_half: Key256,
}

impl Family {
    pub(crate) fn encode(&self) -> SecretBytes {
        let mut w = Writer(Vec::with_capacity(64));
        w.raw(self.key.expose()).raw(self.fleet_half.expose());
        SecretBytes::new(w.0)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(bytes);
        let family = Self { key: Key256::new(r.array()?), fleet_half: Key256::new(r.array()?) };
        r.end()?;
        Ok(family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_has_no_partition_key_and_one_log_key() {
        let partition = PartitionId::named("cluster-1");
        let mut ring = KeyRing::default();
        for epoch in 1..=3 {
            ring.push(EpochKeys::generated(Era { partition, incarnation: 1, epoch }).unwrap());
        }
        let read = |for_backup| KeyRing::decode(ring.encode(for_backup).expose()).unwrap();
        let has =
            |ring: &KeyRing| ring.0.iter().map(|keys| (keys.log.is_some(), keys.root().is_some())).collect();
        let (backup, member): (Vec<_>, Vec<_>) = (has(&read(true)), has(&read(false)));
        assert_eq!(backup, [(false, false), (false, false), (true, false)]);
        assert_eq!(member, [(true, true); 3]);
        for (kept, read) in ring.0.iter().zip(&read(true).0) {
            assert_eq!((kept.era, kept.tokens.expose()), (read.era, read.tokens.expose()));
        }
    }
}
