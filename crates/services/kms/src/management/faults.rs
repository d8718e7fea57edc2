//! What goes wrong on demand, and requests that are one too many.

use strongroom_identity::RequestContext;
use strongroom_schema::{Operation, Structure};
use strongroom_service::ApiError;

use super::KeyManagement;
use crate::faults::{CallFaultError, KeyStoreFaultError};
use crate::throttling::QuotaFactor;

impl KeyManagement {
    /// Counts a request that is about to be run, against the quotas of its caller's account in its Region:
    /// `ThrottlingException` beyond them, while they are [on](Self::set_throttling). Fails if calls of the operation are
    /// [to fail](Self::fail_calls).
    pub fn admit(
        &self,
        context: &RequestContext,
        operation: &'static Operation,
        input: &dyn Structure,
    ) -> Result<(), ApiError> {
        self.throttling.take(context, operation.name, input)?;
        self.call_faults.check(operation.name)
    }

    /// Has calls of an operation, named as policies do (`kms:Decrypt`), fail with an error that AWS's model has for it.
    /// For development.
    pub fn fail_calls(&self, operation: &str, code: &str) -> Result<(), CallFaultError> {
        self.call_faults.set(operation, code)
    }

    /// The operations whose calls fail, and the code of the error.
    pub fn failing_calls(&self) -> Vec<(String, &'static str)> {
        self.call_faults.list()
    }

    /// Lets calls of those operations be. Answers how many operations there were.
    pub fn let_calls(&self, which: impl Fn(&str) -> bool) -> usize {
        self.call_faults.forget(which)
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

    /// Makes a custom key store, in whatever account and Region, FAILED with one of AWS's codes, as if an attempt to
    /// connect it had just ended so. For development.
    pub async fn fail_key_store(&self, store_id: &str, code: &str) -> Result<(), KeyStoreFaultError> {
        self.stores.fail(store_id, code).await
    }

    /// Has the next attempt to connect a custom key store end FAILED with one of AWS's codes. For development.
    pub async fn fail_next_connect(&self, store_id: &str, code: &str) -> Result<(), KeyStoreFaultError> {
        self.stores.fail_next(store_id, code).await
    }

    /// The custom key stores whose next attempt to connect is to fail, and the code that it has then.
    pub fn failing_connects(&self) -> Vec<(String, &'static str)> {
        self.stores.connect_faults().list()
    }

    /// Lets those custom key stores connect again. Answers how many were not to.
    pub fn let_connect(&self, which: impl Fn(&str) -> bool) -> usize {
        self.stores.connect_faults().forget(which)
    }
}
