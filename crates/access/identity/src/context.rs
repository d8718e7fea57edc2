//! The context of one request.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::{
    AccountId, AuditNotes, Caller, ConditionKeys, DecisionNote, NotRenewed, NoteValue, Permissions,
    RecordDraft, Region, Renewal, Renewed, Signing, TouchedResource,
};

/// Decisions that a call keeps: the first ones, those that refused before those that allowed.
const MOST_DECISIONS: usize = 4;

/// A request's id: what the answer's `x-amzn-RequestId` says and the record keeps.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    bytes: [u8; 16],
    is_short: bool,
}

impl RequestId {
    /// An id made of sixteen random bytes; the version and variant bits of a random UUID are set here.
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self { bytes, is_short: false }
    }

    /// The same id in the form that S3 has: sixteen letters and digits, of the first ten bytes.
    #[must_use]
    pub fn short(self) -> Self {
        Self { is_short: true, ..self }
    }

    /// The bytes of the UUID.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.bytes
    }

    /// Base 32 (RFC 4648) of the first ten bytes.
    fn letters(&self) -> [u8; 16] {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits = self.bytes.iter().take(10).fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        let mut letters = [b'A'; 16];
        for (at, letter) in letters.iter_mut().enumerate() {
            *letter = ALPHABET[(bits >> (75 - 5 * at)) as usize & 31];
        }
        letters
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        if self.is_short {
            return f.write_str(std::str::from_utf8(&self.letters()).map_err(|_| fmt::Error)?);
        }
        // Written whole: every call shows it several times.
        let mut text = [b'-'; 36];
        let mut places = text.iter_mut().enumerate().filter(|(at, _)| !matches!(at, 8 | 13 | 18 | 23));
        for digit in self.bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]) {
            if let Some((_, place)) = places.next() {
                *place = DIGITS[usize::from(digit)];
            }
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The TLS connection that a request came over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Protocol version, for example `TLSv1.3`.
    pub version: &'static str,
    /// Cipher suite.
    pub cipher_suite: &'static str,
    /// The host that the client called, as it named it.
    pub host: Option<String>,
}

/// Everything about a request that is not its input. One is made when a signature has been verified, and
/// goes with the request through every layer.
#[derive(Debug)]
pub struct RequestContext {
    /// The request's id.
    pub request_id: RequestId,
    /// Who calls.
    pub caller: Caller,
    /// The Region that the request is signed for.
    pub region: Region,
    /// Domain time when the operation began, milliseconds since 1970.
    pub now_ms: i64,
    /// Where the request came from.
    pub source_ip: IpAddr,
    /// The client's name for itself; cut to what a record can hold.
    pub user_agent: String,
    /// The TLS connection, if there was one.
    pub tls: Option<Tls>,
    signing: Option<Signing>,
    renewal: Option<Arc<dyn Renewal>>,
    renewed: OnceLock<Renewed>,
    place: OnceLock<Region>,
    draft: Option<RecordDraft>,
    forwarded_by: Vec<&'static str>,
    acts_about: Option<String>,
    notes: Mutex<AuditNotes>,
    asked: Mutex<Arc<ConditionKeys>>,
}

impl RequestContext {
    /// A context with empty notes.
    pub fn new(
        request_id: RequestId,
        caller: Caller,
        region: Region,
        now_ms: i64,
        source_ip: IpAddr,
        user_agent: String,
        tls: Option<Tls>,
    ) -> Self {
        let (signing, renewal) = (None, None);
        let (renewed, place) = (OnceLock::new(), OnceLock::new());
        let (draft, forwarded_by, acts_about) = (None, Vec::new(), None);
        let (notes, asked) = (Mutex::default(), Mutex::default());
        Self {
            request_id,
            caller,
            region,
            now_ms,
            source_ip,
            user_agent,
            tls,
            signing,
            renewal,
            renewed,
            place,
            draft,
            forwarded_by,
            acts_about,
            notes,
            asked,
        }
    }

    /// The same context with how the request was signed.
    #[must_use]
    pub fn signed(self, signing: Signing) -> Self {
        Self { signing: Some(signing), ..self }
    }

    /// How the request was signed, where that is told.
    pub fn signing(&self) -> Option<&Signing> {
        self.signing.as_ref()
    }

    /// The same context, of a call that may last long.
    #[must_use]
    pub fn renewable(self, renewal: Arc<dyn Renewal>) -> Self {
        Self { renewal: Some(renewal), ..self }
    }

    /// Asks anew what the caller may do, once: from then on that counts. Of a call that lasts no longer than others nothing
    /// is asked.
    pub async fn renew(&self) -> Result<(), NotRenewed> {
        if let Some(renewal) = self.renewal.as_ref().filter(|_| self.renewed.get().is_none()) {
            let renewed = renewal.renew().await?;
            self.renewed.get_or_init(|| renewed);
        }
        Ok(())
    }

    /// What the caller's policies let it do: those of when the call began, or of when it was [asked anew](Self::renew).
    pub fn permissions(&self) -> &Permissions {
        self.renewed.get().map_or(&self.caller.permissions, |renewed| &renewed.permissions)
    }

    /// How old the authority may be on which the call commits, as the store marks it; nothing where it does not age.
    pub fn mark(&self) -> Option<u64> {
        match self.renewed.get() {
            Some(renewed) => renewed.mark,
            None => self.draft.as_ref().and_then(|draft| draft.mark),
        }
    }

    /// States that the call takes place in a Region, whichever it is signed for: that of the bucket which it is about. The
    /// first statement counts.
    pub fn takes_place_in(&self, region: Region) {
        self.place.get_or_init(|| region);
    }

