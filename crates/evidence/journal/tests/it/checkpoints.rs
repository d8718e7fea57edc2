//! Checkpoints: made, kept, copied, and what they show that the chain alone does not.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use proptest::prelude::*;
use strongroom_journal::{
    Checkpoint, FindingKind, Journal, Keeper, KeeperOptions, MissingEnd, Report, StreamId, Trust, verify,
};
use tempfile::TempDir;

use crate::fixture::{
    NOW, append, as_file, check, checkpoint_key, close, copy, directory, forge, frames, intact, keeper, open,
    options, public_key, runtime, seal, segment, streams,
};

fn file(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("checkpoints/{number:06}.checkpoints"))
}

fn all_checkpoints(dir: &Path) -> Vec<Checkpoint> {
    Checkpoint::parse_all(&fs::read_to_string(file(dir, 1)).unwrap()).unwrap()
}

fn breaks(report: &Report) -> Vec<FindingKind> {
    report.findings.iter().filter(|finding| !finding.is_note()).map(|finding| finding.kind.clone()).collect()
}

/// Appends records one by one, with a checkpoint behind each.
fn append_with_checkpoints(journal: &Journal, keeper: &mut Keeper, numbers: std::ops::Range<u64>) {
    for number in numbers {
        append(journal, number..number + 1);
        let checkpoint = keeper.checkpoint(NOW + number as i64).unwrap().unwrap();
        assert_eq!(checkpoint.heads[0].records, checkpoint.heads[0].frames);
    }
}

/// A closed stream and a second one as a crash leaves it, each with three records and a checkpoint behind each.
fn image() -> (TempDir, PathBuf) {
    let dir = directory();
    let live = dir.path().join("live");
    let journal = open(&live, &options(8192));
    append_with_checkpoints(&journal, &mut keeper(&journal), 0..3);
    close(journal);
    let journal = open(&live, &options(8192));
    append_with_checkpoints(&journal, &mut keeper(&journal), 0..3);
    let image = dir.path().join("image");
    copy(&live, &image);
    drop(journal);
    (dir, image)
}

/// Cuts a stream's only segment off in front of a frame.
fn cut(dir: &Path, stream: StreamId, frame: u64) {
    let place =
        frames(dir).into_iter().find(|place| place.stream() == stream && place.sequence() == frame).unwrap();
    let path = segment(dir, stream, 1);
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(place.offset()).unwrap();
    file.set_len(length).unwrap();
}

