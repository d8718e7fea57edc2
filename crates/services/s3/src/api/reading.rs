//! Objects read: whole or in part, or what is known of them.

use strongroom_api_s3 as s3;
use strongroom_identity::{Action, RequestContext};
use strongroom_policy::Authorized;
use strongroom_schema::Timestamp;

use super::multipart::part_number;
use super::shown::{quoted, seconds, show_checksum, show_encryption, size};
use crate::ObjectStorage;
use crate::domain::actions;
use crate::domain::checksum::Stored;
use crate::domain::conditions::ReadConditions;
use crate::domain::range::{self, Span};
use crate::error::Refusal;
use crate::repo;
use crate::storage::Found;

/// Which bytes are answered.
struct Chosen {
    span: Span,
    /// `Content-Range`, if it is not all of them.
    range: Option<String>,
    parts: Option<u32>,
    /// Of those bytes: of the whole, or of one part.
    checksum: Option<Stored>,
}

/// Which bytes a request asks for, by a range or by a part.
async fn choose(
    storage: &ObjectStorage,
    found: &Found,
    header: Option<&str>,
    part: Option<i32>,
) -> Result<Chosen, Refusal> {
    let content = &found.content;
    let all = Span { start: 0, end: content.size };
    let Some(number) = part else {
        let chosen = range::resolve(header, content.size)?;
        return Ok(Chosen {
            span: chosen.unwrap_or(all),
            range: chosen.map(|span| span.content_range(content.size)),
            parts: None,
            checksum: content.facts.checksum.clone().filter(|_| chosen.is_none()),
        });
    };
    if header.is_some() {
        return Err(Refusal::invalid_request(
            "Cannot specify both Range header and partNumber query parameter",
        ));
    }
    let at = part_number(number)? - 1;
    let parts = repo::find_parts(&storage.db, &storage.mac, &content.id).await?;
    let at = usize::try_from(at).unwrap_or_default();
    let Some(part) = parts.get(at) else {
        let text = "The requested partnumber is not satisfiable";
        let refusal = Refusal::client(416, "InvalidPartNumber", text);
        return Err(refusal.with_parts(number, content.facts.parts.unwrap_or(1)));
    };
    let start = parts.iter().take(at).map(|part| part.size).sum();
    let span = Span { start, end: start + part.size };
    let range = (content.size > 0).then(|| span.content_range(content.size));
    let checksum = part.checksum.clone();
    Ok(Chosen { span, range, parts: content.facts.parts, checksum })
}

/// What GetObject and HeadObject show alike.
macro_rules! show {
    ($output:expr, $found:expr, $chosen:expr, $input:expr) => {{
        let (Found { bucket, version, content }, chosen, input) = ($found, $chosen, $input);
        let facts = &content.facts;
        $output.accept_ranges = Some("bytes".to_owned());
        $output.last_modified = Some(seconds(version.modified_ms));
        $output.content_length = size(chosen.span.length());
        $output.content_range = chosen.range.clone();
        $output.e_tag = Some(quoted(&content.etag));
        $output.version_id = bucket.shown_version(version);
        $output.content_type = input
            .response_content_type
            .clone()
            .or_else(|| facts.headers.content_type.clone())
            .or_else(|| Some("binary/octet-stream".to_owned()));
        $output.cache_control =
            input.response_cache_control.clone().or_else(|| facts.headers.cache_control.clone());
        $output.content_disposition =
            input.response_content_disposition.clone().or_else(|| facts.headers.content_disposition.clone());
        $output.content_encoding =
            input.response_content_encoding.clone().or_else(|| facts.headers.content_encoding.clone());
        $output.content_language =
            input.response_content_language.clone().or_else(|| facts.headers.content_language.clone());
        $output.expires =
            input.response_expires.map(Timestamp::to_http_date).or_else(|| facts.headers.expires.clone());
        $output.website_redirect_location = facts.headers.website_redirect_location.clone();
        $output.metadata = Some(facts.metadata.iter().cloned().collect());
        $output.storage_class =
            (facts.storage_class != "STANDARD").then(|| facts.storage_class.as_str().into());
        $output.parts_count = chosen.parts.and_then(|parts| i32::try_from(parts).ok());
        $output.tag_count = i32::try_from(facts.tags.len()).ok().filter(|count| *count > 0);
        show_encryption!($output, &facts.encryption);
        let is_asked = input.checksum_mode.as_ref().is_some_and(|mode| mode.as_str() == "ENABLED");
        if let Some(stored) = chosen.checksum.as_ref().filter(|_| is_asked) {
            show_checksum!($output, Some(stored));
            // How sums of parts make the object's, also where it is a part that is read.
            $output.checksum_type = Some(facts.checksum.as_ref().unwrap_or(stored).scope().into());
        }
    }};
}

