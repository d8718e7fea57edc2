//! Stores and files, into a backup and out of it.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use async_trait::async_trait;
use strongroom_backup::{
    Backup, BackupError, Item, Kept, OpenPart, Origin, Progress, Sink, Totals, Writing, kept_in,
};
use strongroom_secret::{Key256, Secret};
use strongroom_store::{Db, Migration, OpenOptions, Statement, Table, Value};
use strongroom_testkit::{TestDatabase, on_both_engines};

on_both_engines! {
    a_store_comes_back_on_either_engine,
    rows_of_any_size_come_back,
}

const MIGRATIONS: &[Migration] = &[Migration {
    component: "shop",
    version: 1,
    name: "shop",
    sql: "
CREATE TABLE papers (id BIGINT PRIMARY KEY, ratio DOUBLE PRECISION, title TEXT, bytes BYTEA);
CREATE TABLE pages (paper BIGINT NOT NULL REFERENCES papers (id), number BIGINT NOT NULL, PRIMARY KEY (paper, number));
CREATE TABLE empty (id BIGINT PRIMARY KEY)",
}];
const ADD_PAPER: Statement =
    Statement::new("INSERT INTO papers (id, ratio, title, bytes) VALUES ($1, $2, $3, $4)");
const ADD_PAGE: Statement = Statement::new("INSERT INTO pages (paper, number) VALUES ($1, $2)");

/// A backup in memory, and what it was heard to say.
#[derive(Default)]
struct Memory {
    file: Vec<u8>,
    heard: Vec<String>,
    most: usize,
}

#[async_trait]
impl Sink for Memory {
    async fn take(&mut self, bytes: Vec<u8>) -> Result<(), BackupError> {
        self.most = self.most.max(bytes.len());
        self.file.extend(bytes);
        Ok(())
    }

    async fn hear(&mut self, progress: &Progress) -> Result<(), BackupError> {
        self.heard.push(progress.now.clone());
        Ok(())
    }
}

fn key() -> Key256 {
    Secret::new([7; 32])
}

fn open_part() -> OpenPart {
    OpenPart {
        slots: b"slots".to_vec(),
        check_value: vec![1; 32],
        epoch: 3,
        id: vec![2; 16],
        made_ms: 1_795_000_000_000,
        version: "0.1.0".to_owned(),
    }
}

fn origin() -> Origin {
    Origin { engine: "sqlite".to_owned(), stream: String::new(), missing: vec!["HSMs".to_owned()] }
}

async fn written(db: Option<&Db>, files: &[Kept]) -> (Memory, Totals) {
    let mut memory = Memory::default();
    let mut writing = Writing::begin(&mut memory, &key(), &open_part(), origin()).await.unwrap();
    if let Some(db) = db {
        writing.store(db.snapshot().await.unwrap(), &mut |_, _| {}).await.unwrap();
    }
    for file in files {
        assert!(writing.file(file).await.unwrap());
    }
    let totals = writing.finish().await.unwrap();
    (memory, totals)
}

fn items(file: &[u8]) -> Result<Vec<Item>, BackupError> {
    let mut reading = Backup::read(Cursor::new(file))?.open(&key())?;
    let mut items = Vec::new();
    while let Some(item) = reading.next_item()? {
        items.push(item);
    }
    assert_eq!(reading.offset(), file.len() as u64);
    Ok(items)
}

async fn load(file: &[u8], db: &Db) {
    let mut items = items(file).unwrap().into_iter();
    assert_eq!(items.next(), Some(Item::Origin(origin())));
    let Some(Item::Store(applied)) = items.next() else { panic!("no store") };
    let mut load = db.load(&[MIGRATIONS], &applied).await.unwrap();
    let mut at: Option<Table> = None;
    for item in items {
        match item {
            Item::Table(table) => at = Some(table),
            Item::Rows(rows) => load.insert(at.as_ref().unwrap(), &rows).await.unwrap(),
            _ => {}
        }
    }
    load.commit().await.unwrap();
}

async fn all_rows(db: &Db) -> Vec<(String, Vec<Vec<Value>>)> {
    let mut snapshot = db.snapshot().await.unwrap();
    let mut all = Vec::new();
    for table in snapshot.tables().to_vec() {
        let (mut rows, mut reading) = (Vec::new(), snapshot.rows(&table));
        while let Some(row) = reading.next().await.unwrap() {
            rows.push(row);
        }
        drop(reading);
        rows.sort_by_key(|row| format!("{row:?}"));
        all.push((table.name, rows));
    }
    all
}

async fn shop(database: &TestDatabase) -> Db {
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    db.migrate(&[MIGRATIONS]).await.unwrap();
    db
}

