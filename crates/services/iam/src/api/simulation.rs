//! Simulations of policies, those of an entity and those that a request brings.

mod results;

use std::sync::Arc;

use strongroom_api_iam::{self as iam, actions};
use strongroom_identity::{AccountId, RequestContext};
use strongroom_policy::Policy;
use strongroom_policy::document::{Document, Kind as DocumentKind};
use tokio::sync::Semaphore;

use crate::IdentityManagement;
use crate::domain::directory::Directory;
use crate::domain::kind::Kind;
use crate::domain::paging::{self, Page};
use crate::domain::simulation::Simulation;
use crate::domain::simulation::exclusion::Exclusion;
use crate::domain::simulation::facts::Facts;
use crate::domain::simulation::source::{Attached, Source, boundary_of, of_entity};
use crate::domain::simulation::subject::{EntityArn, somebody};
use crate::error::Refusal;
use crate::targets::Target;

/// Resources of one simulation. AWS documents no such number.
const MOST_RESOURCES: usize = 256;

/// Bytes of policies that one page looks at, counted for each action and resource: about a tenth of a second. What goes
/// beyond it comes on the next pages, which have one action at least.
const BYTES_A_PAGE: usize = 32 << 20;

/// Simulations that run at the same time. Others wait: they compute, and keep processors from calls that matter more.
static RUNNING: Semaphore = Semaphore::const_new(2);

/// Simulations that run or wait. Beyond it calls are told to come again: places of the server are everybody's.
static UNDER_WAY: Semaphore = Semaphore::const_new(32);

/// What stands for every resource.
const EVERYTHING: &str = "*";

/// What both operations ask for.
struct Asked {
    policies: Vec<String>,
    boundary: Option<Vec<String>>,
    organization: Vec<iam::OrderedOrganizationPolicyType>,
    actions: Vec<String>,
    resources: Option<Vec<String>>,
    resource_policy: Option<String>,
    resource_owner: Option<String>,
    caller: Option<String>,
    entries: Vec<iam::ContextEntry>,
    handling: Option<String>,
    page: Page,
}

pub(super) async fn simulate_custom_policy(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::SimulateCustomPolicyRequest,
) -> Result<iam::SimulatePolicyResponse, Refusal> {
    let directory = identities.read::<actions::SimulateCustomPolicy>(context, &[Target::Account]).await?;
    let asked = Asked {
        policies: input.policy_input_list,
        boundary: input.permissions_boundary_policy_input_list,
        organization: input.ordered_organization_policy_input_list.unwrap_or_default(),
        actions: input.action_names,
        resources: input.resource_arns,
        resource_policy: input.resource_policy,
        resource_owner: input.resource_owner,
        caller: input.caller_arn,
        entries: input.context_entries.unwrap_or_default(),
        handling: input.resource_handling_option,
        page: Page::parse(input.max_items, input.marker.as_deref())?,
    };
    simulate(&directory, asked, Vec::new(), None).await
}

pub(super) async fn simulate_principal_policy(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::SimulatePrincipalPolicyRequest,
) -> Result<iam::SimulatePolicyResponse, Refusal> {
    let source = EntityArn::expect(&input.policy_source_arn)?;
    let target = Target::One(source.kind, source.name);
    let directory = identities.read::<actions::SimulatePrincipalPolicy>(context, &[target]).await?;
    let entry = source.find(&directory).ok_or_else(|| source.kind.not_found(source.name))?;
    let exclusions = input.policy_exclusion_list.unwrap_or_default();
    let exclusions: Vec<_> = exclusions.iter().map(Exclusion::parse).collect::<Result<_, _>>()?;
    let is_left_out =
        |attached: &Attached<'_>| exclusions.iter().any(|exclusion| exclusion.covers(attached.origin));
    let own = of_entity(&directory, entry).into_iter().filter(|attached| !is_left_out(attached));
    let own = own.map(|attached| kept(&attached)).collect::<Result<_, _>>()?;
    let boundary = boundary_of(&directory, entry).filter(|attached| !is_left_out(attached));
    let boundary = boundary.map(|attached| kept(&attached)).transpose()?;
    let asked = Asked {
        policies: input.policy_input_list.unwrap_or_default(),
        boundary: input.permissions_boundary_policy_input_list,
        organization: Vec::new(),
        actions: input.action_names,
        resources: input.resource_arns,
        resource_policy: input.resource_policy,
        resource_owner: input.resource_owner,
        caller: Some(input.caller_arn.unwrap_or_else(|| input.policy_source_arn.clone())),
        entries: input.context_entries.unwrap_or_default(),
        handling: input.resource_handling_option,
        page: Page::parse(input.max_items, input.marker.as_deref())?,
    };
    simulate(&directory, asked, own, boundary).await
}

