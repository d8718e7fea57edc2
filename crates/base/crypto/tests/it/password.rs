use strongroom_crypto::CryptoError;
use strongroom_crypto::password::{MAX_PASSWORD_LENGTH, PasswordHasher, is_current};

#[test]
fn the_right_password_is_verified_and_no_other() {
    let hasher = PasswordHasher::new();
    let hash = hasher.hash(b"password1").unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=32768,t=2,p=1$"), "{hash}");
    assert_eq!(hasher.verify(b"password1", &hash), Ok(()));
    for wrong in [&b"password2"[..], b"password", b"Password1", b"password1\0", b""] {
        assert_eq!(hasher.verify(wrong, &hash), Err(CryptoError));
    }
    assert_ne!(hasher.hash(b"password1").unwrap(), hash, "each has a salt of its own");
    assert_eq!(hasher.verify_nobody(b"password1"), CryptoError);
    assert!(is_current(&hash));
}

#[test]
fn parameters_of_earlier_days_are_verified() {
    // By the reference implementation in C: 8 MiB, 1 pass.
    let hash = include_str!("../../testdata/argon2id_small.txt").trim();
    let hasher = PasswordHasher::new();
    assert_eq!(hasher.verify(b"correct horse", hash), Ok(()));
    assert_eq!(hasher.verify(b"correct house", hash), Err(CryptoError));
    assert!(!is_current(hash));
}

#[test]
fn what_is_no_hash_is_a_wrong_password() {
    let hasher = PasswordHasher::new();
    let hash = hasher.hash(b"password1").unwrap();
    for wrong in [
        String::new(),
        "password1".to_owned(),
        hash.replace("argon2id", "argon2d"),
        hash.replace("m=32768", "m=4294967295"),
        hash.replace("t=2", "t=4000000000"),
        hash.replace("p=1", "p=4"),
        hash.replace("p=1", "p=1,keyid=AAAA"),
        hash[..hash.len() - 4].to_owned(),
        format!("{hash}AAAA"),
        format!("{hash}$"),
        "$".repeat(10_000),
    ] {
        assert_eq!(hasher.verify(b"password1", &wrong), Err(CryptoError), "{wrong}");
        assert!(!is_current(&wrong), "{wrong}");
    }
}

#[test]
fn a_password_has_a_length() {
    let hasher = PasswordHasher::new();
    let longest = vec![b'a'; MAX_PASSWORD_LENGTH];
    let hash = hasher.hash(&longest).unwrap();
    assert_eq!(hasher.verify(&longest, &hash), Ok(()));
    assert!(hasher.hash(&[longest, vec![b'a']].concat()).is_err());
}

#[test]
fn log_ins_from_many_threads_take_turns() {
    let hasher = PasswordHasher::new();
    let hash = hasher.hash(b"password1").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (hasher, hash) = (&hasher, &hash);
            scope.spawn(move || {
                let right = thread % 2 == 0;
                let password: &[u8] = if right { b"password1" } else { b"password2" };
                assert_eq!(hasher.verify(password, hash).is_ok(), right);
            });
        }
    });
}
