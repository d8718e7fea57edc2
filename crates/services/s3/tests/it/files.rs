//! Files and rows: what is there, and what goes.

use strongroom_api_s3::{self as s3, S3 as _};
use strongroom_runtime::Clocks;
use strongroom_s3::hold_files;
use strongroom_schema::{ByteStream, StreamError};
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{World, code};

on_both_engines! {
    every_size_comes_back_whole_and_in_ranges,
    a_body_that_fails_leaves_nothing,
    what_is_replaced_or_deleted_goes,
    a_hold_keeps_files,
    a_hold_whose_holder_has_died_ends,
    leftovers_of_crashes_go,
    parts_that_are_not_listed_go,
    what_is_read_stays_until_it_is_read,
}

const PIECE: usize = 64 << 10;

fn body(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at / 251 + at) as u8).collect()
}

async fn every_size_comes_back_whole_and_in_ranges(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("sizes").await;
    for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 17] {
        let body = body(size);
        owner.put("sizes", "k", &body).await.unwrap();
        assert_eq!(owner.get("sizes", "k").await.unwrap(), body, "{size}");
        for (from, to) in [(0, 0), (PIECE - 1, PIECE), (PIECE, 2 * PIECE), (size / 2, size)] {
            if from >= size {
                continue;
            }
            let to = to.min(size - 1).max(from);
            let range = format!("bytes={from}-{to}");
            let got = owner.get_as("sizes", "k", |input| input.range = Some(range.clone())).await.unwrap();
            assert_eq!(got, body[from..=to], "{range} of {size}");
        }
    }
}

async fn a_body_that_fails_leaves_nothing(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("failing").await;
    owner.put("failing", "k", b"before").await.unwrap();
    let broken = futures_util::stream::iter([
        Ok(vec![0; 3 * PIECE].into()),
        Err(StreamError::refused("IncompleteBody", 400, "The body is not whole")),
    ]);
    let refused = owner
        .put_as("failing", "k", b"", |input| input.body = Some(ByteStream::of_pieces(None, broken)))
        .await;
    assert_eq!(code(refused), "IncompleteBody");
    let wrong =
        owner.put_as("failing", "k", b"x", |input| input.checksum_crc32 = Some("AAAAAA==".to_owned()));
    assert_eq!(code(wrong.await), "BadDigest");
    assert_eq!(owner.get("failing", "k").await.unwrap(), b"before");
    assert_eq!(world.files(), 1);
    let new = world.s3.folder().path().join("new");
    assert!(std::fs::read_dir(new).unwrap().next().is_none());
}

async fn what_is_replaced_or_deleted_goes(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("going").await;
    owner.put("going", "k", b"1").await.unwrap();
    owner.put("going", "k", b"2").await.unwrap();
    assert_eq!((world.files(), world.sweep().await, world.files()), (2, 1, 1));
    owner.delete("going", "k", None).await;
    assert_eq!((world.sweep().await, world.files()), (1, 0));
    let input = s3::DeleteBucketRequest { bucket: "going".to_owned(), ..Default::default() };
    world.s3.delete_bucket(&owner.changing(), input).await.unwrap();
    assert_eq!(code(owner.put("going", "k", b"3").await), "NoSuchBucket");
}

async fn a_hold_keeps_files(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("held").await;
    owner.put("held", "k", b"1").await.unwrap();
    owner.delete("held", "k", None).await;
    // Whoever holds them need not be the server that sweeps: the store says so.
    let hold = hold_files(&world.db, &Clocks::system()).await.unwrap();
    assert_eq!((world.sweep().await, world.files()), (0, 1));
    assert_eq!(world.s3.remove_leftovers(i64::MAX).await.unwrap(), 0);
    drop(hold);
    // It is let go of behind the one who held it.
    while world.sweep().await == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.files(), 0);
}

async fn a_hold_whose_holder_has_died_ends(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("held").await;
    owner.put("held", "k", b"1").await.unwrap();
    owner.delete("held", "k", None).await;
    let add = Statement::new("INSERT INTO s3_holds (hold, ends_ms) VALUES ('gone', $1)");
    world.db.execute(add, &[(Clocks::system().real_now() - 1).into()]).await.unwrap();
    assert_eq!((world.sweep().await, world.files()), (1, 0));
}

async fn leftovers_of_crashes_go(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("left").await;
    owner.put("left", "k", b"1").await.unwrap();
    let folder = world.s3.folder().path();
    // A crash between file and row, and one while a file was written.
    let (kept, ..) = world.s3.folder().finished().unwrap().remove(0);
    let name = "00".repeat(16);
    std::fs::create_dir_all(folder.join("00")).unwrap();
    std::fs::copy(&kept, folder.join("00").join(&name)).unwrap();
    std::fs::write(folder.join("new").join(&name), b"half").unwrap();
    assert_eq!(world.s3.remove_leftovers(0).await.unwrap(), 0, "they are young");
    assert_eq!(world.s3.remove_leftovers(i64::MAX).await.unwrap(), 1);
    assert_eq!(world.files(), 1);
    assert!(!folder.join("new").join(&name).exists());
    assert_eq!(owner.get("left", "k").await.unwrap(), b"1");
}

async fn parts_that_are_not_listed_go(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("parts").await;
    let (bucket, key) = ("parts".to_owned(), "k".to_owned());
    let input =
        s3::CreateMultipartUploadRequest { bucket: bucket.clone(), key: key.clone(), ..Default::default() };
    let upload_id =
        world.s3.create_multipart_upload(&owner.changing(), input).await.unwrap().upload_id.unwrap();
    let mut etags = Vec::new();
    for (number, text) in [(1, "one"), (1, "one again"), (2, "two")] {
        let input = s3::UploadPartRequest {
            bucket: bucket.clone(),
            key: key.clone(),
            upload_id: upload_id.clone(),
            part_number: number,
            body: Some(ByteStream::from(text.as_bytes().to_vec())),
            ..Default::default()
        };
        etags.push(world.s3.upload_part(&owner.changing(), input).await.unwrap().e_tag);
    }
    let part = s3::CompletedPart { part_number: Some(1), e_tag: etags[1].clone(), ..Default::default() };
    let input = s3::CompleteMultipartUploadRequest {
        bucket,
        key,
        upload_id,
        multipart_upload: Some(s3::CompletedMultipartUpload { parts: Some(vec![part]) }),
        ..Default::default()
    };
    world.s3.complete_multipart_upload(&owner.changing(), input).await.unwrap();
    assert_eq!(owner.get("parts", "k").await.unwrap(), b"one again");
    assert_eq!((world.sweep().await, world.files()), (2, 1));
}

/// Who reads an object reads all of it, whatever becomes of it meanwhile.
async fn what_is_read_stays_until_it_is_read(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("read").await;
    let body = body(20 * PIECE);
    owner.put("read", "k", &body).await.unwrap();
    let input = s3::GetObjectRequest { bucket: "read".to_owned(), key: "k".to_owned(), ..Default::default() };
    let mut stream = world.s3.get_object(&owner.context(), input).await.unwrap().body.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    owner.put("read", "k", b"another").await.unwrap();
    assert_eq!((world.sweep().await, world.files()), (0, 2));
    let rest = stream.collect(usize::MAX).await.unwrap();
    assert_eq!([&first[..], &rest[..]].concat(), body);
    assert_eq!((world.sweep().await, world.files()), (1, 1));
}
