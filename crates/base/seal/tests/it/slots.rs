//! Slots: passphrases, and lists of them.

use std::fs;

use strongroom_seal::{Epoch, Purpose, Root, SealError, Sealer, Unlock, slots_in};
use strongroom_secret::SecretString;

fn passphrase(text: &str) -> Unlock {
    Unlock::Passphrase(SecretString::new(text.to_owned()))
}

#[test]
fn a_passphrase_opens_what_it_was_made_for() {
    let directory = tempfile::tempdir().unwrap();
    let own = passphrase("correct horse battery");
    let root = Root::create_with(directory.path(), &own).unwrap();
    assert!(!directory.path().join("slot-file.key").exists());
    assert_eq!(Root::open_with(directory.path(), &own).unwrap().check_value(), root.check_value());

    for wrong in ["correct horse batterz", "correct horse battery ", ""] {
        let error = Root::open_with(directory.path(), &passphrase(wrong)).unwrap_err();
        assert!(matches!(error, SealError::WrongPassphrase { .. }), "{error}");
        assert!(wrong.is_empty() || !error.to_string().contains(wrong));
    }
    let error = Root::open(directory.path()).unwrap_err();
    assert!(error.to_string().ends_with("has no slot of the kind file, but: passphrase"), "{error}");
    let text = fs::read_to_string(directory.path().join("root.slots")).unwrap();
    assert!(text.contains("argon2id,m=65536,t=3,s="), "{text}");
}

#[test]
fn a_passphrase_that_is_soon_guessed_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let refused = Root::create_with(&directory.path().join("seal"), &passphrase("hunter2 hun"));
    assert_eq!(refused.unwrap_err().to_string(), "a passphrase has at least 12 characters");
    assert!(!directory.path().join("seal/root.slots").exists());
}

#[test]
fn slots_come_and_go_and_the_last_stays() {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::create(directory.path()).unwrap();
    let sealed = Sealer::new(&root, Purpose::Secrets).seal(b"", b"value").unwrap();
    let (epoch, slots) = slots_in(directory.path()).unwrap();
    assert_eq!((epoch, slots.len(), slots[0].kind.as_str()), (Epoch::FIRST, 1, "file"));

    let alice = root.add_slot(&passphrase("the passphrase of alice")).unwrap();
    let bob = root.add_slot(&passphrase("the passphrase of bob")).unwrap();
    assert_eq!(root.add_slot(&Unlock::File).unwrap(), slots[0].id);
    let ids = || slots_in(directory.path()).unwrap().1.into_iter().map(|slot| slot.id).collect::<Vec<_>>();
    assert_eq!(ids(), [alice.clone(), bob.clone(), slots[0].id.clone()]);

    root.remove_slot(&slots[0].id).unwrap();
    root.remove_slot(&alice).unwrap();
    assert!(matches!(root.remove_slot(&alice), Err(SealError::NoSuchSlot { .. })));
    assert!(matches!(root.remove_slot(&bob), Err(SealError::LastSlot)));
    assert_eq!(ids(), [bob]);
    let opened = Root::open_with(directory.path(), &passphrase("the passphrase of bob")).unwrap();
    assert_eq!(Sealer::new(&opened, Purpose::Secrets).open(b"", &sealed).unwrap().expose(), b"value");
    let gone = Root::open_with(directory.path(), &passphrase("the passphrase of alice"));
    assert!(matches!(gone, Err(SealError::WrongPassphrase { .. })));
}

#[test]
fn a_root_that_is_kept_nowhere_has_no_slots() {
    let root = Root::ephemeral().unwrap();
    assert!(matches!(root.add_slot(&Unlock::File), Err(SealError::KeptNowhere)));
}
