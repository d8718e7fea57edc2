//! HSMs of one cluster around a log in memory.

use std::sync::OnceLock;

use strongroom_hsm_core::{ConnectionId, Hsm, HsmIdentity, Mode, Now, Options, Outcome, Peer, Planned};
use strongroom_hsm_proto::command::{
    self, Activate, Approval, Attribute, AttributeName, AttributeValue, Call, Command, CreateUser, Curve,
    Failure, FailureCode, GenerateKey, GenerateKeyPair, KeyDescription, KeyPair, KeyType, Login, OpenSession,
    PairKind, Result as Answered, Role, Template,
};
use strongroom_secret::{Key256, Secret};

pub(crate) const PASSWORD: &str = "password1";
/// Crypto users that every lab with users has.
pub(crate) const CRYPTO_USERS: [&str; 3] = ["cu1", "cu2", "cu3"];
/// Administrators that every lab with users has, besides `admin`.
pub(crate) const ADMINISTRATORS: [&str; 2] = ["officer1", "officer2"];

/// HSMs of one cluster. What one of them changes, all apply.
pub(crate) struct Lab {
    pub(crate) hsms: Vec<Hsm>,
    pub(crate) now: Now,
}

/// A session on one of the HSMs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) hsm: usize,
    pub(crate) connection: ConnectionId,
    pub(crate) session: u64,
}

pub(crate) fn token_key() -> Key256 {
    Secret::new([0x33; 32])
}

pub(crate) fn hsm(number: usize, options: Options) -> Hsm {
    hsm_of("cluster-lab", number, options)
}

fn hsm_of(cluster_id: &str, number: usize, options: Options) -> Hsm {
    let identity = HsmIdentity {
        hsm_id: format!("hsm-{number}"),
        cluster_id: cluster_id.to_owned(),
        serial_number: format!("{number:08}"),
        reboot_counter: 1,
    };
    let hsm = Hsm::new(identity, options);
    hsm.set_epoch(1, 1, &token_key());
    hsm
}

impl Lab {
    /// Founded and not activated.
    pub(crate) fn founded(hsms: usize, options: &Options) -> Self {
        let hsms: Vec<_> = (0..hsms).map(|number| hsm(number, options.clone())).collect();
        let now = Now { domain_ms: 1_800_000_000_000, monotonic_ms: 1_000 };
        let effects = hsms[0].found(now).unwrap();
        for hsm in &hsms {
            hsm.apply(&effects, now).unwrap();
        }
        Self { hsms, now }
    }

    /// With the users `admin`, [`ADMINISTRATORS`] and [`CRYPTO_USERS`], all with [`PASSWORD`].
    pub(crate) fn with_users(hsms: usize) -> Self {
        Self::with_options(hsms, &Options::new(Mode::NonFips))
    }

    pub(crate) fn with_options(hsms: usize, options: &Options) -> Self {
        static SNAPSHOT: OnceLock<Vec<u8>> = OnceLock::new();
        let snapshot = SNAPSHOT.get_or_init(|| {
            let mut lab = Self::founded(1, &Options::new(Mode::NonFips));
            let at = lab.open(0);
            lab.run(at, Command::Activate(Activate { password: PASSWORD.to_owned() })).unwrap();
            let admin = lab.log_in(0, "admin", Role::Admin);
            for (names, role) in
                [(ADMINISTRATORS.as_slice(), Role::Admin), (CRYPTO_USERS.as_slice(), Role::CryptoUser)]
            {
                for name in names {
                    lab.create_user(admin, name, role).unwrap();
                }
            }
            lab.hsms[0].snapshot()
        });
        let hsms: Vec<_> = (0..hsms).map(|number| hsm(number, options.clone())).collect();
        for hsm in &hsms {
            hsm.load(snapshot).unwrap();
        }
        Self { hsms, now: Now { domain_ms: 1_800_000_000_000, monotonic_ms: 1_000 } }
    }

    /// Another cluster that begins with the state of this one.
    pub(crate) fn clone_as(&self, cluster_id: &str) -> Self {
        let clone = hsm_of(cluster_id, 8, Options::new(Mode::NonFips));
        clone.load(&self.hsms[0].snapshot()).unwrap();
        Self { hsms: vec![clone], now: self.now }
    }

    pub(crate) fn pass_ms(&mut self, ms: u64) {
        self.now.monotonic_ms += ms;
        self.now.domain_ms += i64::try_from(ms).unwrap();
    }

    pub(crate) fn open(&mut self, hsm: usize) -> At {
        self.open_as(hsm, Peer::default())
    }

