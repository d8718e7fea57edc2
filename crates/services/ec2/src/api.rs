//! The API, one file for each family of operations.

mod companions;
mod groups;
mod interfaces;
mod permissions;
mod rules;
mod subnets;
mod tags;
mod vpcs;
mod zones;

use async_trait::async_trait;
use strongroom_api_ec2 as ec2;
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;
use strongroom_service::ApiError;

use crate::Networks;
use crate::domain::id::Kind;
use crate::error::Refusal;

/// Each method hands over to the family that its operation belongs to.
#[async_trait]
impl ec2::Ec2 for Networks {
    async fn authorize_security_group_egress(
        &self,
        context: &RequestContext,
        input: ec2::AuthorizeSecurityGroupEgressRequest,
    ) -> Result<ec2::AuthorizeSecurityGroupEgressResult, ApiError> {
        Ok(rules::authorize_security_group_egress(self, context, input).await?)
    }

    async fn authorize_security_group_ingress(
        &self,
        context: &RequestContext,
        input: ec2::AuthorizeSecurityGroupIngressRequest,
    ) -> Result<ec2::AuthorizeSecurityGroupIngressResult, ApiError> {
        Ok(rules::authorize_security_group_ingress(self, context, input).await?)
    }

    async fn create_default_vpc(
        &self,
        context: &RequestContext,
        input: ec2::CreateDefaultVpcRequest,
    ) -> Result<ec2::CreateDefaultVpcResult, ApiError> {
        Ok(vpcs::create_default_vpc(self, context, input).await?)
    }

    async fn create_network_interface(
        &self,
        context: &RequestContext,
        input: ec2::CreateNetworkInterfaceRequest,
    ) -> Result<ec2::CreateNetworkInterfaceResult, ApiError> {
        Ok(interfaces::create_network_interface(self, context, input).await?)
    }

    async fn create_security_group(
        &self,
        context: &RequestContext,
        input: ec2::CreateSecurityGroupRequest,
    ) -> Result<ec2::CreateSecurityGroupResult, ApiError> {
        Ok(groups::create_security_group(self, context, input).await?)
    }

    async fn create_subnet(
        &self,
        context: &RequestContext,
        input: ec2::CreateSubnetRequest,
    ) -> Result<ec2::CreateSubnetResult, ApiError> {
        Ok(subnets::create_subnet(self, context, input).await?)
    }

    async fn create_tags(
        &self,
        context: &RequestContext,
        input: ec2::CreateTagsRequest,
    ) -> Result<Unit, ApiError> {
        Ok(tags::create_tags(self, context, input).await?)
    }

    async fn create_vpc(
        &self,
        context: &RequestContext,
        input: ec2::CreateVpcRequest,
    ) -> Result<ec2::CreateVpcResult, ApiError> {
        Ok(vpcs::create_vpc(self, context, input).await?)
    }

    async fn delete_network_interface(
        &self,
        context: &RequestContext,
        input: ec2::DeleteNetworkInterfaceRequest,
    ) -> Result<Unit, ApiError> {
        Ok(interfaces::delete_network_interface(self, context, input).await?)
    }

    async fn delete_security_group(
        &self,
        context: &RequestContext,
        input: ec2::DeleteSecurityGroupRequest,
    ) -> Result<ec2::DeleteSecurityGroupResult, ApiError> {
        Ok(groups::delete_security_group(self, context, input).await?)
    }

    async fn delete_subnet(
        &self,
        context: &RequestContext,
        input: ec2::DeleteSubnetRequest,
    ) -> Result<Unit, ApiError> {
        Ok(subnets::delete_subnet(self, context, input).await?)
    }

    async fn delete_tags(
        &self,
        context: &RequestContext,
        input: ec2::DeleteTagsRequest,
    ) -> Result<Unit, ApiError> {
        Ok(tags::delete_tags(self, context, input).await?)
    }

    async fn delete_vpc(
        &self,
        context: &RequestContext,
        input: ec2::DeleteVpcRequest,
    ) -> Result<Unit, ApiError> {
        Ok(vpcs::delete_vpc(self, context, input).await?)
    }

    async fn describe_account_attributes(
        &self,
        context: &RequestContext,
        input: ec2::DescribeAccountAttributesRequest,
    ) -> Result<ec2::DescribeAccountAttributesResult, ApiError> {
        Ok(zones::describe_account_attributes(self, context, input).await?)
    }

