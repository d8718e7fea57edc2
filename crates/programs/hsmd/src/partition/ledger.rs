//! The kernel's replica and the files that keep it: whatever it says is to be persisted is, before anyone hears
//! of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_hsm_cluster::{
    Admission, Admit, ClusterError, Command, CommandId, Event, Extent, FEATURE_LEVEL, JoinRequest, MemberId,
    Progress, Proposed, Replica, SealedEntry, Standing,
};

use super::{Core, LogError, View};
use crate::state::{Folder, Tail};

const CHECKPOINT: &str = "checkpoint";
const TAIL: &str = "tail";

/// The replica on disk. Whoever changes it holds the log's turn; whoever only asks does not have to, and does not
/// wait for the disk either.
pub(crate) struct Ledger {
    replica: Mutex<Replica<Core>>,
    /// Taken before `replica` where both are.
    files: Mutex<Files>,
    folder: Arc<Folder>,
    view: Arc<View>,
}

struct Files {
    tail: Tail,
    /// The disk failed: nothing is acknowledged any more.
    is_broken: bool,
}

impl Ledger {
    fn new(replica: Replica<Core>, tail: Tail, folder: Arc<Folder>, view: Arc<View>) -> Self {
        let files = Mutex::new(Files { tail, is_broken: false });
        Self { replica: Mutex::new(replica), files, folder, view }
    }

    /// Keeps a replica that is new here: writes it down whole.
    pub(crate) fn begin(
        replica: Replica<Core>,
        folder: Arc<Folder>,
        view: Arc<View>,
    ) -> Result<Self, LogError> {
        let tail = folder.tail(TAIL, 0).map_err(LogError::disk)?;
        let ledger = Self::new(replica, tail, folder, view);
        ledger.write_down()?;
        ledger.show();
        Ok(ledger)
    }

    /// Goes on with the replica that is in the folder, if there is one.
    pub(crate) fn recover(
        core: Core,
        folder: Arc<Folder>,
        view: Arc<View>,
    ) -> Result<Option<Self>, LogError> {
        let Some(checkpoint) = folder.read(CHECKPOINT).map_err(LogError::disk)? else { return Ok(None) };
        let tail = folder.read(TAIL).map_err(LogError::disk)?;
        let tail = tail.as_ref().map_or(&[][..], |tail| tail.expose());
        let (replica, recovered) =
            Replica::recover(folder.seal(), checkpoint.expose(), tail, FEATURE_LEVEL, core)?;
        let tail = folder.tail(TAIL, tail.len().saturating_sub(recovered.torn)).map_err(LogError::disk)?;
        let ledger = Self::new(replica, tail, folder, view);
        ledger.show();
        Ok(Some(ledger))
    }

    /// Throws away what a replica left behind that has never served.
    pub(crate) fn forget(folder: &Folder) -> Result<(), LogError> {
        folder.remove(CHECKPOINT).map_err(LogError::disk)
    }