#[test]
fn each_says_how_far_the_journal_is_and_continues_the_one_before() {
    let (_dir, image) = image();
    let all = all_checkpoints(&image);
    assert_eq!(all.iter().map(|checkpoint| checkpoint.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    let [first, second] = streams(&image)[..] else { panic!("two streams") };
    let heads: Vec<_> =
        all.iter().map(|one| (one.heads[0].stream, one.heads[0].frames, one.time_ms - NOW)).collect();
    let expected = [first, second].map(|stream| [(stream, 1, 0), (stream, 2, 1), (stream, 3, 2)]).concat();
    assert_eq!(heads, expected);
    assert_eq!(all[0].previous, [0; 32]);
    for pair in all.windows(2) {
        assert_eq!(pair[1].previous, pair[0].hash());
        assert!(pair[1].is_signed() && pair[1].key == public_key(1));
    }
    let report = check(&image);
    assert!(report.is_intact());
    assert_eq!((report.checkpoints, report.newest_checkpoint), (6, Some((6, NOW + 2))));
    assert_eq!(intact(&image), []);
}

#[test]
fn nothing_new_makes_no_checkpoint_and_the_end_makes_one() {
    let dir = directory();
    let journal = open(dir.path(), &options(8192));
    let mut keeper = keeper(&journal);
    // A stream without a record is something, too.
    assert_eq!(keeper.checkpoint(NOW).unwrap().unwrap().heads[0].frames, 0);
    append(&journal, 0..2);
    assert!(keeper.checkpoint(NOW).unwrap().is_some());
    assert_eq!(keeper.checkpoint(NOW + 60_000).unwrap(), None);
    runtime().block_on(journal.close()).unwrap();
    let last = keeper.checkpoint(NOW).unwrap().unwrap();
    assert_eq!((last.heads[0].frames, last.heads[0].records), (3, 2), "the end of the stream is a frame");
    assert_eq!(keeper.checkpoint(NOW).unwrap(), None);
    drop(journal);
    assert_eq!(intact(dir.path()), []);
}

/// Anybody can verify one with other tools: the signature is over the lines above it.
#[test]
fn a_checkpoint_is_text_and_its_signature_is_over_the_lines_above() {
    let (_dir, image) = image();
    let checkpoint = all_checkpoints(&image).pop().unwrap();
    let text = checkpoint.to_string();
    assert_eq!(Checkpoint::parse(&text), Ok(checkpoint.clone()));
    let (lines, signature) = text.split_at(text.rfind("signature ").unwrap());
    let signature =
        strongroom_crypto::hex::decode(signature.trim_end().strip_prefix("signature ").unwrap()).unwrap();
    public_key(1).verify(lines.as_bytes(), &signature).unwrap();
    assert!(lines.starts_with("strongroom-checkpoint 1\nnumber 6\n"), "{text}");
    for other in
        [text.to_uppercase(), text.replace("frames", ""), text.trim_end().to_owned(), format!("{text}\n")]
    {
        assert!(Checkpoint::parse(&other).is_err() || other == text);
    }
}

#[test]
fn frames_cut_from_the_very_end_are_missed() {
    let (_dir, image) = image();
    let stream = streams(&image)[1];
    for kept in (0..3).rev() {
        cut(&image, stream, kept);
        let report = check(&image);
        let finding = report.first_break().unwrap();
        assert_eq!(finding.kind, FindingKind::EndMissing { checkpoint: 6, frames: 3, records: 3 });
        assert_eq!((finding.stream, finding.frame, finding.record), (Some(stream), Some(kept), Some(kept)));
    }
    fs::remove_dir_all(image.join(stream.to_string())).unwrap();
    let report = check(&image);
    let finding = report.first_break().unwrap();
    assert_eq!(finding.kind, FindingKind::EndMissing { checkpoint: 6, frames: 3, records: 3 });
    assert_eq!((finding.stream, finding.frame), (Some(stream), Some(0)));
}

#[test]
fn the_next_start_tells_of_a_missing_end() {
    let (_dir, image) = image();
    let stream = streams(&image)[1];
    let missing_at_start = || {
        let again = image.parent().unwrap().join("again");
        copy(&image, &again);
        let journal = open(&again, &options(8192));
        let missing = keeper(&journal).missing_end().unwrap();
        drop(journal);
        fs::remove_dir_all(&again).unwrap();
        missing
    };
    assert_eq!(missing_at_start(), None);
    cut(&image, stream, 1);
    let missing = MissingEnd { checkpoint: 6, stream, frames: 3, found: 1 };
    assert_eq!(missing_at_start(), Some(missing));
    fs::remove_dir_all(image.join(stream.to_string())).unwrap();
    assert_eq!(missing_at_start(), Some(MissingEnd { found: 0, ..missing }));
}

#[test]
fn every_flipped_byte_of_a_checkpoint_is_found() {
    let (_dir, image) = image();
    let path = file(&image, 1);
    let bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 8);
        fs::write(&path, &altered).unwrap();
        let report = check(&image);
        if at < bytes.len() - 2 {
            assert!(!report.is_intact(), "byte {at}");
        } else {
            // Without its end mark the newest one looks as if its writing had been cut short.
            assert_eq!(report.findings[0].kind, FindingKind::CheckpointTorn);
        }
    }
}

#[test]
fn removed_moved_and_repeated_checkpoints_are_found() {
    let (_dir, image) = image();
    let all = all_checkpoints(&image);
    let arrange = |order: &[usize]| {
        let text = as_file(order.iter().map(|&index| &all[index]));
        fs::write(file(&image, 1), text).unwrap();
        breaks(&check(&image))
    };
    let missing = |first, last| FindingKind::CheckpointsMissing { first, last };
    assert_eq!(arrange(&[0, 1, 2, 3, 4, 5]), []);
    assert_eq!(arrange(&[1, 2, 3, 4, 5]), [missing(1, 1)]);
    assert_eq!(arrange(&[0, 3, 4, 5]), [missing(2, 3)]);
    assert_eq!(arrange(&[0, 1, 1, 2, 3, 4, 5]), [FindingKind::CheckpointChain { number: 2 }]);
    assert_eq!(arrange(&[0, 2, 1, 3, 4, 5]), [missing(2, 2), FindingKind::CheckpointChain { number: 2 }]);
}

