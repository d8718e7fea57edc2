//! Objects written: the file first, then the row.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use strongroom_crypto::checksum::Checksum;
use strongroom_crypto::{hex, random};
use strongroom_identity::{NotRenewed, RequestContext};
use strongroom_schema::ByteStream;
use strongroom_store::Tx;

use super::ObjectStorage;
use crate::domain::access::Place;
use crate::domain::actions;
use crate::domain::bucket::{Bucket, Versioning};
use crate::domain::checksum::{self, Given, Stored};
use crate::domain::conditions::WriteConditions;
use crate::domain::object::{Content, Facts, NULL_VERSION, Version};
use crate::error::Refusal;
use crate::objects::{Expected, Written, write};
use crate::repo::{self, Part};

/// The largest body of one request, in bytes.
pub(crate) const BODY_LIMIT: u64 = 5 << 30;

/// What a request says of its body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent<'a> {
    pub(crate) md5: Option<&'a str>,
    /// The algorithm that it names.
    pub(crate) algorithm: Option<&'a str>,
    pub(crate) sums: Given<'a>,
}

/// An object that is to be written; its files are there.
pub(crate) struct NewObject<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) expected_owner: Option<&'a str>,
    pub(crate) content: Content,
    pub(crate) conditions: WriteConditions<'a>,
}

impl ObjectStorage {
    /// Writes a body to a file, and compares it with what was said of it. Then its sender's rights are asked for anew. The checksum that the object will have is the one
    /// that was sent, else one that `wanted` names, else CRC64NVME.
    pub(crate) async fn take_body(
        &self,
        context: &RequestContext,
        body: Option<ByteStream>,
        sent: &Sent<'_>,
        wanted: Option<Checksum>,
    ) -> Result<(Written, Stored), Refusal> {
        let mut body = body.unwrap_or_default();
        let given = checksum::one_of(&sent.sums)?;
        let md5 = sent.md5.map(decoded_md5).transpose()?;
        let announced = announced(&mut body);
        let named = sent.algorithm.map(checksum::algorithm).transpose()?;
        let kind = given.as_ref().map(|(kind, _)| *kind).or(announced).or(named).or(wanted);
        let kind = kind.unwrap_or(Checksum::Crc64Nvme);
        let mut kinds = vec![kind];
        kinds.extend(wanted.filter(|wanted| *wanted != kind));
        let written = write(&self.folder, body, &Expected { kinds, limit: BODY_LIMIT }).await?;
        if let Some(md5) = md5.filter(|md5| *md5 != written.md5) {
            return Err(Refusal::client(
                400,
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
            )
            .with_digests(&STANDARD.encode(md5), &STANDARD.encode(written.md5)));
        }
        if let Some((kind, sum)) = given
            && written.sum(kind) != Some(sum.as_slice())
        {
            return Err(Refusal::bad_digest(kind.name()));
        }
        for (name, value) in &written.trailers {
            let Some(kind) = Checksum::ALL.into_iter().find(|kind| kind.header() == name) else { continue };
            if written.sum(kind) != Some(checksum::decoded(kind, value)?.as_slice()) {
                return Err(Refusal::bad_digest(kind.name()));
            }
        }
        // It may have come for minutes: what counts is what its sender may do now.
        context.renew().await.map_err(|not| match not {
            NotRenewed::Gone => Refusal::access_denied(),
            NotRenewed::Unknown => Refusal::Unavailable {
                text: "Please reduce your request rate.",
                source: "nobody knows now what the sender may do".into(),
            },
        })?;
        let kept = wanted.unwrap_or(kind);
        let sum = written.sum(kept).ok_or_else(|| Refusal::internal("a checksum was not computed"))?;
        let stored = Stored::of_whole(kept, sum);
        Ok((written, stored))
    }