    /// Asks the replica something.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Replica<Core>) -> T) -> T {
        question(&self.replica())
    }

    pub(crate) fn admit(&self, cursor: &[u8]) -> Result<Admit, ClusterError> {
        let admitted = self.replica().admit(cursor);
        if matches!(admitted, Ok(Admit::Forked)) {
            self.keep_halt();
        }
        admitted
    }

    pub(crate) fn known(&self, id: &CommandId) -> Option<Vec<u8>> {
        self.replica().known(id).map(<[u8]>::to_vec)
    }

    pub(crate) fn observe(&self, log: Extent) -> Result<Standing, LogError> {
        let standing = self.replica().observe(log);
        self.heed(standing)
    }

    pub(crate) fn propose(&self, batch: &[Command], now_ms: i64) -> Result<Proposed, LogError> {
        self.sound()?;
        Ok(self.replica().propose(batch, now_ms)?)
    }

    pub(crate) fn propose_join(
        &self,
        request: &JoinRequest,
        now_ms: i64,
        vouch: impl FnOnce(&JoinRequest, &[u8]) -> bool,
    ) -> Result<Admission, LogError> {
        self.sound()?;
        Ok(self.replica().propose_join(request, now_ms, vouch)?)
    }

    pub(crate) fn propose_leave(&self, leaver: &MemberId, now_ms: i64) -> Result<SealedEntry, LogError> {
        self.sound()?;
        Ok(self.replica().propose_leave(leaver, now_ms)?)
    }

    pub(crate) fn propose_snapshot(&self, now_ms: i64) -> Result<SealedEntry, LogError> {
        self.sound()?;
        Ok(self.replica().propose_snapshot(now_ms)?)
    }

    pub(crate) fn propose_retire(
        &self,
        (incarnation, epoch): (u32, u32),
        now_ms: i64,
    ) -> Result<SealedEntry, LogError> {
        self.sound()?;
        Ok(self.replica().propose_retire(incarnation, epoch, now_ms)?)
    }

    /// The entry under way is in the log.
    pub(crate) fn appended(&self) -> Result<Progress, LogError> {
        let progress = self.replica().appended();
        self.keep(self.heed(progress)?)
    }

    /// Takes entries of the log.
    pub(crate) fn replay(&self, first: u64, entries: &[Vec<u8>]) -> Result<Progress, LogError> {
        let progress = self.replica().replay(first, entries);
        self.keep(self.heed(progress)?)
    }

    /// Takes a snapshot in the place of entries that are gone.
    pub(crate) fn catch_up(&self, snapshot: &[u8]) -> Result<(), LogError> {
        let caught_up = self.replica().catch_up(snapshot);
        self.heed(caught_up)?;
        self.write_down()?;
        self.show();
        Ok(())
    }

    /// Writes everything down, so that the next start is quick.
    pub(crate) fn write_down(&self) -> Result<(), LogError> {
        let mut files = self.files();
        let checkpoint = self.replica().checkpoint(self.folder.seal())?;
        let written = self.folder.write(CHECKPOINT, &checkpoint).map_err(LogError::disk);
        let cleared =
            written.and_then(|()| files.tail.clear().map_err(|error| LogError::Disk(error.to_string())));
        files.is_broken |= cleared.is_err();
        cleared
    }

    /// A replica that halts now is halted after the next start, too.
    fn heed<T>(&self, result: Result<T, ClusterError>) -> Result<T, LogError> {
        if matches!(result, Err(ClusterError::Halted(_))) {
            self.keep_halt();
        }
        Ok(result?)
    }

    fn keep_halt(&self) {
        if let Err(error) = self.write_down() {
            tracing::error!(%error, "that the HSM has halted could not be written down");
        }
    }

    /// Makes progress durable, and only then known.
    fn keep(&self, progress: Progress) -> Result<Progress, LogError> {
        if !progress.persist.is_empty() {
            let mut files = self.files();
            if let Err(error) = files.tail.add(&progress.persist) {
                files.is_broken = true;
                return Err(LogError::Disk(error.to_string()));
            }
        }
        for event in &progress.events {
            match event {
                Event::Joined(member) => tracing::info!(%member, "an HSM has joined the cluster"),
                Event::Left(member) => tracing::info!(%member, "an HSM has left the cluster"),
                Event::EpochTurned { epoch } => tracing::info!(epoch, "the partition key has been changed"),
                event => tracing::debug!(?event, "the log has brought"),
            }
        }
        let is_due = self.replica().checkpoint_due();
        if is_due {
            self.write_down()?;
        }
        self.show();
        Ok(progress)
    }

    fn show(&self) {
        let (head, cursor) = self.ask(|replica| (replica.head(), replica.cursor().ok()));
        self.view.moved(head, cursor);
    }

    fn sound(&self) -> Result<(), LogError> {
        if self.files().is_broken {
            Err(LogError::Disk("an earlier write to the state folder failed".to_owned()))
        } else {
            Ok(())
        }
    }

    // A panic between the replica and its files leaves the tail behind; the next start replays the log.
    fn replica(&self) -> MutexGuard<'_, Replica<Core>> {
        self.replica.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
