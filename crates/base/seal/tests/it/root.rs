//! Making a root, finding it again, and who may not.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Barrier;

use strongroom_seal::{Epoch, Purpose, Root, SealError};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_root_is_made_once_and_found_again() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("a/seal");
    let made = Root::open_or_create(&directory).unwrap();
    let found = Root::open_or_create(&directory).unwrap();
    assert_eq!(made.check_value(), found.check_value());
    assert_eq!(made.check_value(), Root::open(&directory).unwrap().check_value());
    let existing = Root::create(&directory);
    assert!(matches!(existing, Err(SealError::AlreadyExists { path }) if path.ends_with("root.slots")));

    assert_eq!(names(&directory), ["root.slots", "slot-file.key"]);
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&directory.join("root.slots")), 0o600);
    assert_eq!(mode(&directory.join("slot-file.key")), 0o600);
}

#[test]
fn of_many_who_create_one_wins_and_all_get_its_root() {
    for _ in 0..10 {
        let directory = tempfile::tempdir().unwrap();
        let barrier = Barrier::new(8);
        let roots: HashSet<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        *Root::open_or_create(&directory.path().join("seal"))
                            .unwrap()
                            .check_value()
                            .as_bytes()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(roots.len(), 1);
        assert_eq!(names(&directory.path().join("seal")), ["root.slots", "slot-file.key"]);
    }
}

#[test]
fn a_crash_between_the_two_files_is_taken_up_where_it_ended() {
    let directory = tempfile::tempdir().unwrap();
    let first = Root::create(directory.path()).unwrap();
    let slot_key = fs::read(directory.path().join("slot-file.key")).unwrap();
    fs::remove_file(directory.path().join("root.slots")).unwrap();

    let missing = Root::open(directory.path());
    assert!(matches!(missing, Err(SealError::NotFound { path }) if path.ends_with("root.slots")));
    let second = Root::open_or_create(directory.path()).unwrap();
    assert_eq!(fs::read(directory.path().join("slot-file.key")).unwrap(), slot_key);
    let compared = second.check_value().verify(first.check_value().as_bytes());
    assert!(matches!(compared, Err(SealError::WrongSeal)));
}

#[test]
fn slots_without_their_key_never_make_a_new_root() {
    let directory = tempfile::tempdir().unwrap();
    Root::create(directory.path()).unwrap();
    fs::remove_file(directory.path().join("slot-file.key")).unwrap();
    let missing = Root::open_or_create(directory.path());
    assert!(matches!(missing, Err(SealError::NotFound { path }) if path.ends_with("slot-file.key")));
    assert_eq!(names(directory.path()), ["root.slots"]);
}

#[test]
fn another_slot_key_is_the_wrong_seal() {
    let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    Root::create(directory.path()).unwrap();
    Root::create(other.path()).unwrap();
    fs::copy(other.path().join("slot-file.key"), directory.path().join("slot-file.key")).unwrap();
    assert!(matches!(Root::open_or_create(directory.path()), Err(SealError::WrongSeal)));
}

#[test]
fn files_that_others_can_read_are_refused_with_the_remedy() {
    for name in ["slot-file.key", "root.slots"] {
        for open in [0o640, 0o604, 0o620, 0o601] {
            let directory = tempfile::tempdir().unwrap();
            Root::create(directory.path()).unwrap();
            let path = directory.path().join(name);
            set_mode(&path, open);
            let error = Root::open_or_create(directory.path()).unwrap_err();
            assert!(matches!(error, SealError::Permissions { mode, .. } if mode == open));
            assert_eq!(
                error.to_string(),
                format!("{0} has mode {open:o}, which lets others in. Run: chmod 600 {0}", path.display())
            );
        }
    }
}

#[test]
fn a_directory_that_others_can_change_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o755);
    Root::create(directory.path()).unwrap();
    for open in [0o770, 0o702] {
        set_mode(directory.path(), open);
        let error = Root::open_or_create(directory.path()).unwrap_err();
        assert!(matches!(error, SealError::Permissions { mode, wanted: 0o700, .. } if mode == open));
    }
}

#[test]
fn what_stands_in_a_files_place_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("root.slots")).unwrap();
    set_mode(&directory.path().join("root.slots"), 0o700);
    assert!(matches!(Root::open_or_create(directory.path()), Err(SealError::Corrupt { .. })));

    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(Root::open_or_create(&file), Err(SealError::Io { .. })));
}

#[test]
fn check_values_tell_roots_apart() {
    let (one, other) = (Root::ephemeral().unwrap(), Root::ephemeral().unwrap());
    assert!(one.check_value().verify(one.check_value().as_bytes()).is_ok());
    for stored in [other.check_value().as_bytes(), &one.check_value().as_bytes()[..31], &[]] {
        assert!(matches!(one.check_value().verify(stored), Err(SealError::WrongSeal)));
    }
}

#[test]
fn every_purpose_and_epoch_has_its_own_key() {
    let root = Root::ephemeral().unwrap();
    let mut keys = HashSet::new();
    for _ in 0..3 {
        root.select(root.prepare_next().unwrap()).unwrap();
    }
    for epoch in 1..=4 {
        let epoch = Epoch::new(epoch);
        keys.insert(*root.check_value_of(epoch).unwrap().as_bytes());
        for purpose in Purpose::ALL {
            keys.insert(*root.subkey(*purpose, epoch).unwrap().expose());
        }
    }
    assert_eq!(keys.len(), 4 * (1 + Purpose::ALL.len()));
    for unknown in [0, 5, u32::MAX] {
        let unknown = root.subkey(Purpose::Secrets, Epoch::new(unknown));
        assert!(matches!(unknown, Err(SealError::UnknownEpoch { .. })));
    }
}

#[test]
fn debug_shows_no_key() {
    let root = Root::from_key(strongroom_secret::Secret::new([0xAB; 32])).unwrap();
    assert!(!format!("{root:?}").contains("171"), "171 is 0xAB");
}
