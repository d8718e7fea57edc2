//! Calls without a signature: of the few operations that take them, whose callers prove themselves otherwise.
//!
//! Anybody who reaches the port can make such calls, so they have bounds of their own, far below those of callers who
//! are known. What is refused by these bounds, cannot be read, or is refused while nobody knows who calls, is told to the
//! log and not recorded: the journal is not for strangers to fill.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::request::Parts;
use strongroom_identity::{
    AccountId, Caller, PARTITION, Principal, Region, RequestContext, RequestId, WebIdentity,
};
use strongroom_protocols::envelope::Refusal;
use strongroom_schema::{QueryError, Structure, Value};
use strongroom_service::ApiError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Server;
use crate::pipeline::{Cause, Decoded};
use crate::registry::Found;

/// The member of inputs that names the role which is asked for, and with it the account.
const ROLE_ARN: &str = "RoleArn";

/// The Region of requests that name none: that of AWS's global endpoint.
const REGION: &str = "us-east-1";

/// Milliseconds of a second.
const SECOND_MS: i64 = 1000;

/// How many of these calls are let in.
#[derive(Debug)]
pub(crate) struct Strangers {
    places: Arc<Semaphore>,
    second: Mutex<Second>,
}

/// The calls of the second that runs.
#[derive(Debug, Default)]
struct Second {
    began_ms: i64,
    calls: u32,
}

impl Strangers {
    pub(crate) fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            second: Mutex::default(),
        }
    }

    /// A place for a call, until it is dropped; `None` if all are taken, or if there were `most` calls in this second.
    fn admit(&self, now_ms: i64, most: u32) -> Option<OwnedSemaphorePermit> {
        let place = self.places.clone().try_acquire_owned().ok()?;
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if !(0..SECOND_MS).contains(&now_ms.saturating_sub(second.began_ms)) {
            *second = Second { began_ms: now_ms, calls: 0 };
        }
        if second.calls >= most {
            return None;
        }
        second.calls += 1;
        Some(place)
    }
}

impl Server {
    /// The context of a call whose operation takes no signature, and its place among such calls; or why it is refused. A
    /// signature that it has all the same counts for nothing: who calls is what the operation finds out.
    pub(crate) fn admit_unsigned(
        &self,
        parts: &Parts,
        body: &[u8],
        found: &Found,
        decode: impl FnOnce() -> Decoded,
        source: IpAddr,
        request_id: RequestId,
    ) -> Result<(RequestContext, Decoded, OwnedSemaphorePermit), Cause> {
        let now_ms = self.clocks().real_now();
        let limits = self.limits();
        let refused = |code: &str, cause: Cause| {
            self.unauthenticated(now_ms, source, None, code);
            cause
        };
        if body.len() > limits.unsigned_bytes {
            return Err(refused("RequestEntityTooLarge", Cause::Front(Refusal::too_large())));
        }
        let place = self.strangers().admit(now_ms, limits.unsigned_rate);
        let place = place.ok_or_else(|| refused("Throttling", Cause::Operation(throttled())))?;
        // Nothing is read before it has a place.
        let decoded = decode();
        let input =
            decoded.as_ref().map_err(|error| refused(error.code(), Cause::Operation(error.clone())))?;
        let account = account_of(&**input).ok_or_else(|| {
            // Text: answers of AWS quoted in public issue threads.
            refused("ValidationError", Cause::Operation(ApiError::validation("Request ARN is invalid")))
        })?;
        let region = Region::named(found.schema().home_region.unwrap_or(REGION));
        let region = region.ok_or_else(|| Cause::Operation(ApiError::internal("no such Region")))?;
        let caller = Caller::new(Principal::WebIdentity(WebIdentity::unknown(account)), "");
        Ok((self.context(parts, caller, region, source, request_id), decoded, place))
    }
}

/// The account of the role that an input names.
fn account_of(input: &dyn Structure) -> Option<AccountId> {
    let position = input.schema().members().iter().position(|member| member.name == ROLE_ARN)?;
    let Some(Value::String(arn)) = input.member(position) else { return None };
    let fields: Vec<_> = arn.splitn(6, ':').collect();
    let &["arn", PARTITION, "iam", "", account, _] = fields.as_slice() else { return None };
    account.parse().ok()
}

fn throttled() -> ApiError {
    let query = Some(QueryError { code: "Throttling", http_status: 400 });
    ApiError::front("ThrottlingException", query, Some("Rate exceeded".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_and_the_places_have_an_end() {
        let strangers = Strangers::new(2);
        let [one, two] = [(); 2].map(|()| strangers.admit(9_005, 3));
        assert!(one.is_some() && two.is_some());
        assert!(strangers.admit(9_005, 3).is_none(), "no place");
        drop(one);
        let three = strangers.admit(9_005, 3);
        assert!(three.is_some());
        drop(two);
        assert!(strangers.admit(10_004, 3).is_none(), "three in one second");
        assert!(strangers.admit(10_005, 3).is_some());
        drop(three);
        assert!(strangers.admit(9_007, 3).is_some(), "the clock went back");
    }
}
