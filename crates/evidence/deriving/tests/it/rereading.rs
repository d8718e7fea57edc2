//! Records read again, by their numbers.

use std::sync::Arc;

use strongroom_deriving::{Follower, Kept, Prover, reread};
use strongroom_journal::Journal;
use strongroom_seal::Purpose;
use tempfile::TempDir;

use crate::fixture::{Batches, alter_last_frame, append, follower_of, names, open, root, start, start_under};

fn read_again(journal: &Journal, first: u64, last: u64, proof: Option<Vec<u8>>) -> Vec<String> {
    let kept = Kept { stream: journal.stream(), first, last, proof };
    let mut read = Vec::new();
    let prover = Prover::new(&root());
    reread(&journal.reader(), &prover, &kept, |record| read.push(record.event_name)).unwrap();
    read
}

#[tokio::test]
async fn a_stretch_of_a_stream_is_read_as_often_as_it_takes() {
    let folder = TempDir::new().unwrap();
    let journal = start(folder.path());
    let written = names("a", 100);
    append(&journal, &written).await;
    for (first, last) in [(0, 99), (17, 17), (30, 80), (95, 400)] {
        let end = written.len().min(last as usize + 1);
        assert_eq!(
            read_again(&journal, first, last, None),
            written[first as usize..end],
            "{first} to {last}"
        );
    }
}

#[tokio::test]
async fn what_a_batch_is_proved_by_proves_it_again() {
    let database = strongroom_testkit::TestDatabase::sqlite();
    let (folder, db) = (TempDir::new().unwrap(), open(&database).await);
    let journal = start(folder.path());
    let batches = Batches::default();
    for part in ["a", "b", "c"] {
        append(&journal, &names(part, 40)).await;
        // Each from a start of its own: the proof comes from the row.
        follower_of(&db, &journal.reader(), batches.clone()).catch_up().await.unwrap();
    }
    let proofs = batches.proofs();
    assert_eq!((proofs.len(), &proofs[0]), (3, &None));
    for (number, part) in ["a", "b", "c"].into_iter().enumerate() {
        let first = 40 * number as u64;
        let proof = proofs[number].clone();
        assert_eq!(proof.is_some(), number > 0);
        assert_eq!(read_again(&journal, first, first + 39, proof), names(part, 40));
    }
    // What proves what is behind does not prove what is before.
    assert!(read_again(&journal, 0, 39, proofs[2].clone()).is_empty());
}

#[tokio::test]
async fn what_another_seal_wrote_is_not_read() {
    let folder = TempDir::new().unwrap();
    let other = strongroom_seal::Root::from_key(strongroom_secret::Key256::new([8; 32])).unwrap();
    let journal = start_under(folder.path(), &other);
    append(&journal, &names("a", 10)).await;
    assert!(read_again(&journal, 0, 9, None).is_empty());
}

#[tokio::test]
async fn what_proves_a_batch_is_sealed_after_the_last_rotation() {
    let database = strongroom_testkit::TestDatabase::sqlite();
    let (folder, db, root) = (TempDir::new().unwrap(), open(&database).await, root());
    let journal = start_under(folder.path(), &root);
    let batches = Batches::default();
    let following = Follower::new(db, journal.reader(), Arc::new(batches.clone()), &root);
    append(&journal, &names("a", 40)).await;
    following.catch_up().await.unwrap();
    // The walk seals rows afresh; what the follower has in memory it does not reach.
    let next = root.prepare_next().unwrap();
    root.select(next).unwrap();
    root.retire_before(next, |_, purpose| purpose == Purpose::JournalMac).unwrap();
    append(&journal, &names("b", 40)).await;
    following.catch_up().await.unwrap();
    let proof = batches.proofs()[1].clone();
    assert!(proof.is_some());
    let kept = Kept { stream: journal.stream(), first: 40, last: 79, proof };
    let mut read = Vec::new();
    reread(&journal.reader(), &Prover::new(&root), &kept, |record| read.push(record.event_name)).unwrap();
    assert_eq!(read, names("b", 40));
}

#[tokio::test]
async fn what_is_passed_over_is_told() {
    let folder = TempDir::new().unwrap();
    let journal = start(folder.path());
    append(&journal, &names("a", 3)).await;
    let kept = Kept { stream: journal.stream(), first: 0, last: 2, proof: None };
    for (is_altered, expected) in [(false, (0, 3)), (true, (1, 2)), (false, (0, 3))] {
        if is_altered {
            alter_last_frame(folder.path());
        }
        let mut read = 0;
        let passed_over = reread(&journal.reader(), &Prover::new(&root()), &kept, |_| read += 1).unwrap();
        assert_eq!((passed_over, read), expected);
        if is_altered {
            alter_last_frame(folder.path());
        }
    }
}
