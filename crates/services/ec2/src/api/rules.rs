//! Rules of security groups.

use strongroom_api_ec2::{self as ec2, actions};
use strongroom_identity::{Action, RequestContext};

use super::groups::named_group;
use super::permissions::{self, Single};
use super::{Named, list};
use crate::Networks;
use crate::domain::filter::{Attribute, Filters, text};
use crate::domain::group::Group;
use crate::domain::id::Kind;
use crate::domain::network::{Edit, Entry, Network};
use crate::domain::paging::Page;
use crate::domain::rule::{Peer, Permission, Rule, Traffic, parse_description};
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::networks::Target;

/// EC2 API Reference, DescribeSecurityGroupRules.
const FILTERS: &[Attribute<ec2::SecurityGroupRule>] = &[
    ("group-id", |rule| text(&rule.group_id)),
    ("security-group-rule-id", |rule| text(&rule.security_group_rule_id)),
];

/// The older form of a request, whose members are called the same in all four operations.
macro_rules! single {
    ($input:ident) => {
        Single {
            protocol: $input.ip_protocol.as_deref(),
            from: $input.from_port,
            to: $input.to_port,
            cidr: $input.cidr_ip.as_deref(),
            group_name: $input.source_security_group_name.as_deref(),
            group_owner: $input.source_security_group_owner_id.as_deref(),
        }
    };
}

/// What both directions ask for.
struct Request<'i> {
    egress: bool,
    group_id: Option<&'i str>,
    group_name: Option<&'i str>,
    several: Option<&'i [ec2::IpPermission]>,
    single: Single<'i>,
    dry_run: Option<bool>,
}

impl Request<'_> {
    fn target(&self) -> Target<'_> {
        Target::group(self.group_id, self.group_name)
    }

    /// The group that is meant, to be changed and put back.
    fn group(&self, network: &Network) -> Result<Group, Refusal> {
        let id = named_group(network, self.group_id, self.group_name)?;
        network.group(&id).cloned()
    }

    fn permissions(&self, network: &Network, group: &Group) -> Result<Vec<Permission>, Refusal> {
        permissions::parse(network, group, self.several, &self.single)
    }
}

