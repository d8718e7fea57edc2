//! Journals that are damaged: what can be read is shown, and the rest counted.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use strongroom_history::History;

use crate::fixture::{Place, append, close, event_id, everything, ids, pages, reader, record};

/// Spoils one byte in each frame of some numbers, counted over the whole journal.
fn spoil(place: &Place, frames: &[(usize, u64)]) {
    let all: Vec<_> = reader(place).frames(None).unwrap().map(Result::unwrap).collect();
    for &(frame, at) in frames {
        let frame = &all[frame];
        let path =
            place.journal().join(frame.stream().to_string()).join(format!("{:06}.seg", frame.segment()));
        OpenOptions::new().write(true).open(path).unwrap().write_all_at(b"?", frame.offset() + at).unwrap();
    }
}

fn damaged(history: &History) -> u32 {
    pages(history, &everything(), 50).iter().map(|page| page.damaged).sum()
}

fn without(numbers: &[u64]) -> Vec<strongroom_journal::EventId> {
    (0..100).rev().filter(|number| !numbers.contains(number)).map(event_id).collect()
}

#[test]
fn a_lookup_passes_over_damage_and_says_so_with_an_index_and_without() {
    let place = Place::new();
    let journal = place.open();
    append(&journal, (0..100).map(record));
    close(journal);
    // Altered records, and an altered head.
    spoil(&place, &[(3, 200), (16, 20), (30, 200)]);
    let history = place.at_rest();
    for _ in 0..2 {
        assert_eq!(ids(&history, &everything(), 50), without(&[3, 16, 30]));
        assert_eq!(damaged(&history), 3);
        history.catch_up().unwrap();
    }
    assert_eq!(history.progress().damaged, 3);
}

#[test]
fn damage_that_came_after_the_index_is_passed_over_too() {
    let place = Place::new();
    let journal = place.open();
    append(&journal, (0..100).map(record));
    close(journal);
    let history = place.at_rest();
    history.catch_up().unwrap();
    spoil(&place, &[(3, 200), (16, 20)]);
    for _ in 0..2 {
        assert_eq!(ids(&history, &everything(), 7), without(&[3, 16]));
        history.catch_up().unwrap();
    }
    assert_eq!(history.progress().damaged, 2);
    assert_eq!(damaged(&history), 2);
}

#[test]
fn segments_whose_heads_are_gone_do_not_end_a_lookup() {
    let place = Place::new();
    let journal = place.open();
    append(&journal, (0..100).map(record));
    close(journal);
    let files = place.segment_files();
    fs::write(&files[2], [7; 2000]).unwrap();
    fs::write(&files[4], []).unwrap();
    let history = place.at_rest().with_read_limit(1);
    let before = ids(&history, &everything(), 50);
    assert!(before.len() > 60 && before.len() < 100);
    assert!(before.contains(&event_id(0)) && before.contains(&event_id(99)));
    history.catch_up().unwrap();
    assert_eq!(ids(&history, &everything(), 50), before);
}
