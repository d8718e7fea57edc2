//! From a request to the decision, and its witness.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use strongroom_identity::{AccountId, Action, ConditionKeys, DecisionNote, KeyValue, RequestContext};

use crate::caller::CallerPolicies;
use crate::decision::{
    Decision, Grant, Guard, Layer, Policies, Request, Trace, admits, decide, explain, message,
};
use crate::denied::Denied;
use crate::keys::{ContextKeys, Value, Values};
use crate::services;
use crate::session_keys::{self, NotOurs};
use crate::subject::Subject;

/// Something that policies protect.
pub trait Resource {
    /// The account that owns it.
    fn owner(&self) -> AccountId;

    /// Its ARN, or `*` for actions that name no resource.
    fn arn(&self) -> String;

    /// Its policy, and what that counts for.
    fn guard(&self) -> Guard<'_> {
        Guard::None
    }

    /// The grants on it that may let the caller do `action`: those that are about others, or about other actions, need
    /// not be among them.
    fn grants(&self, _action: &str, _context: &RequestContext) -> Vec<Grant<'_>> {
        Vec::new()
    }

    /// Whether callers of other accounts can do `action` to it at all, whatever its policy says.
    fn serves_others(&self, _action: &str) -> bool {
        true
    }

    /// What it says about itself: the values of a condition key, whose name comes in lower case, for example
    /// `aws:resourcetag/team`.
    fn condition_key(&self, _key: &str, _context: &RequestContext) -> Option<Values<'_>> {
        None
    }
}

/// What is shared is protected as it is itself.
impl<T: Resource> Resource for Arc<T> {
    fn owner(&self) -> AccountId {
        T::owner(self)
    }

    fn arn(&self) -> String {
        T::arn(self)
    }

    fn guard(&self) -> Guard<'_> {
        T::guard(self)
    }

    fn grants(&self, action: &str, context: &RequestContext) -> Vec<Grant<'_>> {
        T::grants(self, action, context)
    }

    fn serves_others(&self, action: &str) -> bool {
        T::serves_others(self, action)
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        T::condition_key(self, key, context)
    }
}

/// Proof that the caller may do `A` to the resource inside. Made by [`Authority::authorize`] only.
pub struct Authorized<A: Action, R> {
    resource: R,
    action: PhantomData<fn() -> A>,
}

impl<A: Action, R> Authorized<A, R> {
    /// The resource, to be read under this permission.
    pub fn resource(&self) -> &R {
        &self.resource
    }

    /// The resource, with the permission used up.
    pub fn into_resource(self) -> R {
        self.resource
    }
}

/// What an action without a resource of its own acts on: everything of that kind in the account.
#[derive(Clone, Copy, Debug)]
pub struct Everything(pub AccountId);

impl Resource for Everything {
    fn owner(&self) -> AccountId {
        self.0
    }

    fn arn(&self) -> String {
        "*".to_owned()
    }
}

/// Seals what a refusal says of itself, for those who may decode it (`sts:DecodeAuthorizationMessage`).
pub trait MessageSealer: Send + Sync {
    /// The encoded form of a [message](crate::decision::message), for callers of one account; at most 10,240 characters.
    /// `None` if it cannot be made: the refusal goes without.
    fn seal(&self, account: AccountId, message: &str) -> Option<String>;
}

/// Gathers what is known of a request, and has it decided.
#[derive(Clone, Default)]
pub struct Authority {
    sealer: Option<Arc<dyn MessageSealer>>,
    keeps_all: bool,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("keeps_all", &self.keeps_all).finish_non_exhaustive()
    }
}

impl Authority {
    /// An authority whose refusals carry no encoded message, and which keeps traces of them only.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with refusals that carry an encoded message.
    #[must_use]
    pub fn sealing(self, sealer: Arc<dyn MessageSealer>) -> Self {
        Self { sealer: Some(sealer), ..self }
    }

    /// The same with traces of what it allows, too. Each decision takes several times as long then.
    #[must_use]
    pub fn keeping_all(self, keeps_all: bool) -> Self {
        Self { keeps_all, ..self }
    }

    /// Decides whether the caller may do `A` to `resource`, and hands the resource back inside the proof. How a refusal
    /// came about is [noted](RequestContext::decided) for the call's record.
    pub fn authorize<A: Action, R: Resource>(
        &self,
        context: &RequestContext,
        resource: R,
    ) -> Result<Authorized<A, R>, Denied> {
        let grants = resource.grants(A::NAME, context);
        ask::<A, R, _>(context, &resource, &grants, |request, policies| {
            let is_foreign = request.subject.account() != Some(request.owner);
            let is_for_nobody = is_foreign && !resource.serves_others(A::NAME);
            let decision = if is_for_nobody {
                Decision::NotAllowed { layer: Layer::Resource }
            } else {
                decide(request, policies)
            };
            let denied = decision.denied(request);
            if denied.is_some() || self.keeps_all {
                // The policies are gone through once more: only who is refused pays for that.
                let trace = if is_for_nobody { not_for_others } else { explain };
                let trace = trace(request, policies).encode();
                context.decided(DecisionNote { trace, is_allowed: denied.is_none() });
            }
            let Some(denied) = denied else { return Ok(()) };
            // Of another account's resource it would show that account's policy to the caller's administrators.
            let sealer = self.sealer.as_ref().filter(|_| !is_foreign);
            let sealed = sealer.and_then(|sealer| {
                let message = message(request, policies, &decision, context.asked().names());
                sealer.seal(context.account(), &message)
            });
            if let Some(sealed) = &sealed {
                context.refused_with(sealed);
            }
            Err(denied.with_message(sealed))
        })?;
        drop(grants);
        Ok(Authorized { resource, action: PhantomData })
    }

