//! Where HSMs are.

use std::time::Duration;

use strongroom_hsm_client::{DEFAULT_PORT, KnownServer, Server};
use strongroom_hsm_proto::command::{Command, HsmInfo, Role};

use crate::client::{cluster, create_user, known, logged_in, options, server, usernames};
use crate::rig::{Authority, Rig};

#[test]
fn addresses_are_read_in_their_usual_forms() {
    let server = |host: &str, port| Server { host: host.to_owned(), port };
    for (text, expected, shown) in [
        ("10.0.1.12", server("10.0.1.12", DEFAULT_PORT), "10.0.1.12:2223"),
        ("10.0.1.12:1", server("10.0.1.12", 1), "10.0.1.12:1"),
        ("hsm-1.example.com:99", server("hsm-1.example.com", 99), "hsm-1.example.com:99"),
        ("fd00::1", server("fd00::1", DEFAULT_PORT), "[fd00::1]:2223"),
        ("[fd00::1]", server("fd00::1", DEFAULT_PORT), "[fd00::1]:2223"),
        ("[fd00::1]:7", server("fd00::1", 7), "[fd00::1]:7"),
    ] {
        let read: Server = text.parse().unwrap();
        assert_eq!((&read, read.to_string().as_str()), (&expected, shown));
        assert_eq!(read.to_string().parse(), Ok(expected));
    }
    for wrong in ["", ":1", "a:", "a:0", "a:65536", "a b", "[::1", "[x]:1", "[::1]x", "http://a"] {
        assert!(wrong.parse::<Server>().is_err(), "{wrong}");
    }
}

#[test]
fn one_address_is_enough_and_the_others_are_learned() {
    let rig = Rig::activated(3);
    let mut options = options(&rig);
    options.servers.truncate(1);
    let mut admin = logged_in(options.clone(), "admin", Role::Admin);
    let servers = admin.servers();
    let mut expected: Vec<_> = known(&rig.nodes);
    for learned in &mut expected[1..] {
        learned.learned = true;
    }
    assert_eq!(servers, expected);
    rig.nodes[0].kill();
    admin.call(create_user("x")).unwrap();

    // Another process begins with what was learned.
    options.servers = servers;
    let mut later = cluster(options);
    assert!(usernames(&mut later).contains(&"x".to_owned()));
    assert_eq!(later.call_each(&Command::HsmInfo(HsmInfo {})).unwrap().len(), 2);
}

#[test]
fn learned_addresses_that_nobody_names_are_dropped_and_configured_ones_kept() {
    let rig = Rig::activated(2);
    let gone = KnownServer { server: "127.0.0.1:1".parse().unwrap(), learned: true };
    let mut options = options(&rig);
    options.servers.truncate(1);
    options.servers.push(gone.clone());
    options.servers.push(KnownServer { server: "127.0.0.1:2".parse().unwrap(), learned: false });
    let mut client = cluster(options.clone());
    assert_eq!(client.servers(), options.servers, "nobody has said anything yet");
    usernames(&mut client);
    let servers: Vec<_> = client.servers().into_iter().map(|known| known.server).collect();
    assert!(!servers.contains(&gone.server));
    assert!(servers.contains(&"127.0.0.1:2".parse().unwrap()));
    assert!(servers.contains(&server(&rig.nodes[1])));
}

#[test]
fn hsms_of_another_cluster_get_to_know_nothing() {
    let authority = Authority::new("one customer");
    let rig = Rig::named(1, "cluster-one", &authority);
    let other = Rig::named(1, "cluster-two", &authority);
    let mut options = options(&rig);
    options.cluster_id = Some("cluster-one".to_owned());
    options.servers.extend(known(&other.nodes));
    let mut admin = logged_in(options.clone(), "admin", Role::Admin);
    for _ in 0..4 {
        usernames(&mut admin);
    }
    assert_eq!(other.calls(), [0], "the password is not shown to it");

    options.servers = known(&other.nodes);
    options.timeouts.call = Duration::from_secs(4);
    let error = cluster(options).call(Command::HsmInfo(HsmInfo {})).unwrap_err();
    assert!(error.to_string().contains("an HSM of cluster-two, and not of cluster-one"), "{error}");
}
