//! The tokens that this HSM has given out and that wait to be used.

use std::collections::HashMap;

use strongroom_hsm_proto::command::{FailureCode, QuorumService};

use super::record::{LENGTH, Record};
use crate::Now;
use crate::effect::UserRef;
use crate::refusal::Refusal;

/// The most tokens of an HSM.
const MOST_TOKENS: usize = 1_024;

/// Tokens, by the random part of their records.
#[derive(Default)]
pub(crate) struct Tokens {
    by_nonce: HashMap<[u8; 16], Token>,
    last_number: u32,
}

/// A token that waits to be used.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) record: Record,
    pub(crate) user: UserRef,
    pub(crate) session: u64,
    pub(crate) expires_ms: u64,
}

impl Tokens {
    pub(crate) fn last_number(&self) -> u32 {
        self.last_number
    }

    pub(crate) fn go_on_after(&mut self, number: u32) {
        self.last_number = number;
    }

    pub(super) fn next_number(&mut self) -> u32 {
        self.last_number = self.last_number.wrapping_add(1);
        self.last_number
    }

    /// Keeps a new token. An administrator has one for each service: an older one goes.
    pub(super) fn add(&mut self, token: Token, now: Now) -> Result<(), Refusal> {
        if !is_of_key(token.record.service) {
            let replaced =
                |other: &Token| other.user == token.user && other.record.service == token.record.service;
            self.by_nonce.retain(|_, other| !replaced(other));
        }
        if self.by_nonce.len() >= MOST_TOKENS {
            self.by_nonce.retain(|_, token| token.expires_ms > now.monotonic_ms);
        }
        if self.by_nonce.len() >= MOST_TOKENS && !is_of_key(token.record.service) {
            // Crypto users, who have no such limit, do not keep administrators from asking.
            let of_keys = self.by_nonce.values().filter(|token| is_of_key(token.record.service));
            if let Some(nonce) =
                of_keys.min_by_key(|token| token.record.number).map(|token| token.record.nonce)
            {
                self.by_nonce.remove(&nonce);
            }
        }
        if self.by_nonce.len() >= MOST_TOKENS {
            return Err(Refusal::new(
                FailureCode::LimitExceeded,
                "The HSM has no room for more quorum tokens",
            ));
        }
        self.by_nonce.insert(token.record.nonce, token);
        Ok(())
    }

    /// The token of a record, if it is one of ours, whole, and in time.
    pub(super) fn find(&self, record: &[u8; LENGTH], now: Now) -> Option<&Token> {
        let nonce: &[u8; 16] = record[16..].first_chunk()?;
        let token = self.by_nonce.get(nonce)?;
        (token.expires_ms > now.monotonic_ms && token.record.write() == *record).then_some(token)
    }

    /// Those that are in time, in the order in which they were made.
    pub(super) fn good(&self, now: Now) -> Vec<&Token> {
        let mut good: Vec<_> =
            self.by_nonce.values().filter(|token| token.expires_ms > now.monotonic_ms).collect();
        good.sort_by_key(|token| token.record.number);
        good
    }

    /// Deletes a user's tokens, or all.
    pub(super) fn delete(&mut self, of: Option<&UserRef>) {
        self.by_nonce.retain(|_, token| of.is_some_and(|user| token.user != *user));
    }

    pub(crate) fn forget_session(&mut self, session: u64) {
        self.by_nonce.retain(|_, token| token.session != session);
    }

    pub(crate) fn forget_spent(&mut self, nonces: &[Vec<u8>]) {
        for nonce in nonces.iter().filter_map(|nonce| <[u8; 16]>::try_from(nonce.as_slice()).ok()) {
            self.by_nonce.remove(&nonce);
        }
    }
}

/// Whether a service is of keys, not of administrators.
pub(super) const fn is_of_key(service: QuorumService) -> bool {
    matches!(service, QuorumService::KeyUsage | QuorumService::KeyManagement)
}
