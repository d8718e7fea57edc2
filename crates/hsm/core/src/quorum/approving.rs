//! Whether enough people have approved.

use std::collections::HashSet;
use std::sync::Arc;

use strongroom_crypto::digest::sha256;
use strongroom_hsm_proto::command::{Approval, ApprovalSignature, FailureCode, QuorumService, Role};

use super::record::{LENGTH, Record};
use super::{APPROVAL_REQUIRED, FAILED};
use crate::effect::{KeyRecord, Kind, SpentApproval, UserRecord, UserRef};
use crate::hsm::Caller;
use crate::outcome::Draft;
use crate::refusal::Refusal;
use crate::state::{Resource, State};
use crate::user::is_signed_by;

/// The most records of an approval: one for each HSM of a cluster.
const MOST_RECORDS: usize = 28;
/// The most signatures of an approval.
const MOST_SIGNATURES: usize = 8;

impl Caller<'_> {
    /// Adds to a change of an administrator that it was approved: fails if it must be and was not.
    pub(crate) fn approved(
        &self,
        state: &State,
        service: QuorumService,
        draft: Draft,
    ) -> Result<Draft, Refusal> {
        let needed = match service {
            QuorumService::User => state.quorum.user,
            QuorumService::Cluster => state.quorum.cluster,
            _ => state.quorum.quorum,
        };
        let draft = draft.relying_on([Resource::Quorum]);
        if needed < 2 {
            return Ok(draft);
        }
        self.require(
            state,
            Required { service, key: 0, needed, text: APPROVAL_REQUIRED },
            draft,
            |state, name| {
                let user = UserRef::new(name, Role::Admin);
                state.users.contains_key(&user).then_some(user)
            },
        )
    }

    /// Adds to a change of a key, or to its use, that it was approved.
    pub(crate) fn approved_for_key(
        &self,
        state: &State,
        service: QuorumService,
        key: &KeyRecord,
        draft: Draft,
    ) -> Result<Draft, Refusal> {
        let needed = if service == QuorumService::KeyUsage { key.use_quorum } else { key.manage_quorum };
        if needed == 0 {
            return Ok(draft);
        }
        let draft = draft.relying_on([Resource::Key(key.handle)]);
        self.require(state, Required { service, key: key.handle, needed, text: FAILED }, draft, |_, name| {
            key.is_usable_by(name).then(|| UserRef::new(name, Role::CryptoUser))
        })
    }

    fn require(
        &self,
        state: &State,
        required: Required,
        draft: Draft,
        may_approve: impl Fn(&State, &str) -> Option<UserRef>,
    ) -> Result<Draft, Refusal> {
        if self.approvals.is_empty() {
            return Err(Refusal::new(FailureCode::QuorumRequired, required.text));
        }
        let spent = self
            .approvals
            .iter()
            .find_map(|approval| self.is_for(approval, required))
            .filter(|(_, records)| records.iter().all(|record| !state.spent.contains(&record.nonce)));
        let Some((approval, records)) = spent else {
            return Err(Refusal::new(FailureCode::QuorumFailed, FAILED));
        };
        let approver = |signature: &ApprovalSignature| {
            let user = may_approve(state, &signature.username.to_ascii_lowercase())?;
            let user = state.users.get(&user).filter(|record| record.quorum)?;
            Some((Arc::clone(user), signature.signature.clone()))
        };
        let signatures: Vec<_> =
            approval.signatures.iter().take(MOST_SIGNATURES).filter_map(approver).collect();
        let approvers: Vec<_> = signatures.iter().map(|(user, _)| user.user.clone()).collect();
        let nonces: Vec<_> = records.iter().map(|record| record.nonce.to_vec()).collect();
        let mut draft = Draft { approved_in: self.session.as_ref().map(|session| session.id), ..draft };
        draft.unverified.push(Signatures {
            digest: sha256(&approval.approval_data),
            given: signatures,
            needed: required.needed as usize,
        });
        Ok(draft
            .relying_on(approvers.into_iter().map(Resource::User))
            .relying_on(nonces.iter().cloned().map(Resource::Approval))
            .doing([Kind::Spend(SpentApproval { nonces })]))
    }

    /// The approval with its records, if one of them is this HSM's own token for just this: made in this session, by
    /// its user, for this service and key, and in time.
    fn is_for<'b>(&self, approval: &'b Approval, required: Required) -> Option<(&'b Approval, Vec<Record>)> {
        let (records, []) = approval.approval_data.as_chunks::<LENGTH>() else {
            return None;
        };
        if records.len() > MOST_RECORDS {
            return None;
        }
        let session = self.session.as_ref()?;
        let user = session.login()?;
        let tokens = self.hsm.tokens();
        let mut own = records.iter().filter_map(|record| tokens.find(record, self.now));
        own.find(|token| {
            token.session == session.id
                && token.user == user
                && token.record.service == required.service
                && token.record.key == required.key
        })?;
        let records: Option<Vec<_>> = records.iter().map(Record::read).collect();
        let alike = |record: &Record| {
            record.service == required.service && record.key == required.key && record.user == user.name
        };
        records.filter(|records| records.iter().all(alike)).map(|records| (approval, records))
    }
}

/// Signatures of approvers that are not verified yet: that is work, and not done while the state is held.
pub(crate) struct Signatures {
    digest: [u8; 32],
    /// Those who may approve, with what is said to be their signature.
    given: Vec<(Arc<UserRecord>, Vec<u8>)>,
    /// So many different users must have signed.
    needed: usize,
}

impl Draft {
    /// Verifies the approvals that the change was given. A change with some that are not verified is not planned:
    /// what is computed for it should wait for this.
    pub(crate) fn verified(mut self) -> Result<Self, Refusal> {
        for Signatures { digest, given, needed } in std::mem::take(&mut self.unverified) {
            let right = given
                .iter()
                .filter(|(user, signature)| is_signed_by(&user.public_key, &digest, signature))
                .map(|(user, _)| &user.user);
            if right.collect::<HashSet<_>>().len() < needed {
                return Err(Refusal::new(FailureCode::QuorumFailed, FAILED));
            }
        }
        Ok(self)
    }
}

/// What must be approved.
#[derive(Clone, Copy)]
struct Required {
    service: QuorumService,
    /// The key's handle; 0 for administrators' services.
    key: u64,
    needed: u32,
    /// What is said when there is no approval at all.
    text: &'static str,
}
