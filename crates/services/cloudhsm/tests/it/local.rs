//! HSMs as processes on this machine, with a script in the place of the HSM's program.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process;

use strongroom_cloudhsm::{
    Condition, LocalOptions, LocalProcesses, Order, Placement as _, PlacementError, Spot,
};
use strongroom_runtime::ShutdownOwner;
use strongroom_secret::SecretString;
use tempfile::TempDir;

use crate::fixture::until;

/// Scripts that lie beside this file. They are not written by the tests: a process that another test starts meanwhile has
/// the file open for writing for a moment, and then it cannot be executed.
const STAYS: &str = "stays.sh";
const NOTES: &str = "notes.sh";
const ENDS: &str = "ends.sh";

struct Host {
    folder: TempDir,
    program: PathBuf,
}

impl Host {
    fn new(script: &str) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/local").join(script);
        Self { folder: TempDir::new().unwrap(), program }
    }

    fn hsms(&self) -> PathBuf {
        self.folder.path().join("hsms")
    }

    fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    /// A placement, as a server that has just started has it.
    fn placement(&self, owner: &ShutdownOwner) -> LocalProcesses {
        let options = LocalOptions {
            folder: self.hsms(),
            logs: self.logs(),
            device_root: self.folder.path().join("host"),
            program: self.program.clone(),
        };
        LocalProcesses::new(&options, owner.handle()).unwrap()
    }
}

fn order(id: &str) -> Order {
    Order {
        hsm_id: id.to_owned(),
        zone: "us-east-1a".to_owned(),
        listen: SocketAddr::from((Ipv4Addr::new(127, 31, 0, 4), 2223)),
        plane: SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)),
        plane_certificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
        enrolment_token: Some(SecretString::new("the token".to_owned())),
        dev: true,
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn comes_to(placement: &LocalProcesses, id: &str, condition: Condition) {
    until(&format!("{condition:?}"), async || {
        (placement.observe(id).await.unwrap() == condition).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_process_that_is_killed_is_not_asked() {
    let host = Host::new(NOTES);
    let owner = ShutdownOwner::new();
    let placement = host.placement(&owner);
    let folder = host.hsms().join("hsm-a");
    let asked = || folder.join("asked").exists();
    for is_killed in [true, false] {
        placement.start(&order("hsm-a")).await.unwrap();
        until("the state", async || folder.join("state").exists().then_some(())).await;
        for _ in 0..2 {
            let ended = if is_killed { placement.kill("hsm-a").await } else { placement.stop("hsm-a").await };
            ended.unwrap();
            assert_eq!(placement.observe("hsm-a").await.unwrap(), Condition::Stopped);
        }
        assert_eq!(asked(), !is_killed);
        placement.destroy("hsm-a").await.unwrap();
    }
}

#[tokio::test]
async fn a_process_outlives_its_server_and_is_found_again() {
    let host = Host::new(STAYS);
    let first = ShutdownOwner::new();
    let placement = host.placement(&first);
    assert_eq!(placement.observe("hsm-a").await.unwrap(), Condition::Absent);
    assert!(placement.list().await.unwrap().is_empty());
    placement.start(&order("hsm-a")).await.unwrap();
    comes_to(&placement, "hsm-a", Condition::Running).await;
    let folder = host.hsms().join("hsm-a");
    until("the state", async || folder.join("state").exists().then_some(())).await;
    let log = until("what it prints", async || {
        fs::read_to_string(host.logs().join("hsm-a/log")).ok().filter(|log| !log.is_empty())
    })
    .await;
    assert_eq!(log, format!("--config {}\n", folder.join("config.toml").display()));

    let config: toml::Table = fs::read_to_string(folder.join("config.toml")).unwrap().parse().unwrap();
    assert_eq!((mode(&folder), mode(&folder.join("config.toml"))), (0o700, 0o600));
    for (key, value) in [("hsm_id", "hsm-a"), ("listen", "127.31.0.4:2223"), ("enrolment_token", "the token")]
    {
        assert_eq!(config[key].as_str(), Some(value), "{key}");
    }
    assert_eq!(config["planes"].as_array().unwrap()[0].as_str(), Some("127.0.0.1:4000"));
    assert_eq!(config["state"].as_str(), folder.join("state").to_str());

    // The server goes without a word; the next one finds the process, and does not start a second.
    let process = fs::read_to_string(folder.join("process")).unwrap();
    drop(placement);
    drop(first);
    let second = ShutdownOwner::new();
    let placement = host.placement(&second);
    assert_eq!(placement.observe("hsm-a").await.unwrap(), Condition::Running);
    assert_eq!(placement.list().await.unwrap(), ["hsm-a"]);
    placement.start(&order("hsm-a")).await.unwrap();
    assert_eq!(fs::read_to_string(folder.join("process")).unwrap(), process);

    placement.stop("hsm-a").await.unwrap();
    assert_eq!(placement.observe("hsm-a").await.unwrap(), Condition::Stopped);
    placement.stop("hsm-a").await.unwrap();
    // Without a token once it has enrolled.
    placement.start(&Order { enrolment_token: None, ..order("hsm-a") }).await.unwrap();
    comes_to(&placement, "hsm-a", Condition::Running).await;
    assert!(!fs::read_to_string(folder.join("config.toml")).unwrap().contains("token"));
    placement.destroy("hsm-a").await.unwrap();
    assert_eq!(placement.observe("hsm-a").await.unwrap(), Condition::Absent);
    assert!(!folder.exists() && host.logs().join("hsm-a/log").exists(), "its log stays");
    placement.destroy("hsm-a").await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_process_is_news() {
    let host = Host::new(ENDS);
    let owner = ShutdownOwner::new();
    let placement = host.placement(&owner);
    let mut changes = placement.changes();
    placement.start(&order("hsm-a")).await.unwrap();
    changes.changed().await.unwrap();
    assert_eq!(placement.observe("hsm-a").await.unwrap(), Condition::Stopped);
    fs::remove_dir_all(host.hsms().join("hsm-a/state")).unwrap();
    assert_eq!(placement.observe("hsm-a").await.unwrap(), Condition::Absent, "its state is lost");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let host = Host::new("nowhere.sh");
    let owner = ShutdownOwner::new();
    let refused = host.placement(&owner).start(&order("hsm-a")).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "the HSM's program cannot be started from {}; say where it is with --hsmd",
            host.program.display()
        )
    );
}

#[tokio::test]
async fn an_address_is_free_in_use_or_not_of_this_machine() {
    let host = Host::new(STAYS);
    let owner = ShutdownOwner::new();
    let placement = host.placement(&owner);
    // Another run of this test may be under way on this machine. Where it looks no test has the network of a server.
    let [_, a, b, c] = process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, 120 + a % 8, b, c);
    let survey = async |address| placement.survey("us-east-1a", address).await;
    assert_eq!(survey(address).await.unwrap(), Spot::Free);
    let taken = TcpListener::bind((address, 2223)).unwrap();
    assert_eq!(survey(address).await.unwrap(), Spot::InUse);
    drop(taken);
    let refused = survey(Ipv4Addr::new(192, 0, 2, 1)).await.unwrap_err();
    assert!(matches!(refused, PlacementError::Unreachable(_)));
    let text = refused.to_string();
    assert!(text.starts_with("No HSM can listen at 192.0.2.1 on this machine"), "{text}");
    assert!(text.contains("ip address add 192.0.2.1/32 dev lo"), "{text}");
}