    /// Writes the row of an object, and those of its one file, if it has one. Answers the version.
    pub(crate) async fn commit_object(
        &self,
        context: &RequestContext,
        new: &NewObject<'_>,
        part: Option<&Part>,
    ) -> Result<Version, Refusal> {
        let dropped_ms = self.clocks.real_now();
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let version = self.put_version(tx, context, new, dropped_ms).await?;
                    if let Some(part) = part {
                        repo::put_part(tx, &self.mac, part, dropped_ms).await?;
                    }
                    repo::post(tx, context).await?;
                    Ok(version)
                })
            })
            .await
    }

    /// The row of a new version, in place of that which has to give way; asks for permission.
    pub(crate) async fn put_version(
        &self,
        tx: &mut Tx<'_>,
        context: &RequestContext,
        new: &NewObject<'_>,
        dropped_ms: i64,
    ) -> Result<Version, Refusal> {
        let NewObject { bucket, key, expected_owner, content, conditions } = new;
        let permitted =
            self.on_object_within::<actions::PutObject>(tx, context, (bucket, key), *expected_owner).await?;
        let latest = repo::latest(tx, &self.mac, bucket, key).await?;
        let there = latest.as_ref().and_then(|latest| latest.content.as_ref());
        conditions.check(key, there.map(|content| content.etag.as_str()))?;
        let place = permitted.into_resource();
        let content = Some(content.clone());
        self.add_version(tx, &place, latest, content, context.now_ms, dropped_ms).await
    }

    /// Adds the newest version of a key: an object, or a delete marker.
    pub(super) async fn add_version(
        &self,
        tx: &mut Tx<'_>,
        place: &Place,
        latest: Option<Version>,
        content: Option<Content>,
        now_ms: i64,
        dropped_ms: i64,
    ) -> Result<Version, Refusal> {
        let (bucket, key) = (&place.bucket.name, place.key.as_deref().unwrap_or_default());
        let number = repo::next_number(tx, bucket, key).await?;
        let id = if place.bucket.settings.versioning == Versioning::Enabled {
            new_version_id()?
        } else {
            if let Some(old) = repo::load_version(tx, &self.mac, bucket, key, NULL_VERSION).await? {
                self.remove_content(tx, &old, dropped_ms).await?;
                repo::remove_version(tx, &old).await?;
            }
            NULL_VERSION.to_owned()
        };
        if let Some(latest) = latest.filter(|latest| latest.id != id) {
            repo::demote_latest(tx, &self.mac, latest).await?;
        }
        let version = Version {
            bucket: bucket.clone(),
            key: key.to_owned(),
            number,
            id,
            is_latest: true,
            modified_ms: now_ms,
            content,
        };
        repo::insert_version(tx, &self.mac, &version).await?;
        Ok(version)
    }

    /// Drops the files of a version.
    pub(super) async fn remove_content(
        &self,
        tx: &mut Tx<'_>,
        version: &Version,
        dropped_ms: i64,
    ) -> Result<(), Refusal> {
        if let Some(content) = &version.content {
            repo::drop_content(tx, &self.mac, &content.id, &[], dropped_ms).await?;
        }
        Ok(())
    }
}

/// The part that a written file is, whose key is still to be put into it.
pub(crate) fn part_of(
    content: &str,
    number: i64,
    written: &Written,
    etag: &str,
    now_ms: i64,
    checksum: &Stored,
) -> Part {
    Part {
        content: content.to_owned(),
        number,
        file: written.file.to_string(),
        size: written.size,
        etag: etag.to_owned(),
        modified_ms: now_ms,
        sealed_key: None,
        wrapped_key: None,
        checksum: Some(checksum.clone()),
    }
}

/// The entity tag of a body: its MD5, and something else under a key of KMS (Amazon S3 API Reference, "Object": `ETag`).
pub(crate) fn etag_of(written: &Written, facts: &Facts) -> Result<String, Refusal> {
    if facts.encryption.key.is_some() {
        return Ok(hex::encode(&random::bytes::<16>()?));
    }
    Ok(hex::encode(&written.md5))
}

fn new_version_id() -> Result<String, Refusal> {
    Ok(URL_SAFE_NO_PAD.encode(random::bytes::<24>()?))
}

/// The kind of the checksum that will come behind the body.
fn announced(body: &mut ByteStream) -> Option<Checksum> {
    let names = body.announced_trailers();
    Checksum::ALL.into_iter().find(|kind| names.iter().any(|name| name == kind.header()))
}

fn decoded_md5(value: &str) -> Result<[u8; 16], Refusal> {
    let bytes = STANDARD.decode(value).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    bytes.ok_or_else(|| Refusal::client(400, "InvalidDigest", "The Content-MD5 you specified was invalid."))
}

impl Bucket {
    /// The id that answers show of a version: none where versions were never kept.
    pub(crate) fn shown_version(&self, version: &Version) -> Option<String> {
        (self.settings.versioning != Versioning::Off).then(|| version.id.clone())
    }
}
