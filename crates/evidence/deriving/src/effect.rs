//! What somebody makes of the journal.

use async_trait::async_trait;
use strongroom_journal::{Position, Record, StreamId};
use strongroom_runtime::BoxError;
use strongroom_store::{StoreError, Tx};

/// How much of each record is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Needs {
    /// What records are found by: without parameters and answers, error messages, decisions, user agents, addresses
    /// and request ids. Costs a fraction of reading all.
    Facts,
    /// All of it.
    #[default]
    Everything,
}

/// Records that follow each other in one stream.
#[derive(Debug)]
pub struct Batch {
    /// Their stream.
    pub stream: StreamId,
    /// The records, in order.
    pub records: Vec<(Position, Record)>,
    /// What they take in the journal, in bytes.
    pub bytes: u64,
    /// What proves them, sealed, for who keeps it to [read them again](crate::reread): none at a stream's beginning.
    pub proof: Option<Vec<u8>>,
}

/// Something that is derived from each record of the journal once.
#[async_trait]
pub trait Effect: Send + Sync + 'static {
    /// What is made of a batch before anything is committed.
    type Prepared: Send + Sync + 'static;

    /// The follower's name in the store and in the metrics; never changed once released.
    fn name(&self) -> &'static str;

    /// What it needs of the records.
    fn needs(&self) -> Needs {
        Needs::Everything
    }

    /// Makes of a batch what there is to commit. Runs where it may take processor time, outside of any transaction.
    fn prepare(&self, batch: Batch) -> Self::Prepared;

    /// What other databases or services are needed for, before the transaction. It may be done again for the same records.
    async fn ready(&self, prepared: Self::Prepared) -> Result<Self::Prepared, BoxError> {
        Ok(prepared)
    }

    /// Writes what was prepared. Runs in the transaction that moves the follower's position, which may run again: it does
    /// nothing but use `tx`.
    async fn commit(&self, tx: &mut Tx<'_>, prepared: &Self::Prepared) -> Result<(), StoreError>;
}
