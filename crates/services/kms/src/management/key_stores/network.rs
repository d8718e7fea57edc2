//! KMS in a cluster's network: a security group, and an interface in each of the cluster's subnets, from which it
//! reaches the HSMs (KMS Developer Guide, "Connect a CloudHSM key store").

use std::collections::BTreeSet;

use strongroom_api_ec2::{
    AuthorizeSecurityGroupIngressRequest, CreateNetworkInterfaceRequest, CreateSecurityGroupRequest,
    DeleteNetworkInterfaceRequest, DeleteSecurityGroupRequest, DescribeSecurityGroupsRequest,
    DescribeSubnetsRequest, IpPermission, NetworkInterface, SecurityGroup, UserIdGroupPair,
};
use strongroom_service::ApiError;

use super::calls::{Calls, filter, interface_description};
use super::cluster::ClusterFacts;
use crate::domain::identifier::Home;
use crate::domain::key_store::KeyStore;
use crate::error::{KeyStoreRefusal, Refusal};

/// The ports that AWS opens within a cluster's security group.
const FIRST_PORT: i32 = 2223;
const LAST_PORT: i32 = 2225;

/// What the security group says of itself.
const DESCRIPTION: &str = "AWS KMS custom key store security group";

/// What a key store's security group is called.
fn group_name(store: &KeyStore) -> String {
    format!("kms-{}", store.id)
}

impl Calls {
    /// Refuses a cluster whose security group does not let its members reach each other.
    pub(super) async fn expect_group(&self, home: &Home, facts: &ClusterFacts) -> Result<(), Refusal> {
        let found = self.groups(home, "group-id", &facts.security_group).await;
        let found = found.map_err(|error| Refusal::Internal(error.into()))?;
        let is_open = |group: &SecurityGroup| {
            let ingress = group.ip_permissions.iter().flatten();
            let egress = group.ip_permissions_egress.iter().flatten();
            ingress.filter(|rule| names(rule, &facts.security_group)).any(covers)
                && egress.filter(|rule| names(rule, &facts.security_group) || lets_all_out(rule)).any(covers)
        };
        if found.iter().any(is_open) {
            return Ok(());
        }
        Err(KeyStoreRefusal::InvalidConfiguration(format!(
            "The security group {} of CloudHSM cluster {} must allow inbound and outbound TCP traffic on ports \
             {FIRST_PORT}-{LAST_PORT} from and to itself. Put back the rules that CloudHSM gave it.",
            facts.security_group, facts.id
        ))
        .into())
    }

    async fn groups(&self, home: &Home, name: &str, value: &str) -> Result<Vec<SecurityGroup>, ApiError> {
        let input =
            DescribeSecurityGroupsRequest { filters: Some(vec![filter(name, value)]), ..Default::default() };
        let answer = self.ec2.describe_security_groups(&self.context(home)?, input).await?;
        Ok(answer.security_groups.unwrap_or_default())
    }

    /// Makes what is missing of a key store's group and interfaces.
    pub(super) async fn move_in(&self, store: &KeyStore, facts: &ClusterFacts) -> Result<(), ApiError> {
        let home = &store.home;
        let subnets: Vec<String> = facts.subnets.values().cloned().collect();
        let input = DescribeSubnetsRequest { subnet_ids: Some(subnets.clone()), ..Default::default() };
        self.ec2.describe_subnets(&self.context(home)?, input).await?;
        let group = self.ensure_group(store, facts).await?;
        let there = self.interfaces(home, &store.cluster_id).await?;
        let there: BTreeSet<_> = there.into_iter().filter_map(|interface| interface.subnet_id).collect();
        for subnet in subnets.iter().filter(|subnet| !there.contains(*subnet)) {
            let description = interface_description(&store.cluster_id);
            let parameters = serde_json::json!({ "subnetId": subnet, "description": description });
            let input = CreateNetworkInterfaceRequest {
                subnet_id: subnet.clone(),
                description: Some(description),
                groups: Some(vec![group.clone(), facts.security_group.clone()]),
                ..Default::default()
            };
            let made = self.change(home, "CreateNetworkInterface", parameters, |context| async move {
                self.ec2.create_network_interface(&context, input).await
            });
            made.await?;
        }
        Ok(())
    }

