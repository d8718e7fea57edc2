//! How a server starts, and when it does not.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::program::{Place, refusal};

#[test]
fn a_first_start_says_how_to_begin_and_nothing_else() {
    let place = Place::new();
    let program = place.start();
    let address = program.address;
    for line in [
        format!("export AWS_ENDPOINT_URL=http://{address}"),
        "export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1".to_owned(),
        "account  000000000000".to_owned(),
        format!("data     {}", place.data().display()),
    ] {
        assert!(program.welcome.contains(&line), "no {line:?} in:\n{}", program.welcome);
    }
    program.client().done("CreateKey", &json!({}));
    assert_eq!(program.log(), "");
    program.stop();
}

#[test]
fn what_is_kept_is_its_owners_only() {
    let place = Place::new();
    place.start().stop();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.data()), 0o700);
    for part in ["seal", "journal"] {
        assert_eq!(mode(place.data().join(part)), 0o700, "{part}");
    }
    for part in ["strongroom.db", "seal/root.slots", "seal/slot-file.key"] {
        assert_eq!(mode(place.data().join(part)), 0o600, "{part}");
    }
}

#[test]
fn an_address_that_others_reach_is_refused() {
    let place = Place::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:4566"] {
        let data = place.data();
        let output = place.run(["dev", "--listen", address, "--data-dir", data.to_str().unwrap()]);
        let expected = format!(
            "{address} is reached from other machines, and in dev mode everyone knows the root credential; \
             listen on 127.0.0.1 or [::1]"
        );
        assert_eq!(refusal(&output), expected);
        assert!(!data.exists());
    }
}

#[test]
fn an_address_in_use_is_refused_before_anything_is_made() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = place.data();
    let output = place.run(["dev", "--listen", &address, "--data-dir", data.to_str().unwrap()]);
    let expected =
        format!("{address} cannot be listened on; stop what listens there or choose another with --listen: ");
    let said = refusal(&output);
    assert!(said.starts_with(&expected), "{said}");
    assert!(!data.join("strongroom.db").exists() && !data.join("seal").exists());
}

#[test]
fn two_servers_do_not_share_a_folder() {
    let place = Place::new();
    let first = place.start();
    // Paused, the first writes nothing meanwhile: neither to its databases nor how far its journal is.
    first.pause();
    let before = place.contents();
    let expected = format!(
        "another strongroom serves from {}; stop it, name another folder with --data-dir, or have `up` and `down` use \
         it where it is, with --endpoint",
        place.data().display()
    );
    assert_eq!(place.refusal(), expected);
    assert_eq!(place.contents(), before);
    first.go_on();
    first.client().done("CreateKey", &json!({}));
    first.stop();
    // The folder is free again.
    place.start().stop();
}

#[test]
fn a_folder_that_others_may_enter_is_refused() {
    let place = Place::new();
    let data = place.data();
    fs::create_dir(&data).unwrap();
    for mode in [0o755, 0o750, 0o701] {
        fs::set_permissions(&data, Permissions::from_mode(mode)).unwrap();
        let folder = data.display();
        let expected =
            format!("others may enter {folder}, which holds keys; close it with: chmod 700 {folder}");
        assert_eq!(place.refusal(), expected);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
    }
    fs::set_permissions(&data, Permissions::from_mode(0o700)).unwrap();
    place.start().stop();
}
