//! One TLS connection to one HSM.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use strongroom_hsm_proto::command::{Answer, Call, Cursor, Failure, Hello, Welcome};
use strongroom_hsm_proto::frame::{Decoder, Encoder, Header, Kind, MAX_ANSWER, MAX_CALL};
use strongroom_runtime::Clocks;

use crate::error::Reason;
use crate::moment::{millis, now_ms};
use crate::server::{ANY_NAME, VERSION};
use crate::{Options, Server};

/// From how much time on, in milliseconds, a second more or less makes no difference.
const COARSE_MS: u64 = 3_000;

/// The connection cannot be made, or not be used any longer. The text says why, for people.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{server}: {reason}")]
pub struct Broken {
    /// Which HSM.
    pub server: Server,
    /// Why.
    pub reason: String,
    /// Another try would end the same.
    pub is_lasting: bool,
    /// The HSM may have the call: what came of it is not known.
    pub was_sent: bool,
    /// Nothing listens there.
    pub is_absent: bool,
}

impl Broken {
    pub(super) fn new(server: &Server, reason: impl Into<Reason>) -> Self {
        let reason = reason.into();
        Self {
            server: server.clone(),
            reason: reason.text,
            is_lasting: reason.lasts,
            was_sent: reason.was_sent,
            is_absent: reason.is_absent,
        }
    }
}

/// A connection on which calls follow each other.
pub struct Connection {
    server: Server,
    tls: StreamOwned<ClientConnection, TcpStream>,
    decoder: Decoder,
    encoder: Encoder,
    clocks: Clocks,
    last_request: u64,
    grace: Duration,
    /// What the socket's time-outs are.
    patience: Option<Duration>,
}

impl Connection {
    /// Connects, shakes hands and is welcomed. `cursor` is the highest that the client knows.
    pub fn open(
        server: &Server,
        options: &Options,
        cursor: Option<Cursor>,
        clocks: &Clocks,
    ) -> Result<(Self, Welcome), Broken> {
        let broken = |reason: String| Broken::new(server, reason);
        let of = |error: std::io::Error| Broken::new(server, Reason::of(&error));
        let socket = reach(server, options.timeouts.connect).map_err(of)?;
        socket.set_nodelay(true).map_err(of)?;
        let name = ServerName::try_from(server.host.clone())
            .or_else(|_| ServerName::try_from(ANY_NAME))
            .map_err(|error| broken(error.to_string()))?;
        let tls =
            ClientConnection::new(options.tls.clone(), name).map_err(|error| broken(error.to_string()))?;
        let mut connection = Self {
            server: server.clone(),
            tls: StreamOwned::new(tls, socket),
            decoder: Decoder::new(MAX_ANSWER),
            encoder: Encoder::new(),
            clocks: clocks.clone(),
            last_request: 0,
            grace: options.timeouts.grace,
            patience: None,
        };
        let until = connection.now().saturating_add(millis(options.timeouts.welcome));
        let hello = Hello { version: VERSION, client: options.client_name.clone(), cursor };
        connection
            .encoder
            .push(Header::of(Kind::Hello), &hello, MAX_CALL)
            .map_err(|error| broken(error.to_string()))?;
        connection.write(until)?;
        let welcome: Welcome = connection.read(until, Kind::Welcome, 0)?;
        if welcome.version != VERSION {
            let text = format!("it speaks version {} of the protocol", welcome.version);
            return Err(Broken::new(server, Reason::lasting(text)));
        }
        Ok((connection, welcome))
    }

    /// Sends a call and waits for its answer. The HSM is told to have `wait`.
    pub fn call(&mut self, call: &Call, wait: Duration) -> Result<Answer, Broken> {
        self.last_request += 1;
        let request = self.last_request;
        let deadline_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).max(1);
        self.encoder
            .push(Header::call(request, deadline_ms), call, MAX_CALL)
            .map_err(|error| self.broken(error.to_string()))?;
        let until = self.now().saturating_add(millis(wait)).saturating_add(millis(self.grace));
        let answer = self.write(until).and_then(|()| self.read(until, Kind::Answer, request));
        answer.map_err(|broken| Broken { was_sent: true, ..broken })
    }

    fn write(&mut self, until: u64) -> Result<(), Broken> {
        while !self.encoder.is_empty() {
            self.be_patient(until)?;
            match self.tls.write(self.encoder.bytes()) {
                Ok(0) => return Err(self.broken("the connection is closed")),
                Ok(count) => self.encoder.written(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(Reason::of(&error))),
            }
        }
        match self.tls.flush() {
            Ok(()) => Ok(()),
            Err(error) => Err(self.broken(Reason::of(&error))),
        }
    }

    /// Reads frames until the one that is wanted.
    fn read<M: Default + prost::Message>(
        &mut self,
        until: u64,
        kind: Kind,
        request: u64,
    ) -> Result<M, Broken> {
        loop {
            match self.decoder.next() {
                Ok(Some(frame)) if frame.header.kind == Kind::Goodbye => {
                    let failure = frame.message::<Failure>().unwrap_or_default();
                    return Err(self.broken(failure.text));
                }
                Ok(Some(frame)) if frame.header.kind == kind && frame.header.request == request => {
                    let message = frame.message();
                    return message.map_err(|error| self.broken(error.to_string()));
                }
                Ok(Some(_)) => return Err(self.broken("it answers what was not asked")),
                Ok(None) => {}
                Err(error) => return Err(self.broken(error.to_string())),
            }
            self.be_patient(until)?;
            match self.tls.read(self.decoder.space()) {
                Ok(0) => return Err(self.broken("the connection is closed")),
                Ok(count) => self.decoder.filled(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(Reason::of(&error))),
            }
        }
    }

    /// Has the socket wait until then at the longest; where there is time, to the second, so that it need not be
    /// told anew for each call. The handshake, which the first write runs into, reads: both time-outs are set.
    fn be_patient(&mut self, until: u64) -> Result<(), Broken> {
        let left = match until.saturating_sub(self.now()) {
            0 => return Err(self.broken("no answer in time")),
            left if left < COARSE_MS => left,
            left => left.next_multiple_of(1_000),
        };
        let left = Some(Duration::from_millis(left));
        if self.patience != left {
            let socket = &self.tls.sock;
            let set = socket.set_write_timeout(left).and_then(|()| socket.set_read_timeout(left));
            set.map_err(|error| self.broken(Reason::of(&error)))?;
            self.patience = left;
        }
        Ok(())
    }

    fn now(&self) -> u64 {
        now_ms(&self.clocks)
    }

    fn broken(&self, reason: impl Into<Reason>) -> Broken {
        Broken::new(&self.server, reason)
    }
}

/// Connects to the first of a name's addresses that takes it.
fn reach(server: &Server, patience: Duration) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in server.socket().to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}
