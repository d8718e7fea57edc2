//! The calls of EC2's API.

use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_api_ec2::{
    AuthorizeSecurityGroupIngressRequest, CreateNetworkInterfaceRequest, CreateSecurityGroupRequest,
    DeleteNetworkInterfaceRequest, DeleteSecurityGroupRequest, DescribeNetworkInterfacesRequest,
    DescribeSecurityGroupsRequest, DescribeSubnetsRequest, Ec2, Filter, IpPermission, IpRange, SERVICE,
    UserIdGroupPair,
};
use strongroom_identity::RequestContext;
use strongroom_outbox::{OnBehalf, Outbox};
use strongroom_policy::services::CLOUDHSM;
use strongroom_runtime::Clocks;
use strongroom_service::ApiError;

use super::{FIRST_PORT, LAST_PORT};
use crate::domain::home::Home;
use crate::error::Refusal;

/// What the rule of development mode says of itself, and whom it lets in.
const DEV_RULE: &str = "strongroom dev: lets this machine in; revoke it to see clients refused";
const THIS_MACHINE: &str = "127.0.0.0/8";

/// What CloudHSM needs to know of a subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubnetFacts {
    pub(crate) id: String,
    pub(crate) vpc_id: String,
    pub(crate) zone: String,
    /// `10.0.0.0/20`.
    pub(crate) cidr: String,
}

/// A network interface that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) id: String,
    pub(crate) address: Ipv4Addr,
}

/// EC2, as CloudHSM uses it.
pub(crate) struct Network {
    ec2: Arc<dyn Ec2>,
    on_behalf: OnBehalf,
}

/// Whether EC2 refused an address because something has it already, or it is not to be had.
pub(crate) fn is_taken(error: &ApiError) -> bool {
    matches!(error.query_code(), "InvalidIPAddress.InUse" | "InvalidAddress.InUse" | "InvalidParameterValue")
}

impl Network {
    pub(crate) fn new(ec2: Arc<dyn Ec2>, outbox: Arc<Outbox>, clocks: Clocks) -> Self {
        Self { ec2, on_behalf: OnBehalf::new(CLOUDHSM, outbox, clocks) }
    }

    /// A context in which CloudHSM calls for an account.
    fn context(&self, home: &Home) -> Result<RequestContext, ApiError> {
        self.on_behalf.context(home.account, home.region).map_err(ApiError::internal)
    }

