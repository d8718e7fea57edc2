//! KMS over a database, and those who call it.

mod administration;
mod calls;
pub(crate) mod cloud;
pub(crate) mod cluster;
mod grants;
mod imports;
mod key_stores;
pub(crate) mod multi_region;
mod people;
mod roles;
mod server;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use strongroom_api_kms::{
    AliasListEntry, CreateAliasRequest, CreateKeyRequest, DataKeySpec, DecryptRequest, DecryptResponse,
    DescribeKeyRequest, EncryptRequest, EncryptResponse, GenerateDataKeyRequest, GenerateDataKeyResponse,
    GetPublicKeyRequest, KeyMetadata, Kms as _, ListAliasesRequest, ListAliasesResponse, ListKeysRequest,
    ListKeysResponse, ReEncryptRequest, ReEncryptResponse,
};
use strongroom_crypto::random;
use strongroom_identity::{AccountId, Caller, Principal, RecordDraft, Region, RequestContext, RequestId};
use strongroom_kms::MIGRATIONS;
use strongroom_schema::{Blob, Map};
use strongroom_seal::Root;
use strongroom_secret::{Key256, Secret};
use strongroom_service::ApiError;
use strongroom_store::{Db, OpenOptions};
use strongroom_testkit::TestDatabase;

pub(crate) use self::administration::tags;
pub(crate) use self::calls::operation;
pub(crate) use self::grants::{exactly, grant, within};
pub(crate) use self::imports::{Parameters, external, owner, until};
pub(crate) use self::key_stores::{new_store, update};
pub(crate) use self::server::{Server, Surroundings, start, start_in, start_with_chosen_keys};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const STRANGER: &str = "444455556666";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const FAR_REGION: &str = "eu-central-1";

/// The time of every call, unless the caller's clock says otherwise.
pub(crate) const NOW: i64 = 1_700_000_000_123;

/// Milliseconds of a day.
pub(crate) const DAY: i64 = 24 * 60 * 60 * 1000;

/// A key id that no key has.
pub(crate) const ABSENT: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// The seal of these tests; `other_root` is someone else's.
pub(crate) fn root() -> Root {
    Root::from_key(Key256::new([7; 32])).unwrap()
}

pub(crate) fn other_root() -> Root {
    Root::from_key(Key256::new([8; 32])).unwrap()
}

pub(crate) async fn open(database: &TestDatabase) -> Db {
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    db.migrate(&[MIGRATIONS, strongroom_journal::MIGRATIONS]).await.unwrap();
    db
}

/// The first account's root user in the first Region, on a database of its own.
pub(crate) async fn client(database: &TestDatabase) -> Client {
    Client::new(&start(&open(database).await, &root()), ACCOUNT, REGION)
}

pub(crate) type Pairs<'p> = &'p [(&'p str, &'p str)];

/// An account's root user in a Region.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) kms: Arc<Server>,
    pub(crate) now: i64,
    account: AccountId,
    region: Region,
    /// Who calls, if it is not the account's root user.
    caller: Option<Caller>,
}

impl Client {
    pub(crate) fn new(kms: &Arc<Server>, account: &str, region: &str) -> Self {
        let (account, region) = (account.parse().unwrap(), Region::named(region).unwrap());
        Self { kms: kms.clone(), now: NOW, account, region, caller: None }
    }

    /// Another caller of the same KMS.
    pub(crate) fn as_of(&self, account: &str, region: &str) -> Self {
        Self { now: self.now, ..Self::new(&self.kms, account, region) }
    }

    /// The same caller of another KMS.
    pub(crate) fn on(&self, kms: &Arc<Server>) -> Self {
        Self { kms: kms.clone(), ..self.clone() }
    }

    /// The same caller at another time; nothing has happened in between.
    pub(crate) fn at(&self, now: i64) -> Self {
        Self { now, ..self.clone() }
    }

    /// The same caller at a later time, up to which KMS has done what was due.
    pub(crate) async fn later(&self, ms: i64) -> Self {
        let later = self.at(self.now + ms);
        later.kms.run_due(later.now).await;
        later
    }

