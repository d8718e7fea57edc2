//! A metric of keys that no record tells of: `AWS/KMS` `SecondsUntilKeyMaterialExpiration`, for each key whose imported
//! material ends, by `KeyId` (KMS Developer Guide, "Monitor KMS keys with Amazon CloudWatch"). KMS knows it, and
//! CloudWatch reads it every minute.

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_cloudwatch::{Emission, Gauge};
use strongroom_kms::KeyManagement;
use strongroom_runtime::BoxError;

/// How long the imported materials of keys last.
pub(crate) struct Expirations(pub(crate) Arc<KeyManagement>);

#[async_trait]
impl Gauge for Expirations {
    fn name(&self) -> &'static str {
        "ends of key material"
    }

    async fn read(&self, at_ms: i64) -> Result<Vec<Emission>, BoxError> {
        let keys = self.0.expiring_keys().await?;
        let emission = |key: strongroom_kms::ExpiringKey| Emission {
            account: key.account,
            region: key.region,
            namespace: "AWS/KMS".to_owned(),
            name: "SecondsUntilKeyMaterialExpiration".to_owned(),
            dimensions: vec![("KeyId".to_owned(), key.key_id)],
            unit: "Seconds",
            // The minute that has just ended.
            at_ms: at_ms.saturating_sub(1),
            value: key.expires_ms.saturating_sub(at_ms).max(0) as f64 / 1_000.0,
        };
        Ok(keys.into_iter().map(emission).collect())
    }
}
