//! Uploads in parts (Amazon S3 User Guide, "Uploading and copying objects using multipart upload").

use std::collections::HashMap;

use strongroom_api_s3 as s3;
use strongroom_crypto::checksum::Checksum;
use strongroom_crypto::md5::Md5;
use strongroom_crypto::{hex, random};
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_schema::{ByteStream, Timestamp};
use strongroom_secret::Secret;

use super::described::described;
use super::objects::{Prepared, find_source, prepare};
use super::shown::{given, quoted, seconds, show_checksum, show_encryption};
use crate::ObjectStorage;
use crate::domain::access::Place;
use crate::domain::actions;
use crate::domain::bucket::Bucket;
use crate::domain::checksum::{self, Given, OfUpload, Stored};
use crate::domain::conditions::{ReadConditions, WriteConditions};
use crate::domain::copy_source::CopySource;
use crate::domain::encryption::encoded_context;
use crate::domain::name::check_key;
use crate::domain::object::{Content, Facts, Version};
use crate::domain::range::{self, Span};
use crate::error::Refusal;
use crate::repo::{Part, Upload, UploadFacts};
use crate::storage::{NewObject, Sent, new_content_id, part_of};

/// The most parts of an upload.
const MOST_PARTS: i32 = 10_000;

/// The least that a part other than the last may have, in bytes.
const LEAST: u64 = 5 << 20;

/// The largest part that can be copied, in bytes.
const COPY_LIMIT: u64 = 5 << 30;

/// `CreateMultipartUpload`
pub(super) async fn create_multipart_upload(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::CreateMultipartUploadRequest,
) -> Result<s3::CreateMultipartUploadOutput, Refusal> {
    check_key(&input.key)?;
    let described = described!(input);
    let checksum = OfUpload::new(
        input.checksum_algorithm.as_ref().map(s3::ChecksumAlgorithm::as_str),
        input.checksum_type.as_ref().map(s3::ChecksumType::as_str),
    )?;
    let expected_owner = input.expected_bucket_owner.as_deref();
    let bucket = storage.bucket(&input.bucket, expected_owner).await?;
    let place = Place::of_object(bucket.clone(), &input.key);
    place.note(context);
    let tags = described.tags()?;
    context.ask(described.condition_keys(&tags));
    let Prepared { place, facts, key } = prepare(storage, context, place, described, tags).await?;
    let encryption = facts.encryption.clone();
    let upload = Upload {
        bucket: place.resource().bucket.name.clone(),
        key: input.key.clone(),
        id: new_content_id()?,
        started_ms: context.now_ms,
        data_key: key.blob,
        facts: UploadFacts { object: facts, checksum, initiator: context.caller.principal.arn() },
    };
    storage.begin_upload(context, &upload, expected_owner).await?;
    let mut output = s3::CreateMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key.clone()),
        upload_id: Some(upload.id),
        ssekms_encryption_context: encryption
            .context
            .as_deref()
            .map(|context| Secret::new(encoded_context(context))),
        checksum_algorithm: checksum.map(|checksum| checksum.kind.name().into()),
        checksum_type: checksum.map(|checksum| scope(checksum).into()),
        ..s3::CreateMultipartUploadOutput::default()
    };
    show_encryption!(output, &encryption);
    Ok(output)
}

/// `COMPOSITE` or `FULL_OBJECT`.
pub(super) fn scope(checksum: OfUpload) -> &'static str {
    if checksum.is_composite { "COMPOSITE" } else { "FULL_OBJECT" }
}

/// The number of a part.
pub(super) fn part_number(number: i32) -> Result<i64, Refusal> {
    if (1..=MOST_PARTS).contains(&number) {
        return Ok(number.into());
    }
    let text = format!("Part number must be an integer between 1 and {MOST_PARTS}, inclusive");
    Err(Refusal::invalid_argument(text, "partNumber", &number.to_string()))
}

/// Which upload a part is of.
struct Target<'t> {
    bucket: &'t str,
    key: &'t str,
    upload: &'t str,
    number: i64,
    expected_owner: Option<&'t str>,
}

