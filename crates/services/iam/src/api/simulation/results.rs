//! What a simulation answers about its actions, and how much of it one answer takes.

use strongroom_api_iam::{self as iam, PolicyEvaluationDecisionType as Decision, PolicySourceType};
use strongroom_policy::document::Place;

use super::EVERYTHING;
use crate::domain::simulation::Simulation;
use crate::domain::simulation::verdict::{self, Matched, Outcome, Verdict};
use crate::error::Refusal;

/// The weight of the results in one answer: about the bytes that they take there. Names of resources and statements are
/// told again for each action, so that a small request may have a large answer. What goes beyond it comes on the next
/// pages; resources of one action that do so by themselves are refused, since AWS has no pages of them.
const ANSWER: usize = 2 << 20;

/// The weight of what an answer says of a resource, its name and its outcome aside.
const OF_RESOURCE: usize = 128;

/// The results of actions, which come with their numbers, in their order and as many as one answer takes; and the number
/// of the last of them, unless it is the last of all.
pub(super) fn of_actions(
    simulation: &Simulation,
    actions: Vec<(usize, String)>,
    resources: &[String],
) -> Result<(Vec<iam::EvaluationResult>, Option<usize>), Refusal> {
    let (mut results, mut weight, mut last) = (Vec::new(), 0_usize, None);
    for (number, action) in actions {
        let (result, of_action) = of_action(simulation, action, resources)?;
        weight = weight.saturating_add(of_action);
        if weight > ANSWER && last.is_some() {
            return Ok((results, last));
        }
        results.push(result);
        last = Some(number);
    }
    Ok((results, None))
}

/// The result of one action, and its weight.
fn of_action(
    simulation: &Simulation,
    action: String,
    resources: &[String],
) -> Result<(iam::EvaluationResult, usize), Refusal> {
    let everything = [EVERYTHING.to_owned()];
    let is_specific = resources.iter().any(|resource| resource != EVERYTHING);
    let asked = if is_specific { resources } else { &everything[..] };
    let mut weight = action.len();
    let mut outcomes = Vec::with_capacity(asked.len());
    for resource in asked {
        let outcome = simulation.evaluate(&action, resource);
        weight = weight.saturating_add(OF_RESOURCE + resource.len() + outcome.weight());
        if weight > ANSWER {
            return Err(Refusal::invalid_input(format!(
                "The results of {action} alone are more than an answer takes. Name fewer resources, or simulate fewer \
                 policies at once."
            )));
        }
        outcomes.push(outcome);
    }
    let all = Outcome::of_all(&outcomes).unwrap_or_else(Outcome::of_nothing);
    weight = weight.saturating_add(all.weight());
    let specific = asked.iter().zip(&outcomes).map(|(resource, outcome)| of_resource(resource, outcome));
    let result = iam::EvaluationResult {
        eval_action_name: action,
        // With several resources AWS documents the form of ARNs of the action's resources, or `*` where it knows none.
        eval_resource_name: Some(match asked {
            [one] => one.clone(),
            _ => EVERYTHING.to_owned(),
        }),
        eval_decision: decision(all.verdict),
        matched_statements: Some(all.matched.iter().map(statement).collect()),
        missing_context_values: Some(all.missing.clone()),
        organizations_decision_detail: all.organization.map(|verdict| iam::OrganizationsDecisionDetail {
            allowed_by_organizations: Some(verdict == Verdict::Allowed),
        }),
        permissions_boundary_decision_detail: bounded(&all),
        // Of one account there is nothing to tell, and AWS tells it.
        eval_decision_details: is_specific.then(|| details(&all)),
        resource_specific_results: is_specific.then(|| specific.collect()),
    };
    Ok((result, weight))
}

fn of_resource(resource: &str, outcome: &Outcome) -> iam::ResourceSpecificResult {
    iam::ResourceSpecificResult {
        eval_resource_name: resource.to_owned(),
        eval_resource_decision: decision(outcome.verdict),
        matched_statements: Some(outcome.matched.iter().map(statement).collect()),
        missing_context_values: (!outcome.missing.is_empty()).then(|| outcome.missing.clone()),
        eval_decision_details: (!outcome.layers.is_empty()).then(|| details(outcome)),
        permissions_boundary_decision_detail: bounded(outcome),
    }
}

fn decision(verdict: Verdict) -> Decision {
    match verdict {
        Verdict::Allowed => Decision::Allowed,
        Verdict::ExplicitlyDenied => Decision::ExplicitDeny,
        Verdict::NotAllowed => Decision::ImplicitDeny,
    }
}

fn details(outcome: &Outcome) -> strongroom_schema::Map<Decision> {
    outcome.layers.iter().map(|(kind, verdict)| ((*kind).to_owned(), decision(*verdict))).collect()
}

fn bounded(outcome: &Outcome) -> Option<iam::PermissionsBoundaryDecisionDetail> {
    let allowed_by_permissions_boundary = Some(outcome.boundary?);
    Some(iam::PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary })
}

fn statement(matched: &Matched) -> iam::Statement {
    // AWS writes other words than its model has.
    let kind = if matched.is_resource { verdict::RESOURCE_POLICY } else { verdict::IAM_POLICY };
    iam::Statement {
        source_policy_id: Some(matched.id.clone()),
        source_policy_type: Some(PolicySourceType::from(kind)),
        start_position: matched.extent.map(|extent| position(extent.start)),
        end_position: matched.extent.map(|extent| position(extent.end)),
    }
}

fn position(place: Place) -> iam::Position {
    let number = |number: usize| i32::try_from(number).ok();
    iam::Position { line: number(place.line), column: number(place.column) }
}
