//! The folder of S3's objects, which belongs to its store.
//!
//! Rows name files. A server beside another folder than the store's would find none of them, and remove what the others
//! have written as left over: so folder and store know each other by an id.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use strongroom_crypto::{hex, random};
use strongroom_s3::Folder;
use strongroom_store::Db;

/// The name under which the store keeps the id of the folder.
const FOLDER: &str = "objects.folder";

/// Opens the folder of the store's objects, or makes it for a store that has none yet.
pub(super) async fn open(db: &Db, path: &Path) -> Result<Folder> {
    let shown = path.display();
    let folder = Folder::open(path).with_context(|| format!("opening the folder of objects, {shown}"))?;
    let found = folder.id().with_context(|| format!("reading which folder of objects {shown} is"))?;
    let known = db.meta_get(FOLDER).await.context("reading the store")?;
    match (known, found) {
        (Some(known), Some(found)) if known == found.as_bytes() => Ok(folder),
        (Some(known), found) => {
            let (known, file) = (String::from_utf8_lossy(&known), folder.id_file());
            bail!(
                "{shown} is {}: servers that share a store share one folder, which [objects] dir names. (If the files are \
                 lost, and the server shall go on without them: write {known} into {})",
                if found.is_some() {
                    "the folder of another store's objects"
                } else {
                    "not the folder of this store's objects"
                },
                file.display()
            )
        }
        (None, found) => {
            let id = match found {
                Some(found) => found,
                None => hex::encode(&random::bytes::<16>()?),
            };
            folder.set_id(&id).with_context(|| format!("writing into {shown}"))?;
            // Of two servers that are first at once, one was first.
            db.meta_insert_if_absent(FOLDER, id.as_bytes()).await.context("writing into the store")?;
            let kept = db.meta_get(FOLDER).await.context("reading the store")?;
            if kept.as_deref() != Some(id.as_bytes()) {
                bail!(
                    "another server has begun on this store with another folder of objects than {shown}; share one"
                );
            }
            Ok(folder)
        }
    }
}