    async fn describe_availability_zones(
        &self,
        context: &RequestContext,
        input: ec2::DescribeAvailabilityZonesRequest,
    ) -> Result<ec2::DescribeAvailabilityZonesResult, ApiError> {
        Ok(zones::describe_availability_zones(self, context, input)?)
    }

    async fn describe_internet_gateways(
        &self,
        context: &RequestContext,
        input: ec2::DescribeInternetGatewaysRequest,
    ) -> Result<ec2::DescribeInternetGatewaysResult, ApiError> {
        Ok(companions::describe_internet_gateways(self, context, input).await?)
    }

    async fn describe_network_acls(
        &self,
        context: &RequestContext,
        input: ec2::DescribeNetworkAclsRequest,
    ) -> Result<ec2::DescribeNetworkAclsResult, ApiError> {
        Ok(companions::describe_network_acls(self, context, input).await?)
    }

    async fn describe_network_interface_attribute(
        &self,
        context: &RequestContext,
        input: ec2::DescribeNetworkInterfaceAttributeRequest,
    ) -> Result<ec2::DescribeNetworkInterfaceAttributeResult, ApiError> {
        Ok(interfaces::describe_network_interface_attribute(self, context, input).await?)
    }

    async fn describe_network_interfaces(
        &self,
        context: &RequestContext,
        input: ec2::DescribeNetworkInterfacesRequest,
    ) -> Result<ec2::DescribeNetworkInterfacesResult, ApiError> {
        Ok(interfaces::describe_network_interfaces(self, context, input).await?)
    }

    async fn describe_regions(
        &self,
        context: &RequestContext,
        input: ec2::DescribeRegionsRequest,
    ) -> Result<ec2::DescribeRegionsResult, ApiError> {
        Ok(zones::describe_regions(self, context, input)?)
    }

    async fn describe_route_tables(
        &self,
        context: &RequestContext,
        input: ec2::DescribeRouteTablesRequest,
    ) -> Result<ec2::DescribeRouteTablesResult, ApiError> {
        Ok(companions::describe_route_tables(self, context, input).await?)
    }

    async fn describe_security_group_rules(
        &self,
        context: &RequestContext,
        input: ec2::DescribeSecurityGroupRulesRequest,
    ) -> Result<ec2::DescribeSecurityGroupRulesResult, ApiError> {
        Ok(rules::describe_security_group_rules(self, context, input).await?)
    }

    async fn describe_security_groups(
        &self,
        context: &RequestContext,
        input: ec2::DescribeSecurityGroupsRequest,
    ) -> Result<ec2::DescribeSecurityGroupsResult, ApiError> {
        Ok(groups::describe_security_groups(self, context, input).await?)
    }

    async fn describe_subnets(
        &self,
        context: &RequestContext,
        input: ec2::DescribeSubnetsRequest,
    ) -> Result<ec2::DescribeSubnetsResult, ApiError> {
        Ok(subnets::describe_subnets(self, context, input).await?)
    }

    async fn describe_tags(
        &self,
        context: &RequestContext,
        input: ec2::DescribeTagsRequest,
    ) -> Result<ec2::DescribeTagsResult, ApiError> {
        Ok(tags::describe_tags(self, context, input).await?)
    }

    async fn describe_vpc_attribute(
        &self,
        context: &RequestContext,
        input: ec2::DescribeVpcAttributeRequest,
    ) -> Result<ec2::DescribeVpcAttributeResult, ApiError> {
        Ok(vpcs::describe_vpc_attribute(self, context, input).await?)
    }

    async fn describe_vpcs(
        &self,
        context: &RequestContext,
        input: ec2::DescribeVpcsRequest,
    ) -> Result<ec2::DescribeVpcsResult, ApiError> {
        Ok(vpcs::describe_vpcs(self, context, input).await?)
    }

    async fn detach_network_interface(
        &self,
        context: &RequestContext,
        input: ec2::DetachNetworkInterfaceRequest,
    ) -> Result<Unit, ApiError> {
        Ok(interfaces::detach_network_interface(self, context, input).await?)
    }

    async fn modify_network_interface_attribute(
        &self,
        context: &RequestContext,
        input: ec2::ModifyNetworkInterfaceAttributeRequest,
    ) -> Result<Unit, ApiError> {
        Ok(interfaces::modify_network_interface_attribute(self, context, input).await?)
    }

