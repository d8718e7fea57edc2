//! How much work a call is, known before it is done.

use strongroom_hsm_proto::command::{Call, Command, Mechanism, MechanismKind};

/// How much work a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// Microseconds, some hundred at the most: done where it is read, which is quicker than to hand it over.
    Light,
    /// More: done on a thread for such work.
    Heavy,
    /// A password is hashed, which takes much memory: one at a time.
    Password,
}

/// The longest data for which cryptography can count as light, in bytes.
const LIGHT: usize = 4_096;

impl Weight {
    pub(super) fn of(call: &Call) -> Self {
        let light_if =
            |is_light: fn(MechanismKind) -> bool, mechanism: &Option<Mechanism>, data: &[u8]| match mechanism
            {
                Some(mechanism) if is_light(mechanism.kind()) && data.len() <= LIGHT => Self::Light,
                _ => Self::Heavy,
            };
        match &call.command {
            None => Self::Light,
            Some(command) => match command {
                Command::HsmInfo(_)
                | Command::OpenSession(_)
                | Command::CloseSession(_)
                | Command::Logout(_)
                | Command::ListQuorumValues(_)
                | Command::ListTokenTimeouts(_)
                | Command::GetMtlsEnforcement(_)
                | Command::ConfirmKey(_)
                | Command::EncryptDerived(_)
                | Command::DecryptDerived(_)
                | Command::GenerateDerived(_)
                | Command::ReEncryptDerived(_) => Self::Light,
                Command::Random(random) if random.length as usize <= LIGHT => Self::Light,
                Command::Encrypt(encrypt) => {
                    light_if(|kind| is_symmetric(kind) || is_rsa(kind), &encrypt.mechanism, &encrypt.data)
                }
                Command::Decrypt(decrypt) => light_if(is_symmetric, &decrypt.mechanism, &decrypt.data),
                Command::Sign(sign) => {
                    light_if(|kind| is_symmetric(kind) || is_curve(kind), &sign.mechanism, &sign.data)
                }
                Command::Verify(verify) => light_if(
                    |kind| is_symmetric(kind) || is_curve(kind) || is_rsa(kind),
                    &verify.mechanism,
                    &verify.data,
                ),
                Command::Digest(digest) if digest.data.len() <= LIGHT => Self::Light,
                Command::Activate(_)
                | Command::Login(_)
                | Command::CreateUser(_)
                | Command::ChangePassword(_)
                | Command::FinishRegistration(_) => Self::Password,
                _ => Self::Heavy,
            },
        }
    }
}

/// Whether a call that changes nothing leaves nothing behind on this HSM either: no audit record, no counter.
pub(super) const fn is_traceless(call: &Call) -> bool {
    matches!(
        call.command,
        Some(
            Command::Encrypt(_)
                | Command::Decrypt(_)
                | Command::Sign(_)
                | Command::Verify(_)
                | Command::Digest(_)
                | Command::Random(_)
                | Command::EncryptDerived(_)
                | Command::DecryptDerived(_)
                | Command::GenerateDerived(_)
                | Command::ReEncryptDerived(_)
                | Command::Agree(_)
                | Command::ConfirmKey(_)
                | Command::FindKeys(_)
                | Command::ShowKeys(_)
                | Command::HsmInfo(_)
                | Command::ListUsers(_)
        )
    )
}

/// Signatures on curves.
const fn is_curve(kind: MechanismKind) -> bool {
    matches!(kind, MechanismKind::Ecdsa | MechanismKind::Ed25519 | MechanismKind::Ed25519ph)
}

/// RSA, whose public operations are light and whose private ones are not.
const fn is_rsa(kind: MechanismKind) -> bool {
    matches!(kind, MechanismKind::RsaPkcs | MechanismKind::RsaPss | MechanismKind::RsaOaep)
}

const fn is_symmetric(kind: MechanismKind) -> bool {
    matches!(
        kind,
        MechanismKind::AesEcb
            | MechanismKind::AesCbc
            | MechanismKind::AesCbcPad
            | MechanismKind::AesCtr
            | MechanismKind::AesGcm
            | MechanismKind::CloudHsmAesGcm
            | MechanismKind::AesCmac
            | MechanismKind::Hmac
    )
}

#[cfg(test)]
mod tests {
    use strongroom_hsm_proto::command::{Login, Sign};

    use super::*;

    fn sign(kind: MechanismKind, length: usize) -> Call {
        let mechanism = Some(Mechanism { kind: kind.into(), ..Mechanism::default() });
        let command = Command::Sign(Sign { key: 1, mechanism, data: vec![0; length] });
        Call { command: Some(command), ..Call::default() }
    }

    #[test]
    fn short_work_is_light_private_rsa_is_not_and_passwords_are_for_themselves() {
        assert_eq!(Weight::of(&sign(MechanismKind::Hmac, LIGHT)), Weight::Light);
        assert_eq!(Weight::of(&sign(MechanismKind::Hmac, LIGHT + 1)), Weight::Heavy);
        assert_eq!(Weight::of(&sign(MechanismKind::RsaPkcs, 32)), Weight::Heavy);
        assert_eq!(Weight::of(&sign(MechanismKind::Ecdsa, 32)), Weight::Light);
        assert_eq!(Weight::of(&sign(MechanismKind::MlDsa, 32)), Weight::Heavy);
        let login = Command::Login(Login::default());
        assert_eq!(Weight::of(&Call { command: Some(login), ..Call::default() }), Weight::Password);
    }
}
