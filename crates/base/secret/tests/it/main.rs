//! What `strongroom-secret` promises, through its public API.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use strongroom_secret::{Key256, Secret, SecretBytes, SecretString, constant_time_eq};
use zeroize::Zeroize;

/// Counts how often it is wiped.
#[derive(Clone)]
struct Witness(Arc<AtomicUsize>);

impl Zeroize for Witness {
    fn zeroize(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_secret_is_wiped_once_when_it_is_dropped_and_so_is_its_clone() {
    let wiped = Arc::new(AtomicUsize::new(0));
    let secret = Secret::new(Witness(wiped.clone()));
    let copy = secret.clone();
    assert_eq!(wiped.load(Ordering::SeqCst), 0);
    drop(secret);
    assert_eq!(wiped.load(Ordering::SeqCst), 1);
    drop(copy);
    assert_eq!(wiped.load(Ordering::SeqCst), 2);
}

#[test]
fn a_filling_that_fails_gives_no_secret() {
    assert_eq!(Key256::filled(|_| Err("no")).map(|_| ()), Err("no"));
    assert_eq!(SecretBytes::filled(5, |_| Err("no")).map(|_| ()), Err("no"));
}

#[test]
fn debug_shows_nothing_even_inside_a_derived_debug() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "only its Debug is looked at")]
    struct Outer {
        password: SecretString,
        key: Option<Key256>,
    }
    let outer = Outer { password: Secret::new("hunter2".to_owned()), key: Some(Secret::new([7; 32])) };
    assert_eq!(format!("{outer:?}"), "Outer { password: Secret(..), key: Some(Secret(..)) }");
}

#[test]
fn secrets_are_filled_where_they_live() {
    let Ok(key) = Key256::filled(|bytes| {
        assert_eq!(*bytes, [0; 32]);
        bytes[0] = 9;
        Ok::<_, Infallible>(())
    });
    assert_eq!((key.expose()[0], key.expose()[31]), (9, 0));

    let Ok(mut bytes) = SecretBytes::filled(3, |bytes| {
        bytes.copy_from_slice(b"abc");
        Ok::<_, Infallible>(())
    });
    bytes.expose_mut()[1] = b'x';
    assert_eq!(bytes.expose(), b"axc");

    assert_eq!(Key256::copied_from(&[5; 32]).map(|key| *key.expose()), Some([5; 32]));
    assert!(Key256::copied_from(&[5; 31]).is_none());
    assert!(Key256::copied_from(&[5; 33]).is_none());
}

#[test]
fn equality_takes_length_and_every_byte_into_account() {
    let bytes: Vec<u8> = (0..=255).collect();
    assert!(constant_time_eq(&bytes, &bytes.clone()));
    assert!(constant_time_eq(b"", b""));
    assert!(!constant_time_eq(&bytes, &bytes[..255]));
    assert!(!constant_time_eq(b"", b"a"));
    for position in 0..bytes.len() {
        let mut other = bytes.clone();
        other[position] ^= 0x10;
        assert!(!constant_time_eq(&bytes, &other), "byte {position}");
    }
}
