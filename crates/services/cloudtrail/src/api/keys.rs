//! The public keys of digests.

use strongroom_api_cloudtrail::{ListPublicKeysRequest, ListPublicKeysResponse, PublicKey, actions, errors};
use strongroom_identity::RequestContext;
use strongroom_policy::Everything;
use strongroom_schema::{Blob, Timestamp};

use crate::CloudTrail;
use crate::error::Refusal;

/// All keys of the range are one page: who validates reads no second one.
pub(super) async fn list(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: ListPublicKeysRequest,
) -> Result<ListPublicKeysResponse, Refusal> {
    let everything = Everything(context.account());
    cloudtrail.authority.authorize::<actions::ListPublicKeys, _>(context, everything)?;
    if input.next_token.is_some() {
        return Err(Refusal::of(&errors::INVALID_TOKEN_EXCEPTION, "The token is not valid."));
    }
    let or_now = |moment: Option<Timestamp>| moment.map_or(context.now_ms, Timestamp::as_millis);
    let (start_ms, end_ms) = (or_now(input.start_time), or_now(input.end_time));
    if start_ms > end_ms {
        return Err(Refusal::TimeRange);
    }
    let keys = cloudtrail.trails.signing.public_keys(context.region.name(), (start_ms, end_ms)).await?;
    let shown = keys.into_iter().map(|key| PublicKey {
        value: Some(Blob(key.public)),
        validity_start_time: Some(Timestamp::from_millis(key.start_ms)),
        validity_end_time: Some(Timestamp::from_millis(key.end_ms)),
        fingerprint: Some(key.fingerprint),
    });
    Ok(ListPublicKeysResponse { public_key_list: Some(shown.collect()), next_token: None })
}
