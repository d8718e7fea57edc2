//! Checkpoints that somebody else wrote into the journal's folder: nothing that they say may count, neither for what is
//! removed, nor for what is signed next, nor for whoever verifies.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use strongroom_crypto::hex;
use strongroom_journal::{
    Checkpoint, CheckpointKey, FindingKind, Keeper, KeeperOptions, Report, Trust, verify,
};
use tempfile::TempDir;

use crate::fixture::{
    NOW, append, check, checkpoint_key, close, copy, directory, intact, keeper, open, options, public_key,
    seal, segment, streams,
};

fn file(dir: &Path) -> PathBuf {
    dir.join("checkpoints/000001.checkpoints")
}

fn all_checkpoints(dir: &Path) -> Vec<Checkpoint> {
    Checkpoint::parse_all(&fs::read_to_string(file(dir)).unwrap()).unwrap()
}

fn breaks(report: &Report) -> Vec<FindingKind> {
    report.findings.iter().filter(|finding| !finding.is_note()).map(|finding| finding.kind.clone()).collect()
}

fn by_stranger(dir: &Path) -> Report {
    verify(dir, &Trust::public_keys(vec![public_key(1)]), |_| {}).unwrap()
}

/// Three closed streams, with a checkpoint of each.
fn journal() -> (TempDir, PathBuf) {
    let dir = directory();
    let path = dir.path().join("journal");
    for stream in 0..3 {
        let journal = open(&path, &options(8192));
        append(&journal, stream * 2..stream * 2 + 2);
        keeper(&journal).checkpoint(NOW + 1000).unwrap().unwrap();
        close(journal);
    }
    assert_eq!(intact(&path), []);
    (dir, path)
}

/// What somebody writes who wants all but the newest stream gone.
fn forgery(dir: &Path, key: &CheckpointKey, next: &str) -> String {
    let all = all_checkpoints(dir);
    let before = all.last().unwrap();
    let newest = *streams(dir).last().unwrap();
    let header = &fs::read(segment(dir, newest, 1)).unwrap()[448..480];
    let head = before.heads[0];
    let text = format!(
        "strongroom-checkpoint 1\nnumber {}\ntime {NOW}\nkey {} {}\nprevious {}\nbegins {newest} 1 0 0 {} 1\n{next}head {} {} {} {}\n",
        before.number + 1,
        key.epoch,
        hex::encode(key.key.public_key().as_bytes()),
        hex::encode(&before.hash()),
        hex::encode(header),
        head.stream,
        head.frames,
        head.records,
        hex::encode(&head.hash),
    );
    let signature = hex::encode(&key.key.sign(text.as_bytes()).unwrap());
    format!("{text}signature {signature}\n")
}

fn write_behind(dir: &Path, checkpoint: &str) {
    let mut file = OpenOptions::new().append(true).open(file(dir)).unwrap();
    file.write_all(format!("{checkpoint}\n").as_bytes()).unwrap();
}

/// Opens the journal as a server would that was started again, and lets it sign, copy and retire.
fn go_on(dir: &Path, key: u32, copies: &Path, number: u64) {
    let journal = open(dir, &options(8192));
    let options = KeeperOptions {
        key: checkpoint_key(key),
        keys_before: (1..key).map(checkpoint_key).collect(),
        copies: vec![copies.to_owned()],
    };
    let mut keeper: Keeper = journal.keeper(options, NOW).unwrap();
    assert!(keeper.foreign_checkpoint().is_some());
    append(&journal, number..number + 1);
    let signed = keeper.checkpoint(NOW).unwrap().unwrap();
    assert_eq!(signed.begins, None, "the forged beginning is not carried on");
    assert_eq!(keeper.retire(NOW, NOW, None).unwrap(), None, "nothing is old");
    assert!(keeper.wait_for_copies(Duration::from_mins(1)));
    close(journal);
}

#[test]
fn a_forged_beginning_removes_nothing_and_nobody_vouches_for_it() {
    let (_dir, journal) = journal();
    let copies = directory();
    let genuine = all_checkpoints(&journal);
    let before = streams(&journal);
    // By a key of the forger's, under the present epoch, and under ones that the seal has not heard of.
    for (index, (epoch, next)) in
        [(1, String::new()), (0, String::new()), (66, String::new()), (0, handing_over())]
            .into_iter()
            .enumerate()
    {
        let image = journal.parent().unwrap().join(format!("image-{index}"));
        copy(&journal, &image);
        let key = CheckpointKey { epoch, ..checkpoint_key(66) };
        let forged = forgery(&image, &key, &next);
        assert!(Checkpoint::parse(&forged).unwrap().is_signed());
        write_behind(&image, &forged);
        let expected = [FindingKind::CheckpointKey { number: 4, epoch }];
        let check_all = || {
            assert_eq!(breaks(&check(&image)), expected);
            assert_eq!(breaks(&by_stranger(&image)), expected);
            assert_eq!(check(&image).begins, None);
            let kept = seal().with_anchors(vec![genuine[0].clone()]);
            assert_eq!(breaks(&verify(&image, &kept, |_| {}).unwrap()), expected);
        };
        check_all();
        go_on(&image, 1, copies.path(), 6);
        assert_eq!(streams(&image)[..3], before);
        let next = all_checkpoints(&image).pop().unwrap();
        assert_eq!((next.number, next.previous), (4, genuine[2].hash()));
        check_all();
        let copied =
            Checkpoint::parse_all(&fs::read_to_string(copies.path().join("000001.checkpoints")).unwrap());
        assert!(copied.unwrap().iter().all(|one| one.key == public_key(1)), "it is in no copy either");
        fs::remove_file(copies.path().join("000001.checkpoints")).unwrap();
    }
}

