//! The service-linked role of multi-Region keys, which an account gets with the first of them (KMS Developer Guide,
//! "Authorizing AWS KMS to synchronize multi-Region keys"). What is shared needs no role here; whoever looks for it among
//! an account's roles, or allows and forbids that it is made, finds it where AWS has it.

use std::sync::Arc;

use serde_json::json;
use strongroom_api_iam::{CreateServiceLinkedRoleRequest, Iam, SERVICE, errors};
use strongroom_identity::{Region, RequestContext};
use strongroom_outbox::{Asked, Outbox, PassedOn};
use strongroom_runtime::Clocks;
use strongroom_service::ApiError;

use super::KMS;
use crate::error::Refusal;

/// The service, as the role names it that trusts it.
const SERVICE_NAME: &str = "mrk.kms.amazonaws.com";

/// Where IAM's calls take place.
const REGION_OF_IAM: &str = "us-east-1";

/// Makes the role in accounts.
pub(in crate::management) struct LinkedRole {
    iam: Arc<dyn Iam>,
    passed_on: PassedOn,
}

impl LinkedRole {
    pub(in crate::management) fn new(iam: Arc<dyn Iam>, outbox: Arc<Outbox>, clocks: Clocks) -> Self {
        Self { iam, passed_on: PassedOn::new(KMS, outbox, clocks) }
    }

    /// Makes the role for the caller's account, with his permission. One that is there is as good: AWS makes it anew each
    /// time, and asks for the permission each time.
    pub(in crate::management) async fn ensure(&self, context: &RequestContext) -> Result<(), Refusal> {
        let parameters = json!({ "aWSServiceName": SERVICE_NAME }).to_string();
        let asked = Asked {
            read_only: false,
            ..Asked::reading(SERVICE.event_source, "CreateServiceLinkedRole", parameters)
        };
        let input = CreateServiceLinkedRoleRequest {
            aws_service_name: SERVICE_NAME.to_owned(),
            ..CreateServiceLinkedRoleRequest::default()
        };
        let region = Region::named(REGION_OF_IAM).unwrap_or(context.region);
        let told = |error: &ApiError| (error.code().to_owned(), error.message().map(str::to_owned));
        let made = self.passed_on.call_in(region, context, asked, told, |context| async move {
            self.iam.create_service_linked_role(&context, input).await
        });
        match made.await.map_err(|error| Refusal::Internal(error.into()))? {
            Ok(_) => Ok(()),
            Err(error) if error.code() == errors::INVALID_INPUT_EXCEPTION.name => Ok(()),
            Err(error) if error.is_access_denied() => {
                Err(Refusal::DeniedElsewhere(error.message().unwrap_or_default().to_owned()))
            }
            Err(error) => Err(Refusal::Internal(error.into())),
        }
    }
}