#[test]
fn a_forged_checkpoint_is_not_believed() {
    let (_dir, image) = image();
    // Somebody without the seal makes a journal that is all his own.
    let forged = image.parent().unwrap().join("forged");
    let journal = open(&forged, &options(8192));
    let options = KeeperOptions { key: checkpoint_key(66), keys_before: Vec::new(), copies: Vec::new() };
    append_with_checkpoints(&journal, &mut journal.keeper(options, NOW).unwrap(), 0..2);
    close(journal);
    let kind = FindingKind::CheckpointKey { number: 1, epoch: 66 };
    assert_eq!(breaks(&check(&forged)), std::slice::from_ref(&kind));
    assert_eq!(breaks(&verify(&forged, &Trust::public_keys(vec![public_key(1)]), |_| {}).unwrap()), [kind]);
}

#[test]
fn a_stranger_verifies_with_the_public_key_alone() {
    let (_dir, image) = image();
    let stranger = || Trust::public_keys(vec![public_key(1)]);
    let report = verify(&image, &stranger(), |_| {}).unwrap();
    assert!(report.is_intact(), "{:?}", report.findings);
    assert_eq!((report.records, report.checkpoints), (6, 6));
    // Every hash made anew, by somebody without keys: the checkpoint saw another frame.
    let frame = frames(&image).pop().unwrap();
    let path = segment(&image, frame.stream(), 1);
    let mut bytes = fs::read(&path).unwrap();
    forge(&mut bytes[frame.offset() as usize..][..frame.length()]);
    fs::write(&path, bytes).unwrap();
    let report = verify(&image, &stranger(), |_| {}).unwrap();
    let finding = report.first_break().unwrap();
    assert_eq!((&finding.kind, finding.frame), (&FindingKind::HeadDiffers { checkpoint: 6 }, Some(2)));
    assert_eq!(breaks(&check(&image))[0], FindingKind::FrameMac);
}

#[test]
fn a_checkpoint_that_was_kept_shows_a_journal_that_was_rolled_back() {
    let (_dir, image) = image();
    let all = all_checkpoints(&image);
    let kept = all[5].clone();
    let with =
        |anchor: &Checkpoint| verify(&image, &seal().with_anchors(vec![anchor.clone()]), |_| {}).unwrap();
    for anchor in &all {
        assert!(with(anchor).is_intact());
    }
    // All of it as it was before: journal and checkpoints fit each other.
    let (older, stream) = (as_file(&all[..4]), streams(&image)[1]);
    fs::write(file(&image, 1), older).unwrap();
    cut(&image, stream, 1);
    assert_eq!(intact(&image), []);
    let report = with(&kept);
    assert_eq!(
        breaks(&report),
        [
            FindingKind::RolledBack { number: 6, newest: 4 },
            FindingKind::EndMissing { checkpoint: 6, frames: 3, records: 3 }
        ]
    );
    // And gone on, by somebody who has the seal: a past of the same length.
    let journal = open(&image, &options(8192));
    append_with_checkpoints(&journal, &mut keeper(&journal), 0..3);
    close(journal);
    assert!(check(&image).is_intact());
    let kinds = breaks(&with(&kept));
    assert_eq!(kinds[0], FindingKind::CheckpointDiffers { number: 6 });
    assert!(kinds.contains(&FindingKind::EndMissing { checkpoint: 6, frames: 3, records: 3 }), "{kinds:?}");
    // One of another journal, or altered.
    let mut altered = kept.to_string();
    let at = altered.find("number 6").unwrap() + 7;
    altered.replace_range(at..=at, "5");
    let altered = Checkpoint::parse(&altered).unwrap();
    assert_eq!(breaks(&with(&altered))[0], FindingKind::CheckpointSignature { number: 5 });
    // No checkpoints at all.
    fs::remove_dir_all(image.join("checkpoints")).unwrap();
    assert_eq!(breaks(&with(&kept))[0], FindingKind::RolledBack { number: 6, newest: 0 });
}

#[test]
fn a_key_hands_over_to_the_next_one() {
    let dir = directory();
    let journal = open(dir.path(), &options(8192));
    let mut keeper = keeper(&journal);
    append_with_checkpoints(&journal, &mut keeper, 0..2);
    keeper.change_key(checkpoint_key(2), NOW).unwrap();
    append_with_checkpoints(&journal, &mut keeper, 2..4);
    close(journal);
    // And once more, across a start.
    let journal = open(dir.path(), &options(8192));
    let between =
        KeeperOptions { key: checkpoint_key(3), keys_before: vec![checkpoint_key(2)], copies: Vec::new() };
    append_with_checkpoints(&journal, &mut journal.keeper(between, NOW).unwrap(), 0..1);
    close(journal);
    let keys: Vec<_> =
        all_checkpoints(dir.path()).iter().map(|one| (one.key_epoch, one.next_key.is_some())).collect();
    assert_eq!(keys, [(1, false), (1, false), (1, true), (2, false), (2, false), (2, true), (3, false)]);
    // Whoever knows any one of them.
    for epoch in 1..=3 {
        let report = verify(dir.path(), &Trust::public_keys(vec![public_key(epoch)]), |_| {}).unwrap();
        assert!(report.is_intact(), "epoch {epoch}: {:?}", report.findings);
    }
    let report = verify(dir.path(), &Trust::public_keys(vec![public_key(4)]), |_| {}).unwrap();
    assert_eq!(breaks(&report), [FindingKind::CheckpointKey { number: 1, epoch: 1 }]);
}

