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
    /// The disk failed, with this: nothing is acknowledged any more, until a whole checkpoint is written.
    broken: Option<String>,
}

impl Ledger {
    fn new(replica: Replica<Core>, tail: Tail, folder: Arc<Folder>, view: Arc<View>) -> Self {
        let files = Mutex::new(Files { tail, broken: None });
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
        files.broken = cleared.as_ref().err().map(ToString::to_string);
        cleared
    }

    /// Tries to write down what could not be written before.
    pub(crate) fn mend(&self) -> Result<(), LogError> {
        if self.trouble().is_some() {
            self.write_down()?;
            self.show();
            tracing::info!("the state folder can be written again");
        }
        Ok(())
    }

    /// Why nothing can be written, if that is so.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.files().broken.clone()
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
        if !progress.persist.is_empty()
            && let Err(error) = self.add(&progress.persist)
        {
            // What was written of it is torn. A checkpoint holds everything, and has the tail begin anew.
            tracing::error!(error, "the state folder cannot be written");
            self.write_down().map_err(|_| LogError::Unsaved(error))?;
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
        if is_due && let Err(error) = self.write_down() {
            // The tail has it all; there is nothing that was lost.
            tracing::error!(%error, "the state folder cannot be written");
        }
        self.show();
        Ok(progress)
    }

    fn add(&self, persist: &[u8]) -> Result<(), String> {
        let mut files = self.files();
        if let Some(broken) = &files.broken {
            return Err(broken.clone());
        }
        files.tail.add(persist).map_err(|error| {
            let error = error.to_string();
            files.broken = Some(error.clone());
            error
        })
    }

    fn show(&self) {
        let (head, cursor) = self.ask(|replica| (replica.head(), replica.cursor().ok()));
        self.view.moved(head, cursor);
    }

    fn sound(&self) -> Result<(), LogError> {
        self.trouble().map_or(Ok(()), |broken| Err(LogError::Disk(broken)))
    }

    // A panic between the replica and its files leaves the tail behind; the next start replays the log.
    fn replica(&self) -> MutexGuard<'_, Replica<Core>> {
        self.replica.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use strongroom_hsm_cluster::{Founding, Identity, MemberSecret, PartitionId};
    use strongroom_hsm_core::{Hsm, HsmIdentity, Mode, Options};
    use strongroom_secret::Key256;
    use tempfile::TempDir;

    use super::*;

    fn core() -> Core {
        let identity = HsmIdentity {
            hsm_id: "hsm-a".to_owned(),
            cluster_id: "cluster-a".to_owned(),
            serial_number: String::new(),
            reboot_counter: 0,
        };
        Core(Arc::new(Hsm::new(identity, Options::new(Mode::Fips))))
    }

    #[test]
    fn a_full_disk_is_no_end_and_what_the_log_has_is_not_denied() {
        let temporary = TempDir::new().unwrap();
        let path = temporary.path().join("state");
        let folder = Arc::new(Folder::open(&path, "").unwrap());
        let founder = Identity {
            member: MemberId::new("hsm-a").unwrap(),
            secret: MemberSecret::generate().unwrap(),
            device_chain: Vec::new(),
            supports: FEATURE_LEVEL,
        };
        let founding = Founding {
            partition: PartitionId::named("cluster-a"),
            device_root: Vec::new(),
            fleet_half: Key256::new([7; 32]),
            level: FEATURE_LEVEL,
            effects: Vec::new(),
        };
        let (replica, _) = Replica::found(founder, founding, core(), 1).unwrap();
        let view = Arc::new(View::new());
        let ledger = Ledger::begin(replica, folder.clone(), view.clone()).unwrap();
        let _ = ledger.appended().unwrap();

        let _ = ledger.propose_snapshot(2).unwrap();
        let sound = std::mem::replace(&mut ledger.files().tail, Tail::full());
        std::fs::create_dir(path.join(".checkpoint")).unwrap();
        let unsaved = ledger.appended().unwrap_err();
        assert!(matches!(unsaved, LogError::Unsaved(_)), "{unsaved}");
        assert!(!unsaved.is_certain(), "it is in the log");
        assert_eq!(view.head().sequence, 1, "nobody is told");
        let refused = ledger.propose_snapshot(3).unwrap_err();
        assert!(refused.is_certain() && ledger.trouble().is_some(), "{refused}");
        assert!(ledger.mend().is_err());

        std::fs::remove_dir(path.join(".checkpoint")).unwrap();
        ledger.files().tail = sound;
        ledger.mend().unwrap();
        assert_eq!((view.head().sequence, ledger.trouble()), (2, None));
        let _ = ledger.propose_snapshot(3).unwrap();
        let _ = ledger.appended().unwrap();
        drop(ledger);
        let again = Ledger::recover(core(), folder, Arc::new(View::new())).unwrap().unwrap();
        assert_eq!(again.ask(|replica| replica.head().sequence), 3);
    }
}
