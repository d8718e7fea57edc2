//! Certificates of clients.

use std::time::Duration;

use strongroom_hsm_client::tls;
use strongroom_hsm_proto::command::{
    Command, EnforcementLevel, RegisterTrustAnchor, Role, SetMtlsEnforcement,
};
use strongroom_secret::SecretString;

use crate::client::{cluster, create_user, credentials, logged_in, options, usernames};
use crate::rig::{Authority, Rig};

#[test]
fn a_cluster_can_insist_on_certificates() {
    let rig = Rig::activated(2);
    let clients = Authority::new("clients");
    let (certificate, key) = clients.client();
    let mut admin = logged_in(options(&rig), "admin", Role::Admin);
    let register = RegisterTrustAnchor { certificate: clients.pem() };
    admin.call(Command::RegisterTrustAnchor(register)).unwrap();
    usernames(&mut cluster(options(&rig)));

    let mut with_certificate = options(&rig);
    with_certificate.tls = tls(&rig.authority, Some((&certificate, &SecretString::new(key)))).unwrap();
    let mut admin = logged_in(with_certificate.clone(), "admin", Role::Admin);
    let enforce = SetMtlsEnforcement { level: EnforcementLevel::Cluster.into() };
    admin.call(Command::SetMtlsEnforcement(enforce)).unwrap();
    admin.call(create_user("x")).unwrap();

    let mut without = options(&rig);
    without.timeouts.call = Duration::from_millis(500);
    assert!(cluster(without).login(credentials("cu1", Role::CryptoUser)).is_err());
    assert!(usernames(&mut cluster(with_certificate)).contains(&"x".to_owned()));
}
