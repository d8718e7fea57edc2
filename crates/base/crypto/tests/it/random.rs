use std::collections::HashSet;

use strongroom_crypto::random;

/// No statistics: only that bytes are written at all, over the whole length, and not twice the same.
#[test]
fn every_byte_is_written_and_nothing_comes_twice() {
    let mut touched = [false; 64];
    let mut seen = HashSet::new();
    for _ in 0..64 {
        let mut bytes = [0; 64];
        random::fill(&mut bytes).unwrap();
        for (touched, byte) in touched.iter_mut().zip(bytes) {
            *touched |= byte != 0;
        }
        assert!(seen.insert(bytes[..16].to_vec()));
        assert!(seen.insert(random::bytes::<16>().unwrap().to_vec()));
        assert!(seen.insert(random::key256().unwrap().expose()[..16].to_vec()));
        assert!(seen.insert(random::id().unwrap().to_vec()));
    }
    assert_eq!(touched, [true; 64]);
    random::fill(&mut []).unwrap();
}
