//! What a material is wrapped by on its way here.

use strongroom_api_kms::actions;
use strongroom_identity::RequestContext;
use strongroom_policy::Authorized;

use super::token::Wrapping;
use crate::KeyManagement;
use crate::domain::key::SharedKey;
use crate::domain::wrapping::{WrappingAlgorithm, WrappingKeySpec};
use crate::error::Refusal;

/// How long a wrapping key and its token can be used, in milliseconds of domain time: 24 hours.
const VALID_MS: i64 = 24 * 60 * 60 * 1000;

/// What an owner needs to bring material.
pub(crate) struct ImportParameters {
    /// What goes back with the material.
    pub(crate) token: Vec<u8>,
    /// The wrapping key as a DER SubjectPublicKeyInfo.
    pub(crate) public_key: Vec<u8>,
    /// When both are over, milliseconds since 1970.
    pub(crate) valid_to_ms: i64,
}

impl KeyManagement {
    /// Makes a wrapping key. It is kept nowhere: its private half goes out with its public one, sealed.
    pub(crate) async fn import_parameters(
        &self,
        context: &RequestContext,
        key: &Authorized<actions::GetParametersForImport, SharedKey>,
        algorithm: WrappingAlgorithm,
        under: WrappingKeySpec,
    ) -> Result<ImportParameters, Refusal> {
        let key = key.resource();
        key.expect_imported_origin()?;
        key.expect_settled()?;
        key.expect_staying()?;
        algorithm.expect_for(key.spec, under)?;
        let (private_key, public_key) = self.make_data_key_pair(context, under.pair()).await?;
        let valid_to_ms = context.now_ms.saturating_add(VALID_MS);
        let token = self.import_tokens.seal(key, &Wrapping { algorithm, valid_to_ms, private_key })?;
        Ok(ImportParameters { token, public_key, valid_to_ms })
    }
}
