//! Objects found and read.

use std::sync::Arc;

use strongroom_identity::{AccountId, Action, RequestContext};
use strongroom_policy::{Authorized, Guard, Resource, Values};
use strongroom_schema::{ByteStream, Timestamp};

use super::ObjectStorage;
use crate::domain::access::{Place, condition_key};
use crate::domain::bucket::Bucket;
use crate::domain::name::object_arn;
use crate::domain::object::{Content, VERSION_ARGUMENT, Version, check_version_id};
use crate::domain::range::Span;
use crate::error::Refusal;
use crate::objects::{Piece, stream};
use crate::repo::{self, Part};

/// How often an object that is written anew while it is read is looked at again.
const ATTEMPTS: usize = 5;

/// A version that may be read, and is no delete marker.
pub(crate) struct Found {
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) version: Version,
    pub(crate) content: Content,
}

impl ObjectStorage {
    /// The latest version of an object, or that of an id, for a caller who may do `A` to it. Where there is none, who may
    /// list the bucket is told so, and anybody else that he is not allowed.
    pub(crate) async fn find_object<A: Action>(
        &self,
        context: &RequestContext,
        (bucket, key): (&str, &str),
        version: Option<&str>,
        expected_owner: Option<&str>,
    ) -> Result<Authorized<A, Found>, Refusal> {
        let bucket = self.bucket(bucket, expected_owner).await?;
        let found = repo::find_version(&self.db, &self.mac, &bucket.name, key, version).await?;
        let tags = found.as_ref().and_then(|found| found.content.as_ref());
        let tags = tags.map(|content| content.facts.tags.clone()).unwrap_or_default();
        let place = Place::of_object(bucket.clone(), key).with_tags(tags);
        place.note(context);
        let Some(found) = found else {
            self.permit::<A>(context, place)?;
            version.map(|id| check_version_id(id, VERSION_ARGUMENT)).transpose()?;
            if !self.may_list(context, &bucket) {
                return Err(Refusal::access_denied());
            }
            return Err(match version {
                Some(id) => Refusal::no_such_version(key, id),
                None => Refusal::no_such_key(key),
            });
        };
        let Some(content) = found.content.clone() else {
            self.permit::<A>(context, place)?;
            return Err(of_delete_marker(&found, version.is_some()));
        };
        let is_foreign = context.account() != bucket.account;
        let found = Found { bucket, version: found, content };
        let permitted = self.authority.authorize::<A, _>(context, found);
        permitted.map_err(|denied| Refusal::Denied { denied, is_foreign })
    }

    /// Bytes of an object, under the permission to read it; `span` lies in it.
    pub(crate) async fn read_object<A: Action>(
        &self,
        context: &RequestContext,
        found: &Authorized<A, Found>,
        span: Span,
    ) -> Result<ByteStream, Refusal> {
        let Found { bucket, version, content } = found.resource();
        let wrapping = self
            .keys
            .open(context, bucket, &version.key, &content.facts.encryption, content.data_key.as_deref())
            .await?;
        for _ in 0..ATTEMPTS {
            let parts = repo::find_parts(&self.db, &self.mac, &content.id).await?;
            let mut pieces = Vec::new();
            for (part, span) in stretches(&parts, span) {
                let file = part.file.parse().map_err(Refusal::of_file)?;
                pieces.push(Piece { file, key: wrapping.unwrap(part)?, size: part.size, span });
            }
            let length: u64 = pieces.iter().map(|piece| piece.span.length()).sum();
            if length != span.length() {
                // Its rows went between the two looks: somebody has just written or deleted it.
                return Err(Refusal::no_such_key(&version.key));
            }
            match stream(&self.folder, pieces).await {
                Ok(stream) => return Ok(stream),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Refusal::of_file(error)),
            }
        }
        Err(Refusal::internal("the file of an object is missing"))
    }
}

/// The refusal to read a delete marker: as if there were nothing, unless it was named.
fn of_delete_marker(marker: &Version, is_named: bool) -> Refusal {
    let refusal = if is_named { Refusal::is_delete_marker("GET") } else { Refusal::no_such_key(&marker.key) };
    let refusal = refusal.of_marker(&marker.id);
    if is_named {
        refusal.with_header("last-modified", Timestamp::from_millis(marker.modified_ms).to_http_date())
    } else {
        refusal
    }
}

/// Which bytes of which parts a span of the whole is.
fn stretches(parts: &[Part], span: Span) -> Vec<(&Part, Span)> {
    let mut start = 0;
    let mut stretches = Vec::new();
    for part in parts {
        let end = start + part.size;
        let (from, to) = (span.start.max(start), span.end.min(end));
        if from < to {
            stretches.push((part, Span { start: from - start, end: to - start }));
        }
        start = end;
    }
    stretches
}

impl Resource for Found {
    fn owner(&self) -> AccountId {
        self.bucket.account
    }

    fn arn(&self) -> String {
        object_arn(&self.bucket.name, &self.version.key)
    }

    fn guard(&self) -> Guard<'_> {
        self.bucket.guard()
    }

    fn serves_others(&self, _action: &str) -> bool {
        !self.bucket.is_restricted()
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        condition_key(&self.bucket, &self.content.facts.tags, key, context)
    }
}