    async fn modify_security_group_rules(
        &self,
        context: &RequestContext,
        input: ec2::ModifySecurityGroupRulesRequest,
    ) -> Result<ec2::ModifySecurityGroupRulesResult, ApiError> {
        Ok(rules::modify_security_group_rules(self, context, input).await?)
    }

    async fn modify_subnet_attribute(
        &self,
        context: &RequestContext,
        input: ec2::ModifySubnetAttributeRequest,
    ) -> Result<Unit, ApiError> {
        Ok(subnets::modify_subnet_attribute(self, context, input).await?)
    }

    async fn modify_vpc_attribute(
        &self,
        context: &RequestContext,
        input: ec2::ModifyVpcAttributeRequest,
    ) -> Result<Unit, ApiError> {
        Ok(vpcs::modify_vpc_attribute(self, context, input).await?)
    }

    async fn revoke_security_group_egress(
        &self,
        context: &RequestContext,
        input: ec2::RevokeSecurityGroupEgressRequest,
    ) -> Result<ec2::RevokeSecurityGroupEgressResult, ApiError> {
        Ok(rules::revoke_security_group_egress(self, context, input).await?)
    }

    async fn revoke_security_group_ingress(
        &self,
        context: &RequestContext,
        input: ec2::RevokeSecurityGroupIngressRequest,
    ) -> Result<ec2::RevokeSecurityGroupIngressResult, ApiError> {
        Ok(rules::revoke_security_group_ingress(self, context, input).await?)
    }

    async fn update_security_group_rule_descriptions_egress(
        &self,
        context: &RequestContext,
        input: ec2::UpdateSecurityGroupRuleDescriptionsEgressRequest,
    ) -> Result<ec2::UpdateSecurityGroupRuleDescriptionsEgressResult, ApiError> {
        Ok(rules::update_security_group_rule_descriptions_egress(self, context, input).await?)
    }

    async fn update_security_group_rule_descriptions_ingress(
        &self,
        context: &RequestContext,
        input: ec2::UpdateSecurityGroupRuleDescriptionsIngressRequest,
    ) -> Result<ec2::UpdateSecurityGroupRuleDescriptionsIngressResult, ApiError> {
        Ok(rules::update_security_group_rule_descriptions_ingress(self, context, input).await?)
    }
}

/// Ids of resources of one kind that a Describe names; they must all be there.
struct Named<'i> {
    ids: &'i [String],
}

impl<'i> Named<'i> {
    /// Reads the ids of a request; none means all resources.
    fn parse(
        kind: Kind,
        ids: Option<&'i [String]>,
        is_there: impl Fn(&str) -> bool,
    ) -> Result<Self, Refusal> {
        let ids = ids.unwrap_or_default();
        if ids.len() > MOST_IDS {
            return Err(Refusal::invalid_value(format!("A request can name at most {MOST_IDS} resources.")));
        }
        for id in ids {
            kind.check(id)?;
        }
        let missing: Vec<&str> = ids.iter().map(String::as_str).filter(|id| !is_there(id)).collect();
        if missing.is_empty() { Ok(Self { ids }) } else { Err(kind.not_found(&missing)) }
    }

    fn admits(&self, id: &str) -> bool {
        self.ids.is_empty() || self.ids.iter().any(|named| named == id)
    }
}

/// Ids that one request may name (EC2 API Reference: most Describe operations).
const MOST_IDS: usize = 1000;

/// Numbers of lists, which their pages' tokens carry.
mod list {
    pub(super) const VPCS: u8 = 1;
    pub(super) const SUBNETS: u8 = 2;
    pub(super) const GROUPS: u8 = 3;
    pub(super) const RULES: u8 = 4;
    pub(super) const INTERFACES: u8 = 5;
    pub(super) const ACLS: u8 = 6;
    pub(super) const ROUTE_TABLES: u8 = 7;
    pub(super) const GATEWAYS: u8 = 8;
    pub(super) const TAGS: u8 = 9;
}

/// A flag that an attribute is set to.
fn flag(value: Option<ec2::AttributeBooleanValue>) -> Option<bool> {
    value.map(|value| value.value.unwrap_or(false))
}

fn shown(value: bool) -> ec2::AttributeBooleanValue {
    ec2::AttributeBooleanValue { value: Some(value) }
}