/// A policy that an entity has. One that does not read would deny everything: there is nothing to simulate.
fn kept(attached: &Attached<'_>) -> Result<Source, Refusal> {
    let id = attached.origin.id();
    let source = attached.text.and_then(|text| Source::parse(&id, text, DocumentKind::Identity).ok());
    source.ok_or_else(|| {
        let text = format!("The policy {id} cannot be read. It denies everything until it is detached.");
        Refusal::Modelled(&iam::errors::POLICY_EVALUATION_EXCEPTION, text)
    })
}

/// A policy of the request.
fn given(id: &str, text: &str, kind: DocumentKind) -> Result<Source, Refusal> {
    Source::parse(id, text, kind)
        .map_err(|error| Refusal::invalid_input(format!("{id}: {}", error.iam_message())))
}

/// The policies of a list of the request, which answers name by the list and their numbers.
fn all_given(list: &str, texts: &[String]) -> Result<Vec<Source>, Refusal> {
    let numbered = texts.iter().zip(1..);
    numbered.map(|(text, number)| given(&format!("{list}.{number}"), text, DocumentKind::Identity)).collect()
}

async fn simulate(
    directory: &Directory,
    asked: Asked,
    own: Vec<Source>,
    own_boundary: Option<Source>,
) -> Result<iam::SimulatePolicyResponse, Refusal> {
    if asked.handling.is_some() {
        return Err(Refusal::NotImplemented(
            "Strongroom has no instances to simulate: ResourceHandlingOption is for them.",
        ));
    }
    let _place = UNDER_WAY.try_acquire().map_err(|_| Refusal::Busy)?;
    asked.actions.iter().try_for_each(|action| expect_action(action))?;
    let resources = asked.resources.clone().unwrap_or_default();
    resources.iter().try_for_each(|resource| expect_resource(resource))?;
    if resources.len() > MOST_RESOURCES {
        return Err(Refusal::invalid_input(format!("A simulation has at most {MOST_RESOURCES} resources.")));
    }
    let simulation = assemble(directory, &asked, &resources, own, own_boundary)?;
    let bytes = simulation.weight().max(1).saturating_mul(resources.len().max(1));
    let page = asked.page.at_most(BYTES_A_PAGE / bytes);
    let key = |number: usize| format!("{number:08}");
    let (actions, next) = page.cut(asked.actions.into_iter().enumerate(), |(number, _)| key(*number));
    // It never closes.
    let _running = RUNNING.acquire().await.map_err(|error| Refusal::Internal(error.into()))?;
    let evaluated =
        tokio::task::spawn_blocking(move || results::of_actions(&simulation, actions, &resources));
    let (results, cut_after) = evaluated.await.map_err(|error| Refusal::Internal(error.into()))??;
    let marker = cut_after.map(|last| paging::marker(&key(last))).or(next);
    Ok(iam::SimulatePolicyResponse {
        evaluation_results: Some(results),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

/// Gathers what the simulation is about. Texts that are AWS's were seen in its answers to others.
fn assemble(
    directory: &Directory,
    asked: &Asked,
    resources: &[String],
    own: Vec<Source>,
    own_boundary: Option<Source>,
) -> Result<Simulation, Refusal> {
    let mut facts = Facts::parse(&asked.entries)?;
    let invalid_caller = || {
        Refusal::invalid_input("Invalid caller - Caller must be an IAM user, role or group in this context.")
    };
    let caller =
        asked.caller.as_deref().map(|arn| EntityArn::parse(arn).ok_or_else(invalid_caller)).transpose()?;
    let subject = match &caller {
        Some(caller) => caller.subject(directory, &mut facts),
        None => somebody(directory.account, &mut facts),
    };
    let resource = match &asked.resource_policy {
        None => None,
        Some(text) => {
            match caller.as_ref().map(|caller| caller.kind) {
                None => {
                    return Err(Refusal::invalid_input("Invalid caller - Caller cannot be null or empty."));
                }
                Some(Kind::Role) => {
                    return Err(Refusal::invalid_input(
                        "Simulation of resource-based policies isn't supported for IAM roles.",
                    ));
                }
                Some(_) => {}
            }
            if resources.iter().all(|resource| resource == EVERYTHING) {
                EntityArn::expect(EVERYTHING)?;
            }
            Some(given("ResourcePolicy", text, DocumentKind::Resource)?)
        }
    };
    let owner = match &asked.resource_owner {
        None => subject.account().unwrap_or(directory.account),
        Some(owner) => owner_of(owner).ok_or_else(|| Refusal::invalid_input("Invalid Resource Owner."))?,
    };
    let mut identity = own;
    identity.extend(all_given("PolicyInputList", &asked.policies)?);
    let boundary = match asked.boundary.as_deref() {
        None | Some([]) => own_boundary,
        Some([text]) => Some(given("PermissionsBoundaryPolicyInputList.1", text, DocumentKind::Identity)?),
        Some(_) => {
            return Err(Refusal::invalid_input(
                "The list of Permissions Boundary policies cannot exceed 1 items.",
            ));
        }
    };
    let controls = asked.organization.iter().zip(1..).map(|(level, number)| control(level, number));
    let controls = controls.collect::<Result<_, _>>()?;
    Ok(Simulation { subject, facts, owner, identity, boundary, resource, controls })
}

/// The service control policies of a level of an organization.
fn control(level: &iam::OrderedOrganizationPolicyType, number: usize) -> Result<Vec<Arc<Policy>>, Refusal> {
    let texts = level.service_control_policy_input_list.as_deref().unwrap_or_default();
    if texts.is_empty() {
        return Err(Refusal::invalid_input(format!(
            "Organization policy at index {number} must contain at least one service control policy"
        )));
    }
    let read = |text: &String| {
        let document = Document::parse(text, DocumentKind::Identity)
            .map_err(|error| Refusal::invalid_input(error.iam_message()))?;
        Ok(Arc::new(Policy::new("service control policy", &document)))
    };
    texts.iter().map(read).collect()
}

/// The account that `ResourceOwner` names: by its root user's ARN, or itself.
fn owner_of(text: &str) -> Option<AccountId> {
    let id = text.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root"));
    id.unwrap_or(text).parse().ok()
}

/// Refuses what is no action. Whether there is such an action is not asked.
fn expect_action(action: &str) -> Result<(), Refusal> {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    match action.split_once(':') {
        Some((service, name)) if is_part(service) && is_part(name) => Ok(()),
        _ => Err(Refusal::invalid_input(format!(
            "ActionNames are not in a valid format: {action}. A name has a service's prefix, and no wildcards."
        ))),
    }
}

fn expect_resource(resource: &str) -> Result<(), Refusal> {
    let is_arn = resource.starts_with("arn:")
        && resource.splitn(6, ':').filter(|field| !field.is_empty()).count() >= 4;
    if resource == EVERYTHING || is_arn && resource.matches(':').count() >= 5 {
        return Ok(());
    }
    Err(Refusal::invalid_input(format!("ResourceNames are not in a valid ARN format: {resource}.")))
}
