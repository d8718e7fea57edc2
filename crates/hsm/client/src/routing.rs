//! What a command means for where it goes. The one place in this crate that looks into commands.

use strongroom_hsm_proto::command::{
    AttributeName, AttributeValue, Command, KeyDescription, Reply, Result as Outcome, Template,
};

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

/// The keys that a command has made, as its reply shows them.
pub(crate) fn keys_made<'a>(command: &Command, reply: &'a Reply) -> Vec<&'a KeyDescription> {
    use Command as C;
    let makes = match command {
        C::GenerateKey(_)
        | C::GenerateKeyPair(_)
        | C::ImportPublicKey(_)
        | C::UnwrapKey(_)
        | C::DeriveKey(_)
        | C::ImportKey(_) => true,
        C::SetAttribute(c) => c.attribute.as_ref().is_some_and(|a| a.name() == AttributeName::Token),
        _ => false,
    };
    if !makes {
        return Vec::new();
    }
    match &reply.result {
        Some(Outcome::Key(key)) => vec![key],
        Some(Outcome::KeyPair(pair)) => pair.public.iter().chain(&pair.private).collect(),
        _ => Vec::new(),
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
