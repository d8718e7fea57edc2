//! Trust anchors of clients' certificates.

use strongroom_hsm_core::{Mode, Options, Peer};
use strongroom_hsm_proto::command::{
    Command, DeregisterTrustAnchor, EnforcementLevel, FailureCode, RegisterTrustAnchor, Result as Answered,
    Role, SetMtlsEnforcement,
};

use crate::lab::{At, Lab, PASSWORD, code};

/// A P-256 certificate, made with OpenSSL.
const CERTIFICATE: &str = include_str!("../../testdata/client-ca.pem");
/// Another, of RSA-3072.
const OTHER: &str = include_str!("../../testdata/client-ca-rsa.pem");

fn register(certificate: &str) -> Command {
    Command::RegisterTrustAnchor(RegisterTrustAnchor { certificate: certificate.to_owned() })
}

fn deregister(certificate_reference: u32) -> Command {
    Command::DeregisterTrustAnchor(DeregisterTrustAnchor { certificate_reference })
}

fn enforce(level: EnforcementLevel) -> Command {
    Command::SetMtlsEnforcement(SetMtlsEnforcement { level: level.into() })
}

fn with_certificate(lab: &mut Lab, anchor: u32, name: &str) -> At {
    let at = lab.open_as(0, Peer { address: String::new(), trust_anchor: Some(anchor) });
    lab.try_log_in(at, name, Role::Admin, PASSWORD).unwrap();
    at
}

#[test]
fn anchors_come_and_go_and_take_their_connections_with_them() {
    let mut lab = Lab::with_options(2, &Options::new(Mode::Fips));
    let admin = lab.log_in(0, "admin", Role::Admin);
    for bad in ["", "no certificate", &CERTIFICATE[..200], &"-----BEGIN CERTIFICATE-----".repeat(300)] {
        assert_eq!(code(lab.run(admin, register(bad))), FailureCode::InvalidData);
    }
    match lab.run(admin, register(CERTIFICATE)) {
        Ok(Some(Answered::TrustAnchors(list))) => {
            assert_eq!(list.anchors.len(), 1);
            assert_eq!(list.anchors[0].certificate_reference, 1);
            assert_eq!(list.anchors[0].certificate, CERTIFICATE);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(code(lab.run(admin, register(CERTIFICATE))), FailureCode::InvalidRequest);
    lab.run(admin, register(OTHER)).unwrap();
    assert_eq!(code(lab.run(admin, register(&format!("{CERTIFICATE}\n")))), FailureCode::LimitExceeded);
    assert_eq!(lab.hsms[1].trust_anchors().len(), 2);

    assert_eq!(code(lab.run(admin, enforce(EnforcementLevel::Cluster))), FailureCode::Forbidden);
    let officer = with_certificate(&mut lab, 1, "officer1");
    assert_eq!(code(lab.run(officer, enforce(EnforcementLevel::Cluster))), FailureCode::Forbidden);
    let certified = with_certificate(&mut lab, 1, "admin");
    assert!(lab.hsms[0].unwelcome().is_empty());
    lab.run(certified, enforce(EnforcementLevel::Cluster)).unwrap();
    assert_eq!(lab.hsms[1].mtls_enforcement(), EnforcementLevel::Cluster);
    assert_eq!(lab.hsms[0].unwelcome(), [admin.connection]);
    lab.hsms[0].disconnect(admin.connection, lab.now);

    let other = with_certificate(&mut lab, 2, "officer2");
    lab.run(certified, deregister(2)).unwrap();
    assert_eq!(lab.hsms[0].unwelcome(), [other.connection]);
    assert_eq!(code(lab.run(certified, deregister(2))), FailureCode::InvalidRequest);
    assert_eq!(code(lab.run(certified, deregister(1))), FailureCode::InUse);
    lab.run(certified, enforce(EnforcementLevel::None)).unwrap();
    lab.run(certified, deregister(1)).unwrap();
    match lab.run(certified, register(CERTIFICATE)) {
        Ok(Some(Answered::TrustAnchors(list))) => assert_eq!(list.anchors[0].certificate_reference, 3),
        other => panic!("{other:?}"),
    }
    lab.all_agree();
}

#[test]
fn an_anchor_is_an_authority_and_a_chain_goes_by_name_and_signature() {
    let mut lab = Lab::with_users(1);
    let admin = lab.log_in(0, "admin", Role::Admin);
    for bad in [
        include_str!("../../testdata/client-leaf.pem"),
        include_str!("../../testdata/client-chain-misnamed.pem"),
        &format!("{CERTIFICATE}{OTHER}"),
    ] {
        assert_eq!(code(lab.run(admin, register(bad))), FailureCode::InvalidData);
    }
    lab.run(admin, register(include_str!("../../testdata/client-chain.pem"))).unwrap();
}
