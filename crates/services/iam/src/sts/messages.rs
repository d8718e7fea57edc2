//! What refusals say of themselves, encoded, and DecodeAuthorizationMessage.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use strongroom_api_sts::{
    DecodeAuthorizationMessageRequest, DecodeAuthorizationMessageResponse, actions, errors,
};
use strongroom_identity::{AccountId, RequestContext};
use strongroom_policy::{Everything, MessageSealer};

use super::restrictions::expect_may_call_sts;
use super::sessions::Sessions;
use crate::IdentityManagement;
use crate::error::Refusal;

/// A message is sealed, since who was refused need not know the policies, and bound to the account whose
/// administrators may.
impl MessageSealer for Sessions {
    fn seal(&self, account: AccountId, message: &str) -> Option<String> {
        match self.sealer().seal(&sealing_context(account), message.as_bytes()) {
            Ok(sealed) => Some(URL_SAFE_NO_PAD.encode(sealed)),
            Err(error) => {
                tracing::error!(%error, "a refusal goes without its encoded message");
                None
            }
        }
    }
}

pub(super) fn decode_authorization_message(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: &DecodeAuthorizationMessageRequest,
) -> Result<DecodeAuthorizationMessageResponse, Refusal> {
    expect_may_call_sts(context, "DecodeAuthorizationMessage")?;
    let account = context.account();
    identities.authority.authorize::<actions::DecodeAuthorizationMessage, _>(context, Everything(account))?;
    let decoded = decode(&identities.sessions, account, &input.encoded_message);
    // AWS's text is not known.
    let decoded = decoded.ok_or_else(|| {
        let text = "The encoded message is invalid.";
        Refusal::Modelled(&errors::INVALID_AUTHORIZATION_MESSAGE_EXCEPTION, text.to_owned())
    })?;
    Ok(DecodeAuthorizationMessageResponse { decoded_message: Some(decoded) })
}

fn decode(sessions: &Sessions, account: AccountId, encoded: &str) -> Option<String> {
    let sealed = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let message = sessions.sealer().open(&sealing_context(account), &sealed).ok()?;
    std::str::from_utf8(message.expose()).ok().map(str::to_owned)
}

fn sealing_context(account: AccountId) -> Vec<u8> {
    format!("authorization-message/{account}").into_bytes()
}
