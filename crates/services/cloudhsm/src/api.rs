//! The API, one file for each family of operations.

mod backups;
mod clusters;
mod hsms;
mod policies;
mod shapes;
mod tags;

use async_trait::async_trait;
use strongroom_api_cloudhsm as cloudhsm;
use strongroom_identity::RequestContext;
use strongroom_service::ApiError;

use crate::ControlPlane;
use crate::error::Refusal;

/// Each method hands over to the family that its operation belongs to.
#[async_trait]
impl cloudhsm::CloudHsm for ControlPlane {
    async fn create_cluster(
        &self,
        context: &RequestContext,
        input: cloudhsm::CreateClusterRequest,
    ) -> Result<cloudhsm::CreateClusterResponse, ApiError> {
        Ok(clusters::create_cluster(self, context, input).await?)
    }

    async fn initialize_cluster(
        &self,
        context: &RequestContext,
        input: cloudhsm::InitializeClusterRequest,
    ) -> Result<cloudhsm::InitializeClusterResponse, ApiError> {
        Ok(clusters::initialize_cluster(self, context, input).await?)
    }

    async fn describe_clusters(
        &self,
        context: &RequestContext,
        input: cloudhsm::DescribeClustersRequest,
    ) -> Result<cloudhsm::DescribeClustersResponse, ApiError> {
        Ok(clusters::describe_clusters(self, context, input).await?)
    }

    async fn modify_cluster(
        &self,
        context: &RequestContext,
        input: cloudhsm::ModifyClusterRequest,
    ) -> Result<cloudhsm::ModifyClusterResponse, ApiError> {
        Ok(clusters::modify_cluster(self, context, input).await?)
    }

    async fn delete_cluster(
        &self,
        context: &RequestContext,
        input: cloudhsm::DeleteClusterRequest,
    ) -> Result<cloudhsm::DeleteClusterResponse, ApiError> {
        Ok(clusters::delete_cluster(self, context, input).await?)
    }

    async fn create_hsm(
        &self,
        context: &RequestContext,
        input: cloudhsm::CreateHsmRequest,
    ) -> Result<cloudhsm::CreateHsmResponse, ApiError> {
        Ok(hsms::create_hsm(self, context, input).await?)
    }

    async fn delete_hsm(
        &self,
        context: &RequestContext,
        input: cloudhsm::DeleteHsmRequest,
    ) -> Result<cloudhsm::DeleteHsmResponse, ApiError> {
        Ok(hsms::delete_hsm(self, context, input).await?)
    }

    async fn describe_backups(
        &self,
        context: &RequestContext,
        input: cloudhsm::DescribeBackupsRequest,
    ) -> Result<cloudhsm::DescribeBackupsResponse, ApiError> {
        Ok(backups::describe_backups(self, context, input).await?)
    }

    async fn modify_backup_attributes(
        &self,
        context: &RequestContext,
        input: cloudhsm::ModifyBackupAttributesRequest,
    ) -> Result<cloudhsm::ModifyBackupAttributesResponse, ApiError> {
        Ok(backups::modify_backup_attributes(self, context, input).await?)
    }

    async fn delete_backup(
        &self,
        context: &RequestContext,
        input: cloudhsm::DeleteBackupRequest,
    ) -> Result<cloudhsm::DeleteBackupResponse, ApiError> {
        Ok(backups::delete_backup(self, context, input).await?)
    }

    async fn restore_backup(
        &self,
        context: &RequestContext,
        input: cloudhsm::RestoreBackupRequest,
    ) -> Result<cloudhsm::RestoreBackupResponse, ApiError> {
        Ok(backups::restore_backup(self, context, input).await?)
    }

    async fn copy_backup_to_region(
        &self,
        context: &RequestContext,
        input: cloudhsm::CopyBackupToRegionRequest,
    ) -> Result<cloudhsm::CopyBackupToRegionResponse, ApiError> {
        Ok(backups::copy_backup_to_region(self, context, input).await?)
    }

    async fn tag_resource(
        &self,
        context: &RequestContext,
        input: cloudhsm::TagResourceRequest,
    ) -> Result<cloudhsm::TagResourceResponse, ApiError> {
        Ok(tags::tag_resource(self, context, input).await?)
    }

    async fn untag_resource(
        &self,
        context: &RequestContext,
        input: cloudhsm::UntagResourceRequest,
    ) -> Result<cloudhsm::UntagResourceResponse, ApiError> {
        Ok(tags::untag_resource(self, context, input).await?)
    }

    async fn list_tags(
        &self,
        context: &RequestContext,
        input: cloudhsm::ListTagsRequest,
    ) -> Result<cloudhsm::ListTagsResponse, ApiError> {
        Ok(tags::list_tags(self, context, input).await?)
    }

    async fn put_resource_policy(
        &self,
        context: &RequestContext,
        input: cloudhsm::PutResourcePolicyRequest,
    ) -> Result<cloudhsm::PutResourcePolicyResponse, ApiError> {
        Ok(policies::put_resource_policy(self, context, input).await?)
    }

    async fn get_resource_policy(
        &self,
        context: &RequestContext,
        input: cloudhsm::GetResourcePolicyRequest,
    ) -> Result<cloudhsm::GetResourcePolicyResponse, ApiError> {
        Ok(policies::get_resource_policy(self, context, input).await?)
    }

    async fn delete_resource_policy(
        &self,
        context: &RequestContext,
        input: cloudhsm::DeleteResourcePolicyRequest,
    ) -> Result<cloudhsm::DeleteResourcePolicyResponse, ApiError> {
        Ok(policies::delete_resource_policy(self, context, input).await?)
    }
}

/// A parameter that the operation cannot do without, although the model does not demand it always.
fn required<T>(name: &str, value: Option<T>) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::Invalid(format!("{name} is required.")))
}
