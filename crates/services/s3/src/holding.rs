//! Files held: while somebody copies them, no server on the store removes any.

use std::time::Duration;

use strongroom_runtime::Clocks;
use strongroom_store::{Db, StoreError};
use tokio::sync::oneshot;

use crate::repo;
use crate::storage::new_content_id;

/// How long a hold lasts that nobody moves on, in milliseconds: its holder has died, or does not reach the store.
const LASTS_MS: i64 = 10 * 60_000;

/// How often it is moved on.
const EVERY: Duration = Duration::from_mins(1);

/// While it is held, no server on the store removes a file of objects: for whoever copies them.
#[derive(Debug)]
#[must_use = "files are removed again soon after this is dropped"]
pub struct Hold {
    /// Dropped with it: whoever moves the hold on ends it.
    _until: oneshot::Sender<()>,
}

/// Holds the files of all objects on a store, from now on.
#[expect(
    clippy::disallowed_methods,
    reason = "the task ends with the hold; a hold that it does not end ends by itself"
)]
pub async fn hold_files(db: &Db, clocks: &Clocks) -> Result<Hold, StoreError> {
    let name = new_content_id().map_err(|refusal| StoreError::Setup(format!("{refusal:?}")))?;
    let ends_ms = |clocks: &Clocks| clocks.real_now().saturating_add(LASTS_MS);
    repo::hold_until(db, &name, ends_ms(clocks)).await?;
    let (until, mut released) = oneshot::channel::<()>();
    let (db, clocks) = (db.clone(), clocks.clone());
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = &mut released => break,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = repo::hold_until(&db, &name, ends_ms(&clocks)).await {
                tracing::warn!(%error, "the hold on objects' files was not moved on");
            }
        }
        if let Err(error) = repo::release(&db, &name, clocks.real_now()).await {
            tracing::warn!(%error, "the hold on objects' files stays until it ends by itself");
        }
    });
    Ok(Hold { _until: until })
}
