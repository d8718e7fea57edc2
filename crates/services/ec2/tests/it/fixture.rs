//! EC2 over a database, and those who call it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_crypto::random;
use strongroom_ec2::{MIGRATIONS, Networks, Settings};
use strongroom_identity::{
    AccountId, Caller, Entity, Permissions, Principal, RecordDraft, Region, RequestContext, RequestId,
};
use strongroom_policy::document::{Document, Kind as DocumentKind};
use strongroom_policy::{Authority, CallerPolicies, Policy, services};
use strongroom_seal::Root;
use strongroom_secret::Key256;
use strongroom_service::ApiError;
use strongroom_store::{Db, OpenOptions};
use strongroom_testkit::TestDatabase;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const STRANGER: &str = "444455556666";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const FAR_REGION: &str = "eu-central-1";

/// The time of every call.
pub(crate) const NOW: i64 = 1_700_000_000_123;

/// The port of an HSM.
pub(crate) const PORT: u16 = 2223;

pub(crate) async fn open(database: &TestDatabase) -> Db {
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    db.migrate(&[MIGRATIONS]).await.unwrap();
    db
}

/// EC2 as a server that has just started has it: nothing in memory.
pub(crate) fn start(db: &Db) -> Arc<Networks> {
    start_with(db, Settings::default())
}

pub(crate) fn start_with(db: &Db, settings: Settings) -> Arc<Networks> {
    let root = Root::from_key(Key256::new([7; 32])).unwrap();
    Arc::new(Networks::new(db.clone(), &root, Authority::new(), settings))
}

/// The first account's root user in the first Region, on a database of its own.
pub(crate) async fn client(database: &TestDatabase) -> Client {
    Client::new(&start(&open(database).await), ACCOUNT, REGION)
}

/// Who calls, in an account and a Region.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) ec2: Arc<Networks>,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    service: Option<&'static str>,
    policies: Option<Arc<CallerPolicies>>,
}

impl Client {
    pub(crate) fn new(ec2: &Arc<Networks>, account: &str, region: &str) -> Self {
        let (account, region) = (account.parse().unwrap(), Region::named(region).unwrap());
        Self { ec2: ec2.clone(), account, region, service: None, policies: None }
    }

    /// Another caller of the same EC2.
    pub(crate) fn as_of(&self, account: &str, region: &str) -> Self {
        Self::new(&self.ec2, account, region)
    }

    /// CloudHSM, working for the same account.
    pub(crate) fn cloudhsm(&self) -> Self {
        Self { service: Some(services::CLOUDHSM), ..self.clone() }
    }

    /// A user with a policy of these statements.
    pub(crate) fn as_user(&self, statements: &str) -> Self {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let document = Document::parse(&text, DocumentKind::Identity).unwrap();
        let identity = vec![Arc::new(Policy::new("p", &document))];
        let policies = CallerPolicies { identity, ..CallerPolicies::default() };
        Self { policies: Some(Arc::new(policies)), ..self.clone() }
    }

    /// The same caller of another EC2.
    pub(crate) fn on(&self, ec2: &Arc<Networks>) -> Self {
        Self { ec2: ec2.clone(), ..self.clone() }
    }

    pub(crate) fn context(&self) -> RequestContext {
        let principal = match (self.service, &self.policies) {
            (Some(name), _) => Principal::Service { account: self.account, name },
            (None, None) => Principal::Root(self.account),
            (None, Some(_)) => Principal::User(Entity {
                account: self.account,
                path: "/".to_owned(),
                name: "a".to_owned(),
                id: "AIDACKCEVSQ6C2EXAMPLE".to_owned(),
            }),
        };
        let permissions = match &self.policies {
            Some(policies) => Permissions::new(policies.clone()),
            None => Permissions::none(),
        };
        let caller = Caller::new(principal, self.account.to_string());
        RequestContext::new(
            RequestId::from_random([5; 16]),
            Caller { permissions, ..caller },
            self.region,
            NOW,
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            "tests".to_owned(),
            None,
        )
    }

    /// A context with the draft of a record of its own, as calls that change something have it.
    pub(crate) fn changing(&self) -> RequestContext {
        let event_id = random::bytes().unwrap();
        self.context().with_draft(RecordDraft { event_id, bytes: b"a draft".to_vec(), mark: None })
    }

    pub(crate) async fn vpcs(&self, filters: &[(&str, &[&str])]) -> Result<Vec<ec2::Vpc>, ApiError> {
        let input = ec2::DescribeVpcsRequest { filters: Some(read(filters)), ..Default::default() };
        Ok(self.ec2.describe_vpcs(&self.context(), input).await?.vpcs.unwrap())
    }

