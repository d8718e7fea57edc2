//! Making CMS EnvelopedData (RFC 5652, section 6), for one recipient who is known by an RSA key.
//!
//! The layers around the content are BER of indefinite length, as AWS writes them: the parser of AWS's Nitro Enclaves SDK
//! (`source/cms.c`) steps into these alone, and takes a layer of definite length whole.

use strongroom_crypto::aes::AesKey;
use strongroom_crypto::digest::Hash;
use strongroom_crypto::{random, rsa};

use crate::{MakeError, der};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OCTET_STRING: u8 = 0x04;
/// Context tag 0: around an element, and in the place of an OCTET STRING's.
const EXPLICIT_0: u8 = 0xa0;
const EXPLICIT_1: u8 = 0xa1;
const IMPLICIT_0: u8 = 0x80;

/// The INTEGER 2: the version of data and of a recipient who is named by a key's identifier.
const VERSION: &[u8] = &[0x02, 1, 2];

/// `id-envelopedData`, 1.2.840.113549.1.7.3, and `id-data`, .1.
const ENVELOPED_DATA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
const DATA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// `id-RSAES-OAEP`, 1.2.840.113549.1.1.7, and `id-mgf1`, .8.
const RSAES_OAEP: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07];
const MGF1: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
/// `id-sha256` with NULL, as RFC 4055, 2.1, has it among the parameters of OAEP.
const SHA_256: &[u8] = &[0x30, 13, 0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0];
/// `id-aes256-CBC`, 2.16.840.1.101.3.4.1.42.
const AES_256_CBC: &[u8] = &[0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

/// Encrypts `content` to the owner of `recipient`, with a fresh AES-256-CBC key under RSAES-OAEP with SHA-256, as
/// ContentInfo. He is named by SHA-256 of his SubjectPublicKeyInfo (RFC 7093, 2, method 4).
///
/// # Errors
///
/// [`MakeError`] for contents beyond 60 KiB.
pub fn envelop(recipient: &rsa::PublicKey, content: &[u8]) -> Result<Vec<u8>, MakeError> {
    let (key, iv) = (random::key256()?, random::bytes()?);
    let encrypted = AesKey::new(key.expose())?.encrypt_cbc_pad(&iv, content)?;
    let encrypted_key = recipient.encrypt_oaep(Hash::Sha256, b"", key.expose())?;
    let identifier = Hash::Sha256.digest(&recipient.to_spki()?);

    let recipient = der::joined(
        SEQUENCE,
        &[
            VERSION,
            &der::joined(IMPLICIT_0, &[&identifier])?,
            &oaep_with_sha256()?,
            &der::joined(OCTET_STRING, &[&encrypted_key])?,
        ],
    )?;
    let cipher = der::joined(SEQUENCE, &[AES_256_CBC, &der::joined(OCTET_STRING, &[&iv])?])?;
    let encrypted = open_ended(EXPLICIT_0, &[&der::joined(OCTET_STRING, &[&encrypted])?]);
    let content = open_ended(SEQUENCE, &[DATA, &cipher, &encrypted]);
    let enveloped = open_ended(SEQUENCE, &[VERSION, &der::joined(SET, &[&recipient])?, &content]);
    Ok(open_ended(SEQUENCE, &[ENVELOPED_DATA, &open_ended(EXPLICIT_0, &[&enveloped])]))
}

/// An element of indefinite length (X.690, 8.1.3.6): it ends where its end is told.
fn open_ended(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[tag, 0x80], parts.concat().as_slice(), &[0, 0]].concat()
}

fn oaep_with_sha256() -> Result<Vec<u8>, MakeError> {
    let mask = der::joined(SEQUENCE, &[MGF1, SHA_256])?;
    let hash = der::joined(EXPLICIT_0, &[SHA_256])?;
    let parameters = der::joined(SEQUENCE, &[&hash, &der::joined(EXPLICIT_1, &[&mask])?])?;
    der::joined(SEQUENCE, &[RSAES_OAEP, &parameters])
}
