//! The server's end: a socket in the data folder, which only the server's own user and root may use.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use strongroom_runtime::Shutdown;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::lines::Lines;
use super::{Answer, Answers, Parts, Request};
use crate::data_dir::DataDir;

/// Commands at one time.
const AT_ONCE: usize = 4;

/// The bytes of a request, at most, and the time that it may take to come.
const MOST_BYTES: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

/// The time that whoever asked may take for one line of the answer.
const SLOWEST: Duration = Duration::from_mins(1);

/// Pause after the machine had no file handle for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A socket that commands come in by.
pub(crate) struct Control {
    listener: UnixListener,
}

/// A path to the data folder's socket that is short whatever the folder is called: the kernel takes some hundred bytes.
/// It leads there as long as the file is held.
pub(super) fn short_path(data: &DataDir) -> io::Result<(File, PathBuf)> {
    let folder = File::open(data.path())?;
    let name = data.control_socket();
    let name = name.file_name().unwrap_or_default();
    let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    Ok((folder, path))
}

impl Control {
    /// Binds the socket of a data folder whose lock the caller holds: one that is there is left from before.
    pub(crate) fn bind(data: &DataDir) -> Result<Self> {
        let named = data.control_socket();
        let bind = || {
            match fs::remove_file(&named) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let (_folder, path) = short_path(data)?;
            let listener = UnixListener::bind(path)?;
            fs::set_permissions(&named, Permissions::from_mode(0o600))?;
            Ok(Self { listener })
        };
        bind().with_context(|| format!("making {}, by which commands reach the server", named.display()))
    }

    /// Does what is asked until the shutdown begins. What is under way then is waited for.
    pub(crate) async fn serve(self, parts: Parts, shutdown: Shutdown) {
        let (parts, places) = (Arc::new(parts), Arc::new(Semaphore::new(AT_ONCE)));
        let begun = shutdown.begun();
        tokio::pin!(begun);
        loop {
            // The semaphore is never closed.
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let accepted = tokio::select! {
                biased;
                () = begun.as_mut() => return,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let parts = parts.clone();
                    shutdown.spawn(async move {
                        if let Err(error) = converse(&parts, stream).await {
                            tracing::debug!(%error, "a command was not answered to its end");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "commands are not taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Whether whoever asks is root, or the server's own user.
fn is_trusted(stream: &UnixStream) -> io::Result<bool> {
    let uid = stream.peer_cred()?.uid();
    Ok(uid == 0 || uid == rustix::process::geteuid().as_raw())
}

async fn converse(parts: &Parts, stream: UnixStream) -> Result<()> {
    let trusted = is_trusted(&stream)?;
    let (reader, mut writer) = stream.into_split();
    if !trusted {
        return write(
            &mut writer,
            &Answer::Refused("only root and the server's own user may ask".to_owned()),
        )
        .await;
    }
    let mut lines = Lines::new(reader, MOST_BYTES);
    let line = timeout(PATIENCE, lines.next()).await.context("nothing was asked")??;
    let request = match serde_json::from_slice::<Request>(line.unwrap_or_default().expose()) {
        Ok(request) => request,
        Err(error) => {
            let why = format!("the server does not know this command; it may be of another version: {error}");
            return write(&mut writer, &Answer::Refused(why)).await;
        }
    };
    let (answers, mut told) = Answers::new();
    let work = async {
        let done = parts.handle(request, &answers).await;
        let last = match done {
            Ok(json) => Answer::Done(json),
            Err(error) => Answer::Refused(format!("{error:#}")),
        };
        // Whoever has gone does not hear it.
        drop(answers.send(last).await);
        drop(answers);
    };
    let tell = async {
        while let Some(answer) = told.recv().await {
            if let Err(error) = write(&mut writer, &answer).await {
                // The handler notices by its next answer.
                told.close();
                return Err(error);
            }
        }
        Ok(())
    };
    let ((), written) = tokio::join!(work, tell);
    written
}

async fn write(writer: &mut OwnedWriteHalf, answer: &Answer) -> Result<()> {
    let line = answer.encode();
    timeout(SLOWEST, writer.write_all(line.expose())).await.context("nobody reads the answer")??;
    Ok(())
}