    /// Whether the resource's own policy lets the caller, or its account, do `A`, whatever grants there are.
    pub fn admits<A: Action, R: Resource>(&self, context: &RequestContext, resource: &R) -> bool {
        ask::<A, R, _>(context, resource, &[], admits)
    }

    /// Whether a policy that has a say in what the caller does to `resource` has a condition on a key, whose name comes
    /// in lower case: for keys that are costly to find out. Variables of that name do not count.
    pub fn is_asked_about<R: Resource>(&self, context: &RequestContext, resource: &R, key: &str) -> bool {
        let guard = resource.guard().policy().map(|(_, policy)| policy);
        let own = context.permissions().get::<CallerPolicies>();
        let identity = own.into_iter().flat_map(|own| own.identity.iter().map(|policy| &**policy));
        let boundary = own.and_then(|own| own.boundary.as_deref());
        let session =
            own.and_then(|own| own.session.as_deref()).into_iter().flatten().map(|policy| &**policy);
        let mut all = guard.into_iter().chain(identity).chain(boundary).chain(session);
        all.any(|policy| policy.asks_about(key))
    }

    /// The decision on `A`, with all that led to it.
    pub fn explain<A: Action, R: Resource>(&self, context: &RequestContext, resource: &R) -> Trace {
        ask::<A, R, _>(context, resource, &resource.grants(A::NAME, context), explain)
    }
}

/// The trace of a refusal that no policy can turn.
fn not_for_others(request: &Request<'_>, policies: &Policies<'_>) -> Trace {
    let conclusion =
        "not allowed: nobody of another account can do this, whatever the policies say".to_owned();
    Trace { conclusion, is_allowed: false, ..explain(request, policies) }
}

/// Gathers the facts, and asks.
fn ask<A: Action, R: Resource, T>(
    context: &RequestContext,
    resource: &R,
    grants: &[Grant<'_>],
    question: impl FnOnce(&Request<'_>, &Policies<'_>) -> T,
) -> T {
    let caller = &context.caller;
    let mut subject = Subject::from(&caller.principal).in_region(context.place().name());
    let role = caller.principal.service().and_then(services::policy);
    let known = context.permissions().get::<CallerPolicies>();
    if let Some(known) = known {
        subject = subject.with_tags(known.tags.clone());
    }
    let arn = resource.arn();
    let asked = context.asked();
    let keys = Known { context, asked: &asked, resource, is_service: subject.is_service() };
    let request =
        Request { subject: &subject, action: A::NAME, resource: &arn, owner: resource.owner(), keys: &keys };
    // Who comes without policies has none: a user may do nothing then, and neither may a session that only its
    // policies would let do something.
    let policies = Policies {
        identity: known.map_or(role.as_slice(), |known| &known.identity),
        boundary: known.and_then(|known| known.boundary.as_deref()),
        session: known.and_then(|known| known.session.as_deref()),
        guard: resource.guard(),
        grants,
    };
    question(&request, &policies)
}

/// The condition keys of a request that do not follow from its subject and its resource's owner.
struct Known<'r, R> {
    context: &'r RequestContext,
    asked: &'r ConditionKeys,
    resource: &'r R,
    is_service: bool,
}

/// Milliseconds of a second.
const MILLIS: i64 = 1000;

impl<R: Resource> ContextKeys for Known<'_, R> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        let context = self.context;
        match key {
            // A service calls from within.
            "aws:sourceip" if self.is_service => None,
            "aws:sourceip" => Some(Values::One(Value::Address(context.source_ip))),
            "aws:currenttime" => Some(Values::One(Value::Moment(context.now_ms))),
            "aws:epochtime" => Some(context.now_ms.div_euclid(MILLIS).into()),
            "aws:securetransport" => Some((self.is_service || context.tls.is_some()).into()),
            "aws:requestedregion" => Some(Values::text(context.place().name())),
            "aws:useragent" => Some(Values::text(context.user_agent.as_str())),
            _ => session_keys::value(key, context, self.asked).unwrap_or_else(|NotOurs| {
                let asked = self.asked.get(key).map(of_input);
                asked.or_else(|| self.resource.condition_key(key, context))
            }),
        }
    }
}

fn of_input(value: &KeyValue) -> Values<'_> {
    match value {
        KeyValue::Text(text) => Values::text(text.as_str()),
        KeyValue::Flag(flag) => (*flag).into(),
        KeyValue::Number(number) => (*number).into(),
        KeyValue::Moment(millis) => Values::One(Value::Moment(*millis)),
        KeyValue::Texts(texts) => Values::texts(texts.iter().map(String::as_str)),
    }
}