/// A line that hands over to the journal's key.
fn handing_over() -> String {
    format!("next-key 1 {}\n", hex::encode(public_key(1).as_bytes()))
}

#[test]
fn a_signature_that_does_not_fit_removes_nothing_either() {
    let (_dir, journal) = journal();
    let copies = directory();
    let before = streams(&journal);
    let forged = forgery(&journal, &checkpoint_key(1), "");
    let at = forged.find("signature ").unwrap() + "signature ".len();
    write_behind(&journal, &format!("{}{}\n", &forged[..at], "ab".repeat(64)));
    let expected = [FindingKind::CheckpointSignature { number: 4 }];
    assert_eq!(breaks(&check(&journal)), expected);
    go_on(&journal, 1, copies.path(), 6);
    assert_eq!(streams(&journal)[..3], before);
    assert_eq!(breaks(&check(&journal)), expected);
    assert_eq!(breaks(&by_stranger(&journal)), expected);
}

/// A server that had signed behind a forged one, before it looked whose it was.
#[test]
fn what_names_a_forged_one_does_not_vouch_for_it() {
    let (_dir, journal) = journal();
    let forged = forgery(&journal, &checkpoint_key(66), "").replace("key 66", "key 1");
    let text = forged.split_once("signature").unwrap().0;
    let signature = hex::encode(&checkpoint_key(66).key.sign(text.as_bytes()).unwrap());
    write_behind(&journal, &format!("{text}signature {signature}\n"));
    write_behind(&journal, &forgery(&journal, &checkpoint_key(1), ""));
    for report in [check(&journal), by_stranger(&journal)] {
        assert_eq!(breaks(&report)[0], FindingKind::CheckpointKey { number: 4, epoch: 1 });
    }
}

/// The seal was rotated because somebody had its key.
#[test]
fn a_key_that_has_handed_over_is_not_heard_any_more() {
    let (_dir, journal) = journal();
    let copies = directory();
    let writing = open(&journal, &options(8192));
    let mut kept = keeper(&writing);
    append(&writing, 6..7);
    kept.change_key(checkpoint_key(2), NOW).unwrap();
    kept.checkpoint(NOW).unwrap().unwrap();
    close(writing);
    let before = streams(&journal);
    write_behind(&journal, &forgery(&journal, &checkpoint_key(1), ""));
    let expected = [FindingKind::CheckpointKey { number: 6, epoch: 1 }];
    assert_eq!(breaks(&by_stranger(&journal)), expected);
    go_on(&journal, 2, copies.path(), 7);
    assert_eq!(streams(&journal)[..4], before);
    assert_eq!(breaks(&by_stranger(&journal)), expected);
}

/// Servers of one seal sign with one key. One's checkpoints say nothing of another's journal.
#[test]
fn the_checkpoints_of_another_journal_remove_nothing() {
    let (_dir, journal) = journal();
    let other = journal.parent().unwrap().join("other");
    let writing = open(&other, &options(4096));
    append(&writing, 0..30);
    keeper(&writing).retire(NOW, NOW + 20, None).unwrap().unwrap();
    close(writing);
    fs::remove_dir_all(journal.join("checkpoints")).unwrap();
    copy(&other.join("checkpoints"), &journal.join("checkpoints"));
    let before = streams(&journal);
    let writing = open(&journal, &options(8192));
    let keeper = keeper(&writing);
    assert!(keeper.missing_end().unwrap().is_some());
    close(writing);
    assert_eq!(streams(&journal)[..3], before);
    assert!(!check(&journal).is_intact());
}

#[test]
fn old_checkpoints_do_not_go_because_a_forged_one_says_that_they_are_old() {
    let (_dir, journal) = journal();
    // A file of its own, which says that it begins with the first one that is kept.
    let forged = forgery(&journal, &checkpoint_key(66), "").replace("number 4", "number 1");
    fs::write(journal.join("checkpoints/000002.checkpoints"), format!("{forged}\n")).unwrap();
    let writing = open(&journal, &options(8192));
    append(&writing, 100..102);
    keeper(&writing).retire(NOW, NOW + 50, None).unwrap().unwrap();
    close(writing);
    assert_eq!(all_checkpoints(&journal).len(), 3);
}