    pub(crate) fn open_as(&mut self, hsm: usize, peer: Peer) -> At {
        let connection = self.hsms[hsm].connect(peer);
        let at = At { hsm, connection, session: 0 };
        match self.run(at, Command::OpenSession(OpenSession {})) {
            Ok(Some(Answered::Session(opened))) => At { session: opened.session, ..at },
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn log_in(&mut self, hsm: usize, name: &str, role: Role) -> At {
        let at = self.open(hsm);
        self.try_log_in(at, name, role, PASSWORD).unwrap();
        at
    }

    pub(crate) fn try_log_in(
        &mut self,
        at: At,
        name: &str,
        role: Role,
        password: &str,
    ) -> Result<Option<Answered>, Failure> {
        let login = Login { username: name.to_owned(), role: role.into(), password: password.to_owned() };
        self.run(at, Command::Login(login))
    }

    pub(crate) fn create_user(
        &mut self,
        at: At,
        name: &str,
        role: Role,
    ) -> Result<Option<Answered>, Failure> {
        self.run(at, create_user(name, role, PASSWORD))
    }

    pub(crate) fn run(&mut self, at: At, command: Command) -> Result<Option<Answered>, Failure> {
        self.run_approved(at, command, Vec::new())
    }

    pub(crate) fn run_approved(
        &mut self,
        at: At,
        command: Command,
        approvals: Vec<Approval>,
    ) -> Result<Option<Answered>, Failure> {
        match self.execute(at, command, approvals) {
            Outcome::Done(reply) => Ok(reply.result),
            Outcome::Refused(failure) => Err(failure),
            Outcome::Change(planned) => {
                assert!(self.hsms[at.hsm].still_holds(&planned, &[]));
                self.commit(at.hsm, planned)
            }
        }
    }

    pub(crate) fn execute(&self, at: At, command: Command, approvals: Vec<Approval>) -> Outcome {
        let call = Call { session: at.session, approvals, command: Some(command), ..Call::default() };
        self.hsms[at.hsm].execute(at.connection, &call, self.now)
    }

    pub(crate) fn commit(&mut self, hsm: usize, planned: Planned) -> Result<Option<Answered>, Failure> {
        for hsm in &self.hsms {
            hsm.apply(&planned.effects, self.now).unwrap();
        }
        let answer = planned.answer.clone();
        self.hsms[hsm].settle(planned, None, self.now);
        match answer {
            command::Outcome::Reply(reply) => Ok(reply.result),
            command::Outcome::Failure(failure) => Err(failure),
        }
    }

    pub(crate) fn all_agree(&self) {
        let digest = self.hsms[0].digest();
        assert!(self.hsms.iter().all(|hsm| hsm.digest() == digest));
    }

    pub(crate) fn generate_aes(&mut self, at: At, attributes: Vec<Attribute>) -> KeyDescription {
        key(self.run(at, generate_aes(attributes)))
    }

    pub(crate) fn generate_pair(
        &mut self,
        at: At,
        kind: PairKind,
        public: Vec<Attribute>,
        private: Vec<Attribute>,
    ) -> (KeyDescription, KeyDescription) {
        let command = GenerateKeyPair {
            kind: Some(kind),
            public_template: template(public),
            private_template: template(private),
            ..GenerateKeyPair::default()
        };
        pair(self.run(at, Command::GenerateKeyPair(command)))
    }

    /// An EC pair that signs.
    pub(crate) fn signing_pair(&mut self, at: At) -> (KeyDescription, KeyDescription) {
        self.generate_pair(
            at,
            PairKind::Ec(Curve::Secp256r1.into()),
            vec![flag(AttributeName::Verify, true)],
            vec![flag(AttributeName::Sign, true)],
        )
    }
}

pub(crate) fn create_user(name: &str, role: Role, password: &str) -> Command {
    Command::CreateUser(CreateUser {
        username: name.to_owned(),
        role: role.into(),
        password: password.to_owned(),
    })
}

pub(crate) fn generate_aes(attributes: Vec<Attribute>) -> Command {
    Command::GenerateKey(GenerateKey {
        key_type: KeyType::Aes.into(),
        length: 32,
        template: template(attributes),
        ..GenerateKey::default()
    })
}

#[expect(clippy::unnecessary_wraps, reason = "commands hold templates so")]
pub(crate) fn template(attributes: Vec<Attribute>) -> Option<Template> {
    Some(Template { attributes })
}

pub(crate) fn flag(name: AttributeName, on: bool) -> Attribute {
    Attribute { name: name.into(), value: Some(AttributeValue::Flag(on)) }
}

pub(crate) fn flags(names: &[AttributeName]) -> Vec<Attribute> {
    names.iter().map(|name| flag(*name, true)).collect()
}

pub(crate) fn label(label: &str) -> Attribute {
    Attribute {
        name: AttributeName::Label.into(),
        value: Some(AttributeValue::Bytes(label.as_bytes().to_vec())),
    }
}

pub(crate) fn value(key: &KeyDescription, name: AttributeName) -> Option<AttributeValue> {
    let attributes = &key.attributes.as_ref().unwrap().attributes;
    attributes
        .iter()
        .find(|attribute| attribute.name == i32::from(name))
        .and_then(|found| found.value.clone())
}

pub(crate) fn key(result: Result<Option<Answered>, Failure>) -> KeyDescription {
    match result {
        Ok(Some(Answered::Key(key))) => key,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn pair(result: Result<Option<Answered>, Failure>) -> (KeyDescription, KeyDescription) {
    match result {
        Ok(Some(Answered::KeyPair(KeyPair { public: Some(public), private: Some(private) }))) => {
            (public, private)
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn output(result: Result<Option<Answered>, Failure>) -> (Vec<u8>, Vec<u8>) {
    match result {
        Ok(Some(Answered::Output(output))) => (output.data.clone(), output.iv.clone()),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn code(result: Result<Option<Answered>, Failure>) -> FailureCode {
    result.expect_err("it is refused").code()
}
