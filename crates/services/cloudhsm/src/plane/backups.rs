//! Backups listed, changed and copied.

use strongroom_api_cloudhsm::actions;
use strongroom_identity::{Action, Region, RequestContext};
use strongroom_policy::{Authorized, Everything};
use strongroom_store::Tx;

use super::{BACKUP_RESOURCE, ControlPlane};
use crate::domain::backup::{Backup, BackupState, CopiedFrom};
use crate::domain::home::{Home, new_id};
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::repo;

/// Rows that one statement reads while a page is gathered.
const BATCH: usize = 200;

/// A place in the list of an account's backups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BackupPlace {
    pub(crate) ascending: bool,
    pub(crate) created_ms: i64,
    pub(crate) id: String,
}

impl BackupPlace {
    /// Before the first one.
    pub(crate) fn start(ascending: bool) -> Self {
        if ascending {
            Self { ascending, created_ms: i64::MIN, id: String::new() }
        } else {
            // After every id that there can be, and within what both engines store.
            Self { ascending, created_ms: i64::MAX, id: "\u{7f}".to_owned() }
        }
    }
}

impl ControlPlane {
    /// The backup of that id, with permission to do `A`.
    pub(crate) async fn permitted_backup<A: Action>(
        &self,
        context: &RequestContext,
        id: &str,
    ) -> Result<Authorized<A, Backup>, Refusal> {
        let home = Home::of(context);
        let found = repo::backups::find(&self.db, &self.mac, &home, id).await?;
        let missing = || self.absent::<A>(context, &home, id, Refusal::no_such_backup);
        let backup = found.ok_or_else(missing)?;
        context.touched(BACKUP_RESOURCE, home.account, home.arn(id));
        Ok(self.authority.authorize(context, backup)?)
    }

    /// Changes the backup of that id, with permission to do `A` asked for on the very state that the change
    /// commits on. Which backup of a cluster is the last one, and so stays, is told anew.
    pub(crate) async fn change_backup<A: Action>(
        &self,
        context: &RequestContext,
        id: &str,
        act: impl Fn(&mut Backup) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<Backup, Refusal> {
        let (home, act) = (&Home::of(context), &act);
        let changed = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::backups::load(tx, &self.mac, home, id).await?;
                let missing = || self.absent::<A>(context, home, id, Refusal::no_such_backup);
                let backup = found.ok_or_else(missing)?;
                context.touched(BACKUP_RESOURCE, home.account, home.arn(id));
                let mut backup = self.authority.authorize::<A, _>(context, backup)?.into_resource();
                act(&mut backup)?;
                repo::backups::replace(tx, &self.mac, &mut backup).await?;
                if let Some(cluster) = &backup.cluster_id {
                    self.renew_expiries(tx, home, cluster).await?;
                }
                repo::post(tx, context.draft()).await?;
                Ok::<_, Refusal>(backup)
            })
        });
        let changed = changed.await?;
        self.agenda_changed();
        Ok(changed)
    }

    /// Says anew when each backup of a cluster expires. The last one does not.
    pub(crate) async fn renew_expiries(
        &self,
        tx: &mut Tx<'_>,
        home: &Home,
        cluster_id: &str,
    ) -> Result<(), Refusal> {
        let Some(cluster) = repo::clusters::load(tx, &self.mac, home, cluster_id).await? else {
            return Ok(());
        };
        let mut newest = true;
        for mut backup in repo::backups::load_of(tx, &self.mac, home, cluster_id).await? {
            let expires_ms = backup.expiry(cluster.retention_days, newest);
            if backup.state == BackupState::Ready {
                newest = false;
            }
            if backup.expires_ms != expires_ms {
                backup.expires_ms = expires_ms;
                repo::backups::replace(tx, &self.mac, &mut backup).await?;
            }
        }
        Ok(())
    }

    /// The backups of an account that `wanted` lets through, from one place on and in its order: one more than
    /// `most` if there are more.
    pub(crate) async fn list_backups(
        &self,
        _may: &Authorized<actions::DescribeBackups, Everything>,
        context: &RequestContext,
        mut place: BackupPlace,
        most: usize,
        wanted: impl Fn(&Backup) -> bool,
    ) -> Result<Vec<Backup>, Refusal> {
        let home = Home::of(context);
        let mut found = Vec::new();
        loop {
            let at = (place.created_ms, place.id.as_str());
            let batch = repo::backups::list(&self.db, &self.mac, &home, place.ascending, at, BATCH).await?;
            let Some(last) = batch.last() else { return Ok(found) };
            place = BackupPlace { created_ms: last.created_ms, id: last.id.clone(), ..place };
            let whole = batch.len() == BATCH;
            for backup in batch.into_iter().filter(&wanted) {
                found.push(backup);
                if found.len() > most {
                    return Ok(found);
                }
            }
            if !whole {
                return Ok(found);
            }
        }
    }

    /// Copies a backup to another Region, where the reconciler finishes the copy. Answers the original as it was
    /// copied.
    pub(crate) async fn copy_backup(
        &self,
        context: &RequestContext,
        id: &str,
        destination: Region,
        tags: Option<Tags>,
    ) -> Result<CopiedFrom, Refusal> {
        let (home, tags) = (&Home::of(context), &tags);
        let there = home.in_region(destination);
        if there == *home {
            return Err(Refusal::Invalid(format!(
                "The destination Region {destination} is the Region of backup {id}. Choose another Region."
            )));
        }
        if tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            self.authority.authorize::<actions::TagResource, _>(context, Everything(context.account()))?;
        }
        let (copy_id, there) = (&new_id("backup")?, &there);
        let copied = self.db.transaction(|tx| {
            Box::pin(async move {
                let found = repo::backups::load(tx, &self.mac, home, id).await?;
                let missing = || {
                    let missing = Refusal::no_such_backup;
                    self.absent::<actions::CopyBackupToRegion>(context, home, id, missing)
                };
                let original = found.ok_or_else(missing)?;
                context.touched(BACKUP_RESOURCE, home.account, home.arn(id));
                let may = self.authority.authorize::<actions::CopyBackupToRegion, _>(context, original)?;
                let mut original = may.into_resource();
                if original.state == BackupState::CreateInProgress {
                    original.expect_ready()?;
                }
                let cluster = original.cluster_id.clone();
                let before = original.copied.as_ref().map(|copied| copied.cluster.clone());
                let from = CopiedFrom {
                    region: home.region.to_owned(),
                    backup: original.id.clone(),
                    cluster: cluster.or(before).unwrap_or_default(),
                    at_ms: context.now_ms,
                };
                let copy = Backup {
                    home: there.clone(),
                    id: copy_id.clone(),
                    version: 1,
                    state: BackupState::CreateInProgress,
                    cluster_id: None,
                    copied: Some(from.clone()),
                    delete_ms: None,
                    expires_ms: None,
                    never_expires: false,
                    tags: tags.clone().unwrap_or_else(|| original.tags.clone()),
                    policy: None,
                    ..original.clone()
                };
                repo::backups::insert(tx, &self.mac, &copy).await?;
                // Its bytes are the original's: whoever removes those at the same time has to look again.
                repo::backups::replace(tx, &self.mac, &mut original).await?;
                repo::post(tx, context.draft()).await?;
                Ok::<_, Refusal>(CopiedFrom { at_ms: original.created_ms, ..from })
            })
        });
        let copied = copied.await?;
        self.nudge();
        Ok(copied)
    }
}
