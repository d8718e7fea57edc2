//! S3 over a database and a folder, and those who call it.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_api_kms as kms;
use strongroom_api_s3::{self as s3, S3 as _};
use strongroom_crypto::random;
use strongroom_identity::{
    AccountId, Caller, Principal, Principals, RecordDraft, Region, RequestContext, RequestId,
};
use strongroom_journal::{Durability, Journal, JournalOptions, Reader};
use strongroom_outbox::Outbox;
use strongroom_policy::Authority;
use strongroom_runtime::Clocks;
use strongroom_s3::{Folder, MIGRATIONS, ObjectStorage, Parts};
use strongroom_schema::{Blob, ByteStream};
use strongroom_seal::Root;
use strongroom_secret::{Key256, Secret};
use strongroom_service::ApiError;
use strongroom_store::{Db, OpenOptions, RowMac};
use strongroom_testkit::TestDatabase;
use tempfile::TempDir;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const STRANGER: &str = "444455556666";
pub(crate) const TRAIL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/management";
pub(crate) const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
pub(crate) const NOW: i64 = 1_700_000_000_123;

/// Nobody has users or roles.
struct Nobody;

#[async_trait]
impl Principals for Nobody {
    async fn id_of(&self, _: &str) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
        Ok(None)
    }

    async fn arn_of(&self, _: AccountId, _: &str) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
        Ok(None)
    }
}

/// KMS, as far as S3 knows it: a data key is what its ciphertext says, and opens under its encryption context.
struct Keys;

fn context_of(pairs: Option<&strongroom_schema::Map<String>>) -> Vec<u8> {
    let pairs: BTreeMap<_, _> = pairs.unwrap().iter().collect();
    format!("{pairs:?}").into_bytes()
}

#[async_trait]
impl kms::Kms for Keys {
    async fn generate_data_key(
        &self,
        context: &RequestContext,
        input: kms::GenerateDataKeyRequest,
    ) -> Result<kms::GenerateDataKeyResponse, ApiError> {
        assert_eq!(context.forwarded_by(), ["s3.amazonaws.com"]);
        let key = random::bytes::<32>().unwrap();
        let blob = [key.as_slice(), &context_of(input.encryption_context.as_ref())].concat();
        Ok(kms::GenerateDataKeyResponse {
            ciphertext_blob: Some(Blob(blob)),
            plaintext: Some(Secret::new(Blob(key.to_vec()))),
            key_id: Some(KEY.to_owned()),
            ..Default::default()
        })
    }

    async fn decrypt(
        &self,
        _: &RequestContext,
        input: kms::DecryptRequest,
    ) -> Result<kms::DecryptResponse, ApiError> {
        let blob = input.ciphertext_blob.unwrap().0;
        let (key, context) = blob.split_at(32);
        assert_eq!(context, context_of(input.encryption_context.as_ref()));
        Ok(kms::DecryptResponse { plaintext: Some(Secret::new(Blob(key.to_vec()))), ..Default::default() })
    }
}

/// S3, and what it stands on.
pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) s3: Arc<ObjectStorage>,
    pub(crate) records: Reader,
    _folders: [TempDir; 2],
}

pub(crate) async fn open(database: &TestDatabase) -> Db {
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    db.migrate(&[MIGRATIONS]).await.unwrap();
    db
}

impl World {
    pub(crate) async fn new(database: &TestDatabase) -> Self {
        let db = open(database).await;
        let root = Root::from_key(Key256::new([7; 32])).unwrap();
        let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
        let options = JournalOptions {
            durability: Durability::Written,
            segment_bytes: 64 << 10,
            begins_streams: true,
            ..JournalOptions::default()
        };
        let journal =
            Journal::open(folders[0].path(), &options, &Key256::new([9; 32]), "tests", NOW).unwrap();
        let outbox = Arc::new(Outbox::new(db.clone(), RowMac::new(&root), Arc::new(journal.journal)));
        let s3 = ObjectStorage::new(Parts {
            db: db.clone(),
            root: &root,
            authority: Authority::new(),
            outbox: outbox.clone(),
            clocks: Clocks::system(),
            kms: Arc::new(Keys),
            principals: Arc::new(Nobody),
            folder: Arc::new(Folder::open(&folders[1].path().join("objects")).unwrap()),
        });
        Self { db, s3: Arc::new(s3), records: outbox.reader(), _folders: folders }
    }

