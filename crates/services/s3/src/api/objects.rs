//! Objects put and copied.

use strongroom_api_s3 as s3;
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_policy::Authorized;
use strongroom_schema::ByteStream;
use strongroom_secret::Secret;

use super::described::{Described, described, pairs};
use super::shown::{given, quoted, seconds, show_checksum, show_encryption};
use crate::ObjectStorage;
use crate::domain::access::Place;
use crate::domain::actions;
use crate::domain::checksum::{self, Given};
use crate::domain::conditions::{ReadConditions, WriteConditions};
use crate::domain::copy_source::CopySource;
use crate::domain::encryption::encoded_context;
use crate::domain::name::check_key;
use crate::domain::object::{Content, Facts, Headers, Version};
use crate::domain::range::Span;
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::keys::DataKey;
use crate::storage::{Found, NewObject, Sent, etag_of, new_content_id, part_of};

/// The largest object that can be copied at once, in bytes.
const COPY_LIMIT: u64 = 5 << 30;

/// An object that may be written: where, as what, and under what.
pub(super) struct Prepared {
    pub(super) place: Authorized<actions::PutObject, Place>,
    pub(super) facts: Facts,
    pub(super) key: DataKey,
}

/// Asks for permission to write an object as it is described, and makes the key that it needs.
pub(super) async fn prepare(
    storage: &ObjectStorage,
    context: &RequestContext,
    place: Place,
    described: Described<'_>,
    tags: Tags,
) -> Result<Prepared, Refusal> {
    let (gives_tags, sets_acl) = (described.tagging.is_some(), described.sets_acl());
    let bucket = place.bucket.clone();
    let key = place.key.clone().unwrap_or_default();
    let place = storage.permit::<actions::PutObject>(context, place)?;
    if gives_tags {
        storage.permit::<actions::PutObjectTagging>(context, Place::of_object(bucket.clone(), &key))?;
    }
    if sets_acl {
        storage.permit::<actions::PutObjectAcl>(context, Place::of_object(bucket.clone(), &key))?;
    }
    let wanted = described.encryption.resolve(&bucket.settings.encryption)?;
    let data_key = storage.keys.make(context, &bucket, &key, wanted).await?;
    let facts = described.facts(context, &bucket, tags, data_key.encryption.clone())?;
    Ok(Prepared { place, facts, key: data_key })
}

/// What is written, beside what it is described as.
struct Body<'a> {
    stream: Option<ByteStream>,
    sent: Sent<'a>,
    conditions: WriteConditions<'a>,
    expected_owner: Option<&'a str>,
}

/// Writes a body as an object.
async fn write(
    storage: &ObjectStorage,
    context: &RequestContext,
    prepared: Prepared,
    body: Body<'_>,
) -> Result<Version, Refusal> {
    let Prepared { place, mut facts, key } = prepared;
    let Body { stream, sent, conditions, expected_owner } = body;
    let (written, stored) = storage.take_body(context, stream, &sent, None).await?;
    let etag = etag_of(&written, &facts)?;
    let content = new_content_id()?;
    let part = part_of(&content, 1, &written, &etag, context.now_ms, &stored);
    let part = key.wrapping.wrap(part, &written.key)?;
    facts.checksum = Some(stored);
    let place = place.resource();
    let new = NewObject {
        bucket: &place.bucket.name,
        key: place.key.as_deref().unwrap_or_default(),
        expected_owner,
        content: Content { id: content, size: written.size, etag, data_key: key.blob, facts },
        conditions,
    };
    written.named_by(storage.commit_object(context, &new, Some(&part))).await
}

