//! The role that a caller passes to CloudTrail with a log group (IAM User Guide, "Grant a user permissions to pass a role to
//! an AWS service").

use strongroom_identity::{AccountId, Action, RequestContext};
use strongroom_policy::{Resource, Values};

use crate::domain::selection::CLOUDTRAIL;
use crate::error::Refusal;
use crate::trails::Trails;

/// No operation: what the caller of one is asked for.
struct PassRole;

impl Action for PassRole {
    const NAME: &'static str = "iam:PassRole";
}

/// A role on its way to CloudTrail. It has no policy that lets it be passed: the caller's own ones decide, and that it is of
/// his account is seen to where it is checked.
struct Passed {
    by: AccountId,
    role_arn: String,
}

impl Resource for Passed {
    fn owner(&self) -> AccountId {
        self.by
    }

    fn arn(&self) -> String {
        self.role_arn.clone()
    }

    fn condition_key(&self, key: &str, _context: &RequestContext) -> Option<Values<'_>> {
        (key == "iam:passedtoservice").then(|| Values::text(CLOUDTRAIL))
    }
}

/// Permission to pass the role that a call names, if it names one.
pub(super) fn expect_passed(
    trails: &Trails,
    context: &RequestContext,
    role_arn: Option<&str>,
) -> Result<(), Refusal> {
    let Some(role_arn) = role_arn.filter(|role_arn| !role_arn.is_empty()) else { return Ok(()) };
    let passed = Passed { by: context.account(), role_arn: role_arn.to_owned() };
    Ok(trails.authority.authorize::<PassRole, _>(context, passed).map(drop)?)
}
