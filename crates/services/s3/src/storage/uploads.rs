//! Uploads in parts: begun, filled, finished, aborted.

use std::sync::Arc;

use strongroom_identity::{Action, RequestContext};
use strongroom_policy::Authorized;
use strongroom_store::Tx;

use super::{NewObject, ObjectStorage};
use crate::domain::access::Place;
use crate::domain::actions;
use crate::domain::bucket::Bucket;
use crate::domain::listing::View;
use crate::domain::object::Version;
use crate::error::Refusal;
use crate::repo::{self, Part, Upload};

/// Rows that are read at once.
const ROWS: i64 = 1001;

/// An upload's bucket, key and id.
pub(crate) type UploadName<'n> = (&'n str, &'n str, &'n str);

/// A page of uploads.
#[derive(Debug, Default)]
pub(crate) struct UploadPage {
    pub(crate) uploads: Vec<Upload>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) is_truncated: bool,
    /// Key and id where the next page begins.
    pub(crate) last: Option<(String, String)>,
}

impl ObjectStorage {
    /// Begins an upload.
    pub(crate) async fn begin_upload(
        &self,
        context: &RequestContext,
        upload: &Upload,
        expected_owner: Option<&str>,
    ) -> Result<(), Refusal> {
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let name = (upload.bucket.as_str(), upload.key.as_str());
                    self.on_object_within::<actions::PutObject>(tx, context, name, expected_owner).await?;
                    repo::insert_upload(tx, &self.mac, upload).await?;
                    Ok(repo::post(tx, context).await?)
                })
            })
            .await
    }

    /// An upload under way, for a caller who may do `A` to its object.
    pub(crate) async fn find_upload<A: Action>(
        &self,
        context: &RequestContext,
        (bucket, key, id): UploadName<'_>,
        expected_owner: Option<&str>,
    ) -> Result<(Arc<Bucket>, Upload), Refusal> {
        let permitted = self.on_object::<A>(context, (bucket, key), expected_owner).await?;
        let found = repo::find_upload(&self.db, &self.mac, bucket, key, id).await?;
        Ok((permitted.resource().bucket.clone(), found.ok_or_else(|| Refusal::no_such_upload(id))?))
    }

    /// The object that an upload has become, if it is the one that is meant.
    async fn finished_upload(
        &self,
        tx: &mut Tx<'_>,
        (bucket, key, id): UploadName<'_>,
        is_same: impl Fn(&Version, &[Part]) -> bool,
    ) -> Result<Option<Version>, Refusal> {
        let Some(found) = repo::load_content(tx, &self.mac, (bucket, key), id).await? else {
            return Ok(None);
        };
        let there = repo::load_parts(tx, &self.mac, id).await?;
        Ok(is_same(&found, &there).then_some(found))
    }

    /// Writes the row of a part, whose file is there.
    pub(crate) async fn commit_part(
        &self,
        context: &RequestContext,
        (bucket, key, id): UploadName<'_>,
        expected_owner: Option<&str>,
        part: &Part,
    ) -> Result<(), Refusal> {
        let dropped_ms = self.clocks.real_now();
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    self.on_object_within::<actions::PutObject>(tx, context, (bucket, key), expected_owner)
                        .await?;
                    let found = repo::load_upload(tx, &self.mac, bucket, key, id).await?;
                    found.ok_or_else(|| Refusal::no_such_upload(id))?;
                    repo::put_part(tx, &self.mac, part, dropped_ms).await?;
                    Ok(repo::post(tx, context).await?)
                })
            })
            .await
    }

    /// Makes an object of an upload: `finish` says which, and of which parts. The others are dropped. Whoever got no answer
    /// asks again, maybe while the first call is still under way, and is told what it came to, if `is_same` says that he
    /// states the same.
    pub(crate) async fn finish_upload<'f>(
        &self,
        context: &RequestContext,
        (bucket, key, id): UploadName<'_>,
        expected_owner: Option<&str>,
        is_same: impl Fn(&Version, &[Part]) -> bool + Send + Sync,
        finish: impl Fn(&Upload, &[Part]) -> Result<(NewObject<'f>, Vec<i64>), Refusal> + Send + Sync,
    ) -> Result<Version, Refusal> {
        let (dropped_ms, is_same, finish) = (self.clocks.real_now(), &is_same, &finish);
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let Some(upload) = repo::load_upload(tx, &self.mac, bucket, key, id).await? else {
                        let name = (bucket, key);
                        self.on_object_within::<actions::PutObject>(tx, context, name, expected_owner)
                            .await?;
                        let version = self.finished_upload(tx, (bucket, key, id), is_same).await?;
                        let version = version.ok_or_else(|| Refusal::no_such_upload(id))?;
                        repo::post(tx, context).await?;
                        return Ok(version);
                    };
                    let parts = repo::load_parts(tx, &self.mac, id).await?;
                    let (new, kept) = finish(&upload, &parts)?;
                    let version = self.put_version(tx, context, &new, dropped_ms).await?;
                    repo::drop_content(tx, &self.mac, id, &kept, dropped_ms).await?;
                    repo::remove_upload(tx, &upload).await?;
                    repo::post(tx, context).await?;
                    Ok(version)
                })
            })
            .await
    }

    /// Ends an upload, and drops its parts.
    pub(crate) async fn abort_upload(
        &self,
        context: &RequestContext,
        (bucket, key, id): UploadName<'_>,
        expected_owner: Option<&str>,
    ) -> Result<(), Refusal> {
        Place::of_object(self.bucket(bucket, expected_owner).await?, key).note(context);
        let dropped_ms = self.clocks.real_now();
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let name = (bucket, key);
                    self.on_object_within::<actions::AbortMultipartUpload>(tx, context, name, expected_owner)
                        .await?;
                    let upload = repo::load_upload(tx, &self.mac, bucket, key, id).await?;
                    let upload = upload.ok_or_else(|| Refusal::no_such_upload(id))?;
                    repo::drop_content(tx, &self.mac, id, &[], dropped_ms).await?;
                    repo::remove_upload(tx, &upload).await?;
                    Ok(repo::post(tx, context).await?)
                })
            })
            .await
    }

    /// A page of a bucket's uploads, behind those of a key up to an id.
    pub(crate) async fn list_uploads<A: Action>(
        &self,
        permitted: &Authorized<A, Place>,
        view: View<'_>,
        (key, id): (&str, &str),
        limit: i32,
    ) -> Result<UploadPage, Refusal> {
        let bucket = &permitted.resource().bucket.name;
        let most = usize::try_from(limit).unwrap_or_default();
        let mut page = UploadPage::default();
        let mut at = if key < view.prefix {
            (view.prefix.to_owned(), String::new())
        } else {
            (key.to_owned(), id.to_owned())
        };
        loop {
            let rows = repo::list_uploads(&self.db, &self.mac, bucket, (&at.0, &at.1), ROWS).await?;
            let is_end = (rows.len() as i64) < ROWS;
            for upload in rows {
                if !view.covers(&upload.key) {
                    return Ok(page);
                }
                let prefix = view.common_prefix(&upload.key).map(str::to_owned);
                at = (upload.key.clone(), upload.id.clone());
                if prefix.is_some() && page.prefixes.last() == prefix.as_ref() {
                    continue;
                }
                if page.uploads.len() + page.prefixes.len() >= most {
                    page.is_truncated = most > 0;
                    return Ok(page);
                }
                page.last = Some(at.clone());
                match prefix {
                    Some(prefix) => page.prefixes.push(prefix),
                    None => page.uploads.push(upload),
                }
            }
            if is_end {
                return Ok(page);
            }
        }
    }
}
