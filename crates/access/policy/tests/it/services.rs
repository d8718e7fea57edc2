//! Services that work for an account: what their role lets them, for that account only.

use std::net::{IpAddr, Ipv4Addr};

use strongroom_identity::{Action, Caller, Principal, Region, RequestContext, RequestId};
use strongroom_policy::{Authority, Everything, services};

const ACCOUNT: &str = "111122223333";
const STRANGER: &str = "444455556666";

struct CreateNetworkInterface;

impl Action for CreateNetworkInterface {
    const NAME: &'static str = "ec2:CreateNetworkInterface";
}

struct DeleteVpc;

impl Action for DeleteVpc {
    const NAME: &'static str = "ec2:DeleteVpc";
}

fn may<A: Action>(service: &'static str, for_account: &str, owner: &str) -> bool {
    let principal = Principal::Service { account: for_account.parse().unwrap(), name: service };
    let context = RequestContext::new(
        RequestId::from_random([5; 16]),
        Caller::new(principal, String::new()),
        Region::named("us-east-1").unwrap(),
        0,
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        String::new(),
        None,
    );
    Authority::new().authorize::<A, _>(&context, Everything(owner.parse().unwrap())).is_ok()
}

#[test]
fn a_service_may_do_what_its_role_lets_it_and_for_that_account_only() {
    assert!(may::<CreateNetworkInterface>(services::CLOUDHSM, ACCOUNT, ACCOUNT));
    assert!(!may::<CreateNetworkInterface>(services::CLOUDHSM, ACCOUNT, STRANGER));
    assert!(!may::<DeleteVpc>(services::CLOUDHSM, ACCOUNT, ACCOUNT));
    assert!(!may::<CreateNetworkInterface>("sns.amazonaws.com", ACCOUNT, ACCOUNT));
}
