//! Uploads in parts, completed (Amazon S3 API Reference, CompleteMultipartUpload).

use std::collections::HashMap;

use strongroom_api_s3 as s3;
use strongroom_crypto::checksum::Checksum;
use strongroom_crypto::md5::Md5;
use strongroom_crypto::{hex, random};
use strongroom_identity::{ConditionKeys, RequestContext};

use super::multipart::MOST_PARTS;
use super::shown::{given, quoted, show_checksum, show_encryption};
use crate::ObjectStorage;
use crate::domain::actions;
use crate::domain::bucket::Bucket;
use crate::domain::checksum::{self, OfUpload, Stored};
use crate::domain::conditions::WriteConditions;
use crate::domain::object::{Content, Facts, Version};
use crate::error::Refusal;
use crate::repo::{Part, Upload};
use crate::storage::NewObject;

/// The least that a part other than the last may have, in bytes.
const LEAST: u64 = 5 << 20;

/// What a completion states of its object.
struct Stated<'s> {
    parts: &'s [s3::CompletedPart],
    size: Option<i64>,
    checksum: Option<(Checksum, String)>,
}

impl<'s> Stated<'s> {
    fn read(
        input: &'s s3::CompleteMultipartUploadRequest,
        parts: &'s [s3::CompletedPart],
    ) -> Result<Self, Refusal> {
        let checksum = checksum::one_of_upload(&given!(input))?;
        Ok(Self { parts, size: input.mpu_object_size, checksum })
    }

    /// Compares it with what came of the parts that it lists.
    fn check_whole(&self, size: u64, computed: Option<&Stored>) -> Result<(), Refusal> {
        if self.size.is_some_and(|stated| u64::try_from(stated) != Ok(size)) {
            let text = "The provided 'x-amz-mp-object-size' header value does not match what was computed.";
            return Err(Refusal::invalid_request(text));
        }
        let Some((kind, value)) = &self.checksum else { return Ok(()) };
        let computed = computed.and_then(|stored| stored.value_of(*kind));
        let fits = computed
            .is_some_and(|computed| computed == *value || computed.split('-').next() == Some(value.as_str()));
        if fits { Ok(()) } else { Err(Refusal::bad_digest(kind.name())) }
    }

    /// Whether it states what a version has come of, and its parts.
    fn is_what_made(&self, version: &Version, parts: &[Part]) -> bool {
        let Some(content) = &version.content else { return false };
        self.parts.len() == parts.len()
            && self.parts.iter().zip(parts).all(|(listed, part)| is_listed(listed, part))
            && self.check_whole(content.size, content.facts.checksum.as_ref()).is_ok()
    }
}

/// The parts that a completion lists.
fn parts_of(input: &s3::CompleteMultipartUploadRequest) -> Result<&[s3::CompletedPart], Refusal> {
    let parts = input.multipart_upload.as_ref().and_then(|upload| upload.parts.as_deref());
    let fits = |parts: &&[_]| !parts.is_empty() && parts.len() <= MOST_PARTS as usize;
    parts.filter(fits).ok_or_else(Refusal::malformed_xml)
}

/// Whether it is this part that a completion lists: by number, entity tag, and checksum if it states one.
fn is_listed(listed: &s3::CompletedPart, part: &Part) -> bool {
    let checksum_is = |kind, value: &str| {
        part.checksum.as_ref().and_then(|stored| stored.value_of(kind)).as_deref() == Some(value)
    };
    listed.part_number.map(i64::from) == Some(part.number)
        && listed.e_tag.as_deref().map(|etag| etag.trim_matches('"')) == Some(&part.etag)
        && given!(listed).into_iter().all(|(kind, value)| value.is_none_or(|value| checksum_is(kind, value)))
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
        let part = by_number.get(&number).filter(|part| is_listed(listed, part));
        let part = part.ok_or_else(|| Refusal::invalid_part(&upload.id, number, etag))?;
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
    let parts = parts_of(&input)?;
    context.ask(
        ConditionKeys::new()
            .with_some("s3:if-match", input.if_match.as_deref())
            .with_some("s3:if-none-match", input.if_none_match.as_deref()),
    );
    let object = (input.bucket.as_str(), input.key.as_str());
    let permitted = storage.on_object::<actions::PutObject>(context, object, expected_owner).await?;
    let stated = Stated::read(&input, parts)?;
    let finish = |upload: &Upload, there: &[Part]| {
        let Listed { numbers, size, etag, checksum } = listed(upload, there, stated.parts)?;
        stated.check_whole(size, checksum.as_ref())?;
        let facts =
            Facts { checksum, parts: u32::try_from(numbers.len()).ok(), ..upload.facts.object.clone() };
        let content = Content { id: upload.id.clone(), size, etag, data_key: upload.data_key.clone(), facts };
        Ok((
            NewObject { bucket: &input.bucket, key: &input.key, expected_owner, content, conditions },
            numbers,
        ))
    };
    let is_same = |version: &Version, parts: &[Part]| stated.is_what_made(version, parts);
    let name = (object.0, object.1, input.upload_id.as_str());
    let version = storage.finish_upload(context, name, expected_owner, is_same, finish).await?;
    Ok(completed_as(&permitted.resource().bucket, &version))
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
