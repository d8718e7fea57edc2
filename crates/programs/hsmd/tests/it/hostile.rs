//! Clients that do what they may not. The HSM cuts them off and serves the others.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use strongroom_hsm_proto::command::{
    Answer, Call, CloseSession, Command as Asked, Failure, FailureCode, Hello, HsmInfo, Login, Outcome,
    Random, Role,
};
use strongroom_hsm_proto::fleet::{Destroy, HsmAnswer, HsmCall};
use strongroom_hsm_proto::frame::{Encoder, Header, Kind, MAX_CALL};

use crate::client::{Client, code};
use crate::first_use::{Cluster, generate_pair, sign};

fn raw(cluster: &Cluster) -> Client {
    Client::shake_hands(cluster.first.address, &cluster.anchor).unwrap()
}

/// What a connection ends with, after these bytes.
fn ends_with(mut client: Client, bytes: &[u8]) -> String {
    client.write(bytes).unwrap();
    client.receive::<Answer>(Kind::Answer).unwrap_err().to_string()
}

fn hello() -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.push(Header::of(Kind::Hello), &Hello { version: 1, ..Hello::default() }, MAX_CALL).unwrap();
    encoder.bytes().to_vec()
}

#[test]
fn malformed_and_oversized_frames_end_their_connection_and_no_other() {
    let cluster = Cluster::activated();
    let mut witness = cluster.user(&cluster.first);
    let pair = generate_pair(&mut witness);
    let key = pair.private.unwrap().key;

    let oversized = [&[0x7f, 0xff, 0xff, 0xff][..], &[3; 64]].concat();
    assert!(ends_with(raw(&cluster), &oversized).contains("65536 are allowed"));
    assert!(ends_with(raw(&cluster), &[0, 0, 0, 1, 3]).contains("too short"));
    assert!(ends_with(raw(&cluster), &[0, 0, 0, 13, 77, 0, 0, 0, 0]).contains("kind 77"));
    let mut call = hello();
    call[4] = Kind::Call as u8;
    assert!(ends_with(raw(&cluster), &call).contains("first frame is a hello"));
    let mut encoder = Encoder::new();
    encoder.push(Header::of(Kind::Hello), &Hello { version: 9, ..Hello::default() }, MAX_CALL).unwrap();
    assert!(ends_with(raw(&cluster), encoder.bytes()).contains("speaks version 1"));

    // After the hello, a call that is no message, an answer, and garbage.
    for frame in [
        &[0, 0, 0, 15, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xff, 0xff][..],
        &[0, 0, 0, 13, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
        &[0xa5; 200],
    ] {
        let mut client = Client::try_connect(cluster.first.address, &cluster.anchor).unwrap();
        client.write(frame).unwrap();
        assert!(client.receive::<Answer>(Kind::Answer).is_err());
    }

    // Not even TLS, or the end in the middle of a handshake.
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16, 3, 1, 2, 0, 1], &vec![0; 70_000]] {
        let mut stream = TcpStream::connect(cluster.first.address).unwrap();
        let _ = stream.write_all(bytes);
    }
    sign(&mut witness, key, b"still there");
    cluster.user(&cluster.first);
}

#[test]
fn slow_clients_are_cut_off_while_others_are_served() {
    let cluster = Cluster::activated();
    let mut witness = cluster.user(&cluster.first);
    let began = Instant::now();
    // One that never says hello, one that trickles a frame, and one that never shakes hands.
    let silent = raw(&cluster);
    let mut trickling = Client::try_connect(cluster.first.address, &cluster.anchor).unwrap();
    let mut handless = TcpStream::connect(cluster.first.address).unwrap();
    let silent = std::thread::spawn(move || ends_with(silent, &[]));
    let handless = std::thread::spawn(move || handless.read(&mut [0; 64]).map_or(0, |count| count));
    trickling.write(&[0, 0, 1]).unwrap();
    let mut byte = 0;
    let cut = loop {
        witness.ask(Asked::Random(Random { length: 8 })).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        byte += 1;
        if trickling.write(&[u8::from(byte > 2) * 3]).is_err() || began.elapsed() > Duration::from_secs(30) {
            break began.elapsed();
        }
    };
    assert!(cut < Duration::from_secs(20), "a frame that trickles in is waited for {cut:?}");
    assert!(silent.join().unwrap().contains("too slow"));
    assert_eq!(handless.join().unwrap(), 0);
}

#[test]
fn a_flood_of_sessions_takes_none_from_those_who_are_logged_in() {
    let cluster = Cluster::activated();
    let mut user = cluster.user(&cluster.first);
    let key = generate_pair(&mut user).private.unwrap().key;
    let mut flood = cluster.client(&cluster.first);
    for _ in 0..2_100 {
        flood.open_session();
    }
    sign(&mut user, key, b"still logged in");
    cluster.user(&cluster.first);
    let sessions = cluster.plane.wait("a report of the flood", |store| {
        let counters = store.report("hsm-first")?.counters?;
        (counters.sessions > 2_000).then_some(counters.sessions)
    });
    assert!(sessions <= 2_048, "{sessions}");
    drop(flood);
    cluster.plane.wait("sessions to end with their connection", |store| {
        let counters = store.report("hsm-first")?.counters?;
        (counters.sessions < 10).then_some(())
    });
}

