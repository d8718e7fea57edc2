//! What a grant says: who may do what with the key, under which conditions. Two grants of one key with the same terms
//! differ in nothing but their ids.

use serde_json::{Map, Value};
use strongroom_crypto::digest;
use strongroom_identity::AccountId;

use super::constraints::{Constraints, ContextConstraint, Pairs};
use super::operations::Operations;
use super::party::Party;
use crate::domain::access::Nature;
use crate::error::Refusal;

/// The terms of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) name: Option<String>,
    /// The account that made the grant.
    pub(crate) issuer: AccountId,
    pub(crate) grantee: Party,
    pub(crate) retiring: Option<Party>,
    pub(crate) operations: Operations,
    pub(crate) constraints: Constraints,
}

impl Terms {
    /// Refuses terms that a grant of that key cannot have.
    pub(crate) fn check(&self, key: Nature) -> Result<(), Refusal> {
        self.operations.check(key)?;
        self.constraints.check(key)?;
        // KMS API Reference, CreateGrant, GranteeServicePrincipal.
        if matches!(self.grantee, Party::Service(_)) {
            let missing = match (&self.constraints.source_arn, &self.retiring) {
                (None, _) => "a SourceArn grant constraint",
                (_, None) => "a RetiringPrincipal or a RetiringServicePrincipal",
                _ => return Ok(()),
            };
            return Err(Refusal::Validation(format!(
                "A grant with a GranteeServicePrincipal must have {missing}."
            )));
        }
        Ok(())
    }

    /// What is the same for the same terms, of a grant that has a name: requests for it are one and the same.
    pub(crate) fn fingerprint(&self) -> Option<[u8; 32]> {
        let name = self.name.as_ref()?;
        let retiring = self.retiring.as_ref().map_or("", Party::identity);
        let parts = [name, self.grantee.identity(), retiring, &self.to_column()];
        let framed =
            parts.iter().flat_map(|part| (part.len() as u64).to_be_bytes().into_iter().chain(part.bytes()));
        Some(digest::sha256(&framed.collect::<Vec<_>>()))
    }

    /// Everything but name and identities, as the store keeps it.
    pub(crate) fn to_column(&self) -> String {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
        put("IssuingAccount", self.issuer.to_string().into());
        let (member, named) = member("Grantee", &self.grantee);
        put(&member, named);
        if let Some(retiring) = &self.retiring {
            let (member, named) = self::member("Retiring", retiring);
            put(&member, named);
        }
        put("Operations", self.operations.names().collect::<Vec<_>>().into());
        if let Some(context) = &self.constraints.context {
            let pairs = context.pairs().iter().map(|(name, value)| (name.clone(), value.clone().into()));
            put(context.name(), Value::Object(pairs.collect()));
        }
        if let Some(source) = &self.constraints.source_arn {
            put("SourceArn", source.clone().into());
        }
        Value::Object(members).to_string()
    }

    /// Reads what the store keeps. `None` for what was not written by [`to_column`](Self::to_column).
    pub(crate) fn from_column(
        terms: &str,
        name: Option<String>,
        grantee: String,
        retiring: Option<String>,
    ) -> Option<Self> {
        let members: Map<String, Value> = serde_json::from_str(terms).ok()?;
        let text = |member: &str| members.get(member).and_then(Value::as_str);
        let party = |role: &str, identity: String| match text(&format!("{role}ServicePrincipal")) {
            Some(_) => Some(Party::Service(identity)),
            None => Some(Party::Principal { named: text(&format!("{role}Principal"))?.to_owned(), identity }),
        };
        let pairs = |member: &str| match members.get(member) {
            None => Some(None),
            Some(pairs) => pairs_of(pairs).map(Some),
        };
        let context = match (pairs("EncryptionContextEquals")?, pairs("EncryptionContextSubset")?) {
            (Some(pairs), _) => Some(ContextConstraint::Equals(pairs)),
            (None, subset) => subset.map(ContextConstraint::Subset),
        };
        let operations = members.get("Operations")?.as_array()?.iter().map(Value::as_str);
        Some(Self {
            name,
            issuer: text("IssuingAccount")?.parse().ok()?,
            grantee: party("Grantee", grantee)?,
            retiring: match retiring {
                None => None,
                Some(identity) => Some(party("Retiring", identity)?),
            },
            operations: Operations::parse(operations.collect::<Option<Vec<_>>>()?)?,
            constraints: Constraints { context, source_arn: text("SourceArn").map(str::to_owned) },
        })
    }
}

/// The member of the API that names a party.
fn member(role: &str, party: &Party) -> (String, Value) {
    let suffix = match party {
        Party::Principal { .. } => "Principal",
        Party::Service(_) => "ServicePrincipal",
    };
    (format!("{role}{suffix}"), party.named().into())
}

fn pairs_of(value: &Value) -> Option<Pairs> {
    let pair = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    value.as_object()?.iter().map(pair).collect()
}
