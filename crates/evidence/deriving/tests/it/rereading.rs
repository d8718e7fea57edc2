//! Records read again, by their numbers.

use strongroom_deriving::{Kept, Prover, reread};
use strongroom_journal::Journal;
use tempfile::TempDir;

use crate::fixture::{Batches, append, follower_of, names, open, root, start, start_under};

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
