//! Keys are changed, shared and deleted.

use std::sync::Arc;

use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, DeleteKey, KeyClass, QuorumService, Role, SetAttribute,
    ShareKey, UnshareKey,
};

use super::{Flags, change};
use crate::audit::{AuditDetail, Opcode};
use crate::effect::{KeyRecord, KeyRef, Kind, UserRef};
use crate::hsm::{BUSY, Caller};
use crate::outcome::{Draft, FollowUp, Progress};
use crate::refusal::Refusal;
use crate::state::{KeyEntry, Resource};
use crate::user::crypto_user_name;

impl Caller<'_> {
    pub(crate) fn set_attribute(&self, command: &SetAttribute) -> Result<Progress, Refusal> {
        let by = self.user()?;
        let attribute =
            command.attribute.as_ref().ok_or(Refusal::invalid_request("The attribute is missing"))?;
        let administrator = by.role == i32::from(Role::Admin);
        let (draft, entry) = {
            let state = self.hsm.state();
            let draft = Draft::new(state.history.revision());
            if administrator {
                let entry = state.keys.get(command.key).cloned().ok_or_else(Refusal::no_such_key)?;
                (draft, entry)
            } else {
                let entry = if attribute.name == i32::from(AttributeName::Trusted) {
                    self.usable_key(&state, &by, command.key)?
                } else {
                    self.owned_key(&state, &by, command.key)?
                };
                let draft =
                    self.approved_for_key(&state, QuorumService::KeyManagement, &entry.record, draft)?;
                (draft, entry)
            }
        };
        self.about_key(&entry.record);
        let draft = draft.verified()?;
        let record = change(&entry.record, attribute, administrator)?;
        self.put_changed(&by, &entry, record, attribute, draft)
    }

    /// Puts the key `record`, which is `entry` with an attribute changed, in its place.
    fn put_changed(
        &self,
        by: &UserRef,
        entry: &Arc<KeyEntry>,
        mut record: KeyRecord,
        attribute: &Attribute,
        draft: Draft,
    ) -> Result<Progress, Refusal> {
        if record == entry.record {
            // Nothing to change, and no approval used up.
            return Ok(Progress::Done(None));
        }
        let session = self.session()?;
        let draft = draft.relying_on([Resource::User(by.clone()), Resource::Key(record.handle)]);
        let of_session = !entry.record.has(Flags::TOKEN);
        if of_session && !is_promotion(attribute) {
            let (attribute, by_administrator) = (attribute.clone(), by.role == i32::from(Role::Admin));
            let handle = record.handle;
            return Ok(draft
                .then(FollowUp::Change { session: session.id, handle, attribute, by_administrator })
                .change());
        }
        let draft = if of_session {
            // Nobody told the session's keys who has gone since they were made.
            record.shared_with.retain(|name| self.hsm.state().user(name, Role::CryptoUser).is_some());
            if !record.has_enough_users() {
                return Err(TOO_FEW_USERS);
            }
            let asymmetric = usize::from(!record.is(KeyClass::SecretKey));
            let near = self.hsm.room_for(&self.hsm.state(), 1, asymmetric)?;
            let mark = session.inner().mark_becoming_token(entry).ok_or(BUSY)?;
            let draft =
                draft.then(FollowUp::Kept { session: session.id, handle: record.handle, _mark: mark });
            if near { draft.relying_on([Resource::KeyCount]) } else { draft }
        } else {
            record.version = record.version.wrapping_add(1);
            draft
        };
        if !record.is(KeyClass::PublicKey) {
            let material = self.hsm.material(entry)?.secret_bytes()?;
            record = self.hsm.keyring.seal_key(record, material.expose())?;
        }
        Ok(draft.doing([Kind::PutKey(record)]).change())
    }

    pub(crate) fn share_key(&self, command: &ShareKey) -> Result<Progress, Refusal> {
        self.change_shares(command.key, &command.username, true)
    }

    pub(crate) fn unshare_key(&self, command: &UnshareKey) -> Result<Progress, Refusal> {
        self.change_shares(command.key, &command.username, false)
    }

    fn change_shares(&self, handle: u64, name: &str, share: bool) -> Result<Progress, Refusal> {
        self.account.borrow_mut().detail = AuditDetail::Unknown;
        let by = self.crypto_user()?;
        let name = crypto_user_name(name)?;
        let state = self.hsm.state();
        let entry = self.owned_key(&state, &by, handle)?;
        if entry.record.is(KeyClass::PublicKey) {
            return Err(Refusal::key_forbids("Public keys cannot be shared or unshared"));
        }
        if !entry.record.has(Flags::TOKEN) {
            return Err(Refusal::key_forbids("Session keys cannot be shared"));
        }
        let user = UserRef::new(&name, Role::CryptoUser);
        if !state.users.contains_key(&user) {
            return Err(Refusal::no_such_user());
        }
        let mut record = entry.record.clone();
        match record.shared_with.binary_search(&name) {
            Err(place) if share && name != by.name => record.shared_with.insert(place, name),
            Ok(place) if !share => {
                record.shared_with.remove(place);
            }
            _ if share => return Err(Refusal::invalid_request("The key is shared with this user already")),
            _ => return Err(Refusal::invalid_request("The key is not shared with this user")),
        }
        if !share && !record.has_enough_users() {
            return Err(TOO_FEW_USERS);
        }
        let draft = Draft::new(state.history.revision());
        let draft = self.approved_for_key(&state, QuorumService::KeyManagement, &entry.record, draft)?;
        // The token is not bound to the list of users, so it stays as it is.
        let draft = draft
            .relying_on([Resource::User(by), Resource::User(user), Resource::Key(handle)])
            .doing([Kind::PutKey(record)]);
        Ok(draft.change())
    }

    pub(crate) fn delete_key(&self, command: &DeleteKey) -> Result<Progress, Refusal> {
        let by = self.crypto_user()?;
        let state = self.hsm.state();
        let entry = self.owned_key(&state, &by, command.key)?;
        self.about_keys(command.key, 0);
        if !entry.record.has(Flags::DESTROYABLE) {
            return Err(Refusal::key_forbids("The key is not destroyable"));
        }
        if !entry.record.has(Flags::TOKEN) {
            self.account.borrow_mut().opcode = Some(Opcode::DestroyObject);
            self.session()?.inner().keys.remove(&command.key);
            return Ok(Progress::Done(None));
        }
        Ok(Draft::new(state.history.revision())
            .relying_on([Resource::User(by), Resource::Key(command.key)])
            .doing([Kind::DeleteKey(KeyRef { handle: command.key })])
            .change())
    }

    /// The command is about a key.
    pub(crate) fn about_key(&self, record: &KeyRecord) {
        if record.is(KeyClass::PublicKey) {
            self.about_keys(0, record.handle);
        } else {
            self.about_keys(record.handle, 0);
        }
    }
}

const TOO_FEW_USERS: Refusal =
    Refusal::invalid_request("Too few users would be left for the quorum values of the key");

/// Whether the attribute makes a session key a token key.
fn is_promotion(attribute: &Attribute) -> bool {
    attribute.name == i32::from(AttributeName::Token) && attribute.value == Some(AttributeValue::Flag(true))
}
