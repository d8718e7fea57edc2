//! All HSMs lost at once, with everything that they kept: there are backups, and the log.

use strongroom_hsm_proto::command::{Command, ListUsers, Result as Done, Role};

use super::cluster::{PASSWORD, create_user, log_in};
use super::fleet::Fleet;

#[test]
fn a_cluster_that_loses_every_hsm_goes_on_again_and_again() {
    let fleet = Fleet::start();
    let mut admin = log_in(fleet.options(), "admin", Role::Admin).unwrap();
    admin.call(create_user("survivor", PASSWORD)).unwrap();
    for round in 0..3 {
        fleet.lose_all();
        // One of them has restored the cluster, and the others have joined it.
        for hsm in fleet.settled(std::iter::empty()) {
            assert_eq!(hsm.cursor.map(|cursor| cursor.incarnation), Some(round + 2), "{}", hsm.id);
        }
        let mut admin = log_in(fleet.options(), "admin", Role::Admin).unwrap();
        let users = match admin.call(Command::ListUsers(ListUsers {})).unwrap().result {
            Some(Done::Users(list)) => list.users,
            other => panic!("{other:?}"),
        };
        assert!(users.iter().any(|user| user.username == "survivor"), "round {round}: {users:?}");
        log_in(fleet.options(), "survivor", Role::CryptoUser).unwrap();
        admin.call(create_user(&format!("new{round}"), PASSWORD)).unwrap();
    }
    fleet.end("after the loss of all HSMs");
}
