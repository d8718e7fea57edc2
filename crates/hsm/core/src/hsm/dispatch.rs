//! From a call to its outcome.

use std::cell::RefCell;

use strongroom_hsm_proto::command::{Call, Command, FailureCode, Reply};

use super::{Caller, Hsm, planned};
use crate::audit::{self, Slot};
use crate::counters::computes;
use crate::outcome::{Progress, refused};
use crate::refusal::Refusal;
use crate::{ConnectionId, Now, Outcome, Planned};

/// The most approvals of a call: the payload's and the wrapping key's.
const MOST_APPROVALS: usize = 2;

pub(super) fn execute(hsm: &Hsm, connection: ConnectionId, call: &Call, now: Now) -> Outcome {
    let Some(command) = &call.command else {
        return refuse(Refusal::invalid_request("The call holds no command"));
    };
    // Whatever the epoch turns to meanwhile: what is sealed here may be sealed under this one's key.
    let place = hsm.keyring.newest_place();
    let mut caller = Caller {
        hsm,
        connection,
        session: None,
        approvals: &call.approvals,
        now,
        account: RefCell::default(),
    };
    let slot = caller.enter(call.session).and_then(|()| caller.reserve(command, call.session));
    let slot = match slot {
        Ok(slot) => slot,
        Err(refusal) => return refuse(refusal),
    };
    let progress =
        caller.run(command).and_then(verified).and_then(|progress| of_this_hsm_alone(hsm, progress));
    let account = caller.account.into_inner();
    let slot = slot.filter(|_| !account.is_half).map(|mut slot| {
        slot.opcode = account.opcode.unwrap_or(slot.opcode);
        slot.detail = account.detail;
        slot.companion = account.companion;
        slot
    });
    match progress {
        Ok(Progress::Done(result)) => {
            if computes(command) {
                hsm.counters.computed();
            }
            if let Some(slot) = slot {
                slot.write(None, now);
            }
            Outcome::Done(Reply { result })
        }
        Ok(Progress::Change(draft)) if draft.effects.is_empty() => {
            if computes(command) {
                hsm.counters.computed();
            }
            if let Some(slot) = slot {
                slot.write(refused(&draft.answer), now);
            }
            match draft.answer {
                strongroom_hsm_proto::command::Outcome::Reply(reply) => Outcome::Done(reply),
                strongroom_hsm_proto::command::Outcome::Failure(failure) => Outcome::Refused(failure),
            }
        }
        Ok(Progress::Change(draft)) => {
            Outcome::Change(Planned { computes: computes(command), ..planned(draft, now, slot, place) })
        }
        Err(refusal) => {
            if let Some(slot) = slot {
                let code = if account.is_of_nobody { FailureCode::NoSuchUser } else { refusal.code };
                slot.write(Some((code, &refusal.text)), now);
            }
            refuse(refusal)
        }
    }
}

/// Does at once what changes nothing that is shared.
fn of_this_hsm_alone(hsm: &Hsm, mut progress: Progress) -> Result<Progress, Refusal> {
    if let Progress::Change(draft) = &mut progress
        && draft.effects.is_empty()
    {
        hsm.follow_up(std::mem::take(&mut draft.follow_ups))?;
    }
    Ok(progress)
}

/// No change goes out with approvals that are not verified.
fn verified(progress: Progress) -> Result<Progress, Refusal> {
    match progress {
        Progress::Change(draft) => draft.verified().map(Progress::Change),
        done @ Progress::Done(_) => Ok(done),
    }
}

fn refuse(refusal: Refusal) -> Outcome {
    Outcome::Refused(refusal.into_failure())
}

