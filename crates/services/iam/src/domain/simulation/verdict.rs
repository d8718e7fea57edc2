//! What comes out of a simulation.

use std::collections::HashSet;
use std::hash::Hash;

use strongroom_policy::document::Extent;

/// The kinds of policies, as answers name them. The first two are those of AWS's answers; none was seen about a boundary.
pub(crate) const IAM_POLICY: &str = "IAM Policy";
pub(crate) const RESOURCE_POLICY: &str = "Resource Policy";
pub(crate) const BOUNDARY_POLICY: &str = "Permissions Boundary Policy";

/// About the bytes that an answer takes for an outcome: for decisions and what stands around them, for each layer, for a
/// statement and its two places, and for a name in a list.
const DECISIONS: usize = 256;
const LAYER: usize = 96;
const STATEMENT: usize = 256;
const NAME: usize = 24;

/// A decision; the later, the more restrictive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Allowed,
    /// Nothing allows it.
    NotAllowed,
    /// A statement denies it.
    ExplicitlyDenied,
}

/// A statement that made a decision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Matched {
    /// How answers name its policy.
    pub(crate) id: String,
    /// Whether that is the resource's.
    pub(crate) is_resource: bool,
    pub(crate) extent: Option<Extent>,
}

/// What becomes of an action on a resource, or on several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) matched: Vec<Matched>,
    /// Condition keys that policies ask for and the simulation does not state.
    pub(crate) missing: Vec<String>,
    /// What service control policies say, where there are any.
    pub(crate) organization: Option<Verdict>,
    /// Whether the boundary allows it, where there is one.
    pub(crate) boundary: Option<bool>,
    /// What each kind of policy says; only where the resource is of another account than the caller.
    pub(crate) layers: Vec<(&'static str, Verdict)>,
}

impl Outcome {
    /// What becomes of an action on several resources: the most restrictive decision, and what made it.
    pub(crate) fn of_all(outcomes: &[Self]) -> Option<Self> {
        let verdict = outcomes.iter().map(|outcome| outcome.verdict).max()?;
        let mut all = Self {
            verdict,
            matched: Vec::new(),
            missing: Vec::new(),
            organization: outcomes.iter().filter_map(|outcome| outcome.organization).max(),
            boundary: outcomes.iter().filter_map(|outcome| outcome.boundary).min(),
            layers: Vec::new(),
        };
        let (mut matched, mut missing) = (HashSet::new(), HashSet::new());
        for outcome in outcomes {
            if outcome.verdict == verdict {
                add(&mut all.matched, &mut matched, &outcome.matched);
            }
            add(&mut all.missing, &mut missing, &outcome.missing);
            for (kind, verdict) in &outcome.layers {
                match all.layers.iter_mut().find(|(known, _)| known == kind) {
                    Some((_, known)) => *known = (*known).max(*verdict),
                    None => all.layers.push((kind, *verdict)),
                }
            }
        }
        Some(all)
    }

    /// About the bytes that an answer takes for it.
    pub(crate) fn weight(&self) -> usize {
        let matched = self.matched.iter().map(|matched| STATEMENT + matched.id.len());
        let missing = self.missing.iter().map(|name| NAME + name.len());
        DECISIONS + LAYER * self.layers.len() + matched.sum::<usize>() + missing.sum::<usize>()
    }

    /// What becomes of an action on no resource at all.
    pub(crate) fn of_nothing() -> Self {
        let (matched, missing, layers) = Default::default();
        Self { verdict: Verdict::NotAllowed, matched, missing, organization: None, boundary: None, layers }
    }
}

/// Adds what is not there. A look at each that is there, for each that may come, would take too long.
fn add<'o, T: Clone + Eq + Hash>(all: &mut Vec<T>, known: &mut HashSet<&'o T>, more: &'o [T]) {
    all.extend(more.iter().filter(|one| known.insert(one)).cloned());
}
