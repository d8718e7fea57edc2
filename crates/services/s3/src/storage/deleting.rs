//! Objects deleted.

use strongroom_identity::{Action, RequestContext};

use super::ObjectStorage;
use crate::domain::access::Place;
use crate::domain::actions;
use crate::domain::bucket::Versioning;
use crate::domain::conditions::WriteConditions;
use crate::domain::object::{VERSION_ARGUMENT, Version, check_version_id};
use crate::error::Refusal;
use crate::repo;

/// What a deletion did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// The version that was made or removed; none where nothing was, or where versions are not kept.
    pub(crate) version: Option<String>,
    /// Whether it is a delete marker.
    pub(crate) is_marker: bool,
}

/// Which object is deleted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Victim<'v> {
    pub(crate) bucket: &'v str,
    pub(crate) key: &'v str,
    pub(crate) version: Option<&'v str>,
    pub(crate) expected_owner: Option<&'v str>,
    pub(crate) conditions: WriteConditions<'v>,
}

impl ObjectStorage {
    /// Deletes an object, or one version. That there is none is no error. The draft of the call's record commits with it,
    /// if `is_first` says that no other deletion of the call did so.
    pub(crate) async fn delete(
        &self,
        context: &RequestContext,
        victim: &Victim<'_>,
        is_first: bool,
    ) -> Result<Deleted, Refusal> {
        match victim.version {
            Some(version) => {
                self.delete_version::<actions::DeleteObjectVersion>(context, victim, version, is_first).await
            }
            None => self.delete_latest::<actions::DeleteObject>(context, victim, is_first).await,
        }
    }

    /// Whether the latest version of a key is the one that a deletion is to be for (Amazon S3 User Guide, "How to perform
    /// conditional deletes": it is the latest that counts, whichever is deleted). Who learns of its entity tag in this way
    /// needs permission to read it.
    fn check_latest(
        &self,
        context: &RequestContext,
        place: &Place,
        victim: &Victim<'_>,
        latest: Option<&Version>,
    ) -> Result<(), Refusal> {
        let Some(wanted) = victim.conditions.if_match else { return Ok(()) };
        let content = latest.and_then(|latest| latest.content.as_ref());
        if wanted.trim() != "*" {
            let tags = content.map(|content| content.facts.tags.clone()).unwrap_or_default();
            self.permit::<actions::GetObject>(context, place.clone().with_tags(tags))?;
        }
        if latest.is_some() && content.is_none() {
            return Err(Refusal::precondition_failed("If-Match"));
        }
        victim.conditions.check(victim.key, content.map(|content| content.etag.as_str()))
    }

    /// Hides an object behind a delete marker; removes it where versions are not kept.
    async fn delete_latest<A: Action>(
        &self,
        context: &RequestContext,
        victim: &Victim<'_>,
        is_first: bool,
    ) -> Result<Deleted, Refusal> {
        let Victim { bucket, key, expected_owner, .. } = victim;
        let dropped_ms = self.clocks.real_now();
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let permitted =
                        self.on_object_within::<A>(tx, context, (bucket, key), *expected_owner).await?;
                    let latest = repo::latest(tx, &self.mac, bucket, key).await?;
                    let place = permitted.into_resource();
                    self.check_latest(context, &place, victim, latest.as_ref())?;
                    let deleted = if place.bucket.settings.versioning == Versioning::Off {
                        if let Some(latest) = latest {
                            self.remove_content(tx, &latest, dropped_ms).await?;
                            repo::remove_version(tx, &latest).await?;
                        }
                        Deleted::default()
                    } else {
                        let marker =
                            self.add_version(tx, &place, latest, None, context.now_ms, dropped_ms).await?;
                        Deleted { version: Some(marker.id), is_marker: true }
                    };
                    if is_first {
                        repo::post(tx, context).await?;
                    }
                    Ok(deleted)
                })
            })
            .await
    }

    /// Removes one version for good; the one before it is the latest then.
    async fn delete_version<A: Action>(
        &self,
        context: &RequestContext,
        victim: &Victim<'_>,
        version: &str,
        is_first: bool,
    ) -> Result<Deleted, Refusal> {
        let Victim { bucket, key, expected_owner, .. } = victim;
        let dropped_ms = self.clocks.real_now();
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let permitted =
                        self.on_object_within::<A>(tx, context, (bucket, key), *expected_owner).await?;
                    check_version_id(version, VERSION_ARGUMENT)?;
                    if victim.conditions.if_match.is_some() {
                        let latest = repo::latest(tx, &self.mac, bucket, key).await?;
                        self.check_latest(context, permitted.resource(), victim, latest.as_ref())?;
                    }
                    let found = repo::load_version(tx, &self.mac, bucket, key, version).await?;
                    let mut is_marker = false;
                    if let Some(found) = found {
                        is_marker = found.content.is_none();
                        self.remove_content(tx, &found, dropped_ms).await?;
                        repo::remove_version(tx, &found).await?;
                        if found.is_latest {
                            let Version { bucket, key, number, .. } = &found;
                            let next = repo::newest_but(tx, &self.mac, bucket, key, *number).await?;
                            if let Some(next) = next {
                                repo::promote(tx, &self.mac, next).await?;
                            }
                        }
                    }
                    if is_first {
                        repo::post(tx, context).await?;
                    }
                    Ok(Deleted { version: Some(version.to_owned()), is_marker })
                })
            })
            .await
    }
}
