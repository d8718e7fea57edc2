//! What a command means for where it goes. The one place in this crate that looks into commands.

use prost::Message as _;
use strongroom_crypto::random;
use strongroom_hsm_proto::command::{
    Approval, AttributeName, AttributeValue, Call, Command, KeyDescription, Reply, Result as Outcome, Role,
    Template,
};
use strongroom_hsm_proto::frame::MAX_CALL;

use crate::ClientError;

/// What is kept free in a call for what stands beside the command: session and cursor.
const ROOM: usize = 512;

/// A call, named if it changes something, and checked to be short enough for every HSM.
pub(crate) fn call(command: Command, approvals: Vec<Approval>) -> Result<Call, ClientError> {
    let command_id =
        if changes(&command) || !approvals.is_empty() { random::bytes::<16>()?.to_vec() } else { Vec::new() };
    let call = Call { command_id, approvals, command: Some(command), ..Call::default() };
    let length = call.encoded_len();
    if length > MAX_CALL - ROOM {
        Err(ClientError::TooLong { length, max: MAX_CALL - ROOM })
    } else {
        Ok(call)
    }
}

/// Whether the command changes what the cluster keeps, and so is named by a command id. Where one is not needed
/// it does no harm, so the list leans to that side.
pub(crate) fn changes(command: &Command) -> bool {
    use Command as C;
    !matches!(
        command,
        C::HsmInfo(_)
            | C::OpenSession(_)
            | C::CloseSession(_)
            | C::Login(_)
            | C::AnswerChallenge(_)
            | C::Logout(_)
            | C::ListUsers(_)
            | C::BeginRegistration(_)
            | C::ExportUser(_)
            | C::GenerateToken(_)
            | C::ListTokens(_)
            | C::DeleteTokens(_)
            | C::ListQuorumValues(_)
            | C::ListTokenTimeouts(_)
            | C::FindKeys(_)
            | C::ShowKeys(_)
            | C::WrapKey(_)
            | C::ExportKey(_)
            | C::ConfirmKey(_)
            | C::Encrypt(_)
            | C::Decrypt(_)
            | C::Sign(_)
            | C::Verify(_)
            | C::Digest(_)
            | C::Random(_)
            | C::EncryptDerived(_)
            | C::DecryptDerived(_)
            | C::GenerateDerived(_)
            | C::ReEncryptDerived(_)
            | C::Agree(_)
            | C::ListTrustAnchors(_)
            | C::GetMtlsEnforcement(_)
    )
}

/// The keys that the command uses.
pub(crate) fn keys_used(command: &Command) -> Vec<u64> {
    use Command as C;
    match command {
        C::SetAttribute(c) => vec![c.key],
        C::ShareKey(c) => vec![c.key],
        C::UnshareKey(c) => vec![c.key],
        C::DeleteKey(c) => vec![c.key],
        C::WrapKey(c) => vec![c.payload, c.wrapping],
        C::UnwrapKey(c) => vec![c.unwrapping],
        C::DeriveKey(c) => vec![c.base],
        C::ExportKey(c) => vec![c.key],
        C::ConfirmKey(c) => c.keys.clone(),
        C::Encrypt(c) => vec![c.key],
        C::Decrypt(c) => vec![c.key],
        C::Sign(c) => vec![c.key],
        C::Verify(c) => vec![c.key],
        C::EncryptDerived(c) => vec![c.key],
        C::DecryptDerived(c) => vec![c.key],
        C::GenerateDerived(c) => vec![c.key],
        C::ReEncryptDerived(c) => vec![c.from, c.to],
        C::Agree(c) => vec![c.key],
        C::ShowKeys(c) => c.keys.clone(),
        C::GenerateToken(c) if c.key != 0 => vec![c.key],
        _ => Vec::new(),
    }
}

