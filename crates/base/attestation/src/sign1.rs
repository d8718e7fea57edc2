//! The envelope: COSE_Sign1 with ES384 (RFC 9052, 4.2 to 4.4).

use strongroom_crypto::digest::sha384;
use strongroom_crypto::ec::{self, Curve};
use strongroom_pki::Certificate;

use crate::NotBelieved;
use crate::cursor::Cursor;

/// The tag of a COSE_Sign1. The Nitro Secure Module leaves it out.
const TAG: u64 = 18;

/// The header parameter "algorithm", and ES384, which is -35, as CBOR writes it.
const ALGORITHM: u64 = 1;
const ES384: u64 = 34;

/// `r || s` on P-384.
const SIGNATURE_LENGTH: usize = 96;

/// A signed payload whose signature was not looked at yet.
pub(crate) struct Sign1<'d> {
    protected: &'d [u8],
    pub(crate) payload: &'d [u8],
    signature: &'d [u8],
}

impl<'d> Sign1<'d> {
    pub(crate) fn read(document: &'d [u8]) -> Result<Self, NotBelieved> {
        let mut cursor = Cursor::new(document);
        cursor.optional_tag(TAG);
        if cursor.array()? != 4 {
            return Err(NotBelieved::Malformed);
        }
        let protected = cursor.bytes()?;
        cursor.map_that_says_nothing()?;
        let (payload, signature) = (cursor.bytes()?, cursor.bytes()?);
        cursor.end()?;
        expect_es384(protected)?;
        if payload.is_empty() || signature.len() != SIGNATURE_LENGTH {
            return Err(NotBelieved::Malformed);
        }
        Ok(Self { protected, payload, signature })
    }

    /// Verifies the signature with the key of `signer`, which is to be one on P-384.
    pub(crate) fn verify(&self, signer: &Certificate) -> Result<(), NotBelieved> {
        let key = ec::PublicKey::from_spki(signer.public_key()).map_err(|_| NotBelieved::Untrusted)?;
        if key.curve() != Curve::P384 {
            return Err(NotBelieved::Untrusted);
        }
        key.verify_digest(&sha384(&self.signed()), self.signature).map_err(|_| NotBelieved::WrongSignature)
    }

    /// What is signed: `["Signature1", protected, h'', payload]`.
    fn signed(&self) -> Vec<u8> {
        const ARRAY_OF_4: u8 = 0x84;
        const TEXT_OF_10: u8 = 0x6a;
        let mut signed = vec![ARRAY_OF_4, TEXT_OF_10];
        signed.extend(b"Signature1");
        for part in [self.protected, &[], self.payload] {
            write_bytes(&mut signed, part);
        }
        signed
    }
}

impl Cursor<'_> {
    /// The unprotected header. Nobody signed it, so nothing of it counts.
    fn map_that_says_nothing(&mut self) -> Result<(), NotBelieved> {
        for _ in 0..self.map()? {
            self.skip()?;
            self.skip()?;
        }
        Ok(())
    }
}

fn expect_es384(protected: &[u8]) -> Result<(), NotBelieved> {
    let mut cursor = Cursor::new(protected);
    let plain = cursor.map()? == 1 && cursor.unsigned()? == ALGORITHM && cursor.negative()? == ES384;
    cursor.end()?;
    if plain { Ok(()) } else { Err(NotBelieved::Malformed) }
}

/// Writes a byte string with the shortest header (RFC 8949, 3.1 and 4.2.1).
fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() as u64 {
        short @ 0..=23 => out.push(0x40 + short as u8),
        length @ 24..=0xff => out.extend([0x58, length as u8]),
        length @ 0x100..=0xffff => {
            out.push(0x59);
            out.extend((length as u16).to_be_bytes());
        }
        length @ 0x1_0000..=0xffff_ffff => {
            out.push(0x5a);
            out.extend((length as u32).to_be_bytes());
        }
        length => {
            out.push(0x5b);
            out.extend(length.to_be_bytes());
        }
    }
    out.extend(bytes);
}
