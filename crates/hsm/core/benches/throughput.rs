//! What an HSM does in a second without a network, beside what the bare algorithms do on the same cores.
//!
//! `cargo bench -p strongroom-hsm-core`

#![allow(clippy::unwrap_used, reason = "a bench may stop at the first surprise")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench measures and prints")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use strongroom_crypto::aes::AesKey;
use strongroom_crypto::digest::Hash as HashFunction;
use strongroom_crypto::{ec, rsa};
use strongroom_hsm_core::{ConnectionId, Hsm, HsmIdentity, Mode, Now, Options, Outcome, Peer};
use strongroom_hsm_proto::command::{
    self, Activate, Attribute, AttributeName, AttributeValue, Call, Command, CreateUser, Curve, Encrypt,
    FindKeys, GenerateKey, GenerateKeyPair, Hash, KeyType, Login, Mechanism, MechanismKind, OpenSession,
    PairKind, Reply, Result as Answered, Role, RsaParameters, Sign, Template,
};
use strongroom_secret::Secret;

const RUN: Duration = Duration::from_secs(2);
const NOW: Now = Now { domain_ms: 1_800_000_000_000, monotonic_ms: 0 };
const PASSWORD: &str = "password1";

struct Bench {
    hsm: Hsm,
    connection: ConnectionId,
    session: u64,
}

impl Bench {
    fn new() -> Self {
        let identity = HsmIdentity {
            hsm_id: "hsm-bench".to_owned(),
            cluster_id: "cluster-bench".to_owned(),
            serial_number: String::new(),
            reboot_counter: 1,
        };
        let hsm = Hsm::new(identity, Options { audit_records: usize::MAX / 2, ..Options::new(Mode::Fips) });
        hsm.set_epoch(1, 1, &Secret::new([1; 32]));
        hsm.apply(&hsm.found(NOW).unwrap(), NOW).unwrap();
        let connection = hsm.connect(Peer::default());
        let mut bench = Self { hsm, connection, session: 0 };
        bench.run(Command::Activate(Activate { password: PASSWORD.to_owned() }));
        bench.log_in("admin", Role::Admin);
        bench.run(Command::CreateUser(CreateUser {
            username: "user".to_owned(),
            role: Role::CryptoUser.into(),
            password: PASSWORD.to_owned(),
        }));
        bench.log_in("user", Role::CryptoUser);
        bench
    }

    fn log_in(&mut self, name: &str, role: Role) {
        let Some(Answered::Session(opened)) = self.run(Command::OpenSession(OpenSession {})) else {
            panic!()
        };
        self.session = opened.session;
        self.run(Command::Login(Login {
            username: name.to_owned(),
            role: role.into(),
            password: PASSWORD.to_owned(),
        }));
    }

    fn call(&self, command: Command) -> Call {
        Call { session: self.session, command: Some(command), ..Call::default() }
    }

    fn run(&self, command: Command) -> Option<Answered> {
        self.execute(&self.call(command)).result
    }

    fn execute(&self, call: &Call) -> Reply {
        match self.hsm.execute(self.connection, call, NOW) {
            Outcome::Done(reply) => reply,
            Outcome::Refused(failure) => panic!("{failure:?}"),
            Outcome::Change(planned) => {
                self.hsm.apply(&planned.effects, NOW).unwrap();
                let answer = planned.answer.clone();
                self.hsm.settle(planned, None, NOW);
                match answer {
                    command::Outcome::Reply(reply) => reply,
                    command::Outcome::Failure(failure) => panic!("{failure:?}"),
                }
            }
        }
    }

    fn pair(&self, kind: PairKind) -> u64 {
        let command = GenerateKeyPair {
            kind: Some(kind),
            private_template: Some(Template { attributes: vec![flag(AttributeName::Sign)] }),
            ..GenerateKeyPair::default()
        };
        match self.run(Command::GenerateKeyPair(command)) {
            Some(Answered::KeyPair(pair)) => pair.private.unwrap().key,
            other => panic!("{other:?}"),
        }
    }

    fn aes(&self, label: &str) -> u64 {
        let label = AttributeValue::Bytes(label.as_bytes().to_vec());
        let label = Attribute { name: AttributeName::Label.into(), value: Some(label) };
        let command = GenerateKey {
            key_type: KeyType::Aes.into(),
            length: 32,
            template: Some(Template { attributes: vec![flag(AttributeName::Encrypt), label] }),
            ..GenerateKey::default()
        };
        match self.run(Command::GenerateKey(command)) {
            Some(Answered::Key(key)) => key.key,
            other => panic!("{other:?}"),
        }
    }
}

