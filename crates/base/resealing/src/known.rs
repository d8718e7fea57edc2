//! What the store knows of its seal, and a server's seal brought to where the store is.

use strongroom_seal::{Epoch, Root};
use strongroom_store::{Db, StoreError, Tx};

use crate::ResealingError;

/// The name of the check value of the root key in use. In stores that were never rotated it is the value alone, 32 bytes;
/// else the epoch's number stands before it, 4 bytes, big-endian.
const CHECK: &str = "seal.check";
/// Before an epoch's number: its root key, sealed under the one before.
const HANDOVER: &str = "seal.handover.";
/// Before an epoch's number: since when it is in use, in real milliseconds since 1970, 8 bytes, big-endian.
const SINCE: &str = "seal.since.";
/// The oldest epoch whose root key is still needed, 4 bytes, big-endian; the first, where there is nothing.
const OLDEST: &str = "seal.oldest";

/// The root key in use, as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InUse {
    pub(crate) epoch: Epoch,
    pub(crate) check: Vec<u8>,
}

impl InUse {
    pub(crate) async fn read(db: &Db) -> Result<Self, ResealingError> {
        Self::parse(db.meta_get(CHECK).await?)
    }

    pub(crate) async fn load(tx: &mut Tx<'_>) -> Result<Self, ResealingError> {
        Self::parse(tx.meta_get(CHECK).await?)
    }

    fn parse(stored: Option<Vec<u8>>) -> Result<Self, ResealingError> {
        let stored = stored.ok_or(ResealingError::NoSeal)?;
        match (stored.len(), stored.split_first_chunk::<4>()) {
            (32, _) => Ok(Self { epoch: Epoch::FIRST, check: stored }),
            (36, Some((epoch, check))) => {
                Ok(Self { epoch: Epoch::new(u32::from_be_bytes(*epoch)), check: check.to_vec() })
            }
            _ => Err(ResealingError::UnknownForm),
        }
    }

    /// Has the store know it.
    pub(crate) async fn write(&self, tx: &mut Tx<'_>, now_ms: i64) -> Result<(), StoreError> {
        let number = self.epoch.number();
        tx.meta_put(CHECK, Some(&[number.to_be_bytes().as_slice(), &self.check].concat())).await?;
        tx.meta_put(&format!("{SINCE}{number}"), Some(&now_ms.to_be_bytes())).await
    }

    /// Whether the root has that root key.
    pub(crate) fn is_of(&self, root: &Root) -> bool {
        root.check_value_of(self.epoch).is_some_and(|check| check.verify(&self.check).is_ok())
    }
}

/// Brings the root to where the store is: verifies that it is the store's, takes over root keys that other servers have
/// made, and selects the one in use. Changes nothing in the store. Those that the store lets go go later, in
/// [`Resealing::follow`](crate::Resealing::follow).
pub async fn settle(db: &Db, root: &Root) -> Result<(), ResealingError> {
    let in_use = InUse::read(db).await?;
    if !in_use.is_of(root) {
        take_over_up_to(db, root, in_use.epoch).await?;
        if !in_use.is_of(root) {
            return Err(ResealingError::WrongSeal);
        }
    }
    root.select(in_use.epoch)?;
    Ok(())
}

/// Takes the root keys up to `epoch` over that are not here, or that gave way to others.
async fn take_over_up_to(db: &Db, root: &Root, epoch: Epoch) -> Result<(), ResealingError> {
    let newest = root.newest_epoch();
    // A root key of our own that was never used may have the number of the one that is.
    let known =
        root.epochs().into_iter().rev().find(|known| *known < epoch).ok_or({
            if newest >= epoch { ResealingError::WrongSeal } else { left_behind(newest, epoch) }
        })?;
    root.select(known)?;
    let mut next = known;
    while next < epoch {
        next = next.next().ok_or(ResealingError::UnknownForm)?;
        let Some(handed) = handover(db, next).await? else {
            // With its own root key of that epoch it is another seal, without any it is an old one.
            return Err(if newest >= epoch { ResealingError::WrongSeal } else { left_behind(newest, epoch) });
        };
        root.take_over(next, &handed).map_err(|error| match error {
            strongroom_seal::SealError::WrongSeal => ResealingError::WrongSeal,
            other => other.into(),
        })?;
        root.select(next)?;
    }
    Ok(())
}

fn left_behind(here: Epoch, store: Epoch) -> ResealingError {
    ResealingError::LeftBehind { here: here.number(), store: store.number() }
}

/// The root key of `epoch` for those who have the one before.
pub(crate) async fn handover(db: &Db, epoch: Epoch) -> Result<Option<Vec<u8>>, StoreError> {
    db.meta_get(&handover_name(epoch)).await
}

/// The name under which it stands.
pub(crate) fn handover_name(epoch: Epoch) -> String {
    format!("{HANDOVER}{}", epoch.number())
}

/// Puts it there, or takes it away.
pub(crate) async fn put_handover(
    tx: &mut Tx<'_>,
    epoch: Epoch,
    handed: Option<&[u8]>,
) -> Result<(), StoreError> {
    tx.meta_put(&handover_name(epoch), handed).await
}

/// The oldest epoch whose root key is still needed.
pub(crate) async fn oldest(db: &Db) -> Result<Epoch, ResealingError> {
    let Some(stored) = db.meta_get(OLDEST).await? else { return Ok(Epoch::FIRST) };
    let number = stored.try_into().map_err(|_| ResealingError::UnknownForm)?;
    Ok(Epoch::new(u32::from_be_bytes(number)))
}

/// Lets the root keys before `epoch` go.
pub(crate) async fn put_oldest(tx: &mut Tx<'_>, epoch: Epoch) -> Result<(), StoreError> {
    tx.meta_put(OLDEST, Some(&epoch.number().to_be_bytes())).await
}

/// Since when an epoch is in use, in real milliseconds since 1970; `None` for the first, which always was.
pub(crate) async fn since(db: &Db, epoch: Epoch) -> Result<Option<i64>, ResealingError> {
    let Some(stored) = db.meta_get(&format!("{SINCE}{}", epoch.number())).await? else { return Ok(None) };
    let moment = stored.try_into().map_err(|_| ResealingError::UnknownForm)?;
    Ok(Some(i64::from_be_bytes(moment)))
}
