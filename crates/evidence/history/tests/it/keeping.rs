//! The files of the index: made behind the journal, found again, and made anew when they are not as they were.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use strongroom_history::History;
use strongroom_journal::Reader;
use strongroom_runtime::ShutdownOwner;
use strongroom_secret::Key256;

use crate::fixture::{
    Place, append, close, compress, event_id, everything, ids, keeper, key, record, runtime,
};

fn filled(place: &Place) -> History {
    let journal = place.open();
    append(&journal, (0..200).map(record));
    close(journal);
    let history = place.at_rest();
    history.catch_up().unwrap();
    history
}

fn all() -> Vec<strongroom_journal::EventId> {
    (0..200).rev().map(event_id).collect()
}

#[test]
fn each_closed_segment_has_a_file_for_its_owner_only() {
    let place = Place::new();
    let history = filled(&place);
    let (files, segments) = (place.index_files(), place.segment_files());
    assert!(segments.len() > 10);
    assert_eq!(files.len(), segments.len() - 1, "{files:?}");
    for file in &files {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
    let progress = history.progress();
    assert_eq!((progress.indexed, progress.waiting, progress.damaged), (files.len() as u64, 0, 0));
    let bytes: u64 = files.iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert_eq!(progress.bytes, bytes);
    assert!(progress.records > 150 && progress.records <= 200);
}

#[test]
fn a_restart_finds_the_files_and_does_not_make_them_again() {
    let place = Place::new();
    filled(&place);
    let before: Vec<_> = place
        .index_files()
        .iter()
        .map(|file| (fs::read(file).unwrap(), fs::metadata(file).unwrap().modified().unwrap()))
        .collect();
    let again = place.at_rest();
    assert!(again.progress().indexed == 0);
    again.catch_up().unwrap();
    let after: Vec<_> = place
        .index_files()
        .iter()
        .map(|file| (fs::read(file).unwrap(), fs::metadata(file).unwrap().modified().unwrap()))
        .collect();
    assert!(before == after);
    assert_eq!(ids(&again, &everything(), 50), all());
}

#[test]
fn files_that_are_missing_torn_altered_or_anothers_are_made_anew() {
    let place = Place::new();
    filled(&place);
    let whole: Vec<_> = place.index_files().iter().map(|file| fs::read(file).unwrap()).collect();
    let files = place.index_files();
    fs::remove_file(&files[0]).unwrap();
    fs::write(&files[1], &whole[1][..whole[1].len() - 7]).unwrap();
    fs::write(&files[2], []).unwrap();
    let mut altered = whole[3].clone();
    altered[100] ^= 1;
    fs::write(&files[3], altered).unwrap();
    // That of another segment.
    fs::write(&files[4], &whole[5]).unwrap();
    // Under another key.
    let other = Place::new();
    let elsewhere =
        History::new(Reader::open(&place.journal()).unwrap(), other.index(), &Key256::new([1; 32]));
    elsewhere.catch_up().unwrap();
    fs::copy(&other.index_files()[6], &files[6]).unwrap();

    let history = place.at_rest();
    history.catch_up().unwrap();
    let now: Vec<_> = place.index_files().iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(now == whole);
    assert_eq!(ids(&history, &everything(), 50), all());
}

#[test]
fn a_file_that_goes_bad_while_it_is_used_is_passed_by_and_made_anew() {
    let place = Place::new();
    let history = filled(&place);
    let files = place.index_files();
    let whole: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    fs::remove_file(&files[1]).unwrap();
    fs::write(&files[3], [0; 40]).unwrap();
    fs::write(&files[4], &whole[4][..300]).unwrap();
    assert_eq!(ids(&history, &everything(), 7), all());
    assert_eq!(history.progress().waiting, 3);
    history.catch_up().unwrap();
    assert_eq!(history.progress().waiting, 0);
    let now: Vec<_> = place.index_files().iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(now == whole);
}

#[test]
fn indexes_go_with_their_segments() {
    let place = Place::new();
    let history = filled(&place);
    let stranger = place.index().join("stranger");
    fs::write(&stranger, "not ours").unwrap();
    let folder = place.index_files()[0].parent().unwrap().join("folder");
    fs::create_dir(&folder).unwrap();
    let segments = place.segment_files();
    for segment in &segments[..5] {
        fs::remove_file(segment).unwrap();
    }
    // Before the index hears of it, too.
    let left = ids(&history, &everything(), 50);
    assert!(left.len() < 200 && left[..] == all()[..left.len()]);
    history.catch_up().unwrap();
    assert_eq!(place.index_files().len(), segments.len() - 1 - 5 + 1);
    assert!(stranger.exists() && folder.exists(), "what we did not make is not ours to remove");
    assert_eq!(ids(&history, &everything(), 50), left);
    // Of a whole stream.
    let stream = segments[0].parent().unwrap();
    fs::remove_dir_all(stream).unwrap();
    history.catch_up().unwrap();
    assert_eq!(place.index_files(), [stranger]);
    assert_eq!(ids(&history, &everything(), 50), []);
}

#[test]
fn compressed_segments_have_the_same_index_and_are_found_alike() {
    let packed = Place::new();
    let journal = packed.open();
    append(&journal, (0..200).map(record));
    let history = packed.history(journal.reader());
    history.catch_up().unwrap();
    let before: Vec<_> = packed.index_files().iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(compress(&mut keeper(&journal)) > 5);
    // Through the index that was made of the plain ones, and through one that is made of the compressed ones.
    assert_eq!(ids(&history, &everything(), 7), all());
    fs::remove_dir_all(packed.index()).unwrap();
    assert_eq!(ids(&history, &everything(), 7), all());
    history.catch_up().unwrap();
    let after: Vec<_> = packed.index_files().iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(before == after);
    assert_eq!(ids(&history, &everything(), 7), all());
}

#[test]
fn an_index_that_cannot_be_written_costs_nothing_but_time() {
    let place = Place::new();
    let journal = place.open();
    append(&journal, (0..200).map(record));
    close(journal);
    // A file where the folder should be.
    fs::write(place.index(), "in the way").unwrap();
    let history = place.at_rest();
    let error = history.catch_up().unwrap_err().to_string();
    assert!(error.contains("cannot write the journal's index"), "{error}");
    assert_eq!(ids(&history, &everything(), 50), all());
    fs::remove_file(place.index()).unwrap();
    history.catch_up().unwrap();
    assert_eq!(history.progress().waiting, 0);
    assert_eq!(ids(&history, &everything(), 50), all());
}

#[test]
fn an_index_is_kept_in_the_background_until_the_shutdown() {
    let place = Place::new();
    let journal = place.open();
    append(&journal, (0..200).map(record));
    let history = History::new(journal.reader(), place.index(), &key());
    runtime().block_on(async {
        let owner = ShutdownOwner::new();
        owner.handle().spawn(history.clone().follow(owner.handle()));
        tokio::time::timeout(Duration::from_mins(1), async {
            while history.progress().indexed < 10 || history.progress().waiting > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap();
        assert!(owner.finish(Duration::from_secs(30)).await);
    });
    assert_eq!(ids(&history, &everything(), 50), all());
}
