//! What goes wrong on demand, and requests that are one too many.

use strongroom_identity::RequestContext;
use strongroom_schema::{Operation, Structure};
use strongroom_service::ApiError;

use super::KeyManagement;
use crate::throttling::QuotaFactor;

impl KeyManagement {
    /// Counts a request that is about to be run, against the quotas of its caller's account in its Region:
    /// `ThrottlingException` beyond them, while they are [on](Self::set_throttling).
    pub fn admit(
        &self,
        context: &RequestContext,
        operation: &'static Operation,
        input: &dyn Structure,
    ) -> Result<(), ApiError> {
        Ok(self.throttling.take(context, operation.name, input)?)
    }

    /// Has requests refused beyond that part of the quotas that AWS publishes: those of accounts, which whoever
    /// serves asks [`admit`](Self::admit) about, and those of key stores. None turns quotas off.
    pub fn set_throttling(&self, factor: Option<QuotaFactor>) {
        self.throttling.set(factor);
    }

    /// Which part of AWS's quotas is given, if they are on.
    pub fn throttling(&self) -> Option<QuotaFactor> {
        self.throttling.factor()
    }
}