    pub(crate) fn context(&self) -> RequestContext {
        let root = || Caller::new(Principal::Root(self.account), self.account.to_string());
        let caller = self.caller.clone().unwrap_or_else(root);
        let id = RequestId::from_random([5; 16]);
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        RequestContext::new(id, caller, self.region, self.now, address, "tests".to_owned(), None)
    }

    /// A context with the draft of a record of its own, as calls that change something have it.
    pub(crate) fn changing(&self) -> RequestContext {
        let event_id = random::bytes().unwrap();
        self.context().with_draft(RecordDraft { event_id, bytes: b"a draft".to_vec(), mark: None })
    }

    /// The ARN of `key/<id>` or `alias/<name>` here.
    pub(crate) fn arn(&self, resource: &str) -> String {
        format!("arn:aws:kms:{}:{}:{resource}", self.region, self.account)
    }

    pub(crate) async fn create_key(&self) -> KeyMetadata {
        self.try_create_key(CreateKeyRequest::default()).await.unwrap()
    }

    /// A new key of that spec, for that usage, in the built-in backend.
    pub(crate) async fn create_key_of(&self, spec: &str, usage: &str) -> KeyMetadata {
        let (key_spec, key_usage) = (Some(spec.into()), Some(usage.into()));
        let input = CreateKeyRequest { key_spec, key_usage, ..CreateKeyRequest::default() };
        self.try_create_key(input).await.unwrap()
    }

    /// The public half of a pair, as a DER SubjectPublicKeyInfo.
    pub(crate) async fn public_key(&self, key_id: &str) -> Vec<u8> {
        let input = GetPublicKeyRequest { key_id: key_id.to_owned(), ..GetPublicKeyRequest::default() };
        self.kms.get_public_key(&self.context(), input).await.unwrap().public_key.unwrap().0
    }

    pub(crate) async fn try_create_key(&self, input: CreateKeyRequest) -> Result<KeyMetadata, ApiError> {
        Ok(self.kms.create_key(&self.changing(), input).await?.key_metadata.unwrap())
    }

    pub(crate) async fn describe(&self, key_id: &str) -> Result<KeyMetadata, ApiError> {
        let input = DescribeKeyRequest { key_id: key_id.to_owned(), ..DescribeKeyRequest::default() };
        Ok(self.kms.describe_key(&self.context(), input).await?.key_metadata.unwrap())
    }

    pub(crate) async fn create_alias(&self, name: &str, key_id: &str) -> Result<(), ApiError> {
        let input = CreateAliasRequest { alias_name: name.to_owned(), target_key_id: key_id.to_owned() };
        self.kms.create_alias(&self.changing(), input).await.map(drop)
    }

    pub(crate) async fn list_keys(
        &self,
        limit: Option<i32>,
        marker: Option<&str>,
    ) -> Result<ListKeysResponse, ApiError> {
        let marker = marker.map(str::to_owned);
        let input = ListKeysRequest { limit, marker, ..ListKeysRequest::default() };
        self.kms.list_keys(&self.context(), input).await
    }

    pub(crate) async fn list_aliases(
        &self,
        key_id: Option<&str>,
        limit: Option<i32>,
        marker: Option<&str>,
    ) -> Result<ListAliasesResponse, ApiError> {
        let (key_id, marker) = (key_id.map(str::to_owned), marker.map(str::to_owned));
        self.kms.list_aliases(&self.context(), ListAliasesRequest { key_id, limit, marker }).await
    }

    /// The ids of all keys, in pages of that size. Each page is checked to say rightly whether more follow.
    pub(crate) async fn key_ids(&self, page: Option<i32>) -> Vec<String> {
        let (mut ids, mut marker) = (Vec::new(), None);
        loop {
            let answer = self.list_keys(page, marker.as_deref()).await.unwrap();
            let keys = answer.keys.unwrap();
            assert!(page.is_none_or(|most| keys.len() <= most as usize));
            for key in keys {
                let id = key.key_id.unwrap();
                assert_eq!(key.key_arn.unwrap(), self.arn(&format!("key/{id}")));
                ids.push(id);
            }
            assert_eq!(answer.truncated, Some(answer.next_marker.is_some()));
            marker = answer.next_marker;
            if marker.is_none() {
                return ids;
            }
        }
    }

