//! STS: who a caller is.

use std::net::{IpAddr, Ipv4Addr};

use strongroom_api_sts::{GetCallerIdentityRequest, GetSessionTokenRequest, Sts as _};
use strongroom_iam::Sts;
use strongroom_identity::{Caller, Principal, Region, RequestContext, RequestId};

fn context(account: &str, region: &str) -> RequestContext {
    let caller = Caller::new(Principal::Root(account.parse().unwrap()), "AKIA".to_owned());
    RequestContext::new(
        RequestId::from_random([5; 16]),
        caller,
        Region::named(region).unwrap(),
        0,
        0,
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        String::new(),
        None,
    )
}

/// The sample of the STS API Reference's GetCallerIdentity, for an account's root user.
#[test]
fn a_root_user_is_its_account() {
    strongroom_testkit::run(async {
        for account in ["111122223333", "000000000042"] {
            for region in ["us-east-1", "eu-central-1"] {
                let context = context(account, region);
                let answer =
                    Sts::new().get_caller_identity(&context, GetCallerIdentityRequest {}).await.unwrap();
                assert_eq!(answer.account.as_deref(), Some(account));
                assert_eq!(answer.user_id.as_deref(), Some(account));
                assert_eq!(answer.arn, Some(format!("arn:aws:iam::{account}:root")));
                let notes = context.take_notes();
                assert!(
                    notes.resources.is_empty() && notes.defaults.is_empty() && notes.additional.is_empty()
                );
            }
        }
    });
}

#[test]
fn other_operations_are_not_implemented_yet() {
    strongroom_testkit::run(async {
        let context = context("111122223333", "us-east-1");
        let refused =
            Sts::new().get_session_token(&context, GetSessionTokenRequest::default()).await.unwrap_err();
        assert_eq!(refused.code(), "NotImplementedException");
    });
}
