//! The command's end: over the socket where a server runs, else by itself.

use std::io;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use strongroom_secret::{SecretBuffer, SecretString};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;

use super::lines::Lines;
use super::listener::short_path;
use super::{Answer, Answers, Parts, Request};
use crate::data_dir::DataDir;
use crate::init::unfinished;
use crate::node::Offline;
use crate::settings::{Place, Settings};

/// The bytes of one line of an answer, at most.
const LONGEST_LINE: usize = 1 << 20;

/// How long a server that starts is waited for, and how often it is looked for.
const STARTING: Duration = Duration::from_secs(10);
const LOOKED_FOR_EVERY: Duration = Duration::from_millis(100);

/// Has a request done, by the server that runs on these settings or by this process, and gives what came out, as JSON.
/// `hear` hears what comes before: progress and pieces.
pub(crate) async fn ask(
    settings: &Settings,
    request: Request,
    mut hear: impl FnMut(Answer) -> Result<()>,
) -> Result<SecretString> {
    let place = Place::of(settings);
    unfinished::refuse(&place)?;
    if !place.data.path().exists() {
        bail!("there is nothing at {}; make it with `strongroom init`", place.data.path().display());
    }
    match place.data.try_lock()? {
        Some(lock) => {
            let offline = Offline::open(&place, &settings.journal.options()).await?;
            let outcome = alone(&offline.parts, request, &mut hear).await;
            offline.close().await?;
            drop(lock);
            outcome
        }
        None => over_socket(&place.data, &request, &mut hear).await,
    }
}

async fn alone(
    parts: &Parts,
    request: Request,
    hear: &mut impl FnMut(Answer) -> Result<()>,
) -> Result<SecretString> {
    let (answers, mut told) = Answers::new();
    let work = async {
        let outcome = parts.handle(request, &answers).await;
        drop(answers);
        outcome
    };
    let listen = async {
        while let Some(answer) = told.recv().await {
            if let Err(error) = hear(answer) {
                told.close();
                return Err(error);
            }
        }
        Ok(())
    };
    let (outcome, heard) = tokio::join!(work, listen);
    heard.and(outcome)
}

async fn over_socket(
    data: &DataDir,
    request: &Request,
    hear: &mut impl FnMut(Answer) -> Result<()>,
) -> Result<SecretString> {
    let stream = connect(data).await?;
    let (reader, mut writer) = stream.into_split();
    let mut asked = SecretBuffer::default();
    serde_json::to_writer(&mut asked, request)?;
    asked.push_byte(b'\n');
    writer.write_all(asked.expose()).await.context("asking the server")?;
    let mut lines = Lines::new(reader, LONGEST_LINE);
    loop {
        let Some(line) = lines.next().await.context("hearing the server")? else {
            bail!("the server broke off; whether it has done what was asked, its log may say");
        };
        match Answer::decode(line.expose())? {
            Answer::Done(json) => return Ok(json),
            Answer::Refused(why) => bail!("{why}"),
            answer => hear(answer)?,
        }
    }
}

/// Connects with the server that has the data folder. It may be about to start.
async fn connect(data: &DataDir) -> Result<UnixStream> {
    let named = data.control_socket();
    let looking = async {
        loop {
            let connected = async {
                let (_folder, path) = short_path(data)?;
                UnixStream::connect(path).await
            };
            match connected.await {
                Ok(stream) => return Ok(stream),
                Err(error) if is_not_there(&error) => tokio::time::sleep(LOOKED_FOR_EVERY).await,
                Err(error) => return Err(error),
            }
        }
    };
    match tokio::time::timeout(STARTING, looking).await {
        Ok(connected) => connected.with_context(|| format!("reaching the server by {}", named.display())),
        Err(_) => bail!(
            "another strongroom works in {}, and takes no commands by {}; wait for it, or stop it",
            data.path().display(),
            named.display()
        ),
    }
}

fn is_not_there(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}
