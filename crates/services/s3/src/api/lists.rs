//! What is in a bucket.

use strongroom_api_s3 as s3;
use strongroom_identity::{ConditionKeys, RequestContext};

use super::shown::{owner, quoted, seconds, size};
use crate::ObjectStorage;
use crate::domain::actions;
use crate::domain::checksum::Stored;
use crate::domain::listing::{MAX_KEYS, Token, View, limit, limit_of_versions, shown};
use crate::domain::object::{Content, Version, check_version_id};
use crate::error::Refusal;
use crate::repo;
use crate::storage::{Entry, Page, Start};

/// The parameter that says after which version of a key a page begins.
const VERSION_MARKER: &str = "version-id-marker";

/// What a listing says to policies.
fn ask(context: &RequestContext, prefix: Option<&str>, delimiter: Option<&str>, max_keys: Option<i32>) {
    context.ask(
        ConditionKeys::new()
            .with("s3:prefix", prefix.unwrap_or_default())
            .with_some("s3:delimiter", delimiter)
            .with_some("s3:max-keys", max_keys.map(i64::from)),
    );
}

/// Whether keys are percent-encoded.
pub(super) fn encoding(asked: Option<&s3::EncodingType>) -> Result<bool, Refusal> {
    match asked.map(s3::EncodingType::as_str) {
        None => Ok(false),
        Some("url") => Ok(true),
        Some(other) => Err(Refusal::invalid_argument(
            "Invalid Encoding Method specified in Request",
            "encoding-type",
            other,
        )),
    }
}

/// The kinds of checksums that an object has: one.
fn algorithms(stored: Option<&Stored>) -> Option<Vec<s3::ChecksumAlgorithm>> {
    stored.map(|stored| vec![stored.kind.as_str().into()])
}

fn object(
    version: &Version,
    content: &Content,
    is_encoded: bool,
    shows_owner: Option<s3::Owner>,
) -> s3::Object {
    let stored = content.facts.checksum.as_ref();
    s3::Object {
        key: Some(shown(&version.key, is_encoded)),
        last_modified: Some(seconds(version.modified_ms)),
        e_tag: Some(quoted(&content.etag)),
        checksum_algorithm: algorithms(stored),
        checksum_type: stored.map(|stored| stored.scope().into()),
        size: size(content.size),
        storage_class: Some(content.facts.storage_class.as_str().into()),
        owner: shows_owner,
        restore_status: None,
    }
}

/// Objects and common prefixes of a page.
fn contents(
    page: &Page,
    is_encoded: bool,
    shows_owner: bool,
    bucket_owner: strongroom_identity::AccountId,
) -> (Vec<s3::Object>, Vec<s3::CommonPrefix>) {
    let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
    for entry in &page.entries {
        match entry {
            Entry::CommonPrefix(prefix) => {
                prefixes.push(s3::CommonPrefix { prefix: Some(shown(prefix, is_encoded)) });
            }
            Entry::Version(version) => {
                if let Some(content) = &version.content {
                    let owned_by = shows_owner.then(|| owner(content.facts.owner_or(bucket_owner)));
                    objects.push(object(version, content, is_encoded, owned_by));
                }
            }
        }
    }
    (objects, prefixes)
}

/// `ListObjectsV2`
pub(super) async fn list_objects_v2(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::ListObjectsV2Request,
) -> Result<s3::ListObjectsV2Output, Refusal> {
    let is_encoded = encoding(input.encoding_type.as_ref())?;
    let limit = limit(input.max_keys, MAX_KEYS)?;
    ask(context, input.prefix.as_deref(), input.delimiter.as_deref(), input.max_keys);
    let expected_owner = input.expected_bucket_owner.as_deref();
    let permitted = storage.on_bucket::<actions::ListBucket>(context, &input.bucket, expected_owner).await?;
    let view = View::new(input.prefix.as_deref(), input.delimiter.as_deref());
    let start = match (&input.continuation_token, &input.start_after) {
        (Some(token), _) => Token::decode(token)?,
        (None, Some(key)) => Token::After(key.clone()),
        (None, None) => Token::After(String::new()),
    };
    let page = storage.list(&permitted, view, Start::Token(start), limit, false).await?;
    let bucket_owner = permitted.resource().bucket.account;
    let (objects, prefixes) = contents(&page, is_encoded, input.fetch_owner == Some(true), bucket_owner);
    Ok(s3::ListObjectsV2Output {
        is_truncated: Some(page.is_truncated),
        contents: Some(objects),
        name: Some(input.bucket.clone()),
        prefix: Some(shown(view.prefix, is_encoded)),
        delimiter: view.delimiter.map(|delimiter| shown(delimiter, is_encoded)),
        max_keys: Some(limit),
        common_prefixes: Some(prefixes),
        encoding_type: input.encoding_type,
        key_count: i32::try_from(page.entries.len()).ok(),
        next_continuation_token: page.next().map(|token| token.encode()),
        continuation_token: input.continuation_token,
        start_after: input.start_after.map(|key| shown(&key, is_encoded)),
        request_charged: None,
    })
}