#[test]
fn wrong_passwords_lock_a_user_and_a_restart_does_not_help() {
    let mut cluster = Cluster::activated();
    let mut client = cluster.client(&cluster.first);
    let guess = |client: &mut Client| code(client.log_in("cu1", Role::CryptoUser, "guessed-it"));
    for _ in 0..3 {
        assert_eq!(guess(&mut client), FailureCode::LoginFailed);
    }
    cluster.first.kill();
    cluster.first.start();
    let mut client = cluster.client(&cluster.first);
    // The sixth wrong one in all locks.
    for _ in 0..3 {
        guess(&mut client);
    }
    let right = client.log_in("cu1", Role::CryptoUser, "user-password");
    assert_eq!(code(right), FailureCode::Locked);
}

#[test]
fn a_guesser_without_patience_is_locked_out_too() {
    let cluster = Cluster::activated();
    let mut guesser = cluster.client(&cluster.first);
    guesser.open_session();
    let login = |username: &str, password: &str| Call {
        command: Some(Asked::Login(Login {
            username: username.into(),
            role: Role::CryptoUser.into(),
            password: password.into(),
        })),
        session: 0,
        ..Call::default()
    };
    let mut late = 0;
    for _ in 0..12 {
        let guess = Call { session: guesser.session, ..login("cu1", "guessed-it") };
        let answer = guesser.call(&guess, 5).unwrap();
        if let Some(Outcome::Failure(failure)) = answer.outcome
            && failure.code() == FailureCode::DeadlineExceeded
        {
            late += 1;
        }
        // Passwords are hashed one at a time: after this one the guess is judged.
        let other = Call { session: guesser.session, ..login("nobody", "guessed-it") };
        guesser.call(&other, 60_000).unwrap();
    }
    assert!(late >= 6, "only {late} of the guesses were not waited for");
    let right = guesser.log_in("cu1", Role::CryptoUser, "user-password");
    assert_eq!(code(right), FailureCode::Locked);
}

#[test]
fn a_flood_of_log_ins_is_told_to_wait_and_stops_no_cryptography() {
    let cluster = Cluster::activated();
    let mut user = cluster.user(&cluster.first);
    let key = generate_pair(&mut user).private.unwrap().key;
    let mut floods: Vec<_> = (0..3).map(|_| cluster.client(&cluster.first)).collect();
    let mut begun = 0;
    for flood in &mut floods {
        flood.open_session();
        let login =
            Login { username: "nobody".into(), role: Role::CryptoUser.into(), password: "guessed-it".into() };
        let call = Call { session: flood.session, command: Some(Asked::Login(login)), ..Call::default() };
        for _ in 0..50 {
            flood.begin(&call, 60_000).unwrap();
            begun += 1;
        }
    }
    let before = Instant::now();
    sign(&mut user, key, b"meanwhile");
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
    let (mut refused, mut busy) = (0, 0);
    for flood in &mut floods {
        for _ in 0..50 {
            match flood.receive::<Answer>(Kind::Answer).unwrap().1.outcome {
                Some(Outcome::Failure(failure)) if failure.code() == FailureCode::LoginFailed => refused += 1,
                Some(Outcome::Failure(failure)) if failure.code() == FailureCode::Busy => busy += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(refused + busy, begun);
    assert!(busy > 0 && refused > 0, "{busy} busy, {refused} refused");
}

#[test]
fn more_calls_than_there_is_credit_are_all_answered() {
    let cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    let key = generate_pair(&mut client).private.unwrap().key;
    let call = |command| Call { session: client.session, command: Some(command), ..Call::default() };
    let sign = strongroom_hsm_proto::command::Sign {
        key,
        mechanism: Some(strongroom_hsm_proto::command::Mechanism {
            kind: strongroom_hsm_proto::command::MechanismKind::Ecdsa.into(),
            hash: strongroom_hsm_proto::command::Hash::Sha256.into(),
            ..Default::default()
        }),
        data: b"many".to_vec(),
    };
    let (heavy, light) = (call(Asked::Sign(sign)), call(Asked::HsmInfo(HsmInfo {})));
    let mut waiting: std::collections::BTreeSet<u64> = (0..300)
        .map(|index| client.begin(if index % 3 == 0 { &light } else { &heavy }, 0).unwrap())
        .collect();
    while !waiting.is_empty() {
        let (request, answer) = client.receive::<Answer>(Kind::Answer).unwrap();
        assert!(waiting.remove(&request), "once each");
        assert!(matches!(answer.outcome, Some(Outcome::Reply(_))), "{answer:?}");
    }
}

/// More calls than the HSM and both ends of a connection hold the answers of.
const CALLS: usize = 4_000;

#[test]
fn a_client_that_does_not_read_is_waited_for_and_gets_everything_in_the_end() {
    let cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    let random = Asked::Random(Random { length: 4_096 });
    let call = Call { session: client.session, command: Some(random), ..Call::default() };
    client.write_all(CALLS, &call);
    std::thread::sleep(Duration::from_millis(500));
    sign_elsewhere(&cluster);
    let answered: std::collections::BTreeSet<_> =
        (0..CALLS).map(|_| client.receive::<Answer>(Kind::Answer).unwrap().0).collect();
    assert_eq!(answered.len(), CALLS);
}

fn sign_elsewhere(cluster: &Cluster) {
    let mut other = cluster.user(&cluster.first);
    let key = generate_pair(&mut other).private.unwrap().key;
    sign(&mut other, key, b"others are served");
}

#[test]
fn rules_let_in_and_keep_out_and_leave_who_is_there() {
    let cluster = Cluster::activated();
    let mut inside = cluster.user(&cluster.first);
    cluster.plane.allow(&["127.200.0.0/16", "2001:db8::/32"]);
    assert!(Client::try_connect(cluster.first.address, &cluster.anchor).is_err());
    inside.ask(Asked::Random(Random { length: 8 })).unwrap();

    // From an address that is let in.
    let socket = TcpStream::connect_from(Ipv4Addr::new(127, 200, 0, 9), cluster.first.address);
    assert!(socket.is_ok());
    cluster.plane.allow(&["127.0.0.1/32"]);
    cluster.user(&cluster.first);
}

trait ConnectFrom: Sized {
    fn connect_from(source: Ipv4Addr, address: SocketAddr) -> std::io::Result<Self>;
}

impl ConnectFrom for TcpStream {
    /// Connects from an address of one's own choice, and sees whether the other end stays.
    fn connect_from(source: Ipv4Addr, address: SocketAddr) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from((source, 0)))?;
            socket.connect(address).await?.into_std()
        })?;
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(Duration::from_millis(300)))?;
        match (&stream).read(&mut [0; 1]) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(stream),
            Ok(_) => Err(std::io::ErrorKind::ConnectionReset.into()),
            Err(error) => Err(error),
        }
    }
}