pub(super) async fn authorize_security_group_ingress(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::AuthorizeSecurityGroupIngressRequest,
) -> Result<ec2::AuthorizeSecurityGroupIngressResult, Refusal> {
    let request = Request {
        egress: false,
        group_id: input.group_id.as_deref(),
        group_name: input.group_name.as_deref(),
        several: input.ip_permissions.as_deref(),
        single: single!(input),
        dry_run: input.dry_run,
    };
    let tags = Tags::of_specifications(Kind::Rule, input.tag_specifications)?;
    context.ask(tags.asked());
    let rules =
        authorize::<actions::AuthorizeSecurityGroupIngress>(networks, context, &request, &tags).await?;
    Ok(ec2::AuthorizeSecurityGroupIngressResult { r#return: Some(true), security_group_rules: Some(rules) })
}

pub(super) async fn authorize_security_group_egress(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::AuthorizeSecurityGroupEgressRequest,
) -> Result<ec2::AuthorizeSecurityGroupEgressResult, Refusal> {
    let request = Request {
        egress: true,
        group_id: Some(&input.group_id),
        group_name: None,
        several: input.ip_permissions.as_deref(),
        single: single!(input),
        dry_run: input.dry_run,
    };
    let tags = Tags::of_specifications(Kind::Rule, input.tag_specifications)?;
    context.ask(tags.asked());
    let rules =
        authorize::<actions::AuthorizeSecurityGroupEgress>(networks, context, &request, &tags).await?;
    Ok(ec2::AuthorizeSecurityGroupEgressResult { r#return: Some(true), security_group_rules: Some(rules) })
}

async fn authorize<A: Action>(
    networks: &Networks,
    context: &RequestContext,
    request: &Request<'_>,
    tags: &Tags,
) -> Result<Vec<ec2::SecurityGroupRule>, Refusal> {
    let authorize = |edit: &mut Edit| {
        let mut group = request.group(edit)?;
        let permissions = request.permissions(edit, &group)?;
        let ids = group.authorize(request.egress, &permissions, tags)?;
        let made =
            ids.iter().filter_map(|id| group.rule(id)).map(|rule| answer(edit, &group, rule)).collect();
        edit.put(Entry::Group(group));
        Ok(made)
    };
    let mut targets = vec![request.target()];
    if !tags.is_empty() {
        targets.push(Target::Tagged(Kind::Rule));
    }
    let (made, _) = networks.change::<A, _>(context, request.dry_run, &targets, authorize).await?;
    Ok(made)
}

pub(super) async fn revoke_security_group_ingress(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::RevokeSecurityGroupIngressRequest,
) -> Result<ec2::RevokeSecurityGroupIngressResult, Refusal> {
    let request = Request {
        egress: false,
        group_id: input.group_id.as_deref(),
        group_name: input.group_name.as_deref(),
        several: input.ip_permissions.as_deref(),
        single: single!(input),
        dry_run: input.dry_run,
    };
    let ids = input.security_group_rule_ids.as_deref().unwrap_or_default();
    let revoked = revoke::<actions::RevokeSecurityGroupIngress>(networks, context, &request, ids).await?;
    Ok(ec2::RevokeSecurityGroupIngressResult {
        r#return: Some(true),
        unknown_ip_permissions: Some(Vec::new()),
        revoked_security_group_rules: Some(revoked),
    })
}

pub(super) async fn revoke_security_group_egress(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::RevokeSecurityGroupEgressRequest,
) -> Result<ec2::RevokeSecurityGroupEgressResult, Refusal> {
    let request = Request {
        egress: true,
        group_id: Some(&input.group_id),
        group_name: None,
        several: input.ip_permissions.as_deref(),
        single: single!(input),
        dry_run: input.dry_run,
    };
    let ids = input.security_group_rule_ids.as_deref().unwrap_or_default();
    let revoked = revoke::<actions::RevokeSecurityGroupEgress>(networks, context, &request, ids).await?;
    Ok(ec2::RevokeSecurityGroupEgressResult {
        r#return: Some(true),
        unknown_ip_permissions: Some(Vec::new()),
        revoked_security_group_rules: Some(revoked),
    })
}

async fn revoke<A: Action>(
    networks: &Networks,
    context: &RequestContext,
    request: &Request<'_>,
    ids: &[String],
) -> Result<Vec<ec2::RevokedSecurityGroupRule>, Refusal> {
    let revoke = |edit: &mut Edit| {
        let mut group = request.group(edit)?;
        let revoked = match (ids, request.several) {
            ([], _) => {
                let permissions = request.permissions(edit, &group)?;
                group.revoke(request.egress, &permissions)?
            }
            (_, Some([_, ..])) => {
                return Err(Refusal::combination(
                    "The parameter ipPermissions cannot be used with the parameter securityGroupRuleIds",
                ));
            }
            (ids, _) => group.revoke_ids(request.egress, ids)?,
        };
        let answers = revoked.iter().map(|rule| revoked_answer(&group, rule)).collect();
        edit.put(Entry::Group(group));
        Ok(answers)
    };
    let (revoked, _) = networks.change::<A, _>(context, request.dry_run, &[request.target()], revoke).await?;
    Ok(revoked)
}

pub(super) async fn describe_security_group_rules(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeSecurityGroupRulesRequest,
) -> Result<ec2::DescribeSecurityGroupRulesResult, Refusal> {
    let (ids, token) = (input.security_group_rule_ids.as_deref(), input.next_token.as_deref());
    let page = Page::parse(list::RULES, input.max_results, token)?;
    let filters = Filters::parse(input.filters, FILTERS)?;
    let network =
        networks.read::<actions::DescribeSecurityGroupRules>(context, input.dry_run, &[Target::All]).await?;
    let named = Named::parse(Kind::Rule, ids, |id| network.tags(id).is_some())?;
    let found = network.rules().into_iter().filter(|(_, rule)| named.admits(&rule.id));
    let found = found.map(|(group, rule)| (rule, answer(&network, group, rule)));
    let found = found.filter(|(rule, answer)| filters.admit(answer, &rule.tags));
    let (found, next_token) = page.cut(found, |(rule, _)| rule.id.clone());
    let rules = found.into_iter().map(|(_, answer)| answer).collect();
    Ok(ec2::DescribeSecurityGroupRulesResult { security_group_rules: Some(rules), next_token })
}

pub(super) async fn modify_security_group_rules(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::ModifySecurityGroupRulesRequest,
) -> Result<ec2::ModifySecurityGroupRulesResult, Refusal> {
    if input.security_group_rules.is_empty() {
        return Err(Refusal::missing("SecurityGroupRule"));
    }
    let rules = input.security_group_rules.iter().map(|update| update.security_group_rule_id.as_str());
    let targets: Vec<_> = [input.group_id.as_str()].into_iter().chain(rules).map(Target::One).collect();
    networks
        .change::<actions::ModifySecurityGroupRules, _>(context, input.dry_run, &targets, |edit| {
            let mut group = edit.group(&input.group_id)?.clone();
            for update in &input.security_group_rules {
                let id = update.security_group_rule_id.as_str();
                Kind::Rule.check(id)?;
                let rule = group.rule(id).ok_or_else(|| Kind::Rule.not_found(&[id]))?;
                let wanted = update.security_group_rule.as_ref();
                let wanted = wanted.ok_or_else(|| Refusal::missing("SecurityGroupRule"))?;
                let permission = updated(edit, &group, rule, wanted)?;
                group.replace_rule(id, permission)?;
            }
            edit.put(Entry::Group(group));
            Ok(())
        })
        .await?;
    Ok(ec2::ModifySecurityGroupRulesResult { r#return: Some(true) })
}

/// What a rule says after an update, which leaves alone what it does not name.
fn updated(
    network: &Network,
    group: &Group,
    rule: &Rule,
    wanted: &ec2::SecurityGroupRuleRequest,
) -> Result<Permission, Refusal> {
    let traffic = match &wanted.ip_protocol {
        Some(protocol) => Traffic::parse(protocol, wanted.from_port, wanted.to_port)?,
        None if wanted.from_port.is_none() && wanted.to_port.is_none() => rule.traffic,
        None => return Err(Refusal::missing("ipProtocol")),
    };
    let peers = [
        wanted.cidr_ipv4.as_deref().map(Peer::parse_v4).transpose()?,
        wanted.cidr_ipv6.as_deref().map(Peer::parse_v6).transpose()?,
        match &wanted.referenced_group_id {
            Some(id) => Some(Peer::Group(permissions::expect_same_vpc(network, group, id)?)),
            None => None,
        },
    ];
    if let Some(list) = &wanted.prefix_list_id {
        return Err(permissions::no_prefix_list(list));
    }
    let mut peers = peers.into_iter().flatten();
    let peer = peers.next().unwrap_or_else(|| rule.peer.clone());
    if peers.next().is_some() {
        return Err(Refusal::combination(
            "Only one of cidrIpv4, cidrIpv6, prefixListId or referencedGroupId can be specified.",
        ));
    }
    let description = match &wanted.description {
        Some(description) => parse_description(Some(description.clone()))?,
        None => rule.description.clone(),
    };
    Ok(Permission { traffic, peer, description })
}

pub(super) async fn update_security_group_rule_descriptions_ingress(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::UpdateSecurityGroupRuleDescriptionsIngressRequest,
) -> Result<ec2::UpdateSecurityGroupRuleDescriptionsIngressResult, Refusal> {
    let request = descriptions_of(
        false,
        input.group_id.as_deref(),
        input.group_name.as_deref(),
        input.ip_permissions.as_deref(),
        input.dry_run,
    );
    let descriptions = input.security_group_rule_descriptions.as_deref().unwrap_or_default();
    describe_rules::<actions::UpdateSecurityGroupRuleDescriptionsIngress>(
        networks,
        context,
        &request,
        descriptions,
    )
    .await?;
    Ok(ec2::UpdateSecurityGroupRuleDescriptionsIngressResult { r#return: Some(true) })
}

pub(super) async fn update_security_group_rule_descriptions_egress(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::UpdateSecurityGroupRuleDescriptionsEgressRequest,
) -> Result<ec2::UpdateSecurityGroupRuleDescriptionsEgressResult, Refusal> {
    let request = descriptions_of(
        true,
        input.group_id.as_deref(),
        input.group_name.as_deref(),
        input.ip_permissions.as_deref(),
        input.dry_run,
    );
    let descriptions = input.security_group_rule_descriptions.as_deref().unwrap_or_default();
    describe_rules::<actions::UpdateSecurityGroupRuleDescriptionsEgress>(
        networks,
        context,
        &request,
        descriptions,
    )
    .await?;
    Ok(ec2::UpdateSecurityGroupRuleDescriptionsEgressResult { r#return: Some(true) })
}

fn descriptions_of<'i>(
    egress: bool,
    group_id: Option<&'i str>,
    group_name: Option<&'i str>,
    several: Option<&'i [ec2::IpPermission]>,
    dry_run: Option<bool>,
) -> Request<'i> {
    let single =
        Single { protocol: None, from: None, to: None, cidr: None, group_name: None, group_owner: None };
    Request { egress, group_id, group_name, several, single, dry_run }
}

/// Gives rules other descriptions; one that is left out is taken away.
async fn describe_rules<A: Action>(
    networks: &Networks,
    context: &RequestContext,
    request: &Request<'_>,
    descriptions: &[ec2::SecurityGroupRuleDescription],
) -> Result<(), Refusal> {
    let describe = |edit: &mut Edit| {
        let mut group = request.group(edit)?;
        let mut wanted: Vec<(String, Option<String>)> = Vec::new();
        if descriptions.is_empty() {
            for permission in request.permissions(edit, &group)? {
                let mut rules = group.rules().iter();
                let rule = rules.find(|rule| rule.egress == request.egress && permission.is(rule));
                let rule = rule.ok_or_else(Permission::not_found)?;
                wanted.push((rule.id.clone(), permission.description.clone()));
            }
        }
        for description in descriptions {
            let id = description.security_group_rule_id.clone().unwrap_or_default();
            Kind::Rule.check(&id)?;
            wanted.push((id, parse_description(description.description.clone())?));
        }
        for (id, description) in wanted {
            let rule = group.rule_mut(&id).filter(|rule| rule.egress == request.egress);
            rule.ok_or_else(|| Kind::Rule.not_found(&[&id]))?.description = description;
        }
        edit.put(Entry::Group(group));
        Ok(())
    };
    networks.change::<A, _>(context, request.dry_run, &[request.target()], describe).await.map(drop)
}

fn answer(network: &Network, group: &Group, rule: &Rule) -> ec2::SecurityGroupRule {
    let home = network.home;
    let (cidr_ipv4, cidr_ipv6, referenced) = shown(&rule.peer);
    ec2::SecurityGroupRule {
        security_group_rule_id: Some(rule.id.clone()),
        group_id: Some(group.id.clone()),
        group_owner_id: Some(home.account.to_string()),
        is_egress: Some(rule.egress),
        ip_protocol: Some(rule.traffic.protocol.to_string()),
        from_port: Some(rule.traffic.from),
        to_port: Some(rule.traffic.to),
        cidr_ipv4,
        cidr_ipv6,
        referenced_group_info: referenced.map(|id| ec2::ReferencedSecurityGroup {
            group_id: Some(id),
            user_id: Some(home.account.to_string()),
            ..ec2::ReferencedSecurityGroup::default()
        }),
        description: rule.description.clone(),
        tags: Some(rule.tags.to_answer()),
        security_group_rule_arn: Some(home.arn(Kind::Rule, &rule.id)),
        ..ec2::SecurityGroupRule::default()
    }
}

fn revoked_answer(group: &Group, rule: &Rule) -> ec2::RevokedSecurityGroupRule {
    let (cidr_ipv4, cidr_ipv6, referenced_group_id) = shown(&rule.peer);
    ec2::RevokedSecurityGroupRule {
        security_group_rule_id: Some(rule.id.clone()),
        group_id: Some(group.id.clone()),
        is_egress: Some(rule.egress),
        ip_protocol: Some(rule.traffic.protocol.to_string()),
        from_port: Some(rule.traffic.from),
        to_port: Some(rule.traffic.to),
        cidr_ipv4,
        cidr_ipv6,
        prefix_list_id: None,
        referenced_group_id,
        description: rule.description.clone(),
    }
}

/// A peer as one of the three members that an answer has for it.
fn shown(peer: &Peer) -> (Option<String>, Option<String>, Option<String>) {
    match peer {
        Peer::V4(net) => (Some(net.to_string()), None, None),
        Peer::V6(net) => (None, Some(net.to_string()), None),
        Peer::Group(id) => (None, None, Some(id.clone())),
    }
}
