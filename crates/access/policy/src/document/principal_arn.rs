//! The ARNs of principals (IAM User Guide, "IAM identifiers").

use strongroom_identity::{AccountId, PARTITION};

/// The most characters of a user's, role's or session's name.
const LONGEST_NAME: usize = 64;
/// The most characters of a federated user's name.
const LONGEST_FEDERATED_NAME: usize = 32;
/// The fewest characters of a session's or federated user's name.
const SHORTEST_SESSION: usize = 2;
/// The most characters of a path, slashes at both ends included.
const LONGEST_PATH: usize = 512;
/// The most characters of an identity provider's name or address.
const LONGEST_PROVIDER: usize = 255;

/// The ARN of a principal, well-formed. Whether there is such a principal is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalArn {
    text: String,
    account: AccountId,
    kind: PrincipalArnKind,
}

/// What a [`PrincipalArn`] is the ARN of. Groups and instance profiles are never principals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalArnKind {
    /// `arn:aws:iam::111122223333:user/path/name`
    User,
    /// `arn:aws:iam::111122223333:role/path/name`: every session of the role.
    Role,
    /// `arn:aws:sts::111122223333:assumed-role/name/session`: one session. The role's path is not in it.
    AssumedRole,
    /// `arn:aws:sts::111122223333:federated-user/name`
    FederatedUser,
}

impl PrincipalArn {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The account that the principal belongs to.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// What it is the ARN of.
    pub fn kind(&self) -> PrincipalArnKind {
        self.kind
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (service, account, resource) = fields(text)?;
        let (family, name) = resource.split_once('/')?;
        let (kind, is_well_formed) = match (service, family) {
            ("iam", "user") => (PrincipalArnKind::User, is_path_and_name(name)),
            ("iam", "role") => (PrincipalArnKind::Role, is_path_and_name(name)),
            ("sts", "assumed-role") => (PrincipalArnKind::AssumedRole, is_role_and_session(name)),
            ("sts", "federated-user") => (
                PrincipalArnKind::FederatedUser,
                is_name(name, LONGEST_FEDERATED_NAME) && name.len() >= SHORTEST_SESSION,
            ),
            _ => return None,
        };
        is_well_formed.then(|| Self { text: text.to_owned(), account, kind })
    }
}

/// The account whose root user has that ARN.
pub(super) fn root_account(text: &str) -> Option<AccountId> {
    match fields(text)? {
        ("iam", account, "root") => Some(account),
        _ => None,
    }
}

/// Whether it is the ARN of a SAML or OpenID Connect provider.
pub(super) fn is_provider_arn(text: &str) -> bool {
    let Some(("iam", _, resource)) = fields(text) else { return false };
    match resource.split_once('/') {
        Some(("saml-provider", name)) => is_name(name, LONGEST_PROVIDER),
        Some(("oidc-provider", address)) => {
            (1..=LONGEST_PROVIDER).contains(&address.len()) && is_printable_without_wildcards(address)
        }
        _ => false,
    }
}

/// Service, account and resource of an ARN of our partition without a Region.
fn fields(text: &str) -> Option<(&str, AccountId, &str)> {
    let rest = text.strip_prefix("arn:")?.strip_prefix(PARTITION)?.strip_prefix(':')?;
    let (service, rest) = rest.split_once(':')?;
    let (account, resource) = rest.strip_prefix(':')?.split_once(':')?;
    Some((service, account.parse().ok()?, resource))
}

/// What follows `user/` or `role/`: a path, which may be empty, and a name.
fn is_path_and_name(text: &str) -> bool {
    let (path, name) = text.rsplit_once('/').unwrap_or(("", text));
    // The slashes at the path's ends are not in `path`.
    path.len() + 2 <= LONGEST_PATH && is_printable_without_wildcards(path) && is_name(name, LONGEST_NAME)
}

fn is_role_and_session(text: &str) -> bool {
    text.split_once('/').is_some_and(|(role, session)| {
        is_name(role, LONGEST_NAME) && is_name(session, LONGEST_NAME) && session.len() >= SHORTEST_SESSION
    })
}

/// One to `longest` letters, digits and `_+=,.@-`.
fn is_name(text: &str, longest: usize) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (1..=longest).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Paths have any printable character; in a policy, `*` and `?` would be taken for wildcards, which
/// principals do not have.
fn is_printable_without_wildcards(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*' && byte != b'?')
}