#[test]
fn nonsense_in_calls_is_refused_in_words() {
    let cluster = Cluster::activated();
    let mut client = cluster.client(&cluster.first);
    let refused = |client: &mut Client, call: &Call| match client.call(call, 5_000).unwrap().outcome {
        Some(Outcome::Failure(failure)) => failure,
        other => panic!("{other:?}"),
    };
    let command = || Some(Asked::HsmInfo(HsmInfo {}));
    let empty = refused(&mut client, &Call::default());
    assert_eq!(empty.code(), FailureCode::InvalidRequest);
    let short_id = Call { command_id: vec![1; 15], command: command(), ..Call::default() };
    assert_eq!(refused(&mut client, &short_id).code(), FailureCode::InvalidRequest);
    let mut forged = client.cursor.clone().unwrap();
    forged.sequence += 1_000;
    if let Some(last) = forged.mac.last_mut() {
        *last ^= 1;
    }
    let forged = Call { cursor: Some(forged), command: command(), ..Call::default() };
    let Failure { code, text } = refused(&mut client, &forged);
    assert_eq!(
        (code, text.as_str()),
        (FailureCode::InvalidRequest.into(), "The cursor is not one of this cluster")
    );
    let no_session =
        Call { session: 77, command: Some(Asked::CloseSession(CloseSession {})), ..Call::default() };
    assert_eq!(refused(&mut client, &no_session).code(), FailureCode::NoSession);
}

#[test]
fn the_process_cannot_be_looked_into_and_reaches_nothing_but_its_own() {
    let cluster = Cluster::activated();
    let pid = cluster.first.pid();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(field("NoNewPrivs:"), "1");
    assert_eq!(field("Seccomp:"), "2", "a filter is in force");
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2);
    let log = cluster.first.log();
    assert!(
        log.contains("protections: core dumps off: yes, not dumpable: yes, no new privileges: yes"),
        "{log}"
    );
    // Its state is its owner's alone.
    let listed = Command::new("find").arg(cluster.first.state()).args(["-perm", "/077"]).output().unwrap();
    assert_eq!(String::from_utf8(listed.stdout).unwrap(), "");
}

#[test]
fn an_hsm_ends_when_its_folder_is_gone_and_a_destroyed_one_leaves_nothing() {
    let mut cluster = Cluster::activated();
    let mut second = cluster.join("hsm-second");
    assert!(matches!(cluster.plane.call("hsm-second", HsmCall::Destroy(Destroy {})), HsmAnswer::Done(_)));
    assert!(second.wait().success());
    let left: Vec<_> =
        std::fs::read_dir(second.state()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);

    std::fs::remove_dir_all(cluster.first.state()).unwrap();
    assert!(cluster.first.wait().success());
}