    pub(crate) async fn default_vpc(&self) -> ec2::Vpc {
        let mut found = self.vpcs(&[("is-default", &["true"])]).await.unwrap();
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    /// A VPC, and answers its id.
    pub(crate) async fn create_vpc(&self, block: &str) -> Result<String, ApiError> {
        let input = ec2::CreateVpcRequest { cidr_block: Some(block.to_owned()), ..Default::default() };
        Ok(self.ec2.create_vpc(&self.changing(), input).await?.vpc.unwrap().vpc_id.unwrap())
    }

    pub(crate) async fn delete_vpc(&self, id: &str) -> Result<(), ApiError> {
        let input = ec2::DeleteVpcRequest { vpc_id: id.to_owned(), ..Default::default() };
        self.ec2.delete_vpc(&self.changing(), input).await.map(drop)
    }

    pub(crate) async fn subnets(&self, filters: &[(&str, &[&str])]) -> Result<Vec<ec2::Subnet>, ApiError> {
        let input = ec2::DescribeSubnetsRequest { filters: Some(read(filters)), ..Default::default() };
        Ok(self.ec2.describe_subnets(&self.context(), input).await?.subnets.unwrap())
    }

    /// A subnet, and answers its id.
    pub(crate) async fn create_subnet(&self, vpc: &str, block: &str) -> Result<String, ApiError> {
        let (vpc_id, cidr_block) = (vpc.to_owned(), Some(block.to_owned()));
        let input = ec2::CreateSubnetRequest { vpc_id, cidr_block, ..Default::default() };
        Ok(self.ec2.create_subnet(&self.changing(), input).await?.subnet.unwrap().subnet_id.unwrap())
    }

    pub(crate) async fn delete_subnet(&self, id: &str) -> Result<(), ApiError> {
        let input = ec2::DeleteSubnetRequest { subnet_id: id.to_owned(), ..Default::default() };
        self.ec2.delete_subnet(&self.changing(), input).await.map(drop)
    }

    pub(crate) async fn groups(
        &self,
        filters: &[(&str, &[&str])],
    ) -> Result<Vec<ec2::SecurityGroup>, ApiError> {
        let input = ec2::DescribeSecurityGroupsRequest { filters: Some(read(filters)), ..Default::default() };
        Ok(self.ec2.describe_security_groups(&self.context(), input).await?.security_groups.unwrap())
    }

    pub(crate) async fn group(&self, id: &str) -> Result<ec2::SecurityGroup, ApiError> {
        let input =
            ec2::DescribeSecurityGroupsRequest { group_ids: Some(vec![id.to_owned()]), ..Default::default() };
        let found = self.ec2.describe_security_groups(&self.context(), input).await?;
        Ok(found.security_groups.unwrap().remove(0))
    }

    /// A group in a VPC, or in the default one, and answers its id.
    pub(crate) async fn create_group(&self, vpc: Option<&str>, name: &str) -> Result<String, ApiError> {
        let input = ec2::CreateSecurityGroupRequest {
            description: "a group".to_owned(),
            group_name: name.to_owned(),
            vpc_id: vpc.map(str::to_owned),
            ..Default::default()
        };
        Ok(self.ec2.create_security_group(&self.changing(), input).await?.group_id.unwrap())
    }

    pub(crate) async fn delete_group(&self, id: &str) -> Result<(), ApiError> {
        let input = ec2::DeleteSecurityGroupRequest { group_id: Some(id.to_owned()), ..Default::default() };
        self.ec2.delete_security_group(&self.changing(), input).await.map(drop)
    }

    /// Rules that let in, and answers their ids.
    pub(crate) async fn authorize(
        &self,
        group: &str,
        permissions: Vec<ec2::IpPermission>,
    ) -> Result<Vec<String>, ApiError> {
        let input = ec2::AuthorizeSecurityGroupIngressRequest {
            group_id: Some(group.to_owned()),
            ip_permissions: Some(permissions),
            ..Default::default()
        };
        let made = self.ec2.authorize_security_group_ingress(&self.changing(), input).await?;
        let rules = made.security_group_rules.unwrap();
        Ok(rules.into_iter().map(|rule| rule.security_group_rule_id.unwrap()).collect())
    }

    pub(crate) async fn revoke(
        &self,
        group: &str,
        permissions: Vec<ec2::IpPermission>,
    ) -> Result<Vec<ec2::RevokedSecurityGroupRule>, ApiError> {
        let input = ec2::RevokeSecurityGroupIngressRequest {
            group_id: Some(group.to_owned()),
            ip_permissions: Some(permissions),
            ..Default::default()
        };
        let revoked = self.ec2.revoke_security_group_ingress(&self.changing(), input).await?;
        Ok(revoked.revoked_security_group_rules.unwrap())
    }

    pub(crate) async fn rules(
        &self,
        filters: &[(&str, &[&str])],
    ) -> Result<Vec<ec2::SecurityGroupRule>, ApiError> {
        let input =
            ec2::DescribeSecurityGroupRulesRequest { filters: Some(read(filters)), ..Default::default() };
        let found = self.ec2.describe_security_group_rules(&self.context(), input).await?;
        Ok(found.security_group_rules.unwrap())
    }

    pub(crate) async fn interfaces(
        &self,
        filters: &[(&str, &[&str])],
    ) -> Result<Vec<ec2::NetworkInterface>, ApiError> {
        let input =
            ec2::DescribeNetworkInterfacesRequest { filters: Some(read(filters)), ..Default::default() };
        let found = self.ec2.describe_network_interfaces(&self.context(), input).await?;
        Ok(found.network_interfaces.unwrap())
    }

    pub(crate) async fn create_interface(
        &self,
        input: ec2::CreateNetworkInterfaceRequest,
    ) -> Result<ec2::NetworkInterface, ApiError> {
        let made = self.ec2.create_network_interface(&self.changing(), input).await?;
        Ok(made.network_interface.unwrap())
    }

    pub(crate) async fn delete_interface(&self, id: &str) -> Result<(), ApiError> {
        let network_interface_id = id.to_owned();
        let input = ec2::DeleteNetworkInterfaceRequest { network_interface_id, ..Default::default() };
        self.ec2.delete_network_interface(&self.changing(), input).await.map(drop)
    }

    /// The first default subnet's id.
    pub(crate) async fn some_subnet(&self) -> String {
        let zone = format!("{}a", self.region);
        let filters: &[(&str, &[&str])] = &[("availability-zone", &[&zone]), ("default-for-az", &["true"])];
        let mut found = self.subnets(filters).await.unwrap();
        found.remove(0).subnet_id.unwrap()
    }

    /// Who may connect to an HSM in those groups.
    pub(crate) async fn sources(&self, groups: &[&str]) -> Vec<String> {
        let groups: Vec<_> = groups.iter().map(|group| (*group).to_owned()).collect();
        let found = self.ec2.allowed_sources(self.account, self.region, &groups, PORT).await.unwrap();
        found.iter().map(ToString::to_string).collect()
    }
}

pub(crate) fn read(filters: &[(&str, &[&str])]) -> Vec<ec2::Filter> {
    let filter = |(name, values): &(&str, &[&str])| ec2::Filter {
        name: Some((*name).to_owned()),
        values: Some(values.iter().map(|value| (*value).to_owned()).collect()),
    };
    filters.iter().map(filter).collect()
}

/// A permission for TCP ports, without a peer.
pub(crate) fn tcp(from: i32, to: i32) -> ec2::IpPermission {
    ec2::IpPermission {
        ip_protocol: Some("tcp".to_owned()),
        from_port: Some(from),
        to_port: Some(to),
        ..Default::default()
    }
}

pub(crate) fn from_block(permission: ec2::IpPermission, block: &str) -> ec2::IpPermission {
    let range = ec2::IpRange { cidr_ip: Some(block.to_owned()), ..Default::default() };
    ec2::IpPermission { ip_ranges: Some(vec![range]), ..permission }
}

pub(crate) fn from_group(permission: ec2::IpPermission, group: &str) -> ec2::IpPermission {
    let pair = ec2::UserIdGroupPair { group_id: Some(group.to_owned()), ..Default::default() };
    ec2::IpPermission { user_id_group_pairs: Some(vec![pair]), ..permission }
}

pub(crate) fn in_subnet(subnet: &str) -> ec2::CreateNetworkInterfaceRequest {
    ec2::CreateNetworkInterfaceRequest { subnet_id: subnet.to_owned(), ..Default::default() }
}

pub(crate) fn tag(key: &str, value: &str) -> ec2::Tag {
    ec2::Tag { key: Some(key.to_owned()), value: Some(value.to_owned()) }
}

/// The refusal of a call, as code and text.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, ApiError>) -> String {
    answer.unwrap_err().to_string()
}
