//! Buckets and objects read and changed. Whoever reads or changes one for a caller asks for permission first, and changes
//! ask again on the state that they commit on.

mod deleting;
mod facts;
mod listing;
mod putting;
mod reading;
mod uploads;

use std::sync::Arc;

use strongroom_api_kms::Kms;
use strongroom_crypto::{hex, random};
use strongroom_identity::{AccountId, Action, Principals, RequestContext};
use strongroom_outbox::{Outbox, PassedOn};
use strongroom_policy::{Authority, Authorized};
use strongroom_runtime::Clocks;
use strongroom_seal::{Purpose, Root, Sealer};
use strongroom_store::{Db, RowMac, Tx};

pub(crate) use self::deleting::{Deleted, Victim};
pub(crate) use self::listing::{Entry, Page, Start};
pub(crate) use self::putting::{NewObject, Sent, etag_of, part_of};
pub(crate) use self::reading::Found;
use crate::domain::access::{AllBuckets, Place};
use crate::domain::actions;
use crate::domain::bucket::{Bucket, Settings};
use crate::error::Refusal;
use crate::keys::Keys;
use crate::objects::Folder;
use crate::repo;

/// The name under which S3 calls other services.
const SERVICE: &str = "s3.amazonaws.com";

/// What S3 stands on.
pub struct Parts<'r> {
    /// The store.
    pub db: Db,
    /// The seal.
    pub root: &'r Root,
    /// Who decides.
    pub authority: Authority,
    /// Where calls of KMS are recorded.
    pub outbox: Arc<Outbox>,
    /// The two clocks.
    pub clocks: Clocks,
    /// Under whose keys objects are encrypted.
    pub kms: Arc<dyn Kms>,
    /// Users and roles that policies name.
    pub principals: Arc<dyn Principals>,
    /// Where objects' files are.
    pub folder: Arc<Folder>,
}

/// The S3 service over one store, one seal and one folder.
pub struct ObjectStorage {
    pub(crate) db: Db,
    pub(crate) mac: RowMac,
    pub(crate) authority: Authority,
    pub(crate) keys: Keys,
    pub(crate) principals: Arc<dyn Principals>,
    pub(crate) folder: Arc<Folder>,
    pub(crate) clocks: Clocks,
}

impl ObjectStorage {
    /// The service on these parts.
    pub fn new(parts: Parts<'_>) -> Self {
        let Parts { db, root, authority, outbox, clocks, kms, principals, folder } = parts;
        let passed_on = PassedOn::new(SERVICE, outbox, clocks.clone());
        let keys = Keys { sealer: Sealer::new(root, Purpose::Objects), kms, passed_on };
        let mac = RowMac::new(root);
        Self { db, mac, authority, keys, principals, folder, clocks }
    }

    /// The folder of objects' files.
    pub fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// A bucket, whoever asks for it. `expected_owner` is what the request says of its account.
    pub(crate) async fn bucket(
        &self,
        name: &str,
        expected_owner: Option<&str>,
    ) -> Result<Arc<Bucket>, Refusal> {
        let found = repo::find_bucket(&self.db, &self.mac, name).await?;
        expected(found.ok_or_else(|| Refusal::no_such_bucket(name))?, expected_owner).map(Arc::new)
    }

    /// Permission to do `A`.
    pub(crate) fn permit<A: Action>(
        &self,
        context: &RequestContext,
        place: Place,
    ) -> Result<Authorized<A, Place>, Refusal> {
        let is_foreign = context.account() != place.bucket.account;
        let permitted = self.authority.authorize::<A, _>(context, place.asked_by(context, A::NAME));
        permitted.map_err(|denied| Refusal::Denied { denied, is_foreign })
    }

    /// Permission to do `A`, which is about no bucket in particular.
    pub(crate) fn permit_everywhere<A: Action>(&self, context: &RequestContext) -> Result<(), Refusal> {
        let permitted = self.authority.authorize::<A, _>(context, AllBuckets(context.account()));
        permitted.map(drop).map_err(|denied| Refusal::Denied { denied, is_foreign: false })
    }

    /// Permission to do `A` to a bucket that is there.
    pub(crate) async fn on_bucket<A: Action>(
        &self,
        context: &RequestContext,
        name: &str,
        expected_owner: Option<&str>,
    ) -> Result<Authorized<A, Place>, Refusal> {
        let place = Place::of_bucket(self.bucket(name, expected_owner).await?);
        place.note(context);
        self.permit(context, place)
    }

    /// Permission to do `A` to an object that need not be there.
    pub(crate) async fn on_object<A: Action>(
        &self,
        context: &RequestContext,
        (bucket, key): (&str, &str),
        expected_owner: Option<&str>,
    ) -> Result<Authorized<A, Place>, Refusal> {
        let place = Place::of_object(self.bucket(bucket, expected_owner).await?, key);
        place.note(context);
        self.permit(context, place)
    }

