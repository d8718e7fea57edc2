//! The API, one file for each family of operations.

pub(crate) mod aliases;
pub(crate) mod cryptography;
pub(crate) mod keys;
mod metadata;

use async_trait::async_trait;
use strongroom_api_kms as kms;
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;
use strongroom_service::ApiError;

use crate::KeyManagement;
use crate::error::Refusal;

/// Each method hands over to the family that its operation belongs to.
#[async_trait]
impl kms::Kms for KeyManagement {
    async fn create_key(
        &self,
        context: &RequestContext,
        input: kms::CreateKeyRequest,
    ) -> Result<kms::CreateKeyResponse, ApiError> {
        Ok(keys::create_key(self, context, input).await?)
    }

    async fn describe_key(
        &self,
        context: &RequestContext,
        input: kms::DescribeKeyRequest,
    ) -> Result<kms::DescribeKeyResponse, ApiError> {
        Ok(keys::describe_key(self, context, input).await?)
    }

    async fn list_keys(
        &self,
        context: &RequestContext,
        input: kms::ListKeysRequest,
    ) -> Result<kms::ListKeysResponse, ApiError> {
        Ok(keys::list_keys(self, context, input).await?)
    }

    async fn create_alias(
        &self,
        context: &RequestContext,
        input: kms::CreateAliasRequest,
    ) -> Result<Unit, ApiError> {
        Ok(aliases::create_alias(self, context, input).await?)
    }

    async fn list_aliases(
        &self,
        context: &RequestContext,
        input: kms::ListAliasesRequest,
    ) -> Result<kms::ListAliasesResponse, ApiError> {
        Ok(aliases::list_aliases(self, context, input).await?)
    }

    async fn encrypt(
        &self,
        context: &RequestContext,
        input: kms::EncryptRequest,
    ) -> Result<kms::EncryptResponse, ApiError> {
        Ok(cryptography::encrypt(self, context, input).await?)
    }

    async fn decrypt(
        &self,
        context: &RequestContext,
        input: kms::DecryptRequest,
    ) -> Result<kms::DecryptResponse, ApiError> {
        Ok(cryptography::decrypt(self, context, input).await?)
    }

    async fn generate_data_key(
        &self,
        context: &RequestContext,
        input: kms::GenerateDataKeyRequest,
    ) -> Result<kms::GenerateDataKeyResponse, ApiError> {
        Ok(cryptography::generate_data_key(self, context, input).await?)
    }
}

/// Grants are not implemented yet, so no token can stem from one.
fn refuse_grant_tokens(tokens: Option<&[String]>) -> Result<(), Refusal> {
    if tokens.is_some_and(|tokens| !tokens.is_empty()) { Err(Refusal::InvalidGrantToken) } else { Ok(()) }
}

/// The CloudFormation type under which records list keys and aliases.
const KEY_RESOURCE: &str = "AWS::KMS::Key";
const ALIAS_RESOURCE: &str = "AWS::KMS::Alias";
