//! Addresses of HSMs that nobody configured.

use serde_json::json;

use crate::desk::Desk;

#[test]
fn later_processes_start_although_the_configured_hsm_is_gone() {
    let desk = Desk::activated(3);
    let first = desk.rig.nodes[0].address;
    let ca = desk.file("customerCA.crt");
    desk.run(&["configure", "-a", &first.to_string(), "--hsm-ca-cert", &ca]);
    let host = |node: usize| desk.rig.nodes[node].address.ip().to_string();
    let servers = || desk.configuration()["clusters"][0]["cluster"]["servers"].clone();
    assert_eq!(servers(), json!([{ "hostname": host(0), "port": first.port(), "enable": true }]));

    desk.run(&["user", "list"]).data();
    let learned = |node: usize| {
        json!({
            "hostname": host(node), "port": desk.rig.nodes[node].address.port(), "enable": true, "learned": true
        })
    };
    let configured = json!({ "hostname": host(0), "port": first.port(), "enable": true });
    assert_eq!(servers(), json!([configured, learned(1), learned(2)]));

    desk.rig.nodes[0].kill();
    desk.cu1(&["key", "generate-symmetric", "aes", "--label", "x", "--key-length-bytes", "32"]);
    // An HSM is taken out of the cluster.
    desk.rig.nodes[1].kill();
    desk.rig.nodes[2].name_peers(vec![]);
    desk.run(&["user", "list"]).data();
    assert_eq!(servers(), json!([configured, learned(2)]));
}
