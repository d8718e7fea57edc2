//! From nothing to a signature that `openssl` verifies, as a customer does it.

use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, Command, Curve, GenerateKeyPair, Hash, KeyPair, Mechanism,
    MechanismKind, PairKind, Result as Done, Role, Sign, Template,
};
use strongroom_hsm_proto::fleet::{AssignedRole, HsmState};

use crate::client::Client;
use crate::hsm::{Host, Hsm};
use crate::openssl::OpenSsl;
use crate::plane::Plane;

/// A cluster with one HSM and the customer's authority.
pub(crate) struct Cluster {
    pub(crate) first: Hsm,
    pub(crate) plane: Plane,
    pub(crate) host: Host,
    pub(crate) anchor: String,
    pub(crate) openssl: OpenSsl,
}

impl Cluster {
    /// Founded, initialized with plain `openssl x509 -req`, and open to this machine.
    pub(crate) fn initialized() -> Self {
        let (plane, host, openssl) = (Plane::start(), Host::new(), OpenSsl::new());
        plane.store(|store| store.allow(&["127.0.0.0/8"]));
        plane.expect("hsm-first", AssignedRole::Found);
        let first = host.start(&plane, "hsm-first");
        let report = plane.wait_report("hsm-first", "the CSR", |report| report.certificates.is_some());
        assert_eq!(report.state(), HsmState::Uninitialized);
        openssl.write("cluster.csr", report.certificates.unwrap().cluster_csr);
        openssl.run(
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 3652 -subj /CN=Customer",
        );
        openssl.run(
            "x509 -req -days 3652 -in cluster.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out cluster.crt",
        );
        let anchor = openssl.read("ca.crt");
        plane.initialize(&openssl.read("cluster.crt"), &anchor);
        plane.wait_report("hsm-first", "that it serves", |report| report.state() == HsmState::Serving);
        Self { first, plane, host, anchor, openssl }
    }

    /// And activated, with the crypto user `cu1`.
    pub(crate) fn activated() -> Self {
        let cluster = Self::initialized();
        cluster.client(&cluster.first).activate();
        cluster.plane.wait_report("hsm-first", "that it is activated", |report| report.activated);
        cluster
    }

    pub(crate) fn client(&self, hsm: &Hsm) -> Client {
        Client::connect(hsm.address, &self.anchor)
    }

    /// A client that is logged in as `cu1`.
    pub(crate) fn user(&self, hsm: &Hsm) -> Client {
        let mut client = self.client(hsm);
        client.log_in("cu1", Role::CryptoUser, "user-password").unwrap();
        client
    }

    /// Starts another HSM and waits until it serves.
    pub(crate) fn join(&self, id: &str) -> Hsm {
        self.plane.expect(id, AssignedRole::Join);
        let hsm = self.host.start(&self.plane, id);
        self.plane.wait_report(id, "that it serves", |report| report.state() == HsmState::Serving);
        hsm
    }
}

/// Makes a P-256 pair that lives in the partition.
pub(crate) fn generate_pair(client: &mut Client) -> KeyPair {
    let template = |usage| Some(Template { attributes: vec![yes(AttributeName::Token), yes(usage)] });
    let generate = GenerateKeyPair {
        kind: Some(PairKind::Ec(Curve::Secp256r1.into())),
        public_template: template(AttributeName::Verify),
        private_template: template(AttributeName::Sign),
        ..GenerateKeyPair::default()
    };
    match client.ask(Command::GenerateKeyPair(generate)) {
        Ok(Some(Done::KeyPair(pair))) => pair,
        other => panic!("{other:?}"),
    }
}

fn yes(name: AttributeName) -> Attribute {
    Attribute { name: name.into(), value: Some(AttributeValue::Flag(true)) }
}

pub(crate) fn sign(client: &mut Client, key: u64, message: &[u8]) -> Vec<u8> {
    let mechanism =
        Mechanism { kind: MechanismKind::Ecdsa.into(), hash: Hash::Sha256.into(), ..Mechanism::default() };
    let sign = Sign { key, mechanism: Some(mechanism), data: message.to_vec() };
    match client.ask(Command::Sign(sign)) {
        Ok(Some(Done::Output(output))) => output.data.clone(),
        other => panic!("{other:?}"),
    }
}

/// Has `openssl` verify a signature of r and s over a message.
pub(crate) fn verifies(openssl: &OpenSsl, public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    openssl.write("key.der", public_key);
    openssl.write("message", message);
    let signature = strongroom_crypto::ec::signature_to_der(strongroom_crypto::ec::Curve::P256, signature);
    openssl.write("signature", signature.unwrap());
    openssl.run("pkey -pubin -inform DER -in key.der -out key.pem");
    openssl.attempt("dgst -sha256 -verify key.pem -signature signature message").0
}

#[test]
fn found_initialize_activate_sign_and_verify() {
    let cluster = Cluster::activated();
    let mut client = cluster.user(&cluster.first);
    assert_eq!(client.welcome.hsm_id, "hsm-first");
    let pair = generate_pair(&mut client);
    let (public, private) = (pair.public.unwrap(), pair.private.unwrap());
    let signature = sign(&mut client, private.key, b"a message");
    assert!(verifies(&cluster.openssl, &public.public_key, b"a message", &signature));
    assert!(!verifies(&cluster.openssl, &public.public_key, b"another message", &signature));
}