/// Writes a body as a part.
async fn write_part(
    storage: &ObjectStorage,
    context: &RequestContext,
    target: &Target<'_>,
    upload: &Upload,
    bucket: &Bucket,
    stream: Option<ByteStream>,
    sent: &Sent<'_>,
) -> Result<Part, Refusal> {
    let Facts { encryption, .. } = &upload.facts.object;
    let blob = upload.data_key.as_deref();
    let wrapping = storage.keys.open(context, bucket, &upload.key, encryption, blob).await?;
    let wanted = upload.facts.checksum.map(|checksum| checksum.kind);
    if let Some(wanted) = wanted
        && let Some((kind, _)) = checksum::one_of(&sent.sums)?
        && kind != wanted
    {
        let (kind, wanted) = (kind.name().to_lowercase(), wanted.name().to_lowercase());
        let text = format!(
            "Checksum Type mismatch occurred, expected checksum Type: {wanted}, actual checksum Type: {kind}"
        );
        return Err(Refusal::invalid_request(text));
    }
    let (written, stored) = storage.take_body(context, stream, sent, wanted).await?;
    let etag = if encryption.key.is_some() {
        hex::encode(&random::bytes::<16>()?)
    } else {
        hex::encode(&written.md5)
    };
    let part = part_of(&upload.id, target.number, &written, &etag, context.now_ms, &stored);
    let part = wrapping.wrap(part, &written.key)?;
    let name = (target.bucket, target.key, target.upload);
    written.named_by(storage.commit_part(context, name, target.expected_owner, &part)).await?;
    Ok(part)
}

/// `UploadPart`
pub(super) async fn upload_part(
    storage: &ObjectStorage,
    context: &RequestContext,
    mut input: s3::UploadPartRequest,
) -> Result<s3::UploadPartOutput, Refusal> {
    let number = part_number(input.part_number)?;
    let stream = input.body.take();
    let expected_owner = input.expected_bucket_owner.as_deref();
    let target =
        Target { bucket: &input.bucket, key: &input.key, upload: &input.upload_id, number, expected_owner };
    let (bucket, upload) = storage
        .find_upload::<actions::PutObject>(
            context,
            (target.bucket, target.key, target.upload),
            expected_owner,
        )
        .await?;
    let sent = Sent {
        md5: input.content_md5.as_deref(),
        algorithm: input.checksum_algorithm.as_ref().map(s3::ChecksumAlgorithm::as_str),
        sums: given!(input),
    };
    let part = write_part(storage, context, &target, &upload, &bucket, stream, &sent).await?;
    let mut output =
        s3::UploadPartOutput { e_tag: Some(quoted(&part.etag)), ..s3::UploadPartOutput::default() };
    show_encryption!(output, &upload.facts.object.encryption);
    show_checksum!(output, part.checksum.as_ref());
    Ok(output)
}

/// `UploadPartCopy`
pub(super) async fn upload_part_copy(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::UploadPartCopyRequest,
) -> Result<s3::UploadPartCopyOutput, Refusal> {
    let number = part_number(input.part_number)?;
    let source = CopySource::parse(&input.copy_source)?;
    let expected_owner = input.expected_bucket_owner.as_deref();
    let target =
        Target { bucket: &input.bucket, key: &input.key, upload: &input.upload_id, number, expected_owner };
    context.ask(ConditionKeys::new().with("s3:x-amz-copy-source", source.stated()));
    let (bucket, upload) = storage
        .find_upload::<actions::PutObject>(
            context,
            (target.bucket, target.key, target.upload),
            expected_owner,
        )
        .await?;
    let found = find_source(storage, context, &source, input.expected_source_bucket_owner.as_deref()).await?;
    let (from, copied) = (&found.found().version, &found.found().content);
    let conditions = ReadConditions {
        etag_in: input.copy_source_if_match.as_deref(),
        etag_not_in: input.copy_source_if_none_match.as_deref(),
        modified_since_ms: input.copy_source_if_modified_since.map(Timestamp::as_millis),
        unmodified_since_ms: input.copy_source_if_unmodified_since.map(Timestamp::as_millis),
    };
    conditions.check_source(&copied.etag, from.modified_ms)?;
    let span = match &input.copy_source_range {
        Some(header) => range::of_copy_source(header, copied.size)?,
        None => Span { start: 0, end: copied.size },
    };
    if span.length() > COPY_LIMIT {
        return Err(Refusal::too_large(Some(span.length()), COPY_LIMIT));
    }
    let stream = found.read(storage, context, span).await?;
    let no_sums: Given<'_> = Checksum::ALL.map(|kind| (kind, None));
    let sent = Sent { md5: None, algorithm: None, sums: no_sums };
    let part = write_part(storage, context, &target, &upload, &bucket, Some(stream), &sent).await?;
    let mut result = s3::CopyPartResult {
        e_tag: Some(quoted(&part.etag)),
        last_modified: Some(seconds(part.modified_ms)),
        ..s3::CopyPartResult::default()
    };
    show_checksum!(result, part.checksum.as_ref());
    let mut output = s3::UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: found.found().bucket.shown_version(from),
        ..s3::UploadPartCopyOutput::default()
    };
    show_encryption!(output, &upload.facts.object.encryption);
    Ok(output)
}

