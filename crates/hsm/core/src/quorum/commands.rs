//! The commands on tokens and quorum values.

use strongroom_crypto::random;
use strongroom_hsm_proto::command::{
    DeleteTokens, GenerateToken, QuorumService, QuorumValues, Result as Answered, SetQuorumValue,
    SetTokenTimeout, Token as TokenRecord, TokenDescription, TokenList, TokenTimeouts,
};

use super::INVALID_VALUE;
use super::record::Record;
use super::tokens::{Token, is_of_key};
use crate::effect::{Kind, QuorumSettings};
use crate::hsm::{Caller, Hsm};
use crate::outcome::{Draft, Progress};
use crate::refusal::Refusal;
use crate::state::{Resource, State};

/// The highest quorum value.
const HIGHEST_VALUE: u32 = 8;
/// How long a token can be made to live, in seconds.
const TIMEOUTS: std::ops::RangeInclusive<u32> = 1..=86_400;

impl Hsm {
    /// Counts this HSM's tokens. The count outlives the process.
    pub(crate) fn next_token_number(&self) -> u32 {
        let number = self.tokens().next_number();
        self.mark_unsaved();
        number
    }
}

impl Caller<'_> {
    pub(crate) fn generate_token(&self, command: &GenerateToken) -> Result<Progress, Refusal> {
        let service = QuorumService::try_from(command.service)
            .ok()
            .filter(|service| *service != QuorumService::Registration)
            .ok_or(Refusal::invalid_request("There are no tokens for this service"))?;
        let user = if is_of_key(service) { self.crypto_user()? } else { self.administrator()? };
        let lifetime_s = {
            let state = self.hsm.state();
            if is_of_key(service) {
                self.usable_key(&state, &user, command.key)?;
            } else if command.key != 0 {
                return Err(Refusal::invalid_request("Tokens of this service are of no key"));
            }
            u64::from(state.quorum.generated_s)
        };
        let record = Record {
            service,
            number: self.hsm.next_token_number(),
            key: command.key,
            nonce: random::bytes()?,
            user: user.name.clone(),
            expires_s: u64::try_from(self.now.domain_ms / 1_000).unwrap_or(0).saturating_add(lifetime_s),
        };
        let approval_data = record.write().to_vec();
        let session = self.session()?;
        let expires_ms = self.now.monotonic_ms.saturating_add(lifetime_s * 1_000);
        let token = Token { record, user, session: session.id, expires_ms };
        // Under the session's lock: a session that is closed meanwhile takes its tokens with it.
        let inner = session.inner();
        if inner.login.is_none() {
            return Err(Refusal::invalid_request("The session is logged out"));
        }
        self.hsm.tokens().add(token, self.now)?;
        Ok(Progress::Done(Some(Answered::Token(TokenRecord { approval_data }))))
    }

    pub(crate) fn list_tokens(&self) -> Result<Progress, Refusal> {
        self.user()?;
        let state = self.hsm.state();
        let tokens = self.hsm.tokens();
        let describe = |token: &Token| TokenDescription {
            username: token.user.name.clone(),
            service: token.record.service.into(),
            key: token.record.key,
            approvals_required: needed(&state, token.record.service, token.record.key),
            approvals: 0,
            seconds_left: ((token.expires_ms - self.now.monotonic_ms) / 1_000) as u32,
        };
        let tokens = tokens.good(self.now).into_iter().map(describe).collect();
        Ok(Progress::Done(Some(Answered::Tokens(TokenList { tokens }))))
    }

    pub(crate) fn delete_tokens(&self, command: &DeleteTokens) -> Result<Progress, Refusal> {
        let user = self.administrator()?;
        self.hsm.tokens().delete((!command.all).then_some(&user));
        Ok(Progress::Done(None))
    }

    pub(crate) fn list_quorum_values(&self) -> Progress {
        let QuorumSettings { user, quorum, cluster, .. } = self.hsm.state().quorum;
        Progress::Done(Some(Answered::QuorumValues(QuorumValues { user, quorum, cluster })))
    }

    pub(crate) fn set_quorum_value(&self, command: &SetQuorumValue) -> Result<Progress, Refusal> {
        let administrator = self.administrator()?;
        let state = self.hsm.state();
        let value = command.value;
        if !(1..=HIGHEST_VALUE).contains(&value) || value as usize > state.administrators() {
            return Err(Refusal::invalid_request(INVALID_VALUE));
        }
        let mut settings = state.quorum;
        match QuorumService::try_from(command.service) {
            Ok(QuorumService::User) => settings.user = value,
            Ok(QuorumService::Quorum) => settings.quorum = value,
            Ok(QuorumService::Cluster) => settings.cluster = value,
            _ => return Err(Refusal::invalid_request("The value of this service cannot be set")),
        }
        let draft = self.approved(&state, QuorumService::Quorum, Draft::new(state.history.revision()))?;
        Ok(draft
            .relying_on([Resource::User(administrator), Resource::Users, Resource::Quorum])
            .doing([Kind::SetQuorum(settings)])
            .change())
    }

    pub(crate) fn list_token_timeouts(&self) -> Progress {
        let QuorumSettings { generated_s, approved_s, .. } = self.hsm.state().quorum;
        let timeouts = TokenTimeouts { generated: generated_s, approved: approved_s };
        Progress::Done(Some(Answered::TokenTimeouts(timeouts)))
    }

    pub(crate) fn set_token_timeout(&self, command: &SetTokenTimeout) -> Result<Progress, Refusal> {
        let administrator = self.administrator()?;
        let state = self.hsm.state();
        let mut settings = state.quorum;
        for (given, kept) in
            [(command.generated, &mut settings.generated_s), (command.approved, &mut settings.approved_s)]
        {
            if given != 0 && !TIMEOUTS.contains(&given) {
                return Err(Refusal::invalid_request("A token lives 1 to 86400 seconds"));
            }
            if given != 0 {
                *kept = given;
            }
        }
        let draft = self.approved(&state, QuorumService::Quorum, Draft::new(state.history.revision()))?;
        Ok(draft.relying_on([Resource::User(administrator)]).doing([Kind::SetQuorum(settings)]).change())
    }
}

/// How many must approve, as things are.
fn needed(state: &State, service: QuorumService, key: u64) -> u32 {
    let key = state.keys.get(key);
    match service {
        QuorumService::User => state.quorum.user,
        QuorumService::Quorum | QuorumService::Registration => state.quorum.quorum,
        QuorumService::Cluster => state.quorum.cluster,
        QuorumService::KeyUsage => key.map_or(0, |key| key.record.use_quorum),
        QuorumService::KeyManagement => key.map_or(0, |key| key.record.manage_quorum),
    }
}
