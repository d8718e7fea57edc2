//! The certificates of a partition and of its clients, judged by `openssl` and by the HSM.

use strongroom_hsm_proto::command::{
    Command, DeregisterTrustAnchor, EnforcementLevel, RegisterTrustAnchor, Result as Done, Role,
    SetMtlsEnforcement,
};
use strongroom_hsm_proto::fleet::{AssignedRole, ClusterCertificates, HsmAnswer, HsmCall};
use strongroom_hsm_proto::tls::ClientIdentity;

use crate::client::Client;
use crate::first_use::Cluster;
use crate::hsm::Host;
use crate::openssl::OpenSsl;
use crate::plane::Plane;

#[test]
fn the_partitions_certificate_verifies_by_both_chains_and_has_the_key_of_the_csr() {
    let (plane, host, openssl) = (Plane::start(), Host::new(), OpenSsl::new());
    plane.expect("hsm-first", AssignedRole::Found);
    let _first = host.start(&plane, "hsm-first");
    let report = plane.wait_report("hsm-first", "the CSR", |report| report.certificates.is_some());
    let shown = report.certificates.unwrap();
    openssl.write("cluster.csr", &shown.cluster_csr);
    openssl.write("hsm.crt", &shown.hsm_certificate);
    openssl.write("manufacturer.crt", &shown.manufacturer_hardware_certificate);
    openssl.write("aws.crt", &shown.aws_hardware_certificate);
    openssl.write("manufacturer-root.crt", &shown.manufacturer_root);
    openssl.write("fleet-root.crt", &shown.fleet_root);

    assert!(
        openssl
            .run("verify -CAfile manufacturer-root.crt -untrusted manufacturer.crt hsm.crt")
            .contains("OK")
    );
    assert!(openssl.run("verify -CAfile fleet-root.crt -untrusted aws.crt hsm.crt").contains("OK"));
    assert!(!openssl.attempt("verify -CAfile fleet-root.crt -untrusted manufacturer.crt hsm.crt").0);
    let key = openssl.run("req -in cluster.csr -noout -verify -pubkey");
    assert!(key.contains("verify OK") || key.contains("self-signature verify OK"), "{key}");
    let key_of_csr = openssl.run("req -in cluster.csr -noout -pubkey");
    assert_eq!(key_of_csr, openssl.run("x509 -in hsm.crt -noout -pubkey"));
    let subject = openssl.run("req -in cluster.csr -noout -subject");
    assert!(subject.contains("C = US") && subject.contains("ST = CA"), "{subject}");
    assert!(subject.contains(":PARTN:1, for FIPS mode"), "{subject}");
    assert!(openssl.run("req -in cluster.csr -noout -text").contains("2048 bit"));

    // Everything of one start comes again after the next.
    assert!(report.cluster_certificate.is_empty() && !report.activated);
}

#[test]
fn what_the_customer_installed_stays() {
    let mut cluster = Cluster::initialized();
    let other = ClusterCertificates {
        cluster_certificate: cluster.anchor.clone(),
        trust_anchor: cluster.anchor.clone(),
    };
    assert!(matches!(cluster.plane.call("hsm-first", HsmCall::SetCertificates(other)), HsmAnswer::Failed(_)));
    let shown = cluster
        .openssl
        .attempt(&format!("s_client -connect {} -CAfile ca.crt -showcerts", cluster.first.address))
        .1;
    assert!(shown.contains("Verify return code: 0 (ok)") && shown.contains("TLSv1.3"), "{shown}");
    // An HSM that starts while the control plane is away has its certificate still, but lets nobody in.
    cluster.first.kill();
    cluster.plane.kill();
    cluster.first.start();
    cluster.first.wait_log("clients are served", 2);
    assert!(Client::try_connect(cluster.first.address, &cluster.anchor).is_err());
    cluster.plane.go_on();
    cluster.client(&cluster.first);
}

#[test]
fn clients_need_a_certificate_when_it_is_enforced() {
    let cluster = Cluster::activated();
    let openssl = &cluster.openssl;
    openssl.run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout clients.key -out clients.crt -days 365 -subj /CN=Clients");
    openssl.run("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key -out client.csr -subj /CN=client");
    openssl.run("x509 -req -in client.csr -CA clients.crt -CAkey clients.key -CAcreateserial -out client.crt -days 30");
    let identity =
        || ClientIdentity::from_pem(&openssl.read("client.crt"), &openssl.read("client.key")).unwrap();
    let connect_with = || {
        Client::shake_hands_as(cluster.first.address, &cluster.anchor, Some(identity()))
            .and_then(Client::greet)
    };
    let mut admin = cluster.client(&cluster.first);
    admin.log_in("admin", Role::Admin, "admin-password").unwrap();
    let mut user = cluster.user(&cluster.first);
    let register = RegisterTrustAnchor { certificate: openssl.read("clients.crt") };
    let reference = match admin.ask(Command::RegisterTrustAnchor(register)) {
        Ok(Some(Done::TrustAnchors(anchors))) => anchors.anchors[0].certificate_reference,
        other => panic!("{other:?}"),
    };
    // Anchors are in force a moment after they are registered.
    let mut admin = (0..100).find_map(|_| {
        let mut admin = connect_with().unwrap();
        admin.log_in("admin", Role::Admin, "admin-password").unwrap();
        let enforce = SetMtlsEnforcement { level: EnforcementLevel::Cluster.into() };
        admin.ask(Command::SetMtlsEnforcement(enforce)).is_ok().then_some(admin)
    });
    let admin = admin.as_mut().unwrap();
    // Whoever came without one is sent away, and nobody else comes in.
    let sent_away =
        user.receive::<strongroom_hsm_proto::command::Answer>(strongroom_hsm_proto::frame::Kind::Answer);
    assert!(sent_away.unwrap_err().to_string().contains("certificate"));
    assert!(Client::try_connect(cluster.first.address, &cluster.anchor).is_err());
    connect_with().unwrap();

    let deregister = DeregisterTrustAnchor { certificate_reference: reference };
    let refused = admin.ask(Command::DeregisterTrustAnchor(deregister));
    assert!(refused.is_err(), "the last anchor stays while certificates are enforced");
}
