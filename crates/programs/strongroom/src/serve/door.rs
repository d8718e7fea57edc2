//! Where the server is reached: bound before anything else is touched, since that is what most often stands in the way.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use strongroom_runtime::Shutdown;
use strongroom_server::{Certificate, Figures, Server};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::certificate::{self, End, Files};
use crate::settings::ServerSettings;

/// A listener that nobody is served on yet.
pub(super) struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    secured: Option<Secured>,
}

/// What TLS is spoken with.
struct Secured {
    files: Files,
    certificate: Certificate,
    end: End,
    /// SIGHUP: the files are to be read again.
    hangups: Signal,
}

impl Listening {
    /// Reads the certificate, where there is one, and binds the address.
    pub(super) async fn open(settings: &ServerSettings) -> Result<Self> {
        let secured = settings.tls()?.map(|tls| {
            let files = Files {
                certificate: tls.certificate.as_path().to_owned(),
                key: tls.key.as_path().to_owned(),
            };
            let (chain, key) = files.read()?;
            let end = End::of(&chain);
            let certificate = Certificate::new(chain, key).with_context(|| files.unusable())?;
            // Heard from the start: who has just replaced the files must not end the server.
            let hangups = signal(SignalKind::hangup())?;
            Ok::<_, anyhow::Error>(Secured { files, certificate, end, hangups })
        });
        let secured = secured.transpose()?;
        let listener = TcpListener::bind(settings.listen).await.with_context(|| {
            format!(
                "{} cannot be listened on; stop what listens there or choose another as [server] listen",
                settings.listen
            )
        })?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, secured })
    }

    /// Where it is.
    pub(super) fn url(&self) -> String {
        let scheme = if self.secured.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// What is to be told of it in the metrics.
    pub(super) fn figures(&self) -> Vec<Arc<dyn Figures>> {
        let end = self.secured.iter().map(|secured| Arc::new(secured.end.clone()) as Arc<dyn Figures>);
        end.collect()
    }

    /// Serves whoever calls, until the shutdown begins.
    pub(super) fn serve(self, server: &Arc<Server>, shutdown: &Shutdown) {
        let server = server.clone();
        match self.secured {
            None => shutdown.spawn(server.serve(self.listener)),
            Some(Secured { files, certificate, end, hangups }) => {
                shutdown.spawn(server.serve_tls(self.listener, certificate.clone()));
                shutdown.spawn(certificate::keep_fresh(files, certificate, end, hangups, shutdown.clone()));
            }
        }
    }
}
