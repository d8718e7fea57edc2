//! What a backup holds, put where a server looks for it.

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use strongroom_backup::{Item, Reading};
use strongroom_store::Db;

use super::mark::Mark;
use super::opening::{Opened, make_folder};
use crate::backup::OBJECTS;
use crate::node::tables;
use crate::settings::Place;

/// Rows between two lines of progress.
const PROGRESS_EVERY: u64 = 1_000_000;

/// Fills the store, then the folder. All of it is on the disk when this returns.
pub(super) async fn place(opened: &Opened, db: &Db, mark: Option<&Mark>, place: &Place) -> Result<()> {
    let mut reading = opened.reading()?;
    let next = place_store(&mut reading, db, mark).await?;
    place_files(&mut reading, next, place)
}

/// Fills the store in one transaction, and answers what comes after its tables.
async fn place_store(
    reading: &mut Reading<BufReader<File>>,
    db: &Db,
    mark: Option<&Mark>,
) -> Result<Option<Item>> {
    let (mut load, mut table, mut rows, mut told) = (None, None, 0, PROGRESS_EVERY);
    loop {
        let item = reading.next_item().context("reading the backup")?;
        match item {
            Some(Item::Origin(_)) => {}
            Some(Item::Store(applied)) => {
                let begun = db.load(&tables(), &applied).await;
                load = Some(begun.context("filling the store")?);
            }
            Some(Item::Table(found)) => table = Some(found),
            Some(Item::Rows(found)) => {
                let (Some(load), Some(table)) = (&mut load, &table) else { bail!("rows without a table") };
                load.insert(table, &found).await.context("filling the store")?;
                rows += found.len() as u64;
                if rows >= told {
                    eprintln!("{rows} rows ...");
                    told += PROGRESS_EVERY;
                }
            }
            after => {
                let Some(mut load) = load else { bail!("the backup has no store") };
                if let Some(mark) = mark {
                    mark.put_into(&mut load).await.context("filling the store")?;
                }
                load.commit().await.context("filling the store")?;
                return Ok(after);
            }
        }
    }
}

/// Writes the files. `next` is the first item that is one of theirs.
fn place_files(reading: &mut Reading<BufReader<File>>, mut next: Option<Item>, place: &Place) -> Result<()> {
    let mut open: Option<(PathBuf, File)> = None;
    let mut folders = vec![place.data.path().to_owned()];
    while let Some(item) = next {
        match item {
            Item::File { path, .. } => {
                finish(open.take())?;
                // The path was checked when it was read: it leads into the folder and nowhere else.
                let (folder, path) = match path.strip_prefix(OBJECTS).and_then(|path| path.strip_prefix('/'))
                {
                    Some(path) => (place.objects.as_path(), place.objects.join(path)),
                    None => (place.data.path(), place.data.path().join(path)),
                };
                if let Some(parent) = path.parent()
                    && !folders.iter().any(|known| known == parent)
                {
                    make_folder(parent)?;
                    let above = parent.ancestors().take_while(|above| *above != folder);
                    folders.extend(above.chain([folder]).map(Path::to_owned));
                }
                let file = File::options().write(true).create_new(true).mode(0o600).open(&path);
                open = Some((path.clone(), file.with_context(|| format!("making {}", path.display()))?));
            }
            Item::Bytes(bytes) => {
                let Some((path, file)) = &mut open else { bail!("bytes without a file") };
                file.write_all(&bytes).with_context(|| format!("writing {}", path.display()))?;
            }
            Item::End(_) => break,
            _ => bail!("something stands among the files that is none"),
        }
        next = reading.next_item().context("reading the backup")?;
    }
    finish(open)?;
    for folder in folders {
        let synced = File::open(&folder).and_then(|folder| folder.sync_all());
        synced.with_context(|| format!("writing {}", folder.display()))?;
    }
    Ok(())
}

fn finish(open: Option<(PathBuf, File)>) -> Result<()> {
    let Some((path, file)) = open else { return Ok(()) };
    file.sync_all().with_context(|| format!("writing {}", path.display()))
}