    /// Whether the caller may see which keys there are: who may not is not told that one is missing.
    pub(crate) fn may_list(&self, context: &RequestContext, bucket: &Arc<Bucket>) -> bool {
        self.permit::<actions::ListBucket>(context, Place::of_bucket(bucket.clone())).is_ok()
    }

    /// Permission to do `A` to an object that need not be there, in the transaction that changes it.
    async fn on_object_within<A: Action>(
        &self,
        tx: &mut Tx<'_>,
        context: &RequestContext,
        (bucket, key): (&str, &str),
        expected_owner: Option<&str>,
    ) -> Result<Authorized<A, Place>, Refusal> {
        let found = repo::load_bucket(tx, &self.mac, bucket).await?;
        let bucket = expected(found.ok_or_else(|| Refusal::no_such_bucket(bucket))?, expected_owner)?;
        self.permit(context, Place::of_object(Arc::new(bucket), key))
    }

    /// Changes what is set of a bucket. Permission to do `A` is asked for in the transaction that the change commits in;
    /// `act` may run more than once.
    pub(crate) async fn change_bucket<A: Action>(
        &self,
        context: &RequestContext,
        name: &str,
        expected_owner: Option<&str>,
        act: impl Fn(&Bucket, &mut Settings) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<(), Refusal> {
        Place::of_bucket(self.bucket(name, expected_owner).await?).note(context);
        let act = &act;
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let found = repo::load_bucket(tx, &self.mac, name).await?;
                    let bucket =
                        expected(found.ok_or_else(|| Refusal::no_such_bucket(name))?, expected_owner)?;
                    let permitted = self.permit::<A>(context, Place::of_bucket(Arc::new(bucket)))?;
                    let bucket = &*permitted.resource().bucket;
                    let mut settings = bucket.settings.clone();
                    act(bucket, &mut settings)?;
                    let changed = Bucket { version: bucket.version + 1, settings, ..bucket.clone() };
                    repo::replace_bucket(tx, &self.mac, &changed, bucket.version).await?;
                    Ok(repo::post(tx, context).await?)
                })
            })
            .await
    }

    /// Makes a bucket. Answers that of the same name, if there is one.
    pub(crate) async fn make_bucket(
        &self,
        context: &RequestContext,
        bucket: &Bucket,
        most: i64,
    ) -> Result<Option<Bucket>, Refusal> {
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    self.permit::<actions::CreateBucket>(
                        context,
                        Place::of_bucket(Arc::new(bucket.clone())),
                    )?;
                    if let Some(known) = repo::load_bucket(tx, &self.mac, &bucket.name).await? {
                        return Ok(Some(known));
                    }
                    if repo::count_buckets(tx, bucket.account).await? >= most {
                        let text = "You have attempted to create more buckets than allowed";
                        return Err(Refusal::client(400, "TooManyBuckets", text));
                    }
                    repo::insert_bucket(tx, &self.mac, bucket).await?;
                    repo::post(tx, context).await?;
                    Ok(None)
                })
            })
            .await
    }

    /// Removes a bucket in which nothing is. Uploads under way end with it.
    pub(crate) async fn remove_bucket(
        &self,
        context: &RequestContext,
        name: &str,
        expected_owner: Option<&str>,
    ) -> Result<(), Refusal> {
        Place::of_bucket(self.bucket(name, expected_owner).await?).note(context);
        let dropped_ms = self.clocks.real_now();
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let found = repo::load_bucket(tx, &self.mac, name).await?;
                    let bucket =
                        expected(found.ok_or_else(|| Refusal::no_such_bucket(name))?, expected_owner)?;
                    let permitted =
                        self.permit::<actions::DeleteBucket>(context, Place::of_bucket(Arc::new(bucket)))?;
                    if let Some(has_versions) = repo::has_versions(tx, name).await? {
                        return Err(Refusal::bucket_not_empty(name, has_versions));
                    }
                    repo::remove_uploads_of(tx, &self.mac, name, dropped_ms).await?;
                    repo::remove_bucket(tx, name, permitted.resource().bucket.version).await?;
                    Ok(repo::post(tx, context).await?)
                })
            })
            .await
    }
}

/// The bucket, if it is of the account that the request says.
fn expected(bucket: Bucket, owner: Option<&str>) -> Result<Bucket, Refusal> {
    match owner {
        None => Ok(bucket),
        Some(owner) if owner == bucket.account.to_string() => Ok(bucket),
        Some(owner) if owner.parse::<AccountId>().is_err() => Err(Refusal::invalid_expected_owner(owner)),
        Some(_) => Err(Refusal::access_denied()),
    }
}

/// A name for a content: 16 random bytes in hexadecimal digits.
pub(crate) fn new_content_id() -> Result<String, Refusal> {
    Ok(hex::encode(&random::bytes::<16>()?))
}
