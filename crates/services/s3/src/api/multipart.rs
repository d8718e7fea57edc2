//! Uploads in parts (Amazon S3 User Guide, "Uploading and copying objects using multipart upload").

use strongroom_api_s3 as s3;
use strongroom_crypto::checksum::Checksum;
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
use crate::domain::checksum::{self, Given, OfUpload};
use crate::domain::conditions::ReadConditions;
use crate::domain::copy_source::CopySource;
use crate::domain::encryption::encoded_context;
use crate::domain::name::check_key;
use crate::domain::object::Facts;
use crate::domain::range::{self, Span};
use crate::error::Refusal;
use crate::repo::{Part, Upload, UploadFacts};
use crate::storage::{Sent, new_content_id, part_of};

/// The most parts of an upload.
pub(super) const MOST_PARTS: i32 = 10_000;

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
