//! Those whom an identity provider knows, and who have no credentials of ours.

use std::sync::OnceLock;

use crate::AccountId;

/// Who calls without a signature, to assume a role of an account on the word of an identity provider: nobody at first,
/// and somebody once that word has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebIdentity {
    account: AccountId,
    vouched: OnceLock<Vouched>,
}

/// What an identity provider says of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The provider's ARN, for example `arn:aws:iam::111122223333:oidc-provider/server.example.com`.
    pub provider: String,
    /// The application that the provider's word is meant for.
    pub audience: String,
    /// What the provider calls him.
    pub subject: String,
}

impl WebIdentity {
    /// Nobody yet, who asks for a role of `account`.
    pub fn unknown(account: AccountId) -> Self {
        Self { account, vouched: OnceLock::new() }
    }

    /// The account of the role.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// States who it is, once the provider's word has been checked. What is stated first stays.
    pub fn vouch(&self, vouched: Vouched) {
        // Of two words the first counts, and nobody gives a second.
        let _stays = self.vouched.set(vouched);
    }

    /// Who it is, if that is known.
    pub fn vouched(&self) -> Option<&Vouched> {
        self.vouched.get()
    }
}

impl Vouched {
    /// `principalId` of records: provider, audience and subject ("CloudTrail userIdentity element").
    pub fn unique_id(&self) -> String {
        let Self { provider, audience, subject } = self;
        format!("{provider}:{audience}:{subject}")
    }
}
