//! Uploads under way, and their parts, listed.

use strongroom_api_s3 as s3;
use strongroom_identity::RequestContext;

use super::lists::encoding;
use super::multipart::scope;
use super::shown::{owner, quoted, seconds, show_checksum, size};
use crate::ObjectStorage;
use crate::domain::actions;
use crate::domain::listing::{View, limit, marker, shown};
use crate::domain::name::canonical_id;
use crate::error::Refusal;
use crate::repo::{self, Part, Upload};

/// `ListParts`
pub(super) async fn list_parts(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::ListPartsRequest,
) -> Result<s3::ListPartsOutput, Refusal> {
    let most = limit(input.max_parts, "max-parts")?;
    let after = marker(input.part_number_marker, "part-number-marker")?;
    let name = (input.bucket.as_str(), input.key.as_str(), input.upload_id.as_str());
    let expected_owner = input.expected_bucket_owner.as_deref();
    let (bucket, upload) =
        storage.find_upload::<actions::ListMultipartUploadParts>(context, name, expected_owner).await?;
    let parts =
        repo::list_parts(&storage.db, &storage.mac, &upload.id, after.into(), i64::from(most) + 1).await?;
    let is_truncated = parts.len() as i64 > i64::from(most);
    let page: Vec<_> = parts.into_iter().take(usize::try_from(most).unwrap_or_default()).collect();
    let part = |part: &Part| {
        let mut shown = s3::Part {
            part_number: i32::try_from(part.number).ok(),
            last_modified: Some(seconds(part.modified_ms)),
            e_tag: Some(quoted(&part.etag)),
            size: size(part.size),
            ..s3::Part::default()
        };
        show_checksum!(shown, part.checksum.as_ref());
        shown
    };
    let facts = &upload.facts;
    Ok(s3::ListPartsOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key.clone()),
        upload_id: Some(input.upload_id.clone()),
        part_number_marker: Some(after),
        next_part_number_marker: page.last().and_then(|part| i32::try_from(part.number).ok()).or(Some(0)),
        max_parts: Some(most),
        is_truncated: Some(is_truncated),
        parts: Some(page.iter().map(part).collect()),
        initiator: Some(initiator(&facts.initiator)),
        owner: Some(owner(facts.object.owner_or(bucket.account))),
        storage_class: Some(facts.object.storage_class.as_str().into()),
        checksum_algorithm: facts.checksum.map(|checksum| checksum.kind.name().into()),
        checksum_type: facts.checksum.map(|checksum| scope(checksum).into()),
        ..s3::ListPartsOutput::default()
    })
}

/// Who began an upload: a user or session by its ARN, an account by its canonical id.
fn initiator(arn: &str) -> s3::Initiator {
    let root = arn.strip_suffix(":root").and_then(|rest| rest.rsplit(':').next());
    let id = root.and_then(|account| account.parse().ok()).map_or_else(|| arn.to_owned(), canonical_id);
    s3::Initiator { id: Some(id), display_name: None }
}

/// `ListMultipartUploads`
pub(super) async fn list_multipart_uploads(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::ListMultipartUploadsRequest,
) -> Result<s3::ListMultipartUploadsOutput, Refusal> {
    let most = limit(input.max_uploads, "max-uploads")?;
    let is_encoded = encoding(input.encoding_type.as_ref())?;
    let expected_owner = input.expected_bucket_owner.as_deref();
    let permitted = storage
        .on_bucket::<actions::ListBucketMultipartUploads>(context, &input.bucket, expected_owner)
        .await?;
    let bucket = &permitted.resource().bucket;
    let view = View::new(input.prefix.as_deref(), input.delimiter.as_deref());
    let key_marker = input.key_marker.clone().unwrap_or_default();
    // Behind all uploads of the marker's key, unless one of them is named.
    let id_marker = match &input.upload_id_marker {
        Some(id) if !key_marker.is_empty() => id.clone(),
        _ if key_marker.is_empty() => String::new(),
        _ => "g".to_owned(),
    };
    let page = storage.list_uploads(&permitted, view, (&key_marker, &id_marker), most).await?;
    let upload = |upload: &Upload| s3::MultipartUpload {
        upload_id: Some(upload.id.clone()),
        key: Some(shown(&upload.key, is_encoded)),
        initiated: Some(seconds(upload.started_ms)),
        storage_class: Some(upload.facts.object.storage_class.as_str().into()),
        owner: Some(owner(upload.facts.object.owner_or(bucket.account))),
        initiator: Some(initiator(&upload.facts.initiator)),
        checksum_algorithm: upload.facts.checksum.map(|checksum| checksum.kind.name().into()),
        checksum_type: upload.facts.checksum.map(|checksum| scope(checksum).into()),
        ..s3::MultipartUpload::default()
    };
    let (next_key, next_id) = match &page.last {
        Some((key, id)) if page.is_truncated => (Some(shown(key, is_encoded)), Some(id.clone())),
        _ => (None, None),
    };
    Ok(s3::ListMultipartUploadsOutput {
        bucket: Some(input.bucket.clone()),
        key_marker: Some(shown(&key_marker, is_encoded)),
        upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
        next_key_marker: next_key,
        next_upload_id_marker: next_id,
        prefix: Some(shown(view.prefix, is_encoded)),
        delimiter: view.delimiter.map(|delimiter| shown(delimiter, is_encoded)),
        max_uploads: Some(most),
        is_truncated: Some(page.is_truncated),
        uploads: Some(page.uploads.iter().map(upload).collect()),
        common_prefixes: Some(
            page.prefixes
                .iter()
                .map(|prefix| s3::CommonPrefix { prefix: Some(shown(prefix, is_encoded)) })
                .collect(),
        ),
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}
