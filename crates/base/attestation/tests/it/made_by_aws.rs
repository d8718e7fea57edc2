//! The document of a real enclave.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_attestation::{Attestation, NotBelieved, aws_root};

use crate::forge::Enclave;

/// 18 September 2023, 15:05 UTC: some minutes after it was made.
const THEN: i64 = 1_695_049_500;

fn document() -> Vec<u8> {
    STANDARD.decode(include_str!("../../testdata/nitro_enclave_document.b64").trim()).unwrap()
}

#[test]
fn it_is_believed_while_its_certificates_are_valid() {
    let roots = [aws_root().unwrap()];
    let attestation = Attestation::believed(&document(), &roots, THEN).unwrap();
    assert_eq!(attestation.module_id(), "i-0918f6c55e3b61d89-enc018aa8b8e2285d13");
    // The enclave ran in debug mode: what measures its image is zero.
    assert_eq!(attestation.image_digest(), Some("00".repeat(48)));
    let registers: Vec<_> = attestation.registers().collect();
    assert_eq!(registers.len(), 16);
    assert_eq!(
        registers[3],
        (
            3,
            "4a9329d69c836267b18abbf9f4a38889124490453419e426818626348d21f989dc930b1562682a9082887454e53425aa"
                .to_owned()
        )
    );
    assert_eq!(attestation.public_key(), None);

    let three_hours_later = THEN + 3 * 3_600;
    let outcome = Attestation::believed(&document(), &roots, three_hours_later);
    assert_eq!(outcome.unwrap_err(), NotBelieved::Expired);
    let outcome = Attestation::believed(&document(), &roots, THEN - 3_600);
    assert_eq!(outcome.unwrap_err(), NotBelieved::Expired);
}

#[test]
fn another_root_does_not_speak_for_it() {
    let outcome = Attestation::believed(&document(), &[], THEN);
    assert_eq!(outcome.unwrap_err(), NotBelieved::Untrusted);
    let outcome = Attestation::believed(&document(), &[Enclave::new().root()], THEN);
    assert_eq!(outcome.unwrap_err(), NotBelieved::Untrusted);
}

#[test]
fn no_byte_of_it_can_be_changed_or_left_out() {
    let (document, roots) = (document(), [aws_root().unwrap()]);
    // Each proof takes six signatures: every byte of what is signed first and last, and some between.
    let places =
        (0..document.len()).filter(|place| *place < 64 || place % 41 == 0 || *place + 100 > document.len());
    for place in places {
        let mut altered = document.clone();
        altered[place] ^= 1;
        assert!(Attestation::believed(&altered, &roots, THEN).is_err(), "byte {place}");
        assert!(Attestation::believed(&document[..place], &roots, THEN).is_err(), "{place} bytes");
    }
    let longer = [document.as_slice(), &[0]].concat();
    assert_eq!(Attestation::believed(&longer, &roots, THEN).unwrap_err(), NotBelieved::Malformed);
}
