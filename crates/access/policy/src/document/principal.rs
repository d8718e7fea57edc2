//! The principals that a statement is about.

use strongroom_identity::AccountId;

use super::json::Json;
use super::path::Path;
use super::principal_arn::{PrincipalArn, is_provider_arn, root_account};
use super::{Budget, DocumentError, Fault, Kind};

/// Identity providers that have no ARN.
const WELL_KNOWN_PROVIDERS: [&str; 4] =
    ["accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"];

/// Prefixes of the unique ids of users and roles.
const UNIQUE_ID_PREFIXES: [&str; 2] = ["AIDA", "AROA"];

/// Hexadecimal digits of a canonical user id.
const CANONICAL_ID_DIGITS: usize = 64;

/// A principal as policies name it. There are no wildcards but [`Anyone`](Self::Anyone).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedPrincipal {
    /// `*`: everybody, of every account, and anonymous callers.
    Anyone,
    /// An account, by its id or its root user's ARN: everybody in it, as far as its own policies let them.
    Account(AccountId),
    /// A user, role or session.
    Arn(PrincipalArn),
    /// A user or role by its unique id (`AIDA...`, `AROA...`). This is what ARNs turn into when a policy is
    /// stored, and what a policy shows of principals that are gone. One session of a role is its role's id with the
    /// session's name (`AROA...:name`), which no text is read as.
    UniqueId(String),
    /// An AWS service, for example `cloudtrail.amazonaws.com`.
    Service(String),
    /// An identity provider, by its ARN or, for a few, by name.
    Federated(String),
    /// An account in Amazon S3's notation.
    CanonicalUser(String),
}

impl NamedPrincipal {
    /// Reads what may stand under `AWS`: an account, a user, role or session, a unique id, or `*`.
    pub fn parse_aws(text: &str) -> Option<Self> {
        aws(text)
    }

    /// Reads what may stand under `Service`.
    pub fn parse_service(text: &str) -> Option<Self> {
        service(text)
    }
}

/// Reads a `Principal` or `NotPrincipal` element.
pub(super) fn parse(
    json: &Json,
    at: &Path<'_>,
    kind: Kind,
    budget: &mut Budget,
) -> Result<Vec<NamedPrincipal>, DocumentError> {
    if let Json::Text(text) = json {
        if text == "*" && kind.may_have_bare_anyone() {
            return Ok(vec![NamedPrincipal::Anyone]);
        }
        return Err(DocumentError::not_a_principal(at, text));
    }
    let mut principals = Vec::new();
    for (family, names) in json.members(at)? {
        let read = match family.as_str() {
            "AWS" => aws,
            "Service" => service,
            "Federated" if kind.may_have_federated() => federated,
            // In a key policy it would cover nobody: S3 alone knows these ids.
            "CanonicalUser" if kind != Kind::Key => canonical_user,
            "Federated" | "CanonicalUser" => no_principal,
            _ => return Err(DocumentError::malformed(at, Fault::UnknownElement(family.clone()))),
        };
        let at = at.key(family);
        budget.spend(names.count(), &at)?;
        principals.extend(names.each(&at, |name, at| {
            let text = name.text(at)?;
            read(text).ok_or_else(|| DocumentError::not_a_principal(at, text))
        })?);
    }
    Ok(principals)
}

fn aws(text: &str) -> Option<NamedPrincipal> {
    if text == "*" {
        return Some(NamedPrincipal::Anyone);
    }
    if let Some(account) = text.parse().ok().or_else(|| root_account(text)) {
        return Some(NamedPrincipal::Account(account));
    }
    if is_unique_id(text) {
        return Some(NamedPrincipal::UniqueId(text.to_owned()));
    }
    PrincipalArn::parse(text).map(NamedPrincipal::Arn)
}

/// Sixteen to 128 capital letters and digits (IAM's API, `idType`), the first of which tell what it is of.
fn is_unique_id(text: &str) -> bool {
    UNIQUE_ID_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
        && (16..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// A host name in lower case under `amazonaws.com` or `amazon.com`.
fn service(text: &str) -> Option<NamedPrincipal> {
    let name = text.strip_suffix(".amazonaws.com").or_else(|| text.strip_suffix(".amazon.com"))?;
    let is_label = |label: &str| {
        let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.bytes().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.split('.').all(is_label).then(|| NamedPrincipal::Service(text.to_owned()))
}

fn federated(text: &str) -> Option<NamedPrincipal> {
    let is_provider = WELL_KNOWN_PROVIDERS.contains(&text) || is_provider_arn(text);
    is_provider.then(|| NamedPrincipal::Federated(text.to_owned()))
}

fn canonical_user(text: &str) -> Option<NamedPrincipal> {
    let is_id = text.len() == CANONICAL_ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| NamedPrincipal::CanonicalUser(text.to_owned()))
}

fn no_principal(_: &str) -> Option<NamedPrincipal> {
    None
}
