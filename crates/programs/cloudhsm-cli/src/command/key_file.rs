//! `key generate-file`

use strongroom_hsm_proto::command::{AttributeName, AttributeValue, KeyClass, KeyDescription, KeyType};

use super::selection;
use crate::bench::Bench;
use crate::error::CliError;
use crate::file::public_key::pem;
use crate::file::reference::{NoReference, own_reference_pem, reference_pem};
use crate::file::write_whole;
use crate::grammar::key::{FileEncoding, GenerateFile};
use crate::output::{Data, message};

pub(super) fn write(bench: &mut Bench, options: &GenerateFile) -> Result<Data, CliError> {
    let key = selection::one_shown(bench.cluster()?, &options.filter)?;
    if key.of_session && options.encoding != FileEncoding::Pem {
        return Err(CliError::usage(
            "a session key is gone at the end of the session: no file can stand for it",
        ));
    }
    let is_private = number(&key, AttributeName::Class) == Some(KeyClass::PrivateKey as u64);
    let is_public = number(&key, AttributeName::Class) == Some(KeyClass::PublicKey as u64);
    let spki = key.public_key.as_slice();
    let text = match options.encoding {
        FileEncoding::Pem if is_public && !spki.is_empty() => pem("PUBLIC KEY", spki),
        FileEncoding::Pem => return Err(CliError::usage("pem files are for public keys")),
        FileEncoding::ReferencePem if !is_private => {
            return Err(CliError::usage("reference-pem files are for private keys"));
        }
        FileEncoding::ReferencePem => {
            reference_pem(spki, key.key).map_err(|error| CliError::usage(error.to_string()))?
        }
        FileEncoding::CloudhsmReferencePem if !is_private => {
            return Err(CliError::usage("cloudhsm-reference-pem files are for private keys"));
        }
        FileEncoding::CloudhsmReferencePem if spki.is_empty() => {
            return Err(CliError::usage(NoReference::NoPublicHalf.to_string()));
        }
        FileEncoding::CloudhsmReferencePem => {
            let has_numbers = number(&key, AttributeName::KeyType) == Some(KeyType::Rsa as u64);
            if has_numbers {
                return Err(CliError::usage(
                    "cloudhsm-reference-pem files are for Ed25519 and ML-DSA keys; for RSA use reference-pem",
                ));
            }
            own_reference_pem(spki, key.key)
        }
    };
    write_whole(&options.path, text.as_bytes())?;
    Ok(message("Successfully generated key file"))
}

fn number(key: &KeyDescription, name: AttributeName) -> Option<u64> {
    let attributes = &key.attributes.as_ref()?.attributes;
    let found = attributes.iter().find(|attribute| attribute.name == i32::from(name))?;
    match found.value {
        Some(AttributeValue::Number(number)) => Some(number),
        _ => None,
    }
}
