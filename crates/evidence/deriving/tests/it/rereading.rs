//! Records read again, by their numbers.

use strongroom_deriving::reread;
use tempfile::TempDir;

use crate::fixture::{append, names, start};

#[tokio::test]
async fn a_stretch_of_a_stream_is_read_as_often_as_it_takes() {
    let folder = TempDir::new().unwrap();
    let journal = start(folder.path());
    let written = names("a", 100);
    append(&journal, &written).await;
    for (first, last) in [(0, 99), (17, 17), (30, 80), (95, 400)] {
        let mut read = Vec::new();
        reread(&journal.reader(), journal.stream(), (first, last), |record| read.push(record.event_name))
            .unwrap();
        let end = written.len().min(last as usize + 1);
        assert_eq!(read, written[first as usize..end], "{first} to {last}");
    }
}