    /// The Region in which the call takes place, for policies and records: the one that it is signed for, unless another
    /// was stated.
    pub fn place(&self) -> Region {
        self.place.get().copied().unwrap_or(self.region)
    }

    /// The same context with the draft of the call's record, for calls that change state.
    #[must_use]
    pub fn with_draft(self, draft: RecordDraft) -> Self {
        Self { draft: Some(draft), ..self }
    }

    /// The draft of the call's record, to be committed together with what the call changes.
    pub fn draft(&self) -> Option<&RecordDraft> {
        self.draft.as_ref()
    }

    /// The same context, passed on by an AWS service (`s3.amazonaws.com`) that calls another for its caller: who asks
    /// stays the same, and how he signed counts for his own call alone (IAM User Guide, "Forward access sessions").
    #[must_use]
    pub fn passed_on_by(mut self, service: &'static str) -> Self {
        self.forwarded_by.push(service);
        Self { signing: None, ..self }
    }

    /// The same request in that Region, as a further call that a service makes for it. The caller may do there what he may
    /// do by now. What belongs to this one call stays with it: what it was found to be asking, what is noted of it, the
    /// draft of its record and the Region that it turned out to take place in. The further call lasts no longer than
    /// others.
    ///
    /// It has the id and the time of this call; a service that records it as a call of its own gives it others. How this
    /// one was signed says nothing of what a service [passes on](Self::passed_on_by), which signs for itself.
    #[must_use]
    pub fn again_in(&self, region: Region) -> Self {
        // Each member is named, so that whoever adds one has to say here whether it goes along.
        let Self {
            request_id,
            caller,
            region: _,
            now_ms,
            source_ip,
            user_agent,
            tls,
            signing,
            renewal: _,
            renewed: _,
            place: _,
            draft: _,
            forwarded_by,
            acts_about,
            notes: _,
            asked: _,
        } = self;
        let caller = Caller { permissions: self.permissions().clone(), ..caller.clone() };
        let (source_ip, user_agent, tls) = (*source_ip, user_agent.clone(), tls.clone());
        Self {
            signing: signing.clone(),
            forwarded_by: forwarded_by.clone(),
            acts_about: acts_about.clone(),
            ..Self::new(*request_id, caller, region, *now_ms, source_ip, user_agent, tls)
        }
    }

    /// The services that passed the request on, the first of them first.
    pub fn forwarded_by(&self) -> &[&'static str] {
        &self.forwarded_by
    }

    /// The same context of a service that calls under its own name, with the ARN of what it acts about, such as the
    /// trail for which CloudTrail asks for a data key.
    #[must_use]
    pub fn about(self, arn: impl Into<String>) -> Self {
        Self { acts_about: Some(arn.into()), ..self }
    }

    /// The ARN of what the calling service acts about; `None` for callers that are none, whatever was said.
    pub fn acts_about(&self) -> Option<&str> {
        self.acts_about.as_deref().filter(|_| self.caller.principal.service().is_some())
    }

    /// The account in which the request acts: the caller's own.
    pub fn account(&self) -> AccountId {
        self.caller.principal.account()
    }

    /// Notes a resource that the call touches.
    pub fn touched(&self, kind: &'static str, account: AccountId, arn: impl Into<String>) {
        let resource = TouchedResource { account: account.to_string(), kind, arn: arn.into() };
        self.with_notes(|notes| {
            if !notes.resources.contains(&resource) {
                notes.resources.push(resource);
            }
        });
    }

    /// Notes the default that stands in for a parameter which the caller left out.
    pub fn defaulted(&self, parameter: &'static str, value: impl Into<NoteValue>) {
        self.with_notes(|notes| notes.defaults.push((parameter, value.into())));
    }

    /// Notes a member of `responseElements` that the answer does not have.
    pub fn responded(&self, member: &'static str, value: impl Into<NoteValue>) {
        self.with_notes(|notes| notes.response.push((member, value.into())));
    }

    /// Notes a member of `additionalEventData`.
    pub fn additional(&self, member: &'static str, value: impl Into<NoteValue>) {
        self.with_notes(|notes| notes.additional.push((member, value.into())));
    }

    /// Notes how a decision was made, for whoever runs the server. One that is made again, as it is when a change is
    /// tried again, counts once.
    pub fn decided(&self, decision: DecisionNote) {
        self.with_notes(|AuditNotes { decisions, .. }| {
            if decisions.contains(&decision) {
                return;
            }
            if decisions.len() >= MOST_DECISIONS {
                let last_allowed = decisions.iter().rposition(|kept| kept.is_allowed);
                let Some(less_telling) = last_allowed.filter(|_| !decision.is_allowed) else { return };
                decisions.remove(less_telling);
            }
            decisions.push(decision);
        });
    }

    /// Notes the encoded message of a refusal (`sts:DecodeAuthorizationMessage`), for the answer.
    pub fn refused_with(&self, message: impl Into<String>) {
        self.with_notes(|notes| notes.authorization_message = Some(message.into()));
    }

    /// Takes the encoded message of a refusal back, where the caller is told of another in its stead: it would tell
    /// what that one hides.
    pub fn withhold_message(&self) {
        self.with_notes(|notes| notes.authorization_message = None);
    }

    /// States what the input says to policies, in place of what was stated before. An operation does so before
    /// it asks for permission.
    pub fn ask(&self, keys: ConditionKeys) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// What the input says to policies.
    pub fn asked(&self) -> Arc<ConditionKeys> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the notes, to make the record of them.
    pub fn take_notes(&self) -> AuditNotes {
        self.with_notes(std::mem::take)
    }

    fn with_notes<T>(&self, act: impl FnOnce(&mut AuditNotes) -> T) -> T {
        act(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