/// `ListObjects`
pub(super) async fn list_objects(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::ListObjectsRequest,
) -> Result<s3::ListObjectsOutput, Refusal> {
    let is_encoded = encoding(input.encoding_type.as_ref())?;
    let limit = limit(input.max_keys, MAX_KEYS)?;
    ask(context, input.prefix.as_deref(), input.delimiter.as_deref(), input.max_keys);
    let expected_owner = input.expected_bucket_owner.as_deref();
    let permitted = storage.on_bucket::<actions::ListBucket>(context, &input.bucket, expected_owner).await?;
    let view = View::new(input.prefix.as_deref(), input.delimiter.as_deref());
    let marker = input.marker.unwrap_or_default();
    let start = Start::Token(Token::After(marker.clone()));
    let page = storage.list(&permitted, view, start, limit, false).await?;
    let (objects, prefixes) = contents(&page, is_encoded, true, permitted.resource().bucket.account);
    // Without a delimiter the last key says as much.
    let last = page.entries.last().filter(|_| page.is_truncated && view.delimiter.is_some());
    let next_marker = last.map(|entry| match entry {
        Entry::Version(version) => shown(&version.key, is_encoded),
        Entry::CommonPrefix(prefix) => shown(prefix, is_encoded),
    });
    Ok(s3::ListObjectsOutput {
        is_truncated: Some(page.is_truncated),
        marker: Some(shown(&marker, is_encoded)),
        next_marker,
        contents: Some(objects),
        name: Some(input.bucket.clone()),
        prefix: Some(shown(view.prefix, is_encoded)),
        delimiter: view.delimiter.map(|delimiter| shown(delimiter, is_encoded)),
        max_keys: Some(limit),
        common_prefixes: Some(prefixes),
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}

/// `ListObjectVersions`
pub(super) async fn list_object_versions(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::ListObjectVersionsRequest,
) -> Result<s3::ListObjectVersionsOutput, Refusal> {
    let is_encoded = encoding(input.encoding_type.as_ref())?;
    let limit = limit_of_versions(input.max_keys)?;
    ask(context, input.prefix.as_deref(), input.delimiter.as_deref(), input.max_keys);
    let expected_owner = input.expected_bucket_owner.as_deref();
    let permitted =
        storage.on_bucket::<actions::ListBucketVersions>(context, &input.bucket, expected_owner).await?;
    let view = View::new(input.prefix.as_deref(), input.delimiter.as_deref());
    let key_marker = input.key_marker.unwrap_or_default();
    let start = match input.version_id_marker.as_deref() {
        None => Start::Token(Token::After(key_marker.clone())),
        Some("") if key_marker.is_empty() => Start::Token(Token::After(String::new())),
        Some(id) if key_marker.is_empty() => {
            let text = "A version-id marker cannot be specified without a key marker.";
            return Err(Refusal::invalid_argument(text, VERSION_MARKER, id));
        }
        Some("") => {
            let text = "A version-id marker cannot be empty.";
            return Err(Refusal::invalid_argument(text, VERSION_MARKER, ""));
        }
        Some(id) => {
            check_version_id(id, VERSION_MARKER)?;
            match repo::number_of(&storage.db, &input.bucket, &key_marker, id).await? {
                Some(number) => Start::Within(key_marker.clone(), number),
                // Whoever empties a bucket has deleted it since the page that it ended: no version of its key is passed over.
                None => Start::Token(Token::From(key_marker.clone())),
            }
        }
    };
    let page = storage.list(&permitted, view, start, limit, true).await?;
    let bucket_owner = permitted.resource().bucket.account;
    let (mut versions, mut markers, mut prefixes) = (Vec::new(), Vec::new(), Vec::new());
    for entry in &page.entries {
        match entry {
            Entry::CommonPrefix(prefix) => {
                prefixes.push(s3::CommonPrefix { prefix: Some(shown(prefix, is_encoded)) });
            }
            Entry::Version(version) => match &version.content {
                Some(content) => {
                    let object = object(
                        version,
                        content,
                        is_encoded,
                        Some(owner(content.facts.owner_or(bucket_owner))),
                    );
                    versions.push(s3::ObjectVersion {
                        e_tag: object.e_tag,
                        checksum_algorithm: object.checksum_algorithm,
                        checksum_type: object.checksum_type,
                        size: object.size,
                        storage_class: Some(content.facts.storage_class.as_str().into()),
                        key: object.key,
                        version_id: Some(version.id.clone()),
                        is_latest: Some(version.is_latest),
                        last_modified: object.last_modified,
                        owner: object.owner,
                        restore_status: None,
                    });
                }
                None => markers.push(s3::DeleteMarkerEntry {
                    owner: Some(owner(bucket_owner)),
                    key: Some(shown(&version.key, is_encoded)),
                    version_id: Some(version.id.clone()),
                    is_latest: Some(version.is_latest),
                    last_modified: Some(seconds(version.modified_ms)),
                }),
            },
        }
    }
    let (next_key, next_version) = match page.entries.last().filter(|_| page.is_truncated) {
        None => (None, None),
        Some(Entry::CommonPrefix(prefix)) => (Some(shown(prefix, is_encoded)), None),
        Some(Entry::Version(version)) => (Some(shown(&version.key, is_encoded)), Some(version.id.clone())),
    };
    Ok(s3::ListObjectVersionsOutput {
        is_truncated: Some(page.is_truncated),
        key_marker: Some(shown(&key_marker, is_encoded)),
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        next_key_marker: next_key,
        next_version_id_marker: next_version,
        versions: Some(versions),
        delete_markers: Some(markers),
        name: Some(input.bucket.clone()),
        prefix: Some(shown(view.prefix, is_encoded)),
        delimiter: view.delimiter.map(|delimiter| shown(delimiter, is_encoded)),
        max_keys: Some(limit),
        common_prefixes: Some(prefixes),
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}
