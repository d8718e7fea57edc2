//! Connecting to one HSM: TCP, TLS, welcome, session, log-in.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rustls::pki_types::ServerName;
use strongroom_hsm_proto::command::{
    Call, Command, Failure, Hello, OpenSession, Reply, Result as Done, Welcome,
};
use strongroom_hsm_proto::frame::{Decoder, Encoder, Header, Kind, MAX_ANSWER, MAX_CALL};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::channel::Channel;
use super::refusals::LeftOut;
use super::{Inner, Slot, Trouble, source};
use crate::Server;
use crate::error::Reason;
use crate::login::{Credentials, is_about_the_user};
use crate::moment::now_ms;
use crate::roster::MemberId;
use crate::server::{ANY_NAME, VERSION};
use crate::verdict::Verdict;

/// What is said of an HSM to which the password is not shown any more.
const UNANSWERED: &str =
    "it did not answer the last log-ins; more could lock the user, if the password is wrong";

impl Inner {
    /// The connection to an HSM: the one there is, or a new one with a session in which the user is logged in.
    pub(super) async fn channel(&self, id: MemberId, until: u64) -> Result<Arc<Channel>, Trouble> {
        let link = self.link(id);
        let late = || Trouble::Broken("no connection in time".into());
        let before = link.failures.load(Ordering::SeqCst);
        let mut slot = timeout(self.left(until), link.slot.lock()).await.map_err(|_| late())?;
        if let Some(channel) = slot.channel.as_ref().filter(|channel| !channel.is_closed()) {
            return Ok(Arc::clone(channel));
        }
        slot.channel = None;
        let refused = self.state().refusals.standing(id, now_ms(&self.clocks));
        if let Some(failure) = refused {
            return Err(Trouble::NotLetIn(failure));
        }
        // Another call has found out for this one, too, how the HSM does.
        if let Some(trouble) = &slot.trouble
            && link.failures.load(Ordering::SeqCst) != before
        {
            return Err(trouble.clone());
        }
        let number = link.connections.fetch_add(1, Ordering::SeqCst) + 1;
        slot.trouble = None;
        // Others may have more time than this call.
        let entered = timeout(self.left(until), self.enter(id, number, until)).await.map_err(|_| late())?;
        match entered {
            Ok(channel) => {
                let channel = Arc::new(channel);
                *link.latest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&channel);
                *slot = Slot { channel: Some(Arc::clone(&channel)), trouble: None };
                // Whoever closed the pool meanwhile did not see this connection.
                if self.is_closed.load(Ordering::SeqCst) {
                    channel.close();
                }
                Ok(channel)
            }
            Err(trouble) => {
                let trouble = match trouble {
                    Trouble::Broken(reason) => Trouble::Broken(reason.before_sending()),
                    other => other,
                };
                slot.trouble = Some(trouble.clone());
                link.failures.fetch_add(1, Ordering::SeqCst);
                Err(trouble)
            }
        }
    }

    /// What is left of the time for a call.
    fn left(&self, until: u64) -> Duration {
        Duration::from_millis(until.saturating_sub(now_ms(&self.clocks)))
    }

    async fn enter(&self, id: MemberId, number: u64, until: u64) -> Result<Channel, Trouble> {
        let server = self.state().roster.get(id).map(|member| member.server.clone());
        let Some(server) = server else { return Err(Trouble::Broken("there is no such HSM".into())) };
        let broken =
            |reason: Reason| Trouble::Broken(Reason { text: format!("{server}: {reason}"), ..reason });
        let (stream, decoder, welcome) = timeout(self.options.timeouts.welcome, self.greet(&server))
            .await
            .map_err(|_| broken("no answer in time".into()))?
            .map_err(broken)?;
        self.welcomed(id, &welcome).map_err(broken)?;
        let left_out =
            self.state().refusals.still_standing(id, welcome.cursor.as_ref(), now_ms(&self.clocks));
        match left_out {
            Some(LeftOut::Refused(failure)) => return Err(Trouble::NotLetIn(failure)),
            Some(LeftOut::Unanswered) => return Err(broken(Reason::lasting(UNANSWERED))),
            None => {}
        }
        let numbers = (number, self.options.timeouts.grace);
        let mut channel = Channel::new(stream, decoder, server.to_string(), numbers, &self.shutdown);
        if self.state().credentials.is_none() {
            return Ok(channel);
        }
        let opened = self.say(id, &channel, Command::OpenSession(OpenSession {}), until).await;
        match opened.map_err(not_let_in)?.result {
            Some(Done::Session(opened)) if opened.session != 0 => channel.session = opened.session,
            _ => return Err(broken("it opens no session".into())),
        }
        let (password, login) = {
            let mut state = self.state();
            let Some(login) = state.credentials.as_ref().map(Credentials::login) else { return Ok(channel) };
            (state.refusals.show(id, now_ms(&self.clocks)), login)
        };
        let login = self.say(id, &channel, login, until).await.map_err(not_let_in);
        let now_ms = now_ms(&self.clocks);
        let login = {
            let mut state = self.state();
            match login {
                Ok(reply) => {
                    state.refusals.end(id, password);
                    reply
                }
                Err(Trouble::NotLetIn(failure)) if is_about_the_user(failure.code()) => {
                    tracing::warn!(%server, text = failure.text, "an HSM refuses the user");
                    if !state.refusals.note(id, password, &failure, welcome.cursor.as_ref(), now_ms) {
                        return Err(broken("the password has been changed meanwhile".into()));
                    }
                    return Err(Trouble::NotLetIn(failure));
                }
                // The HSM may have counted what it has not answered.
                Err(Trouble::Broken(reason)) if reason.was_sent => return Err(Trouble::Broken(reason)),
                Err(trouble) => {
                    state.refusals.unseen(id, password);
                    return Err(trouble);
                }
            }
        };
        match login.result {
            Some(Done::Login(login)) if !login.challenge.is_empty() => Err(Trouble::SecondFactor),
            _ => Ok(channel),
        }
    }

    async fn say(
        &self,
        id: MemberId,
        channel: &Channel,
        command: Command,
        until: u64,
    ) -> Result<Reply, Trouble> {
        let cursor = self.state().highest.get();
        let call = Call { session: channel.session, cursor, command: Some(command), ..Call::default() };
        self.exchange(id, channel, &call, until).await
    }

    async fn greet(&self, server: &Server) -> Result<(TlsStream<TcpStream>, Decoder, Welcome), Reason> {
        let words = |error: std::io::Error| Reason::of(&error);
        let connecting = source::connect(server, &self.options.sources);
        let socket = timeout(self.options.timeouts.connect, connecting)
            .await
            .map_err(|_| Reason::from("no answer in time"))?
            .map_err(words)?;
        socket.set_nodelay(true).map_err(words)?;
        let name = ServerName::try_from(server.host.clone())
            .or_else(|_| ServerName::try_from(ANY_NAME))
            .map_err(|error| error.to_string())?;
        let mut stream =
            TlsConnector::from(Arc::clone(&self.options.tls)).connect(name, socket).await.map_err(words)?;
        let hello = Hello {
            version: VERSION,
            client: self.options.client_name.clone(),
            cursor: self.state().highest.get(),
        };
        let mut encoder = Encoder::new();
        encoder.push(Header::of(Kind::Hello), &hello, MAX_CALL).map_err(|error| error.to_string())?;
        stream.write_all(encoder.bytes()).await.map_err(words)?;
        stream.flush().await.map_err(words)?;
        let mut decoder = Decoder::new(MAX_ANSWER);
        loop {
            match decoder.next() {
                Ok(Some(frame)) if frame.header.kind == Kind::Welcome => {
                    let welcome: Welcome = frame.message().map_err(|error| error.to_string())?;
                    if welcome.version != VERSION {
                        let text = format!("it speaks version {} of the protocol", welcome.version);
                        return Err(Reason::lasting(text));
                    }
                    return Ok((stream, decoder, welcome));
                }
                Ok(Some(frame)) if frame.header.kind == Kind::Goodbye => {
                    return Err(frame.message::<Failure>().unwrap_or_default().text.into());
                }
                Ok(Some(_)) => return Err("it answers what was not asked".into()),
                Ok(None) => {}
                Err(error) => return Err(error.to_string().into()),
            }
            match stream.read(decoder.space()).await.map_err(words)? {
                0 => return Err("the connection is closed".into()),
                count => decoder.filled(count),
            }
        }
    }
}

/// A refusal before the call itself was asked says nothing of the call.
fn not_let_in(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Refused(failure) if Verdict::on(failure.code()) == Verdict::Final => {
            Trouble::NotLetIn(failure)
        }
        other => other,
    }
}