/// Whether the keys that the command uses must be on two HSMs: those that compute, wrap or derive with them.
pub(crate) fn needs_available_keys(command: &Command) -> bool {
    use Command as C;
    matches!(
        command,
        C::WrapKey(_)
            | C::UnwrapKey(_)
            | C::DeriveKey(_)
            | C::Encrypt(_)
            | C::Decrypt(_)
            | C::Sign(_)
            | C::Verify(_)
            | C::EncryptDerived(_)
            | C::DecryptDerived(_)
            | C::GenerateDerived(_)
            | C::ReEncryptDerived(_)
            | C::Agree(_)
    )
}

/// Whether the command makes keys that live in the session only.
pub(crate) fn makes_session_keys(command: &Command) -> bool {
    use Command as C;
    let templates = match command {
        C::GenerateKey(c) => [c.template.as_ref(), None],
        C::GenerateKeyPair(c) => [c.public_template.as_ref(), c.private_template.as_ref()],
        C::ImportPublicKey(c) => [c.template.as_ref(), None],
        C::UnwrapKey(c) => [c.template.as_ref(), None],
        C::DeriveKey(c) => [c.template.as_ref(), None],
        _ => return false,
    };
    templates.into_iter().flatten().any(|template| token(template) == Some(false))
}

fn token(template: &Template) -> Option<bool> {
    let attribute = template.attributes.iter().find(|attribute| attribute.name() == AttributeName::Token)?;
    match attribute.value {
        Some(AttributeValue::Flag(value)) => Some(value),
        _ => None,
    }
}

/// What a call that is done means for what the client remembers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Consequences {
    /// Keys that live in the session.
    pub(crate) session_keys: Vec<u64>,
    /// Keys that are new in the cluster.
    pub(crate) cluster_keys: Vec<u64>,
    /// Keys that are gone.
    pub(crate) gone: Option<u64>,
}

/// What a command has led to, as its reply tells.
pub(crate) fn consequences(command: &Command, reply: &Reply) -> Consequences {
    use Command as C;
    let mut consequences = Consequences::default();
    match command {
        C::GenerateKey(_)
        | C::GenerateKeyPair(_)
        | C::ImportPublicKey(_)
        | C::UnwrapKey(_)
        | C::DeriveKey(_)
        | C::ImportKey(_) => {
            for key in keys_in(reply) {
                let list = if key.of_session {
                    &mut consequences.session_keys
                } else {
                    &mut consequences.cluster_keys
                };
                list.push(key.key);
            }
        }
        C::SetAttribute(set) => {
            let keeps = set.attribute.as_ref().is_some_and(|attribute| {
                attribute.name() == AttributeName::Token
                    && attribute.value == Some(AttributeValue::Flag(true))
            });
            if keeps {
                consequences.cluster_keys.push(set.key);
            }
        }
        C::DeleteKey(delete) => consequences.gone = Some(delete.key),
        _ => {}
    }
    consequences
}

fn keys_in(reply: &Reply) -> Vec<&KeyDescription> {
    match &reply.result {
        Some(Outcome::Key(key)) => vec![key],
        Some(Outcome::KeyPair(pair)) => pair.public.iter().chain(&pair.private).collect(),
        _ => Vec::new(),
    }
}

/// The user whose password a command has changed, and the new one.
pub(crate) fn new_password(command: &Command) -> Option<(&str, Role, &str)> {
    match command {
        Command::ChangePassword(change) => Some((&change.username, change.role(), &change.password)),
        Command::FinishRegistration(finish) if !finish.password.is_empty() => {
            Some((&finish.username, finish.role(), &finish.password))
        }
        _ => None,
    }
}

/// Whether the command looks at all keys that the session sees, its own among them.
pub(crate) fn looks_at_keys(command: &Command) -> bool {
    matches!(command, Command::FindKeys(_) | Command::ShowKeys(_))
}

/// Whether the command can be asked without a session.
pub(crate) fn needs_no_session(command: &Command) -> bool {
    use Command as C;
    matches!(
        command,
        C::HsmInfo(_)
            | C::OpenSession(_)
            | C::Activate(_)
            | C::ListUsers(_)
            | C::ListQuorumValues(_)
            | C::ListTokenTimeouts(_)
            | C::ListTrustAnchors(_)
            | C::Digest(_)
            | C::Random(_)
    )
}
