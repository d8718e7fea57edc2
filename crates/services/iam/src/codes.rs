//! Codes that devices show, each taken once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_api_iam::errors;
use strongroom_identity::AccountId;
use strongroom_service::ApiError;

use crate::IdentityManagement;
use crate::domain::mfa::Device;
use crate::domain::totp::Seed;
use crate::error::Refusal;

/// Why nobody knows whether a code is right.
#[derive(Debug, thiserror::Error)]
#[error("the MFA device cannot be asked")]
pub struct CodeError(#[source] ApiError);

impl IdentityManagement {
    /// Takes a code of a user's device. Answers whether it is one that the device shows, or did a step before or
    /// will a step after, and was not taken before; a device that is not the user's shows none. After too many wrong
    /// ones none is right for a while. `now_ms` is real time.
    ///
    /// For the program's own use: nobody's permission is asked for.
    pub async fn take_code(
        &self,
        account: AccountId,
        user_id: &str,
        serial: &str,
        code: &str,
        now_ms: i64,
    ) -> Result<bool, CodeError> {
        if !self.codes.begin(serial, now_ms) {
            return Ok(false);
        }
        let permit = |_: &_| Ok(());
        let taken = self.commit(account, None, permit, |edit| {
            let device = edit.device(serial)?;
            let enabled = device.enabled.as_ref().filter(|enabled| enabled.user == user_id);
            let enabled = enabled.ok_or_else(Refusal::invalid_code)?;
            let step = open(self, device)?.find(now_ms, enabled.drift, enabled.used, code);
            let step = step.ok_or_else(Refusal::invalid_code)?;
            edit.device_mut(serial, |device| {
                if let Some(enabled) = &mut device.enabled {
                    enabled.used = step;
                }
                Ok(())
            })
        });
        let refused = [&errors::INVALID_AUTHENTICATION_CODE_EXCEPTION, &errors::NO_SUCH_ENTITY_EXCEPTION];
        let taken = match taken.await {
            Err(Refusal::Modelled(shape, _)) if refused.iter().any(|known| std::ptr::eq(*known, shape)) => {
                return Ok(false);
            }
            Ok(_) => Ok(true),
            // Nobody has learnt anything about the code.
            Err(other) => Err(CodeError(other.into())),
        };
        self.codes.was_right(serial);
        taken
    }
}

/// Opens a device's seed.
pub(crate) fn open(identities: &IdentityManagement, device: &Device) -> Result<Seed, Refusal> {
    let damaged = || Refusal::internal("the seed of a device is damaged");
    let sealed = STANDARD.decode(&device.sealed_seed).map_err(|_| damaged())?;
    let seed = identities.sealer.open(&Device::sealing_context(&device.id), &sealed)?;
    std::str::from_utf8(seed.expose()).ok().and_then(Seed::parse).ok_or_else(damaged)
}
