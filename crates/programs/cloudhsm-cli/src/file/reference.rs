//! Files that stand for a key in an HSM: they hold its public half and its handle, and no private key.

use super::der::{self, OCTET_STRING, SEQUENCE, element, unsigned};
use super::public_key::{PublicKey, look_into, pem};

/// What stands in the place of a private number, before the handle. The first byte keeps it below every
/// modulus and order.
const MARK: &[u8; 16] = b"\0hsm-reference\0\x01";

/// Why a key has no file of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoReference {
    #[error("reference-pem files are for RSA and EC private keys; for others use cloudhsm-reference-pem")]
    WrongKind,
    #[error("the HSM does not know the public half of this key")]
    NoPublicHalf,
}

/// A private key's file that tools read as one (RFC 8017 RSAPrivateKey, RFC 5915 ECPrivateKey). Its public half
/// is the key's own; in place of the private number stands the handle.
pub(crate) fn reference_pem(spki: &[u8], handle: u64) -> Result<String, NoReference> {
    let named = [MARK.as_slice(), &handle.to_be_bytes()].concat();
    match look_into(spki).ok_or(NoReference::NoPublicHalf)? {
        PublicKey::Rsa { modulus, exponent } => {
            let one = unsigned(&[1]);
            let parts = [
                &unsigned(&[0]),
                &unsigned(modulus),
                &unsigned(exponent),
                &unsigned(&named),
                // Two primes, two exponents, one coefficient: none is here.
                &one,
                &one,
                &one,
                &one,
                &one,
            ];
            Ok(pem("RSA PRIVATE KEY", &element(SEQUENCE, &parts.map(Vec::as_slice))))
        }
        PublicKey::Ec { curve, point } => {
            // An uncompressed point is two numbers of the private number's length.
            let width = point.len().saturating_sub(1) / 2;
            let mut private = vec![0; width.saturating_sub(named.len())];
            private.extend_from_slice(&named);
            let public = element(der::BIT_STRING, &[&[0], point]);
            let parts = [
                &unsigned(&[1]),
                &element(OCTET_STRING, &[&private]),
                &element(0xa0, &[curve]),
                &element(0xa1, &[&public]),
            ];
            Ok(pem("EC PRIVATE KEY", &element(SEQUENCE, &parts.map(Vec::as_slice))))
        }
        PublicKey::Other => Err(NoReference::WrongKind),
    }
}

/// A file of our own kind, for keys whose private half has no numbers to hide a handle in.
pub(crate) fn own_reference_pem(spki: &[u8], handle: u64) -> String {
    let parts = [&unsigned(&[0]), &element(OCTET_STRING, &[&handle.to_be_bytes()]), &spki.to_vec()];
    pem("CLOUDHSM REFERENCE PRIVATE KEY", &element(SEQUENCE, &parts.map(Vec::as_slice)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strongroom_crypto::{ec, rsa};

    use super::*;

    fn der(pem: &str, label: &str) -> Vec<u8> {
        use base64::Engine as _;
        let body = pem.strip_prefix(&format!("-----BEGIN {label}-----\n")).unwrap();
        let body = body.strip_suffix(&format!("-----END {label}-----\n")).unwrap();
        assert!(body.lines().all(|line| line.len() <= 64));
        base64::engine::general_purpose::STANDARD.decode(body.replace('\n', "")).unwrap()
    }

    #[test]
    fn the_public_half_is_the_key_s_own_and_the_private_number_names_it() {
        let handle = 0x0011_2233_4455_6677_u64;
        let mark = [MARK.as_slice(), &handle.to_be_bytes()].concat();
        let key = rsa::PrivateKey::generate(2_048, 65_537).unwrap();
        let spki = key.public_key().to_spki().unwrap();
        let file = der(&reference_pem(&spki, handle).unwrap(), "RSA PRIVATE KEY");
        let (body, rest) = der::expect(&file, SEQUENCE).unwrap();
        assert!(rest.is_empty());
        let Some(PublicKey::Rsa { modulus, exponent }) = look_into(&spki) else { panic!() };
        let mut numbers = Vec::new();
        let mut left = body;
        while let Some((number, rest)) = der::expect(left, der::INTEGER) {
            numbers.push(number);
            left = rest;
        }
        assert_eq!(numbers.len(), 9);
        // The mark's first byte is a zero, which a number does not keep.
        assert_eq!(numbers[..4], [&[0][..], modulus, exponent, &mark[1..]]);

        for curve in
            [ec::Curve::P224, ec::Curve::P256, ec::Curve::P384, ec::Curve::P521, ec::Curve::Secp256k1]
        {
            let spki = ec::PrivateKey::generate(curve).unwrap().public_key().to_spki().unwrap();
            let file = der(&reference_pem(&spki, handle).unwrap(), "EC PRIVATE KEY");
            let Some(PublicKey::Ec { curve, point }) = look_into(&spki) else { panic!() };
            let (body, _) = der::expect(&file, SEQUENCE).unwrap();
            let (version, rest) = der::expect(body, der::INTEGER).unwrap();
            let (private, rest) = der::expect(rest, OCTET_STRING).unwrap();
            let (parameters, rest) = der::expect(rest, 0xa0).unwrap();
            let (public, rest) = der::expect(rest, 0xa1).unwrap();
            assert_eq!((version, parameters, rest.len()), (&[1][..], curve, 0));
            assert_eq!(private.len(), (point.len() - 1) / 2);
            assert!(private.ends_with(&mark), "{private:?}");
            assert!(public.ends_with(point));
        }
    }

    #[test]
    fn other_keys_have_files_of_another_kind() {
        assert_eq!(reference_pem(b"", 1), Err(NoReference::NoPublicHalf));
        let spki = element(
            SEQUENCE,
            &[
                &element(SEQUENCE, &[&element(0x06, &[&[0x2b, 0x65, 0x70]])]),
                &element(der::BIT_STRING, &[&[0; 33]]),
            ],
        );
        assert_eq!(reference_pem(&spki, 1), Err(NoReference::WrongKind));
        let file = der(&own_reference_pem(&spki, 7), "CLOUDHSM REFERENCE PRIVATE KEY");
        assert!(file.ends_with(&spki) && file.windows(8).any(|window| window == 7_u64.to_be_bytes()));
    }

    proptest! {
        #[test]
        fn no_key_is_too_strange(spki in any::<Vec<u8>>()) {
            let _ = look_into(&spki);
            let nested = element(SEQUENCE, &[&element(SEQUENCE, &[&spki]), &element(der::BIT_STRING, &[&spki])]);
            let _ = look_into(&nested);
        }

        #[test]
        fn lengths_are_read_as_they_were_written(content in prop::collection::vec(any::<u8>(), 0..70_000)) {
            let written = element(SEQUENCE, &[&content]);
            prop_assert_eq!(der::expect(&written, SEQUENCE), Some((content.as_slice(), &[][..])));
        }
    }
}