impl Caller<'_> {
    fn enter(&mut self, session: u64) -> Result<(), Refusal> {
        if self.approvals.len() > MOST_APPROVALS {
            return Err(Refusal::invalid_request("A call has at most two approvals"));
        }
        if session != 0 {
            self.session = Some(self.hsm.sessions().get(self.connection, session)?);
        }
        Ok(())
    }

    /// Keeps room for the command's record, if it leaves one. Whoever has no session for it, or is not logged in
    /// although it takes that, leaves none: strangers could fill the log with such.
    fn reserve(&self, command: &Command, session: u64) -> Result<Option<Slot>, Refusal> {
        let Some(opcode) = audit::of_command(command) else { return Ok(None) };
        match command {
            Command::OpenSession(_) | Command::Activate(_) => {}
            Command::CloseSession(_) | Command::Login(_) | Command::AnswerChallenge(_) => {
                self.session()?;
            }
            _ => {
                self.user()?;
            }
        }
        self.hsm.audit.reserve(opcode, session, self.user().is_err(), self.now).map(Some)
    }

    fn run(&self, command: &Command) -> Result<Progress, Refusal> {
        match command {
            Command::HsmInfo(_) => Ok(self.hsm_info()),
            Command::OpenSession(_) => self.open_session(),
            Command::CloseSession(_) => self.close_session(),
            Command::Activate(command) => self.activate(command),
            Command::Login(command) => self.log_in(command),
            Command::AnswerChallenge(command) => self.answer_challenge(command),
            Command::Logout(_) => self.log_out(),
            Command::ListUsers(_) => Ok(self.list_users()),
            Command::CreateUser(command) => self.create_user(command),
            Command::DeleteUser(command) => self.delete_user(command),
            Command::ChangePassword(command) => self.change_password(command),
            Command::BeginRegistration(command) => self.begin_registration(command),
            Command::FinishRegistration(command) => self.finish_registration(command),
            Command::Deregister(command) => self.deregister(command),
            Command::ExportUser(command) => self.export_user(command),
            Command::ImportUser(command) => self.import_user(command),
            Command::GenerateToken(command) => self.generate_token(command),
            Command::ListTokens(_) => self.list_tokens(),
            Command::DeleteTokens(command) => self.delete_tokens(command),
            Command::ListQuorumValues(_) => Ok(self.list_quorum_values()),
            Command::SetQuorumValue(command) => self.set_quorum_value(command),
            Command::ListTokenTimeouts(_) => Ok(self.list_token_timeouts()),
            Command::SetTokenTimeout(command) => self.set_token_timeout(command),
            Command::GenerateKey(command) => self.generate_key(command),
            Command::GenerateKeyPair(command) => self.generate_key_pair(command),
            Command::ImportPublicKey(command) => self.import_public_key(command),
            Command::FindKeys(command) => self.find_keys(command),
            Command::ShowKeys(command) => self.show_keys(command),
            Command::SetAttribute(command) => self.set_attribute(command),
            Command::ShareKey(command) => self.share_key(command),
            Command::UnshareKey(command) => self.unshare_key(command),
            Command::DeleteKey(command) => self.delete_key(command),
            Command::WrapKey(command) => self.wrap_key(command),
            Command::UnwrapKey(command) => self.unwrap_key(command),
            Command::DeriveKey(command) => self.derive_key(command),
            Command::ExportKey(command) => self.export_key(command),
            Command::ImportKey(command) => self.import_key(command),
            Command::ConfirmKey(command) => self.confirm_key(command),
            Command::Encrypt(command) => self.encrypt(command),
            Command::Decrypt(command) => self.decrypt(command),
            Command::Sign(command) => self.sign(command),
            Command::Verify(command) => self.verify(command),
            Command::Digest(command) => self.digest(command),
            Command::Random(command) => self.random(command),
            Command::EncryptDerived(command) => self.encrypt_derived(command),
            Command::DecryptDerived(command) => self.decrypt_derived(command),
            Command::GenerateDerived(command) => self.generate_derived(command),
            Command::ReEncryptDerived(command) => self.re_encrypt_derived(command),
            Command::Agree(command) => self.agree(command),
            Command::RegisterTrustAnchor(command) => self.register_trust_anchor(command),
            Command::DeregisterTrustAnchor(command) => self.deregister_trust_anchor(command),
            Command::ListTrustAnchors(_) => Ok(self.list_trust_anchors()),
            Command::GetMtlsEnforcement(_) => self.get_mtls_enforcement(),
            Command::SetMtlsEnforcement(command) => self.set_mtls_enforcement(command),
        }
    }
}

/// What a busy HSM says.
pub(crate) const BUSY: Refusal = Refusal::new(FailureCode::Busy, "The HSM is busy. Try again later");
