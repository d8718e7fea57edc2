//! Clients of a [`Rig`], and commands for them.

use std::time::Duration;

use strongroom_hsm_client::limits::Timeouts;
use strongroom_hsm_client::{Cluster, Credentials, KnownServer, LoginStep, Options, Server, tls};
use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, Command, CreateUser, Curve, GenerateKey, GenerateKeyPair, Hash,
    KeyDescription, KeyPair, KeyType, ListUsers, Mechanism, MechanismKind, PairKind, Reply, Result as Done,
    Role, Sign, Template,
};
use strongroom_runtime::Clocks;
use strongroom_secret::SecretString;

use crate::rig::{Node, PASSWORD, Rig};

/// What no test here takes, even on a slow machine.
pub(crate) const PATIENT: Timeouts = Timeouts {
    connect: Duration::from_secs(10),
    welcome: Duration::from_secs(20),
    attempt: Duration::from_secs(20),
    call: Duration::from_secs(40),
    grace: Duration::from_secs(2),
    absent: Duration::from_mins(1),
};

pub(crate) fn server(node: &Node) -> Server {
    node.address.to_string().parse().unwrap()
}

pub(crate) fn known(nodes: &[std::sync::Arc<Node>]) -> Vec<KnownServer> {
    nodes.iter().map(|node| KnownServer { server: server(node), learned: false }).collect()
}

/// Options for the HSMs of a rig.
pub(crate) fn options(rig: &Rig) -> Options {
    let mut options = Options::new(known(&rig.nodes), tls(&rig.authority, None).unwrap());
    options.timeouts = PATIENT;
    options
}

pub(crate) fn cluster(options: Options) -> Cluster {
    Cluster::new(options, Clocks::system()).unwrap()
}

pub(crate) fn credentials(username: &str, role: Role) -> Credentials {
    Credentials { username: username.to_owned(), role, password: SecretString::new(PASSWORD.to_owned()) }
}

/// A client that is logged in.
pub(crate) fn logged_in(options: Options, username: &str, role: Role) -> Cluster {
    let mut cluster = cluster(options);
    assert!(matches!(cluster.login(credentials(username, role)).unwrap(), LoginStep::Done));
    cluster
}

pub(crate) fn create_user(name: &str) -> Command {
    Command::CreateUser(CreateUser {
        username: name.to_owned(),
        role: Role::CryptoUser.into(),
        password: PASSWORD.to_owned(),
    })
}

pub(crate) fn usernames(cluster: &mut Cluster) -> Vec<String> {
    match cluster.call(Command::ListUsers(ListUsers {})).unwrap().result {
        Some(Done::Users(list)) => list.users.into_iter().map(|user| user.username).collect(),
        other => panic!("{other:?}"),
    }
}

fn flag(name: AttributeName, value: bool) -> Attribute {
    Attribute { name: name.into(), value: Some(AttributeValue::Flag(value)) }
}

pub(crate) fn generate_aes(token: bool) -> Command {
    Command::GenerateKey(GenerateKey {
        key_type: KeyType::Aes.into(),
        length: 32,
        template: Some(Template {
            attributes: vec![
                flag(AttributeName::Token, token),
                flag(AttributeName::Wrap, true),
                flag(AttributeName::Encrypt, true),
            ],
        }),
        ..GenerateKey::default()
    })
}

pub(crate) fn generate_signing_pair(token: bool) -> Command {
    let template =
        |usage| Some(Template { attributes: vec![flag(AttributeName::Token, token), flag(usage, true)] });
    Command::GenerateKeyPair(GenerateKeyPair {
        kind: Some(PairKind::Ec(Curve::Secp256r1.into())),
        public_template: template(AttributeName::Verify),
        private_template: template(AttributeName::Sign),
        ..GenerateKeyPair::default()
    })
}

pub(crate) fn key(reply: Reply) -> KeyDescription {
    match reply.result {
        Some(Done::Key(key)) => key,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn pair(reply: Reply) -> (KeyDescription, KeyDescription) {
    match reply.result {
        Some(Done::KeyPair(KeyPair { public: Some(public), private: Some(private) })) => (public, private),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn sign(key: u64, data: &[u8]) -> Command {
    let mechanism =
        Mechanism { kind: MechanismKind::Ecdsa.into(), hash: Hash::Sha256.into(), ..Mechanism::default() };
    Command::Sign(Sign { key, mechanism: Some(mechanism), data: data.to_vec() })
}

pub(crate) fn output(reply: Reply) -> Vec<u8> {
    match reply.result {
        Some(Done::Output(output)) => output.data.clone(),
        other => panic!("{other:?}"),
    }
}