async fn a_store_comes_back_on_either_engine(database: &TestDatabase) {
    let db = shop(database).await;
    for id in 0..3_000_i64 {
        let title = (id % 3 != 0).then(|| format!("Paper {id}"));
        db.transaction(|tx| {
            let title = title.clone();
            Box::pin(async move {
                let values = [id.into(), (id as f64 / 7.0).into(), title.into(), vec![id as u8; 100].into()];
                tx.execute(ADD_PAPER, &values).await?;
                tx.execute(ADD_PAGE, &[id.into(), 1_i64.into()]).await.map(drop)
            })
        })
        .await
        .unwrap();
    }
    let (memory, totals) = written(Some(&db), &[]).await;
    assert_eq!(totals.rows, 6_000);
    assert!(
        memory.heard.contains(&"table papers".to_owned()) && memory.heard.contains(&"table empty".to_owned())
    );
    for target in [TestDatabase::sqlite(), TestDatabase::postgres()] {
        let other = Db::open(target.url(), &OpenOptions::default()).await.unwrap();
        load(&memory.file, &other).await;
        assert!(all_rows(&other).await == all_rows(&db).await);
    }
}

async fn rows_of_any_size_come_back(database: &TestDatabase) {
    let db = shop(database).await;
    for (id, length) in [(1_i64, 0_usize), (2, 65_536), (3, 300_000), (4, 20_000_000)] {
        let values = [id.into(), 0.0.into(), "t".into(), vec![id as u8; length].into()];
        db.execute(ADD_PAPER, &values).await.unwrap();
    }
    let (memory, _) = written(Some(&db), &[]).await;
    let other = shop_elsewhere(&memory.file).await;
    assert!(all_rows(&other.1).await == all_rows(&db).await);

    // What no entry takes is refused when it is written, not when it is needed.
    let values = [5_i64.into(), 0.0.into(), "t".into(), vec![0_u8; 34 << 20].into()];
    db.execute(ADD_PAPER, &values).await.unwrap();
    let mut memory = Memory::default();
    let mut writing = Writing::begin(&mut memory, &key(), &open_part(), origin()).await.unwrap();
    let error = writing.store(db.snapshot().await.unwrap(), &mut |_, _| {}).await.unwrap_err();
    assert!(error.to_string().starts_with("a row of table papers has"), "{error}");
}

async fn shop_elsewhere(file: &[u8]) -> (TestDatabase, Db) {
    let target = TestDatabase::sqlite();
    let db = Db::open(target.url(), &OpenOptions::default()).await.unwrap();
    load(file, &db).await;
    (target, db)
}

fn folder_with(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn files_in(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for item in items(file).unwrap() {
        match item {
            Item::File { path, .. } => files.push((path, Vec::new())),
            Item::Bytes(bytes) => files.last_mut().unwrap().1.extend(bytes),
            _ => {}
        }
    }
    files
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

#[test]
fn files_come_back_as_they_were_listed() {
    let large: Vec<u8> = (0..1_000_000_u32).map(|number| (number / 7) as u8).collect();
    let folder = folder_with(&[("one/a.seg", b"aaa"), ("one/b.seg", &large), ("two/empty", b"")]);
    let mut kept = kept_in(folder.path(), "journal").unwrap();
    assert_eq!(kept.len(), 3);
    // Grown since it was listed.
    kept[0].length = 2;
    let (memory, totals) = run(written(None, &kept));
    assert_eq!(totals, Totals { tables: 0, rows: 0, files: 3, bytes: 1_000_002 });
    let found = files_in(&memory.file);
    assert_eq!(found[0], ("journal/one/a.seg".to_owned(), b"aa".to_vec()));
    assert!(found[1] == ("journal/one/b.seg".to_owned(), large));
    assert_eq!(found[2], ("journal/two/empty".to_owned(), Vec::new()));
    assert!(memory.most < 1 << 20, "{} bytes were handed over at once", memory.most);
}

#[test]
fn a_file_that_is_gone_is_told_and_one_that_shrank_is_an_error() {
    let folder = folder_with(&[("a", b"aaa")]);
    let mut memory = Memory::default();
    run(async {
        let kept = |name: &str, length| Kept { at: folder.path().join(name), path: name.to_owned(), length };
        let mut writing = Writing::begin(&mut memory, &key(), &open_part(), origin()).await.unwrap();
        assert!(!writing.file(&kept("gone", 3)).await.unwrap());
        let error = writing.file(&kept("a", 4)).await.unwrap_err();
        assert!(error.to_string().contains("has become shorter"), "{error}");
        let odd = Kept { at: Path::new("/etc/passwd").to_owned(), path: "../passwd".to_owned(), length: 1 };
        assert!(writing.file(&odd).await.is_err());
    });
}

#[test]
fn the_head_tells_how_it_is_opened() {
    let (memory, _) = run(written(None, &[]));
    let backup = Backup::read(memory.file.as_slice()).unwrap();
    assert_eq!(*backup.open_part(), open_part());
    // Whoever puts other slots there opens nothing.
    let at = memory.file.windows(5).position(|window| window == b"slots").unwrap();
    let mut altered = memory.file.clone();
    altered[at] ^= 1;
    assert!(matches!(items(&altered), Err(BackupError::NotOpened)));
}

#[test]
fn a_backup_that_was_given_up_is_cut_off() {
    let folder = folder_with(&[("a", &vec![1; 700_000])]);
    let mut memory = Memory::default();
    run(async {
        let mut writing = Writing::begin(&mut memory, &key(), &open_part(), origin()).await.unwrap();
        for file in kept_in(folder.path(), "files").unwrap() {
            writing.file(&file).await.unwrap();
        }
    });
    assert!(matches!(items(&memory.file), Err(BackupError::CutOff { .. })));
}
