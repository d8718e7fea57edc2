//! What the program says when it is asked about itself.

use std::fs::File;
use std::io;
use std::process::{Output, Stdio};

use crate::program::Place;

fn said<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    let output = Place::new().run(arguments);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_tells_what_there_is_and_how_to_begin() {
    let help = said(["--help"]);
    for part in [
        "Usage: strongroom <COMMAND>",
        "dev ",
        "audit ",
        "version ",
        "strongroom dev --ephemeral",
        "strongroom audit verify",
        "AWS_ENDPOINT_URL=http://127.0.0.1:4566",
        "AWS_ACCESS_KEY_ID=test",
        "aws kms create-key",
    ] {
        assert!(help.contains(part), "no {part:?} in:\n{help}");
    }
}

#[test]
fn every_command_explains_itself() {
    let dev = said(["dev", "--help"]);
    for part in [
        "--listen <ADDRESS:PORT>",
        "[default: 127.0.0.1:4566]",
        "--data-dir <DIR>",
        "~/.local/share",
        "--ephemeral",
        "--account-id <12 DIGITS>",
        "[default: 000000000000]",
        "--log <FILTER>",
        "STRONGROOM_LOG",
    ] {
        assert!(dev.contains(part), "no {part:?} in:\n{dev}");
    }
    assert!(said(["audit", "--help"]).contains("verify"));
    assert!(said(["audit", "verify", "--help"]).contains("--data-dir <DIR>"));
}

#[test]
fn version_tells_which_module_computes() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(said(["version"]).starts_with(&format!("strongroom {version}\ncryptographic module: AWS-LC")));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_hint() {
    let place = Place::new();
    for (arguments, hint) in [
        (&[][..], "Usage: strongroom <COMMAND>"),
        (&["serve-me"], "unrecognized subcommand 'serve-me'"),
        (&["dev", "--listen", "nonsense"], "invalid value 'nonsense' for '--listen <ADDRESS:PORT>'"),
        (&["dev", "--account-id", "12"], "an account id has exactly 12 digits"),
        (&["dev", "--ephemeral", "--data-dir", "x"], "cannot be used with"),
        (&["audit"], "Usage: strongroom audit <COMMAND>"),
    ] {
        let output = place.run(arguments.iter().copied());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(hint), "{arguments:?}: {said}");
    }
}

/// Asked for something long whose reader is `output`.
fn said_to(output: impl Into<Stdio>) -> Output {
    Place::new().run_into(["seed", "schema"], output)
}

#[test]
fn a_reader_who_goes_is_no_failure() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let said = said_to(writer);
    assert!(said.status.success(), "{said:?}");
    assert_eq!(String::from_utf8_lossy(&said.stderr), "");
}

#[test]
fn a_secret_that_nobody_reads_is_a_failure() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let place = Place::new();
    let (config, data) = (place.temporary().join("strongroom.toml"), place.data());
    let (config, data) = (config.to_str().unwrap(), data.to_str().unwrap());
    let arguments = ["init", "--config", config, "--data-dir", data, "--plain-http", "--json"];
    let said = place.run_into(arguments, writer);
    assert!(!said.status.success(), "{said:?}");
    let told = String::from_utf8_lossy(&said.stderr);
    assert!(told.contains("make another with `strongroom root reset`"), "{told}");
}

#[test]
fn output_that_is_not_written_is_a_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let said = said_to(full);
    assert_eq!(said.status.code(), Some(74), "{said:?}");
    let told = String::from_utf8_lossy(&said.stderr);
    assert!(told.starts_with("strongroom: the output could not be written: No space left"), "{told}");
}
