//! What is known of an object that is there, changed.

use std::sync::Arc;

use strongroom_identity::{Action, RequestContext};

use super::{ObjectStorage, expected};
use crate::domain::access::Place;
use crate::domain::bucket::Bucket;
use crate::domain::object::{Facts, VERSION_ARGUMENT, Version, check_version_id};
use crate::error::Refusal;
use crate::repo;

impl ObjectStorage {
    /// Changes what is known of an object, or of one version, in the transaction in which permission to do `A` is asked
    /// for; `act` may run more than once. Answers the version.
    pub(crate) async fn change_facts<A: Action>(
        &self,
        context: &RequestContext,
        (bucket, key): (&str, &str),
        version: Option<&str>,
        expected_owner: Option<&str>,
        act: impl Fn(&Bucket, &mut Facts) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<(Arc<Bucket>, Version), Refusal> {
        Place::of_object(self.bucket(bucket, expected_owner).await?, key).note(context);
        let act = &act;
        self.db
            .transaction(|tx| {
                Box::pin(async move {
                    let found = repo::load_bucket(tx, &self.mac, bucket).await?;
                    let bucket =
                        expected(found.ok_or_else(|| Refusal::no_such_bucket(bucket))?, expected_owner)?;
                    let bucket = Arc::new(bucket);
                    let found = match version {
                        Some(id) => repo::load_version(tx, &self.mac, &bucket.name, key, id).await?,
                        None => repo::latest(tx, &self.mac, &bucket.name, key).await?,
                    };
                    let content = found.as_ref().and_then(|found| found.content.clone());
                    let tags = content.as_ref().map(|content| content.facts.tags.clone()).unwrap_or_default();
                    self.permit::<A>(context, Place::of_object(bucket.clone(), key).with_tags(tags))?;
                    let Some(found) = found else {
                        version.map(|id| check_version_id(id, VERSION_ARGUMENT)).transpose()?;
                        return Err(match version {
                            _ if !self.may_list(context, &bucket) => Refusal::access_denied(),
                            Some(id) => Refusal::no_such_version(key, id),
                            None => Refusal::no_such_key(key),
                        });
                    };
                    let Some(mut content) = content else {
                        let refusal = Refusal::is_delete_marker(method::<A>());
                        return Err(if version.is_some() { refusal.of_marker(&found.id) } else { refusal });
                    };
                    act(&bucket, &mut content.facts)?;
                    let changed = Version { content: Some(content), ..found };
                    repo::replace_facts(tx, &self.mac, &changed).await?;
                    repo::post(tx, context).await?;
                    Ok((bucket, changed))
                })
            })
            .await
    }
}

/// The method of the requests that take `A`: the actions that take something away are named so.
fn method<A: Action>() -> &'static str {
    if A::NAME.starts_with("s3:Delete") { "DELETE" } else { "PUT" }
}
