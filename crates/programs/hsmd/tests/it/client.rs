//! A client with one connection and one session.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use strongroom_hsm_proto::command::{
    Activate, Answer, Call, Command, CreateUser, Cursor, Failure, FailureCode, Hello, Login, OpenSession,
    Outcome, Reply, Result as Done, Role, Welcome,
};
use strongroom_hsm_proto::frame::{Decoder, Encoder, Header, Kind, MAX_ANSWER, MAX_CALL};
use strongroom_hsm_proto::tls::{ClientIdentity, ClusterTrust, client_config};

use crate::plane::PATIENCE;

/// A client.
pub(crate) struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
    decoder: Decoder,
    next: u64,
    pub(crate) session: u64,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) welcome: Welcome,
}

impl Client {
    /// Connects and says hello; waits until the port is open.
    pub(crate) fn connect(address: SocketAddr, anchor: &str) -> Self {
        let begun = Instant::now();
        loop {
            match Self::try_connect(address, anchor) {
                Ok(client) => return client,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{address} does not open: {error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn try_connect(address: SocketAddr, anchor: &str) -> std::io::Result<Self> {
        Self::shake_hands(address, anchor)?.greet()
    }

    /// Says hello.
    pub(crate) fn greet(self) -> std::io::Result<Self> {
        let mut client = self;
        let hello = Hello { version: 1, client: "test".into(), cursor: None };
        client.send(Header::of(Kind::Hello), &hello)?;
        client.welcome = client.receive(Kind::Welcome)?.1;
        Ok(client)
    }

    /// Connects, and says nothing yet.
    pub(crate) fn shake_hands(address: SocketAddr, anchor: &str) -> std::io::Result<Self> {
        Self::shake_hands_as(address, anchor, None)
    }

    /// Connects with a certificate, if there is one.
    pub(crate) fn shake_hands_as(
        address: SocketAddr,
        anchor: &str,
        identity: Option<ClientIdentity>,
    ) -> std::io::Result<Self> {
        let config = client_config(ClusterTrust::anchored(anchor).unwrap(), identity).unwrap();
        let tcp = TcpStream::connect(address)?;
        tcp.set_read_timeout(Some(Duration::from_mins(1)))?;
        tcp.set_nodelay(true)?;
        let name = ServerName::IpAddress(address.ip().into());
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(tls, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        let decoder = Decoder::new(MAX_ANSWER);
        Ok(Self { stream, decoder, next: 1, session: 0, cursor: None, welcome: Welcome::default() })
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    fn send(&mut self, header: Header, message: &impl prost::Message) -> std::io::Result<()> {
        let mut encoder = Encoder::new();
        encoder.push(header, message, MAX_CALL).unwrap();
        self.write(encoder.bytes())
    }

    /// The next frame, which has to be of this kind; a goodbye is an error.
    pub(crate) fn receive<M: prost::Message + Default>(&mut self, kind: Kind) -> std::io::Result<(u64, M)> {
        loop {
            if let Some(frame) = self.decoder.next().unwrap() {
                if frame.header.kind == Kind::Goodbye {
                    let failure: Failure = frame.message().unwrap();
                    return Err(std::io::Error::other(failure.text));
                }
                assert_eq!(frame.header.kind, kind);
                return Ok((frame.header.request, frame.message().unwrap()));
            }
            let count = self.stream.read(self.decoder.space())?;
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            self.decoder.filled(count);
        }
    }

    /// Sends a call and does not wait for its answer.
    pub(crate) fn begin(&mut self, call: &Call, deadline_ms: u32) -> std::io::Result<u64> {
        let request = self.next;
        self.next += 1;
        self.send(Header::call(request, deadline_ms), call)?;
        Ok(request)
    }

    /// Sends a call this many times and reads nothing meanwhile.
    pub(crate) fn write_all(&mut self, count: usize, call: &Call) {
        let mut encoder = Encoder::new();
        for _ in 0..count {
            encoder.push(Header::call(self.next, 0), call, MAX_CALL).unwrap();
            self.next += 1;
        }
        self.write(encoder.bytes()).unwrap();
    }

    /// Calls, as it is written.
    pub(crate) fn call(&mut self, call: &Call, deadline_ms: u32) -> std::io::Result<Answer> {
        let request = self.begin(call, deadline_ms)?;
        let (answered, answer): (u64, Answer) = self.receive(Kind::Answer)?;
        assert_eq!(answered, request);
        self.cursor.clone_from(&answer.cursor);
        Ok(answer)
    }

    /// Asks in the session, with the cursor that is known.
    pub(crate) fn ask(&mut self, command: Command) -> Result<Option<Done>, Failure> {
        let call = Call {
            session: self.session,
            cursor: self.cursor.clone(),
            command: Some(command),
            ..Call::default()
        };
        match self.call(&call, 30_000).unwrap().outcome.unwrap() {
            Outcome::Reply(Reply { result }) => Ok(result),
            Outcome::Failure(failure) => Err(failure),
        }
    }

    pub(crate) fn open_session(&mut self) {
        match self.ask(Command::OpenSession(OpenSession {})) {
            Ok(Some(Done::Session(opened))) => self.session = opened.session,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn log_in(&mut self, username: &str, role: Role, password: &str) -> Result<(), Failure> {
        self.open_session();
        let login = Login { username: username.into(), role: role.into(), password: password.into() };
        self.ask(Command::Login(login)).map(drop)
    }

    /// The administrator's first password, and a crypto user.
    pub(crate) fn activate(&mut self) {
        self.open_session();
        self.ask(Command::Activate(Activate { password: "admin-password".into() })).unwrap();
        self.log_in("admin", Role::Admin, "admin-password").unwrap();
        self.create_user("cu1").unwrap();
    }

    pub(crate) fn create_user(&mut self, username: &str) -> Result<(), Failure> {
        let user = CreateUser {
            username: username.into(),
            role: Role::CryptoUser.into(),
            password: "user-password".into(),
        };
        self.ask(Command::CreateUser(user)).map(drop)
    }
}

/// The code of a failure.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> FailureCode {
    result.unwrap_err().code()
}