    /// The key store's group, which lets the cluster's in.
    async fn ensure_group(&self, store: &KeyStore, facts: &ClusterFacts) -> Result<String, ApiError> {
        let (home, name) = (&store.home, group_name(store));
        let found = self.groups(home, "group-name", &name).await?;
        let found = found.into_iter().find(|group| group.vpc_id.as_deref() == Some(facts.vpc_id.as_str()));
        let group = match found.and_then(|group| group.group_id) {
            Some(id) => id,
            None => self.create_group(home, name, &facts.vpc_id).await?,
        };
        let pair = UserIdGroupPair { group_id: Some(facts.security_group.clone()), ..Default::default() };
        let permission = IpPermission {
            ip_protocol: Some("tcp".to_owned()),
            from_port: Some(FIRST_PORT),
            to_port: Some(LAST_PORT),
            user_id_group_pairs: Some(vec![pair]),
            ..Default::default()
        };
        let rule = serde_json::json!({
            "ipProtocol": "tcp",
            "fromPort": FIRST_PORT,
            "toPort": LAST_PORT,
            "groups": { "items": [{ "groupId": facts.security_group }] },
        });
        let parameters = serde_json::json!({ "groupId": group, "ipPermissions": { "items": [rule] } });
        let input = AuthorizeSecurityGroupIngressRequest {
            group_id: Some(group.clone()),
            ip_permissions: Some(vec![permission]),
            ..Default::default()
        };
        let opened = self.change(home, "AuthorizeSecurityGroupIngress", parameters, |context| async move {
            self.ec2.authorize_security_group_ingress(&context, input).await
        });
        match opened.await {
            Err(error) if error.query_code() != "InvalidPermission.Duplicate" => Err(error),
            _ => Ok(group),
        }
    }

    async fn create_group(&self, home: &Home, name: String, vpc: &str) -> Result<String, ApiError> {
        let parameters =
            serde_json::json!({ "groupName": name, "vpcId": vpc, "groupDescription": DESCRIPTION });
        let input = CreateSecurityGroupRequest {
            description: DESCRIPTION.to_owned(),
            group_name: name,
            vpc_id: Some(vpc.to_owned()),
            ..Default::default()
        };
        let made = self.change(home, "CreateSecurityGroup", parameters, |context| async move {
            self.ec2.create_security_group(&context, input).await
        });
        made.await?.group_id.ok_or_else(|| ApiError::internal("EC2 made a security group without an id"))
    }

    /// Removes the key store's interfaces and its group. What is gone is gone; a group that others use by now stays.
    pub(super) async fn move_out(&self, store: &KeyStore) -> Result<(), ApiError> {
        let home = &store.home;
        let interfaces = self.interfaces(home, &store.cluster_id).await?;
        let ids =
            interfaces.into_iter().filter_map(|interface: NetworkInterface| interface.network_interface_id);
        for id in ids {
            let parameters = serde_json::json!({ "networkInterfaceId": id });
            let input = DeleteNetworkInterfaceRequest { network_interface_id: id, ..Default::default() };
            let gone = self.change(home, "DeleteNetworkInterface", parameters, |context| async move {
                self.ec2.delete_network_interface(&context, input).await
            });
            tolerate(gone.await.map(drop), &["InvalidNetworkInterfaceID.NotFound"])?;
        }
        for group in self.groups(home, "group-name", &group_name(store)).await? {
            let parameters = serde_json::json!({ "groupId": group.group_id });
            let input = DeleteSecurityGroupRequest { group_id: group.group_id, ..Default::default() };
            let gone = self.change(home, "DeleteSecurityGroup", parameters, |context| async move {
                self.ec2.delete_security_group(&context, input).await
            });
            tolerate(gone.await.map(drop), &["InvalidGroup.NotFound", "DependencyViolation"])?;
        }
        Ok(())
    }
}

fn tolerate(outcome: Result<(), ApiError>, codes: &[&str]) -> Result<(), ApiError> {
    match outcome {
        Err(error) if codes.contains(&error.query_code()) => Ok(()),
        outcome => outcome,
    }
}

/// Whether a rule is about members of the group.
fn names(rule: &IpPermission, group: &str) -> bool {
    rule.user_id_group_pairs.iter().flatten().any(|pair| pair.group_id.as_deref() == Some(group))
}

fn lets_all_out(rule: &IpPermission) -> bool {
    rule.ip_ranges.iter().flatten().any(|range| range.cidr_ip.as_deref() == Some("0.0.0.0/0"))
}

/// Whether a rule is about the ports of HSMs.
fn covers(rule: &IpPermission) -> bool {
    match rule.ip_protocol.as_deref() {
        Some("-1") => true,
        Some("tcp" | "6") => {
            rule.from_port.is_some_and(|port| port <= FIRST_PORT)
                && rule.to_port.is_some_and(|port| port >= LAST_PORT)
        }
        _ => false,
    }
}
