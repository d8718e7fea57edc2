//! What is known of a request, with what follows from it.

use std::cell::RefCell;
use std::rc::Rc;

use strongroom_identity::AccountId;

use super::{Policies, Request};
use crate::effort::Effort;
use crate::keys::{ContextKeys, Values};
use crate::pattern::Trigrams;
use crate::policy::Asked;
use crate::subject::Subject;

/// A request and the condition keys that follow from its subject and resource (IAM User Guide, "AWS global
/// condition context keys"). No other source can give these a value.
pub struct Facts<'r> {
    request: Request<'r>,
    asked: Asked<'r>,
    has_boundary: bool,
    effort: Effort,
    resource_trigrams: Trigrams,
    /// The keys that were looked up first: many statements ask about the same few.
    known: RefCell<Vec<(Box<str>, Known<'r>)>>,
}

/// What a key was found to have.
type Known<'r> = Option<Rc<Values<'r>>>;

/// Keys that are remembered. A search among more would take as long as looking them up.
const MOST_KNOWN: usize = 16;

/// Keys whose whole family follows from the subject, by the beginning of their names.
const PRINCIPAL_TAG: &str = "aws:principaltag/";

impl<'r> Facts<'r> {
    pub(super) fn new(request: &Request<'r>, policies: &Policies<'_>) -> Self {
        let has_boundary = policies.boundary.is_some();
        let asked = Asked::new(request.action);
        Self {
            request: *request,
            asked,
            has_boundary,
            effort: Effort::new(),
            resource_trigrams: Trigrams::of(request.resource),
            known: RefCell::default(),
        }
    }

    /// Who asks.
    pub fn subject(&self) -> &'r Subject {
        self.request.subject
    }

    /// For what.
    pub fn action(&self) -> &'r str {
        self.asked.name()
    }

    /// What it is done to.
    pub fn resource(&self) -> &'r str {
        self.request.resource
    }

    /// What that has of runs, to tell at a look what cannot stand for it.
    pub(crate) fn resource_trigrams(&self) -> Trigrams {
        self.resource_trigrams
    }

    /// Who owns that.
    pub fn owner(&self) -> AccountId {
        self.request.owner
    }

    /// For what, ready to be compared with what statements are about.
    pub(crate) fn asked(&self) -> Asked<'r> {
        self.asked
    }

    pub(crate) fn has_boundary(&self) -> bool {
        self.has_boundary
    }

    /// The values of a key, looked up once for the decision. It comes twice: `told` are its bytes.
    pub(crate) fn known(&self, told: &[u8], key: &str) -> Known<'r> {
        let mut known = self.known.borrow_mut();
        if let Some((_, values)) = known.iter().find(|(name, _)| name.as_bytes() == told) {
            return values.clone();
        }
        let values = self.find(key).map(Rc::new);
        if known.len() < MOST_KNOWN {
            known.push((key.into(), values.clone()));
        }
        values
    }

    /// Whether a key was looked up before and found to have no values; its name comes in lower case.
    pub(crate) fn is_known_to_lack(&self, key: &[u8]) -> bool {
        let known = self.known.borrow();
        let found = known.iter().find(|(name, _)| name.as_bytes() == key);
        found.is_some_and(|(_, values)| values.as_ref().is_none_or(|values| values.as_slice().is_empty()))
    }

    /// How much more may be compared.
    pub(crate) fn effort(&self) -> &Effort {
        &self.effort
    }

    fn find(&self, key: &str) -> Option<Values<'r>> {
        if self.request.keys.states_everything() {
            return self.request.keys.values(key);
        }
        let subject = self.request.subject;
        if let Some(tag) = key.strip_prefix(PRINCIPAL_TAG) {
            return subject.tag(tag).map(Values::text);
        }
        match key {
            "aws:principalarn" => subject.principal_arn().map(Values::text),
            "aws:principalaccount" => match subject.account() {
                _ if subject.is_service() => None,
                Some(account) => Some(Values::text(account.to_string())),
                None => Some(Values::text("anonymous")),
            },
            "aws:principaltype" => subject.type_name().map(Values::text),
            "aws:userid" => subject.user_id().map(Values::text),
            "aws:username" => subject.user_name().map(Values::text),
            "aws:principalisawsservice" => subject.is_signed().then(|| subject.is_service().into()),
            "aws:principalservicename" => subject.service_name().map(Values::text),
            "aws:principalservicenameslist" => {
                subject.is_service().then(|| Values::texts(subject.service_names()))
            }
            "aws:sourceaccount" => {
                let works_for = subject.account().filter(|_| subject.is_service())?;
                Some(Values::text(works_for.to_string()))
            }
            "aws:resourceaccount" => Some(Values::text(self.request.owner.to_string())),
            _ => self.request.keys.values(key),
        }
    }
}

impl ContextKeys for Facts<'_> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        self.find(key)
    }
}