/// The parts that a completion lists, in order, as they are there.
struct Listed {
    numbers: Vec<i64>,
    size: u64,
    etag: String,
    checksum: Option<Stored>,
}

/// Compares what a completion lists with what is there.
fn listed(upload: &Upload, there: &[Part], completed: &[s3::CompletedPart]) -> Result<Listed, Refusal> {
    let in_order =
        completed.iter().map(|listed| listed.part_number).is_sorted_by(|before, after| before < after);
    if !in_order {
        let text = "The list of parts was not in ascending order. Parts must be ordered by part number.";
        return Err(Refusal::client(400, "InvalidPartOrder", text));
    }
    let by_number: HashMap<i64, &Part> = there.iter().map(|part| (part.number, part)).collect();
    let mut numbers: Vec<i64> = Vec::new();
    let (mut size, mut sums, mut md5) = (0_u64, Vec::new(), Md5::new()?);
    for (at, listed) in completed.iter().enumerate() {
        let number = i64::from(listed.part_number.ok_or_else(Refusal::malformed_xml)?);
        let etag = listed.e_tag.as_deref().ok_or_else(Refusal::malformed_xml)?.trim_matches('"');
        let part = by_number.get(&number).filter(|part| part.etag == etag);
        let part = part.ok_or_else(|| Refusal::invalid_part(&upload.id, number, etag))?;
        let stated = given!(listed).into_iter().find_map(|(kind, value)| value.map(|value| (kind, value)));
        if let Some((kind, value)) = stated
            && part.checksum.as_ref().and_then(|stored| stored.value_of(kind)).as_deref() != Some(value)
        {
            return Err(Refusal::invalid_part(&upload.id, number, etag));
        }
        if at + 1 < completed.len() && part.size < LEAST {
            return Err(Refusal::too_small(part.size, LEAST, number, &part.etag));
        }
        numbers.push(number);
        size = size.saturating_add(part.size);
        md5.update(&hex::decode(&part.etag).unwrap_or_default())?;
        if let Some(stored) = &part.checksum
            && let Some(kind) = stored.known_kind()
        {
            sums.push((kind, checksum::decoded(kind, &stored.value)?, part.size));
        }
    }
    // What no algorithm was named for has the sum of the whole that S3 computes by itself.
    let of = upload.facts.checksum.unwrap_or(OfUpload { kind: Checksum::Crc64Nvme, is_composite: false });
    let of_kind: Vec<_> =
        sums.into_iter().filter(|(kind, ..)| *kind == of.kind).map(|(_, sum, size)| (sum, size)).collect();
    let checksum = if of_kind.len() == numbers.len() { of.of_parts(&of_kind) } else { None };
    let etag = if upload.facts.object.encryption.key.is_some() {
        hex::encode(&random::bytes::<16>()?)
    } else {
        hex::encode(&md5.finish()?)
    };
    Ok(Listed { etag: format!("{etag}-{}", numbers.len()), numbers, size, checksum })
}

