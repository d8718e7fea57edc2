//! Servers come, serve and go.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use strongroom_testkit::{TempPg, TestDatabase};

fn directory_of(url: &str) -> &Path {
    Path::new(url.split_once("?host=").unwrap().1)
}

#[test]
fn a_server_is_gone_with_its_value() {
    let server = TempPg::start().unwrap();
    let url = server.create_database();
    let directory = directory_of(&url);
    assert!(directory.join(".s.PGSQL.5432").exists());
    drop(server);
    assert!(!directory.exists());
}

#[test]
fn databases_differ() {
    let (one, other) = (TestDatabase::postgres(), TestDatabase::postgres());
    assert_ne!(one.url(), other.url());
    assert_eq!(directory_of(one.url()), directory_of(other.url()));
    assert_eq!(TestDatabase::sqlite().sqlite_file().unwrap().file_name().unwrap(), "store.db");
}

#[test]
#[ignore = "the killed process of the next test"]
fn shares_a_server_and_waits() {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "\nurl {}", TestDatabase::postgres().url()).unwrap();
    stdout.flush().unwrap();
    sleep(Duration::from_mins(1));
}

#[test]
fn a_shared_server_is_gone_with_its_process() {
    let mut process = Command::new(env::current_exe().unwrap())
        .args(["--exact", "postgres::shares_a_server_and_waits", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let url =
        lines.map(Result::unwrap).find(|line| line.starts_with("url ")).expect("the process says where");
    let directory = directory_of(&url);
    assert!(directory.exists());

    process.kill().unwrap();
    process.wait().unwrap();
    let gone = (0..6_000).any(|_| {
        sleep(Duration::from_millis(10));
        !directory.exists()
    });
    assert!(gone, "{} outlived its process", directory.display());
}