fn flag(name: AttributeName) -> Attribute {
    Attribute { name: name.into(), value: Some(AttributeValue::Flag(true)) }
}

/// Runs `work` on so many threads and gives how often it was done in a second.
fn per_second(threads: usize, work: impl Fn() + Sync) -> f64 {
    let done = AtomicU64::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut count = 0;
                while start.elapsed() < RUN {
                    work();
                    count += 1;
                }
                done.fetch_add(count, Ordering::Relaxed);
            });
        }
    });
    done.into_inner() as f64 / start.elapsed().as_secs_f64()
}

fn compare(what: &str, threads: usize, hsm: impl Fn() + Sync, bare: impl Fn() + Sync) {
    let (hsm, bare) = (per_second(threads, hsm), per_second(threads, bare));
    println!("{what}, {threads} threads: {hsm:.0}/s, bare {bare:.0}/s, {:.0}%", 100.0 * hsm / bare);
}

fn main() {
    // `cargo test` runs benches without this argument, only to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let bench = Bench::new();
    let mechanism = |kind: MechanismKind| {
        let hash = Hash::Sha256.into();
        Some(Mechanism { kind: kind.into(), hash, ..Mechanism::default() })
    };
    let data = vec![7; 1_024];
    let rsa_parameters = RsaParameters { modulus_bits: 2_048, public_exponent: vec![1, 0, 1] };
    let rsa_key = bench.pair(PairKind::Rsa(rsa_parameters));
    let sign = |key, kind| Command::Sign(Sign { key, mechanism: mechanism(kind), data: data.clone() });
    let rsa_sign = bench.call(sign(rsa_key, MechanismKind::RsaPkcs));
    let ec_key = bench.pair(PairKind::Ec(Curve::Secp256r1.into()));
    let ec_sign = bench.call(sign(ec_key, MechanismKind::Ecdsa));
    let encrypt =
        Encrypt { key: bench.aes("gcm"), mechanism: mechanism(MechanismKind::AesGcm), data: data.clone() };
    let encrypt = bench.call(Command::Encrypt(encrypt));
    let bare_rsa = rsa::PrivateKey::generate(2_048, 65_537).unwrap();
    let bare_ec = ec::PrivateKey::generate(ec::Curve::P256).unwrap();
    let bare_aes = AesKey::generate(32).unwrap();
    for threads in [1, 2, 16] {
        compare(
            "RSA-2048 signatures",
            threads,
            || drop(bench.execute(&rsa_sign)),
            || {
                drop(bare_rsa.sign_pkcs1_message(HashFunction::Sha256, &data).unwrap());
            },
        );
        compare(
            "P-256 signatures",
            threads,
            || drop(bench.execute(&ec_sign)),
            || {
                drop(bare_ec.sign_digest(&HashFunction::Sha256.digest(&data)).unwrap());
            },
        );
        compare(
            "AES-GCM of 1 KiB",
            threads,
            || drop(bench.execute(&encrypt)),
            || {
                drop(bare_aes.seal_gcm(&[0; 12], &[], &data, 16).unwrap());
            },
        );
    }
    let start = Instant::now();
    for number in 0..16_000 {
        bench.aes(&format!("key-{number}"));
    }
    println!("token keys: {:.0}/s", 16_000.0 / start.elapsed().as_secs_f64());
    let label = Attribute {
        name: AttributeName::Label.into(),
        value: Some(AttributeValue::Bytes(b"key-7777".to_vec())),
    };
    let find = FindKeys { filter: Some(Template { attributes: vec![label] }), after: 0, most: 1 };
    let find = bench.call(Command::FindKeys(find));
    println!("find by label among 16,000: {:.1} us", 1e6 / per_second(1, || drop(bench.execute(&find))));
    let start = Instant::now();
    let snapshot = bench.hsm.snapshot();
    println!("snapshot of 16,000: {} KiB in {} ms", snapshot.len() / 1_024, start.elapsed().as_millis());
    let start = Instant::now();
    bench.hsm.load(&snapshot).unwrap();
    println!("load of 16,000: {} ms", start.elapsed().as_millis());
}