/// The conditions of a read.
macro_rules! conditions {
    ($input:expr) => {
        ReadConditions {
            etag_in: $input.if_match.as_deref(),
            etag_not_in: $input.if_none_match.as_deref(),
            modified_since_ms: $input.if_modified_since.map(Timestamp::as_millis),
            unmodified_since_ms: $input.if_unmodified_since.map(Timestamp::as_millis),
        }
    };
}

/// `GetObject`
pub(super) async fn get_object(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetObjectRequest,
) -> Result<s3::GetObjectOutput, Refusal> {
    match input.version_id {
        Some(_) => get::<actions::GetObjectVersion>(storage, context, input).await,
        None => get::<actions::GetObject>(storage, context, input).await,
    }
}

async fn get<A: Action>(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetObjectRequest,
) -> Result<s3::GetObjectOutput, Refusal> {
    refuse_customer_key(input.sse_customer_algorithm.as_deref())?;
    let found: Authorized<A, Found> = find(
        storage,
        context,
        (&input.bucket, &input.key),
        input.version_id.as_deref(),
        input.expected_bucket_owner.as_deref(),
    )
    .await?;
    conditions!(input).check(&found.resource().content.etag, found.resource().version.modified_ms)?;
    let chosen = choose(storage, found.resource(), input.range.as_deref(), input.part_number).await?;
    let body = storage.read_object(context, &found, chosen.span).await?;
    let mut output = s3::GetObjectOutput { body: Some(body), ..s3::GetObjectOutput::default() };
    show!(output, found.resource(), &chosen, &input);
    Ok(output)
}

/// `HeadObject`
pub(super) async fn head_object(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::HeadObjectRequest,
) -> Result<s3::HeadObjectOutput, Refusal> {
    match input.version_id {
        Some(_) => head::<actions::GetObjectVersion>(storage, context, input).await,
        None => head::<actions::GetObject>(storage, context, input).await,
    }
}

async fn head<A: Action>(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::HeadObjectRequest,
) -> Result<s3::HeadObjectOutput, Refusal> {
    refuse_customer_key(input.sse_customer_algorithm.as_deref())?;
    let found: Authorized<A, Found> = find(
        storage,
        context,
        (&input.bucket, &input.key),
        input.version_id.as_deref(),
        input.expected_bucket_owner.as_deref(),
    )
    .await?;
    conditions!(input).check(&found.resource().content.etag, found.resource().version.modified_ms)?;
    let chosen = choose(storage, found.resource(), input.range.as_deref(), input.part_number).await?;
    let mut output = s3::HeadObjectOutput::default();
    show!(output, found.resource(), &chosen, &input);
    Ok(output)
}

/// A version that may be read.
async fn find<A: Action>(
    storage: &ObjectStorage,
    context: &RequestContext,
    name: (&str, &str),
    version: Option<&str>,
    expected_owner: Option<&str>,
) -> Result<Authorized<A, Found>, Refusal> {
    let asked = strongroom_identity::ConditionKeys::new().with_some("s3:VersionId", version);
    context.ask(asked);
    storage.find_object(context, name, version, expected_owner).await
}