    /// Makes a call that changes something, with its record: the draft commits with the change, and the record
    /// follows.
    async fn change<T, F>(
        &self,
        home: &Home,
        name: &'static str,
        parameters: Value,
        call: impl FnOnce(Arc<RequestContext>) -> F,
    ) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let (source, parameters) = (SERVICE.event_source, parameters.to_string());
        let begun = self.on_behalf.begin(home.account, home.region, source, name, parameters);
        let change = begun.map_err(ApiError::internal)?;
        let answer = call(change.context()).await?;
        change.done().await;
        Ok(answer)
    }

    /// Looks subnets up, in the order asked for.
    pub(crate) async fn subnets(&self, home: &Home, ids: &[String]) -> Result<Vec<SubnetFacts>, Refusal> {
        let context = self.context(home).map_err(Refusal::Elsewhere)?;
        let input = DescribeSubnetsRequest { subnet_ids: Some(ids.to_vec()), ..Default::default() };
        let answer = self.ec2.describe_subnets(&context, input).await.map_err(Refusal::Elsewhere)?;
        let known = answer.subnets.unwrap_or_default();
        let facts = |id: &String| {
            let subnet = known.iter().find(|subnet| subnet.subnet_id.as_deref() == Some(id))?;
            Some(SubnetFacts {
                id: id.clone(),
                vpc_id: subnet.vpc_id.clone()?,
                zone: subnet.availability_zone.clone()?,
                cidr: subnet.cidr_block.clone()?,
            })
        };
        let missing = |id: &String| Refusal::Invalid(format!("The subnet ID '{id}' does not exist"));
        ids.iter().map(|id| facts(id).ok_or_else(|| missing(id))).collect()
    }

    /// Makes a cluster's security group, without rules.
    pub(crate) async fn create_group(
        &self,
        home: &Home,
        cluster: &str,
        vpc: &str,
    ) -> Result<String, Refusal> {
        let name = format!("cloudhsm-{cluster}-sg");
        let parameters = json!({ "groupName": name, "vpcId": vpc, "groupDescription": DESCRIPTION });
        let input = CreateSecurityGroupRequest {
            description: DESCRIPTION.to_owned(),
            group_name: name,
            vpc_id: Some(vpc.to_owned()),
            ..Default::default()
        };
        let made = self.change(home, "CreateSecurityGroup", parameters, |context| async move {
            self.ec2.create_security_group(&context, input).await
        });
        let made = made.await.map_err(Refusal::Elsewhere)?;
        made.group_id.ok_or_else(|| Refusal::internal("EC2 made a security group without an id"))
    }

    /// Gives a cluster's security group the rules that AWS gives it; in development one more, which lets this
    /// machine in. A rule that is there already stays.
    pub(crate) async fn open_group(&self, home: &Home, group: &str, dev: bool) -> Result<(), ApiError> {
        let pair = UserIdGroupPair { group_id: Some(group.to_owned()), ..Default::default() };
        let within = IpPermission { user_id_group_pairs: Some(vec![pair]), ..ports() };
        self.allow(home, group, within).await?;
        if dev {
            let range =
                IpRange { cidr_ip: Some(THIS_MACHINE.to_owned()), description: Some(DEV_RULE.to_owned()) };
            self.allow(home, group, IpPermission { ip_ranges: Some(vec![range]), ..ports() }).await?;
        }
        Ok(())
    }

    async fn allow(&self, home: &Home, group: &str, permission: IpPermission) -> Result<(), ApiError> {
        let parameters = shown(group, &permission);
        let input = AuthorizeSecurityGroupIngressRequest {
            group_id: Some(group.to_owned()),
            ip_permissions: Some(vec![permission]),
            ..Default::default()
        };
        let made = self.change(home, "AuthorizeSecurityGroupIngress", parameters, |context| async move {
            self.ec2.authorize_security_group_ingress(&context, input).await
        });
        match made.await {
            Err(error) if error.query_code() == "InvalidPermission.Duplicate" => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Removes a cluster's security group. One that is gone, or that others still use, is left as it is.
    pub(crate) async fn delete_group(&self, home: &Home, group: &str) -> Result<(), ApiError> {
        let input = DeleteSecurityGroupRequest { group_id: Some(group.to_owned()), ..Default::default() };
        let parameters = json!({ "groupId": group });
        let done = self.change(home, "DeleteSecurityGroup", parameters, |context| async move {
            self.ec2.delete_security_group(&context, input).await
        });
        match done.await {
            Err(error)
                if ["InvalidGroup.NotFound", "InvalidGroupId.NotFound", "DependencyViolation"]
                    .contains(&error.query_code()) =>
            {
                tracing::info!(group, %error, "the security group of a deleted cluster stays as it is");
                Ok(())
            }
            answer => answer.map(drop),
        }
    }

    /// The groups that say that they are a cluster's: the id of each, and of its cluster.
    pub(crate) async fn groups(&self, home: &Home) -> Result<Vec<(String, String)>, ApiError> {
        let mut found = Vec::new();
        let mut next_token = None;
        for _ in 0..MOST_PAGES {
            let input = DescribeSecurityGroupsRequest {
                filters: Some(vec![filter("description", DESCRIPTION)]),
                max_results: Some(PAGE),
                next_token,
                ..Default::default()
            };
            let answer = self.ec2.describe_security_groups(&self.context(home)?, input).await?;
            found.extend(answer.security_groups.into_iter().flatten().filter_map(|group| {
                let name = group.group_name.filter(|_| group.description.as_deref() == Some(DESCRIPTION))?;
                let cluster = name.strip_prefix("cloudhsm-")?.strip_suffix("-sg")?.to_owned();
                Some((group.group_id?, cluster))
            }));
            next_token = answer.next_token;
            if next_token.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// The interfaces in a group that CloudHSM made: its owner may have others there.
    pub(crate) async fn interfaces(&self, home: &Home, group: &str) -> Result<Vec<String>, ApiError> {
        let mut found = Vec::new();
        let mut next_token = None;
        for _ in 0..MOST_PAGES {
            let input = DescribeNetworkInterfacesRequest {
                filters: Some(vec![filter("group-id", group), filter("requester-id", CLOUDHSM)]),
                max_results: Some(PAGE),
                next_token,
                ..Default::default()
            };
            let answer = self.ec2.describe_network_interfaces(&self.context(home)?, input).await?;
            let interfaces = answer.network_interfaces.into_iter().flatten();
            let own = interfaces.filter(|interface| interface.requester_id.as_deref() == Some(CLOUDHSM));
            found.extend(own.filter_map(|interface| interface.network_interface_id));
            next_token = answer.next_token;
            if next_token.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// Makes an HSM's interface at that address.
    pub(crate) async fn create_interface(
        &self,
        home: &Home,
        subnet: &str,
        address: Ipv4Addr,
        group: &str,
    ) -> Result<Interface, ApiError> {
        let parameters = json!({ "subnetId": subnet, "privateIpAddress": address.to_string() });
        let input = CreateNetworkInterfaceRequest {
            subnet_id: subnet.to_owned(),
            description: Some("CloudHSM Managed Interface".to_owned()),
            private_ip_address: Some(address.to_string()),
            groups: Some(vec![group.to_owned()]),
            ..Default::default()
        };
        let made = self.change(home, "CreateNetworkInterface", parameters, |context| async move {
            self.ec2.create_network_interface(&context, input).await
        });
        let interface = made.await?.network_interface;
        let id = interface.and_then(|interface| interface.network_interface_id);
        let id = id.ok_or_else(|| ApiError::internal("EC2 made a network interface without an id"))?;
        Ok(Interface { id, address })
    }

    /// Removes an HSM's interface. One that is gone is gone.
    pub(crate) async fn delete_interface(&self, home: &Home, id: &str) -> Result<(), ApiError> {
        let input =
            DeleteNetworkInterfaceRequest { network_interface_id: id.to_owned(), ..Default::default() };
        let parameters = json!({ "networkInterfaceId": id });
        let done = self.change(home, "DeleteNetworkInterface", parameters, |context| async move {
            self.ec2.delete_network_interface(&context, input).await
        });
        match done.await {
            Err(error) if error.query_code() == "InvalidNetworkInterfaceID.NotFound" => Ok(()),
            answer => answer.map(drop),
        }
    }
}

/// What a cluster's security group says of itself.
const DESCRIPTION: &str = "AWS CloudHSM cluster security group";

/// What is asked for in one page, and pages that are asked for.
const PAGE: i32 = 200;
const MOST_PAGES: usize = 64;

fn filter(name: &str, value: &str) -> Filter {
    Filter { name: Some(name.to_owned()), values: Some(vec![value.to_owned()]) }
}

/// The parameters that open a group, as records of EC2 show them.
fn shown(group: &str, permission: &IpPermission) -> Value {
    let mut rule = json!({
        "ipProtocol": permission.ip_protocol,
        "fromPort": permission.from_port,
        "toPort": permission.to_port,
        "groups": {},
        "ipRanges": {},
    });
    if let Some(pairs) = &permission.user_id_group_pairs {
        let pairs: Vec<_> = pairs.iter().map(|pair| json!({ "groupId": pair.group_id })).collect();
        rule["groups"] = json!({ "items": pairs });
    }
    if let Some(ranges) = &permission.ip_ranges {
        let range = |range: &IpRange| json!({ "cidrIp": range.cidr_ip, "description": range.description });
        rule["ipRanges"] = json!({ "items": ranges.iter().map(range).collect::<Vec<_>>() });
    }
    json!({ "groupId": group, "ipPermissions": { "items": [rule] } })
}

fn ports() -> IpPermission {
    IpPermission {
        ip_protocol: Some("tcp".to_owned()),
        from_port: Some(FIRST_PORT.into()),
        to_port: Some(LAST_PORT.into()),
        ..Default::default()
    }
}