    /// All aliases, or those of one key, in pages of that size.
    pub(crate) async fn aliases(&self, key_id: Option<&str>, page: Option<i32>) -> Vec<AliasListEntry> {
        let (mut aliases, mut marker) = (Vec::new(), None);
        loop {
            let answer = self.list_aliases(key_id, page, marker.as_deref()).await.unwrap();
            let found = answer.aliases.unwrap();
            assert!(page.is_none_or(|most| found.len() <= most as usize));
            aliases.extend(found);
            assert_eq!(answer.truncated, Some(answer.next_marker.is_some()));
            marker = answer.next_marker;
            if marker.is_none() {
                return aliases;
            }
        }
    }

    /// The names of all aliases that have a key, or of those of one key.
    pub(crate) async fn alias_names(&self, key_id: Option<&str>) -> Vec<String> {
        let aliases = self.aliases(key_id, Some(100)).await.into_iter();
        aliases.filter(|alias| alias.target_key_id.is_some()).map(|alias| alias.alias_name.unwrap()).collect()
    }

    pub(crate) async fn encrypt(
        &self,
        key_id: &str,
        plaintext: &[u8],
        pairs: Pairs<'_>,
    ) -> Result<Vec<u8>, ApiError> {
        let input = EncryptRequest { encryption_context: bound_to(pairs), ..encrypt(key_id, plaintext) };
        Ok(self.try_encrypt(input).await?.ciphertext_blob.unwrap().0)
    }

    pub(crate) async fn try_encrypt(&self, input: EncryptRequest) -> Result<EncryptResponse, ApiError> {
        self.kms.encrypt(&self.context(), input).await
    }

    /// Decrypts; the key is named only where `key_id` is.
    pub(crate) async fn decrypt(
        &self,
        blob: &[u8],
        key_id: Option<&str>,
        pairs: Pairs<'_>,
    ) -> Result<Vec<u8>, ApiError> {
        let key_id = key_id.map(str::to_owned);
        let input = DecryptRequest { key_id, encryption_context: bound_to(pairs), ..decrypt(blob) };
        Ok(plaintext(self.try_decrypt(input).await?.plaintext))
    }

    pub(crate) async fn try_decrypt(&self, input: DecryptRequest) -> Result<DecryptResponse, ApiError> {
        self.kms.decrypt(&self.context(), input).await
    }

    pub(crate) async fn re_encrypt(&self, input: ReEncryptRequest) -> Result<ReEncryptResponse, ApiError> {
        self.kms.re_encrypt(&self.context(), input).await
    }

    pub(crate) async fn try_generate(
        &self,
        input: GenerateDataKeyRequest,
    ) -> Result<GenerateDataKeyResponse, ApiError> {
        self.kms.generate_data_key(&self.context(), input).await
    }
}

/// An encryption context; the empty one is left out.
pub(crate) fn bound_to(pairs: Pairs<'_>) -> Option<Map<String>> {
    let texts = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    (!pairs.is_empty()).then(|| texts.collect())
}

pub(crate) fn encrypt(key_id: &str, plaintext: &[u8]) -> EncryptRequest {
    EncryptRequest {
        key_id: key_id.to_owned(),
        plaintext: Secret::new(Blob(plaintext.to_vec())),
        ..EncryptRequest::default()
    }
}

pub(crate) fn decrypt(blob: &[u8]) -> DecryptRequest {
    DecryptRequest { ciphertext_blob: Some(Blob(blob.to_vec())), ..DecryptRequest::default() }
}

pub(crate) fn data_key(key_id: &str) -> GenerateDataKeyRequest {
    GenerateDataKeyRequest {
        key_id: key_id.to_owned(),
        key_spec: Some(DataKeySpec::Aes256),
        ..GenerateDataKeyRequest::default()
    }
}

pub(crate) fn plaintext(answer: Option<Secret<Blob>>) -> Vec<u8> {
    answer.unwrap().expose().0.clone()
}