fn refuse_customer_key(algorithm: Option<&str>) -> Result<(), Refusal> {
    match algorithm {
        None => Ok(()),
        Some(_) => Err(Refusal::NotYet("encryption with keys that customers send along (SSE-C)")),
    }
}

/// What can be asked of an object.
const ATTRIBUTES: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

/// `GetObjectAttributes`
pub(super) async fn get_object_attributes(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetObjectAttributesRequest,
) -> Result<s3::GetObjectAttributesOutput, Refusal> {
    match input.version_id {
        Some(_) => {
            attributes::<actions::GetObjectVersion, actions::GetObjectVersionAttributes>(
                storage, context, input,
            )
            .await
        }
        None => attributes::<actions::GetObject, actions::GetObjectAttributes>(storage, context, input).await,
    }
}

/// Both permissions are due: to read the object, and to read its attributes.
async fn attributes<R: Action, A: Action>(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetObjectAttributesRequest,
) -> Result<s3::GetObjectAttributesOutput, Refusal> {
    refuse_customer_key(input.sse_customer_algorithm.as_deref())?;
    if let Some(unknown) = input.object_attributes.iter().find(|name| !ATTRIBUTES.contains(&name.as_str())) {
        let text = "Invalid attribute name specified.";
        return Err(Refusal::invalid_argument(text, "x-amz-object-attributes", unknown.as_str()));
    }
    let name = (input.bucket.as_str(), input.key.as_str());
    let (version, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let found: Authorized<R, Found> = find(storage, context, name, version, owner).await?;
    let place = crate::domain::access::Place::of_object(found.resource().bucket.clone(), &input.key);
    storage.permit::<A>(context, place.with_tags(found.resource().content.facts.tags.clone()))?;
    let Found { bucket, version, content } = found.resource();
    let asks = |name: &str| input.object_attributes.iter().any(|attribute| attribute.as_str() == name);
    let stored = content.facts.checksum.as_ref();
    let mut output = s3::GetObjectAttributesOutput {
        last_modified: Some(seconds(version.modified_ms)),
        version_id: bucket.shown_version(version),
        e_tag: asks("ETag").then(|| content.etag.clone()),
        storage_class: asks("StorageClass").then(|| content.facts.storage_class.as_str().into()),
        object_size: size(content.size).filter(|_| asks("ObjectSize")),
        ..s3::GetObjectAttributesOutput::default()
    };
    if asks("Checksum") && stored.is_some() {
        let mut checksum = s3::Checksum::default();
        show_checksum!(checksum, stored);
        checksum.checksum_type = stored.map(|stored| stored.scope().into());
        output.checksum = Some(checksum);
    }
    if asks("ObjectParts") && content.facts.parts.is_some() {
        let limit = input.max_parts.unwrap_or(1000).clamp(0, 1000);
        let after = input.part_number_marker.unwrap_or_default();
        let parts =
            repo::list_parts(&storage.db, &storage.mac, &content.id, after.into(), i64::from(limit) + 1)
                .await?;
        let is_truncated = parts.len() as i64 > i64::from(limit);
        let shown: Vec<_> = parts.into_iter().take(usize::try_from(limit).unwrap_or_default()).collect();
        let last = shown.last().and_then(|part| i32::try_from(part.number).ok());
        let part = |part: &repo::Part| {
            let mut shown = s3::ObjectPart {
                part_number: i32::try_from(part.number).ok(),
                size: size(part.size),
                ..s3::ObjectPart::default()
            };
            show_checksum!(shown, part.checksum.as_ref());
            shown
        };
        output.object_parts = Some(s3::GetObjectAttributesParts {
            total_parts_count: content.facts.parts.and_then(|parts| i32::try_from(parts).ok()),
            part_number_marker: Some(after),
            next_part_number_marker: last.filter(|_| is_truncated),
            max_parts: Some(limit),
            is_truncated: Some(is_truncated),
            parts: Some(shown.iter().map(part).collect()),
        });
    }
    Ok(output)
}
