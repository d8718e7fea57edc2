//! What holds of every session, whatever it says and whatever the policies.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use proptest::prelude::*;
use strongroom_identity::{
    AccountId, Action, Caller, Entity, Origin, Principal, Region, RequestContext, RequestId, Session,
};
use strongroom_policy::document::Kind;
use strongroom_policy::{Authority, CallerPolicies, Guard, Policy, Resource};

use crate::properties::{ARN, POSITIVE, one, world};

const ORIGINS: [Origin; 4] =
    [Origin::AssumeRole, Origin::WebIdentity, Origin::SessionToken, Origin::FederationToken];

struct Decrypt;

impl Action for Decrypt {
    const NAME: &'static str = "kms:Decrypt";
}

/// A key with that policy.
struct Key(Policy);

impl Resource for Key {
    fn owner(&self) -> AccountId {
        "111122223333".parse().unwrap()
    }

    fn arn(&self) -> String {
        ARN.to_owned()
    }

    fn guard(&self) -> Guard<'_> {
        Guard::Key(&self.0)
    }
}

fn session() -> impl Strategy<Value = Session> {
    let text = || prop::option::of("[a-z]{1,4}");
    (prop::sample::select(&ORIGINS[..]), prop::option::of(0..1_000_000_i64), text(), text()).prop_map(
        |(origin, mfa_ms, source_identity, federated_provider)| Session {
            origin,
            issued_ms: 0,
            expires_ms: i64::MAX,
            mfa_ms,
            source_identity,
            tags: Vec::new(),
            federated_provider,
        },
    )
}

fn context(session: Option<Session>, is_role: bool) -> RequestContext {
    let entity = |name: &str, id: &str| Entity {
        account: "111122223333".parse().unwrap(),
        path: "/".to_owned(),
        name: name.to_owned(),
        id: id.to_owned(),
    };
    let principal = if is_role {
        Principal::RoleSession { role: entity("r", "AROADBQP57FF2AEXAMPLE"), session: "s1".to_owned() }
    } else {
        Principal::User(entity("a", "AIDACKCEVSQ6C2EXAMPLE"))
    };
    let caller = Caller { session: session.map(Arc::new), ..Caller::new(principal, "ASIA") };
    RequestContext::new(
        RequestId::from_random([5; 16]),
        caller,
        Region::named("us-east-1").unwrap(),
        1_000_000,
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        String::new(),
        None,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// IAM User Guide, "Secure API access with MFA": credentials prove a second factor only if they come from
    /// GetSessionToken with a code, whatever else their session says; and no key that a session lacks grants anything.
    #[test]
    fn only_who_proved_a_second_factor_is_let_in_by_it(session in prop::option::of(session()), is_role in any::<bool>()) {
        let proven = session.as_ref().is_some_and(|session| {
            session.origin == Origin::SessionToken && session.mfa_ms.is_some()
        });
        let context = context(session, is_role);
        let may = |condition: &str| {
            let allow = format!(
                r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{condition}}}"#
            );
            Authority::new().authorize::<Decrypt, _>(&context, Key(one(&allow, Kind::Key))).is_ok()
        };
        prop_assert_eq!(may(r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#), proven);
        prop_assert_eq!(may(r#"{"NumericGreaterThanEquals":{"aws:MultiFactorAuthAge":"0"}}"#), proven);
        let is_temporary = context.caller.session.is_some();
        prop_assert_eq!(may(r#"{"Null":{"aws:TokenIssueTime":"false"}}"#), is_temporary);
        for unknown in ["aws:SourceVpce", "aws:SourceArn", "aws:CalledVia", "aws:PrincipalOrgID", "example:none"] {
            for operator in POSITIVE {
                let condition = format!(r#"{{"{operator}":{{"{unknown}":["1","*",""]}}}}"#);
                prop_assert!(!may(&condition), "{condition}");
            }
        }
    }

    /// A session of a role does nothing that a session without policies of its own could not do, and neither does one
    /// with a boundary.
    #[test]
    fn through_the_authority_too_sessions_and_boundaries_only_limit(world in world(), is_role in any::<bool>()) {
        let may = |policies: CallerPolicies| {
            let mut context = context(None, is_role);
            context.caller.permissions = policies.into();
            Authority::new().authorize::<Decrypt, _>(&context, Key(world.attached.clone())).is_ok()
        };
        let full = CallerPolicies {
            identity: world.identity.clone(),
            boundary: world.boundary.clone().map(Arc::new),
            session: world.session.clone(),
            tags: Vec::new(),
        };
        let unlimited = CallerPolicies { boundary: None, session: None, ..full.clone() };
        prop_assert!(!may(full) || may(unlimited));
    }
}