/// Waits until the copies have been brought up to date, or could not be.
fn done(keeper: &Keeper) {
    assert!(keeper.wait_for_copies(Duration::from_mins(1)));
}

/// A folder of another machine may not answer, for hours.
#[test]
fn a_folder_that_hangs_holds_up_neither_the_journal_nor_the_other_copies() {
    let dir = directory();
    let folder = |name: &str| dir.path().join(name);
    for name in ["hangs", "works"] {
        fs::create_dir(folder(name)).unwrap();
    }
    // Whoever opens it waits until somebody writes to it.
    let made = Command::new("mkfifo").arg(folder("hangs/000001.checkpoints")).status().unwrap();
    assert!(made.success());
    let journal = open(&folder("live"), &options(4096));
    let copies = vec![folder("hangs"), folder("works")];
    let options = KeeperOptions { key: checkpoint_key(1), keys_before: Vec::new(), copies };
    let mut keeper = journal.keeper(options, NOW).unwrap();
    append_with_checkpoints(&journal, &mut keeper, 0..30);
    assert!(keeper.retire(NOW + 1000, NOW + 20, None).unwrap().is_some());
    assert!(!keeper.wait_for_copies(Duration::from_millis(1)), "one of them does not come to it");
    while fs::read(folder("works/000001.checkpoints")).ok() != fs::read(file(&folder("live"), 1)).ok() {
        std::thread::yield_now();
    }
    drop(keeper);
    close(journal);
    assert_eq!(intact(&folder("live")), []);
}

/// A copy that begins late gets all there are, over several files, and in one go.
#[test]
fn a_copy_gets_what_it_lacks_of_many_files() {
    let (_dir, image) = image();
    let all = all_checkpoints(&image);
    for (number, pair) in (1..).zip(all.chunks(2)) {
        fs::write(file(&image, number), as_file(pair)).unwrap();
    }
    let journal = open(&image, &options(8192));
    for had in 0..=all.len() {
        let copy = image.parent().unwrap().join(format!("copy{had}"));
        fs::create_dir(&copy).unwrap();
        if had > 0 {
            fs::write(copy.join("000001.checkpoints"), as_file(&all[..had])).unwrap();
        }
        // Nothing before what it lacks is read.
        let unread = (1..=had.saturating_sub(1) / 2).map(|number| file(&image, number as u32));
        let unread: Vec<_> = unread.map(|path| (fs::read(&path).unwrap(), path)).collect();
        for (_, path) in &unread {
            fs::write(path, "not to be read").unwrap();
        }
        let options =
            KeeperOptions { key: checkpoint_key(1), keys_before: Vec::new(), copies: vec![copy.clone()] };
        let mut keeper = journal.keeper(options, NOW).unwrap();
        append(&journal, had as u64..had as u64 + 1);
        keeper.checkpoint(NOW).unwrap().unwrap();
        done(&keeper);
        for (bytes, path) in &unread {
            fs::write(path, bytes).unwrap();
        }
        let copied =
            Checkpoint::parse_all(&fs::read_to_string(copy.join("000001.checkpoints")).unwrap()).unwrap();
        assert_eq!(copied.len(), all.len() + had + 1);
        assert_eq!(copied[..all.len()], all);
    }
    close(journal);
}