/// `PutObject`
pub(super) async fn put_object(
    storage: &ObjectStorage,
    context: &RequestContext,
    mut input: s3::PutObjectRequest,
) -> Result<s3::PutObjectOutput, Refusal> {
    check_key(&input.key)?;
    if input.write_offset_bytes.is_some() {
        return Err(Refusal::NotYet("appending to objects"));
    }
    let stream = input.body.take();
    let described = described!(input);
    let conditions = WriteConditions {
        if_match: input.if_match.as_deref(),
        if_none_match: input.if_none_match.as_deref(),
    };
    conditions.check_form()?;
    let expected_owner = input.expected_bucket_owner.as_deref();
    let bucket = storage.bucket(&input.bucket, expected_owner).await?;
    let place = Place::of_object(bucket.clone(), &input.key);
    place.note(context);
    let tags = described.tags()?;
    let asked = described
        .condition_keys(&tags)
        .with_some("s3:if-match", input.if_match.as_deref())
        .with_some("s3:if-none-match", input.if_none_match.as_deref());
    context.ask(asked);
    let prepared = prepare(storage, context, place, described, tags).await?;
    let encryption = prepared.facts.encryption.clone();
    let sent = Sent {
        md5: input.content_md5.as_deref(),
        algorithm: input.checksum_algorithm.as_ref().map(s3::ChecksumAlgorithm::as_str),
        sums: given!(input),
    };
    let body = Body { stream, sent, conditions, expected_owner };
    let version = write(storage, context, prepared, body).await?;
    let content = version.content.as_ref();
    let mut output = s3::PutObjectOutput {
        e_tag: content.map(|content| quoted(&content.etag)),
        version_id: bucket.shown_version(&version),
        ssekms_encryption_context: encryption
            .context
            .as_deref()
            .map(|context| Secret::new(encoded_context(context))),
        ..s3::PutObjectOutput::default()
    };
    show_encryption!(output, &encryption);
    let stored = content.and_then(|content| content.facts.checksum.as_ref());
    show_checksum!(output, stored);
    output.checksum_type = stored.map(|stored| stored.scope().into());
    Ok(output)
}

/// A source that may be copied. Permission to read it is asked for with what is said of it; what was said of the target
/// before is said again then.
pub(super) async fn find_source(
    storage: &ObjectStorage,
    context: &RequestContext,
    source: &CopySource,
    expected_owner: Option<&str>,
) -> Result<Source, Refusal> {
    let CopySource { bucket, key, version } = source;
    let name = (bucket.as_str(), key.as_str());
    let of_target = context.asked();
    context.ask(ConditionKeys::new().with_some("s3:VersionId", version.as_deref()));
    let found = match version {
        Some(version) => {
            let found = storage.find_object(context, name, Some(version), expected_owner).await;
            Source::Version(found.map_err(Refusal::of_copied_marker)?)
        }
        None => Source::Latest(storage.find_object(context, name, None, expected_owner).await?),
    };
    context.ask(ConditionKeys::clone(&of_target));
    Ok(found)
}

/// A source, under the permission that it takes.
pub(super) enum Source {
    Latest(Authorized<actions::GetObject, Found>),
    Version(Authorized<actions::GetObjectVersion, Found>),
}

impl Source {
    pub(super) fn found(&self) -> &Found {
        match self {
            Self::Latest(found) => found.resource(),
            Self::Version(found) => found.resource(),
        }
    }

    /// Its bytes.
    pub(super) async fn read(
        &self,
        storage: &ObjectStorage,
        context: &RequestContext,
        span: Span,
    ) -> Result<ByteStream, Refusal> {
        match self {
            Self::Latest(found) => storage.read_object(context, found, span).await,
            Self::Version(found) => storage.read_object(context, found, span).await,
        }
    }
}