    /// The root user of the account.
    pub(crate) fn owner(&self) -> Client<'_> {
        Client { s3: &self.s3, principal: Principal::Root(ACCOUNT.parse().unwrap()), about: None }
    }

    /// The root user of another.
    pub(crate) fn stranger(&self) -> Client<'_> {
        Client { s3: &self.s3, principal: Principal::Root(STRANGER.parse().unwrap()), about: None }
    }

    /// CloudTrail, acting about a trail.
    pub(crate) fn cloudtrail<'w>(&'w self, trail: &'w str) -> Client<'w> {
        let name = "cloudtrail.amazonaws.com";
        let principal = Principal::Service { account: ACCOUNT.parse().unwrap(), name };
        Client { s3: &self.s3, principal, about: Some(trail) }
    }

    /// The files that are there.
    pub(crate) fn files(&self) -> usize {
        self.s3.folder().finished().unwrap().len()
    }

    /// Removes what was dropped, whenever that was.
    pub(crate) async fn sweep(&self) -> usize {
        self.s3.remove_dropped(i64::MAX).await.unwrap()
    }
}

/// Who calls.
pub(crate) struct Client<'w> {
    pub(crate) s3: &'w ObjectStorage,
    principal: Principal,
    about: Option<&'w str>,
}

impl Client<'_> {
    pub(crate) fn context(&self) -> RequestContext {
        let context = RequestContext::new(
            RequestId::from_random([5; 16]),
            Caller::new(self.principal.clone(), "AKIAEXAMPLE"),
            Region::named("us-east-1").unwrap(),
            NOW,
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            "tests".to_owned(),
            None,
        );
        match self.about {
            Some(arn) => context.about(arn),
            None => context,
        }
    }

    /// A context with the draft of a record of its own, as calls that change something have it.
    pub(crate) fn changing(&self) -> RequestContext {
        let event_id = random::bytes().unwrap();
        self.context().with_draft(RecordDraft { event_id, bytes: b"a draft".to_vec(), mark: None })
    }

    pub(crate) async fn make(&self, bucket: &str) {
        let input = s3::CreateBucketRequest { bucket: bucket.to_owned(), ..Default::default() };
        self.s3.create_bucket(&self.changing(), input).await.unwrap();
    }

    pub(crate) async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: &[u8],
    ) -> Result<s3::PutObjectOutput, ApiError> {
        self.put_as(bucket, key, body, |_| ()).await
    }

    pub(crate) async fn put_as(
        &self,
        bucket: &str,
        key: &str,
        body: &[u8],
        say: impl FnOnce(&mut s3::PutObjectRequest),
    ) -> Result<s3::PutObjectOutput, ApiError> {
        let mut input = s3::PutObjectRequest {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            body: Some(ByteStream::from(body.to_vec())),
            ..Default::default()
        };
        say(&mut input);
        self.s3.put_object(&self.changing(), input).await
    }

    pub(crate) async fn get(&self, bucket: &str, key: &str) -> Result<Vec<u8>, ApiError> {
        self.get_as(bucket, key, |_| ()).await
    }

    pub(crate) async fn get_as(
        &self,
        bucket: &str,
        key: &str,
        say: impl FnOnce(&mut s3::GetObjectRequest),
    ) -> Result<Vec<u8>, ApiError> {
        let mut input =
            s3::GetObjectRequest { bucket: bucket.to_owned(), key: key.to_owned(), ..Default::default() };
        say(&mut input);
        let output = self.s3.get_object(&self.context(), input).await?;
        Ok(output.body.unwrap().collect(usize::MAX).await.unwrap().to_vec())
    }

    pub(crate) async fn delete(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> s3::DeleteObjectOutput {
        let input = s3::DeleteObjectRequest {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version_id: version.map(str::to_owned),
            ..Default::default()
        };
        self.s3.delete_object(&self.changing(), input).await.unwrap()
    }

    pub(crate) async fn set_policy(&self, bucket: &str, policy: &str) {
        let input = s3::PutBucketPolicyRequest {
            bucket: bucket.to_owned(),
            policy: policy.to_owned(),
            ..Default::default()
        };
        self.s3.put_bucket_policy(&self.changing(), input).await.unwrap();
    }

    pub(crate) async fn version(&self, bucket: &str, status: &str) {
        let configuration = s3::VersioningConfiguration { status: Some(status.into()), mfa_delete: None };
        let input = s3::PutBucketVersioningRequest {
            bucket: bucket.to_owned(),
            versioning_configuration: configuration,
            ..Default::default()
        };
        self.s3.put_bucket_versioning(&self.changing(), input).await.unwrap();
    }
}

/// The code of a refusal.
pub(crate) fn code<T>(outcome: Result<T, ApiError>) -> String {
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.query_code().to_owned(),
    }
}