#[test]
fn copies_follow_and_catch_up_and_are_never_taken_back() {
    let dir = directory();
    let (live, copies) = (dir.path().join("live"), dir.path().join("copies"));
    let with_copies = |journal: &Journal| {
        let options =
            KeeperOptions { key: checkpoint_key(1), keys_before: Vec::new(), copies: vec![copies.clone()] };
        journal.keeper(options, NOW).unwrap()
    };
    let copied = || fs::read_to_string(copies.join("000001.checkpoints")).unwrap_or_default();
    let journal = open(&live, &options(8192));
    let mut keeper = with_copies(&journal);
    // The disk for copies is not there: the journal goes on, and nothing is made in its place.
    append_with_checkpoints(&journal, &mut keeper, 0..2);
    done(&keeper);
    assert!(!copies.exists());
    fs::create_dir(&copies).unwrap();
    assert_eq!(keeper.checkpoint(NOW).unwrap(), None);
    done(&keeper);
    assert_eq!(copied(), fs::read_to_string(file(&live, 1)).unwrap());
    append_with_checkpoints(&journal, &mut keeper, 2..4);
    done(&keeper);
    assert_eq!(Checkpoint::parse_all(&copied()).unwrap(), all_checkpoints(&live));
    close(journal);
    // The journal is put back to an earlier state: the copy stays as it is, and shows it.
    let before = copied();
    let all = all_checkpoints(&live);
    fs::write(file(&live, 1), format!("{}\n{}\n", all[0], all[1])).unwrap();
    let journal = open(&live, &options(8192));
    let mut keeper = with_copies(&journal);
    append_with_checkpoints(&journal, &mut keeper, 0..3);
    done(&keeper);
    close(journal);
    assert_eq!(copied(), before);
    let anchors = Checkpoint::parse_all(&before).unwrap();
    let report = verify(&live, &seal().with_anchors(anchors), |_| {}).unwrap();
    assert_eq!(report.first_break().unwrap().kind, FindingKind::CheckpointDiffers { number: 3 });
}

#[test]
fn a_checkpoint_that_was_cut_short_is_dropped() {
    let (_dir, image) = image();
    let path = file(&image, 1);
    let bytes = fs::read(&path).unwrap();
    let all = all_checkpoints(&image);
    let start = bytes.len() - format!("{}\n", all[5]).len();
    for end in start + 1..bytes.len() {
        fs::write(&path, &bytes[..end]).unwrap();
        assert_eq!(intact(&image), [FindingKind::CheckpointTorn], "{end}");
    }
    // What a power cut may leave of it.
    let mut zeros = bytes[..start + 100].to_vec();
    zeros.resize(bytes.len(), 0);
    fs::write(&path, zeros).unwrap();
    assert_eq!(intact(&image), [FindingKind::CheckpointTorn]);
    let journal = open(&image, &options(8192));
    let mut keeper = keeper(&journal);
    assert_eq!(keeper.newest(), Some(&all[4]));
    append_with_checkpoints(&journal, &mut keeper, 0..1);
    close(journal);
    assert!(check(&image).is_intact());
    assert_eq!(all_checkpoints(&image).last().unwrap().number, 6);
}

#[test]
fn damage_among_checkpoints_is_kept_and_the_next_go_behind_it() {
    let (_dir, image) = image();
    let mut bytes = fs::read(file(&image, 1)).unwrap();
    bytes[30] = b'x';
    fs::write(file(&image, 1), &bytes).unwrap();
    let journal = open(&image, &options(8192));
    append_with_checkpoints(&journal, &mut keeper(&journal), 0..1);
    close(journal);
    assert_eq!(fs::read(file(&image, 1)).unwrap(), bytes);
    assert!(file(&image, 2).exists());
    let report = check(&image);
    assert!(matches!(report.first_break().unwrap().kind, FindingKind::CheckpointFile { at: 0, .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A text is read as what it writes, or not at all.
    #[test]
    fn only_what_is_written_is_read(at in any::<prop::sample::Index>(), with in "[ 0-9a-f\n-]{0,3}", removed in 0..4_usize) {
        let head = "head 018bcfe5680003b2d6e8c5f78c93426d 3 3 ".to_owned() + &"ab".repeat(32);
        let key = "ef".repeat(32);
        let text = format!(
            "strongroom-checkpoint 1\nnumber 2\ntime -5\nkey 1 {key}\nprevious {key}\nbegins \
             018bcfe5680003b2d6e8c5f78c93426d 2 1 1 {key} 1\nnext-key 2 {key}\n{head}\nsignature {key}{key}\n"
        );
        prop_assert_eq!(Checkpoint::parse(&text).unwrap().to_string(), text.clone());
        let at = at.index(text.len());
        let mut altered = text.clone();
        altered.replace_range(at..text.len().min(at + removed), &with);
        if let Ok(checkpoint) = Checkpoint::parse(&altered) {
            prop_assert_eq!(checkpoint.to_string(), altered);
            prop_assert!(!checkpoint.is_signed());
        }
    }
}