/// `CopyObject`
pub(super) async fn copy_object(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::CopyObjectRequest,
) -> Result<s3::CopyObjectOutput, Refusal> {
    check_key(&input.key)?;
    if input.copy_source_sse_customer_algorithm.is_some() {
        return Err(Refusal::NotYet("encryption with keys that customers send along (SSE-C)"));
    }
    let source = CopySource::parse(&input.copy_source)?;
    let conditions = WriteConditions {
        if_match: input.if_match.as_deref(),
        if_none_match: input.if_none_match.as_deref(),
    };
    conditions.check_form()?;
    let expected_owner = input.expected_bucket_owner.as_deref();
    let bucket = storage.bucket(&input.bucket, expected_owner).await?;
    let place = Place::of_object(bucket.clone(), &input.key);
    place.note(context);
    let found = find_source(storage, context, &source, input.expected_source_bucket_owner.as_deref()).await?;
    let Found { version: from, content: copied, bucket: from_bucket } = found.found();
    let read_conditions = ReadConditions {
        etag_in: input.copy_source_if_match.as_deref(),
        etag_not_in: input.copy_source_if_none_match.as_deref(),
        modified_since_ms: input.copy_source_if_modified_since.map(strongroom_schema::Timestamp::as_millis),
        unmodified_since_ms: input
            .copy_source_if_unmodified_since
            .map(strongroom_schema::Timestamp::as_millis),
    };
    read_conditions.check_source(&copied.etag, from.modified_ms)?;
    if copied.size > COPY_LIMIT {
        let text = "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120";
        return Err(Refusal::invalid_request(text));
    }
    let replaces =
        directive(input.metadata_directive.as_ref().map(s3::MetadataDirective::as_str), "metadata")?;
    let replaces_tags =
        directive(input.tagging_directive.as_ref().map(s3::TaggingDirective::as_str), "tagging")?;
    let mut described = described!(input);
    let changes = replaces
        || replaces_tags
        || described.storage_class.is_some()
        || described.encryption.algorithm.is_some()
        || described.headers.website_redirect_location.is_some()
        || source.version.is_some();
    if source.bucket == input.bucket && source.key == input.key && !changes {
        let text = "This copy request is illegal because it is trying to copy an object to itself without changing the \
                    object's metadata, storage class, website redirect location or encryption attributes.";
        return Err(Refusal::invalid_request(text));
    }
    if replaces {
        described.metadata = pairs(input.metadata.as_ref());
    } else {
        let redirect = described.headers.website_redirect_location.take();
        described.headers = Headers { website_redirect_location: redirect, ..copied.facts.headers.clone() };
        described.metadata.clone_from(&copied.facts.metadata);
    }
    let given_tags = described.tags()?;
    let tags = if replaces_tags { given_tags } else { copied.facts.tags.clone() };
    if !replaces_tags {
        described.tagging = None;
    }
    let asked = described
        .condition_keys(&if replaces_tags { tags.clone() } else { Tags::new() })
        .with("s3:x-amz-copy-source", source.stated())
        .with_some(
            "s3:x-amz-metadata-directive",
            input.metadata_directive.as_ref().map(s3::MetadataDirective::as_str),
        );
    context.ask(asked);
    let prepared = prepare(storage, context, place, described, tags).await?;
    let encryption = prepared.facts.encryption.clone();
    let stream = found.read(storage, context, Span { start: 0, end: copied.size }).await?;
    let named = input.checksum_algorithm.as_ref().map(s3::ChecksumAlgorithm::as_str);
    let kept = copied.facts.checksum.as_ref().map(|stored| stored.kind.clone());
    let no_sums: Given<'_> = strongroom_crypto::checksum::Checksum::ALL.map(|kind| (kind, None));
    let named = match named {
        Some(named) => {
            checksum::algorithm(named)?;
            Some(named)
        }
        None => kept.as_deref(),
    };
    let sent = Sent { md5: None, algorithm: named, sums: no_sums };
    let body = Body { stream: Some(stream), sent, conditions, expected_owner };
    let version = write(storage, context, prepared, body).await?;
    let content = version.content.as_ref();
    let stored = content.and_then(|content| content.facts.checksum.as_ref());
    let mut result = s3::CopyObjectResult {
        e_tag: content.map(|content| quoted(&content.etag)),
        last_modified: Some(seconds(version.modified_ms)),
        checksum_type: stored.map(|stored| stored.scope().into()),
        ..s3::CopyObjectResult::default()
    };
    show_checksum!(result, stored);
    let mut output = s3::CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: from_bucket.shown_version(from),
        version_id: bucket.shown_version(&version),
        ssekms_encryption_context: encryption
            .context
            .as_deref()
            .map(|context| Secret::new(encoded_context(context))),
        ..s3::CopyObjectOutput::default()
    };
    show_encryption!(output, &encryption);
    Ok(output)
}

/// Whether a directive says to replace what the source has of something.
fn directive(value: Option<&str>, what: &str) -> Result<bool, Refusal> {
    match value {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => {
            let (text, header) = (format!("Unknown {what} directive."), format!("x-amz-{what}-directive"));
            Err(Refusal::invalid_argument(text, &header, other))
        }
    }
}