/// `CompleteMultipartUpload`
pub(super) async fn complete_multipart_upload(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::CompleteMultipartUploadRequest,
) -> Result<s3::CompleteMultipartUploadOutput, Refusal> {
    let conditions = WriteConditions {
        if_match: input.if_match.as_deref(),
        if_none_match: input.if_none_match.as_deref(),
    };
    conditions.check_form()?;
    let expected_owner = input.expected_bucket_owner.as_deref();
    let completed =
        input.multipart_upload.as_ref().and_then(|upload| upload.parts.as_deref()).unwrap_or_default();
    if completed.is_empty() || completed.len() > MOST_PARTS as usize {
        return Err(Refusal::malformed_xml());
    }
    context.ask(
        ConditionKeys::new()
            .with_some("s3:if-match", input.if_match.as_deref())
            .with_some("s3:if-none-match", input.if_none_match.as_deref()),
    );
    let name = (input.bucket.as_str(), input.key.as_str(), input.upload_id.as_str());
    let bucket = storage.bucket(&input.bucket, expected_owner).await?;
    let place = Place::of_object(bucket.clone(), &input.key);
    place.note(context);
    storage.permit::<actions::PutObject>(context, place)?;
    let given = checksum::one_of_upload(&given!(input))?;
    let finish = |upload: &Upload, there: &[Part]| {
        let Listed { numbers, size, etag, checksum } = listed(upload, there, completed)?;
        if input.mpu_object_size.is_some_and(|stated| u64::try_from(stated) != Ok(size)) {
            let text = "The provided 'x-amz-mp-object-size' header value does not match what was computed.";
            return Err(Refusal::invalid_request(text));
        }
        if let Some((kind, value)) = &given {
            let computed = checksum.as_ref().and_then(|stored| stored.value_of(*kind));
            let fits = computed.is_some_and(|computed| {
                computed == *value || computed.split('-').next() == Some(value.as_str())
            });
            if !fits {
                return Err(Refusal::bad_digest(kind.name()));
            }
        }
        let facts =
            Facts { checksum, parts: u32::try_from(numbers.len()).ok(), ..upload.facts.object.clone() };
        let content = Content { id: upload.id.clone(), size, etag, data_key: upload.data_key.clone(), facts };
        Ok((
            NewObject { bucket: &input.bucket, key: &input.key, expected_owner, content, conditions },
            numbers,
        ))
    };
    let stated: Vec<_> = completed.iter().map(named_part).collect();
    let version = storage.finish_upload(context, name, expected_owner, &stated, finish).await?;
    Ok(completed_as(&bucket, &version))
}

/// The number and the entity tag by which a completion lists a part.
fn named_part(listed: &s3::CompletedPart) -> (i64, &str) {
    let etag = listed.e_tag.as_deref().unwrap_or_default();
    (listed.part_number.unwrap_or_default().into(), etag.trim_matches('"'))
}

/// The answer to a completion that came to this version.
fn completed_as(bucket: &Bucket, version: &Version) -> s3::CompleteMultipartUploadOutput {
    let content = version.content.as_ref();
    let stored = content.and_then(|content| content.facts.checksum.as_ref());
    let mut output = s3::CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", version.bucket, version.key)),
        bucket: Some(version.bucket.clone()),
        key: Some(version.key.clone()),
        e_tag: content.map(|content| quoted(&content.etag)),
        checksum_type: stored.map(|stored| stored.scope().into()),
        version_id: bucket.shown_version(version),
        ..s3::CompleteMultipartUploadOutput::default()
    };
    if let Some(content) = content {
        show_encryption!(output, &content.facts.encryption);
    }
    show_checksum!(output, stored);
    output
}

/// `AbortMultipartUpload`
pub(super) async fn abort_multipart_upload(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::AbortMultipartUploadRequest,
) -> Result<s3::AbortMultipartUploadOutput, Refusal> {
    let name = (input.bucket.as_str(), input.key.as_str(), input.upload_id.as_str());
    storage.abort_upload(context, name, input.expected_bucket_owner.as_deref()).await?;
    Ok(s3::AbortMultipartUploadOutput::default())
}
