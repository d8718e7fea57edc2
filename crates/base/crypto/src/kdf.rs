//! Key derivation: the counter mode of NIST SP 800-108r1, for formats of ours and as HSMs offer it, and the KDF
//! of ANSI X9.63 that follows a Diffie-Hellman.

mod counter;
mod x963;

pub use counter::{ByteOrder, MAX_OUTPUT_LENGTH, Prf, Segment, sp800_108_counter};
pub use x963::x963;

use aws_lc_rs::kdf::{
    KbkdfCtrHmacAlgorithm, KbkdfCtrHmacAlgorithmId, get_kbkdf_ctr_hmac_algorithm, kbkdf_ctr_hmac,
};

use crate::CryptoError;

/// Derives `out.len()` bytes from `key` by the KDF in counter mode (section 4.1) with HMAC-SHA-256.
///
/// The counter is 32 bits, big-endian, and stands before the fixed input data
/// `label || 0x00 || context || [length of the output in bits] as 32 bits`. A label therefore holds no zero
/// byte, or it could pass for a shorter label and another context: it is refused. So are an empty key and
/// an empty output.
pub fn sp800_108_counter_hmac_sha256(
    key: &[u8],
    label: &[u8],
    context: &[u8],
    out: &mut [u8],
) -> Result<(), CryptoError> {
    if label.contains(&0) {
        return Err(CryptoError);
    }
    let bits = out.len().checked_mul(8).and_then(|bits| u32::try_from(bits).ok()).ok_or(CryptoError)?;
    counter_mode(key, &[label, &[0], context, &bits.to_be_bytes()].concat(), out)
}

fn counter_mode(key: &[u8], fixed_input: &[u8], out: &mut [u8]) -> Result<(), CryptoError> {
    const HMAC_SHA256: Option<&KbkdfCtrHmacAlgorithm> =
        get_kbkdf_ctr_hmac_algorithm(KbkdfCtrHmacAlgorithmId::Sha256);

    if key.is_empty() || out.is_empty() {
        return Err(CryptoError);
    }
    Ok(kbkdf_ctr_hmac(HMAC_SHA256.ok_or(CryptoError)?, key, fixed_input, out)?)
}

#[cfg(test)]
mod tests {
    use super::counter_mode;
    use crate::hex;

    /// NIST gives the fixed input data whole, so it cannot enter through the public function.
    #[test]
    fn counter_mode_gives_nists_answers() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../testdata/cavp_kbkdf_counter.json")).unwrap();
        let answers = file["tests"].as_array().unwrap();
        assert_eq!(answers.len(), 4);
        for answer in answers {
            let bytes = |name: &str| hex::decode(answer[name].as_str().unwrap()).unwrap();
            let mut out = vec![0; bytes("out").len()];
            counter_mode(&bytes("key"), &bytes("fixed"), &mut out).unwrap();
            assert_eq!(out, bytes("out"), "count {}", answer["count"]);
        }
    }
}
