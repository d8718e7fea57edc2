//! Public keys of users: for the second factor and for approvals.

use strongroom_crypto::digest::{Hash, sha256};
use strongroom_crypto::{random, rsa};
use strongroom_hsm_proto::command::{
    BeginRegistration, Challenge, Deregister, FailureCode, FinishRegistration, QuorumService,
    RegistrationPurpose, Result as Answered, Role,
};
use strongroom_secret::constant_time_eq;

use super::names::{describe, named};
use super::passwords::{self, Place};
use crate::effect::{Kind, UserRecord, UserRef};
use crate::hsm::Caller;
use crate::outcome::{Draft, FollowUp, Progress};
use crate::quorum::registration_data;
use crate::refusal::Refusal;
use crate::session::Challenged;
use crate::state::Resource;

/// The keys of users have this many bits.
const USER_KEY_BITS: u32 = 2_048;

/// Tells whether `signature` is that of the RSA key over `digest` (RSASSA-PKCS1-v1_5, SHA-256).
pub(crate) fn is_signed_by(public_key: &[u8], digest: &[u8; 32], signature: &[u8]) -> bool {
    rsa::PublicKey::from_spki(public_key)
        .is_ok_and(|key| key.verify_pkcs1(Hash::Sha256, digest, signature).is_ok())
}

impl Caller<'_> {
    pub(crate) fn begin_registration(&self, command: &BeginRegistration) -> Result<Progress, Refusal> {
        let by = self.user()?;
        let purpose = purpose(command.purpose)?;
        let user = named(&command.username, command.role)?;
        may_register(&by, &user, purpose)?;
        if !self.hsm.state().users.contains_key(&user) {
            return Err(Refusal::no_such_user());
        }
        let (approval_data, unsigned) = match purpose {
            RegistrationPurpose::Quorum => {
                let number = self.hsm.next_token_number();
                let data = registration_data(number, &random::bytes()?, &user.name, self.now);
                let digest = sha256(&data);
                (data, digest)
            }
            RegistrationPurpose::Mfa => (Vec::new(), random::bytes()?),
        };
        self.session()?.inner().registration = Some(Challenged::new((purpose, user), unsigned, self.now));
        Ok(Progress::Done(Some(Answered::Challenge(Challenge {
            approval_data,
            unsigned: unsigned.to_vec(),
        }))))
    }

    pub(crate) fn finish_registration(&self, command: &FinishRegistration) -> Result<Progress, Refusal> {
        const FAILED: Refusal =
            Refusal::new(FailureCode::ChallengeFailed, "The signature over the challenge is wrong or late");
        let by = self.user()?;
        let purpose = purpose(command.purpose)?;
        let user = named(&command.username, command.role)?;
        self.about_user(&user);
        may_register(&by, &user, purpose)?;
        let begun = self.session()?.inner().registration.clone().ok_or(FAILED)?;
        let answers = begun.what == (purpose, user.clone())
            && constant_time_eq(&begun.challenge, &command.unsigned)
            && begun.is_good(self.now);
        if !answers {
            return Err(FAILED);
        }
        let key = rsa::PublicKey::from_spki(&command.public_key)
            .ok()
            .filter(|key| key.bits() == USER_KEY_BITS)
            .ok_or(Refusal::invalid_data("The public key must be an RSA key of 2048 bits"))?;
        if key.verify_pkcs1(Hash::Sha256, &begun.challenge, &command.signature).is_err() {
            return Err(FAILED);
        }
        let password = match purpose {
            RegistrationPurpose::Quorum => None,
            RegistrationPurpose::Mfa => {
                passwords::check(&command.password)?;
                Some(Place::take(self.hsm)?.hash(&command.password)?)
            }
        };
        let (draft, record) = {
            let state = self.hsm.state();
            let record = state.users.get(&user).cloned().ok_or_else(Refusal::no_such_user)?;
            if by == user && password.is_some() {
                self.not_locked(&record)?;
            }
            let draft = Draft::new(state.history.revision());
            let draft = if by == user { draft } else { self.approved(&state, QuorumService::User, draft)? };
            (draft, UserRecord::clone(&record))
        };
        let log_out = match password {
            Some(_) => Some(self.log_out_for_new_password(&by, &user)?),
            None => None,
        };
        let record = UserRecord {
            public_key: key.to_spki()?,
            mfa: purpose == RegistrationPurpose::Mfa || record.mfa,
            quorum: true,
            locked: record.locked && password.is_none(),
            password: password.unwrap_or(record.password),
            user: record.user,
        };
        // The challenge stays until the change is made: one that is planned again finds it.
        Ok(draft
            .then(FollowUp::Registered { session: self.session()?.id })
            .relying_on([Resource::User(by), Resource::User(user)])
            .answering(Answered::User(describe(&record)))
            .doing([Kind::PutUser(record)])
            .doing(log_out)
            .change())
    }

    pub(crate) fn deregister(&self, command: &Deregister) -> Result<Progress, Refusal> {
        let by = self.user()?;
        let user = named(&command.username, command.role)?;
        self.about_user(&user);
        may_register(&by, &user, RegistrationPurpose::Mfa)?;
        let state = self.hsm.state();
        let record = state.users.get(&user).ok_or_else(Refusal::no_such_user)?;
        if !record.mfa && !record.quorum {
            return Err(Refusal::invalid_request("The user has no public key registered"));
        }
        let draft = Draft::new(state.history.revision());
        let draft = if by == user { draft } else { self.approved(&state, QuorumService::User, draft)? };
        let record =
            UserRecord { public_key: Vec::new(), mfa: false, quorum: false, ..UserRecord::clone(record) };
        Ok(draft
            .relying_on([Resource::User(by), Resource::User(user)])
            .answering(Answered::User(describe(&record)))
            .doing([Kind::PutUser(record)])
            .change())
    }
}

fn purpose(number: i32) -> Result<RegistrationPurpose, Refusal> {
    RegistrationPurpose::try_from(number)
        .map_err(|_| Refusal::invalid_request("The purpose of the registration is unknown"))
}

/// A key for approvals is its user's to register; a second factor an administrator's too.
fn may_register(by: &UserRef, user: &UserRef, purpose: RegistrationPurpose) -> Result<(), Refusal> {
    let administrator = by.role == i32::from(Role::Admin) && purpose == RegistrationPurpose::Mfa;
    if by == user || administrator {
        return Ok(());
    }
    Err(Refusal::forbidden("Only the user itself, or for MFA an admin, can do this"))
}
