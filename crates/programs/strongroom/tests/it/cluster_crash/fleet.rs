//! The server and the HSMs of one cluster: killed, and looked at once they are back.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use anyhow::ensure;
use strongroom_hsm_client::Options;
use strongroom_hsm_client::limits::Timeouts;
use strongroom_hsm_proto::command::{Cursor, Role};

use super::change::GUESTS;
use super::cluster::{HsmCluster, PASSWORD, create_user, log_in, wait};
use super::hsm::Hsm;
use super::processes::HsmProcess;
use super::{CLIENTS, worker};
use crate::choices::Choices;
use crate::program::{Place, Program};

/// Zones of the HSMs.
const ZONES: [&str; 3] = ["us-east-1a", "us-east-1b", "us-east-1c"];

/// As no call here takes so long, none is given up while its HSM still works on it.
const PATIENT: Timeouts = Timeouts {
    connect: Duration::from_secs(10),
    welcome: Duration::from_secs(20),
    attempt: Duration::from_mins(1),
    call: Duration::from_mins(2),
    grace: Duration::from_secs(2),
    absent: Duration::from_mins(1),
};

pub(super) struct Fleet {
    place: Place,
    server: Option<Program>,
    cluster: HsmCluster,
}

/// What is killed.
#[derive(Debug)]
pub(super) struct Blow {
    hsms: Vec<usize>,
    server: bool,
    /// How long the server is away.
    away: Duration,
}

impl Blow {
    pub(super) fn choose(choices: &mut Choices) -> Self {
        let (count, server) = match choices.next(0..8) {
            0..=2 => (1, false),
            3 => (2, false),
            4 | 5 => (0, true),
            6 => (1, true),
            _ => (ZONES.len(), true),
        };
        let mut left: Vec<_> = (0..ZONES.len()).collect();
        let hsms =
            (0..count).map(|_| left.swap_remove(choices.next(0..left.len() as u64) as usize)).collect();
        Self { hsms, server, away: Duration::from_millis(choices.next(0..500)) }
    }

    /// Whether clients may notice it.
    pub(super) fn is_felt(&self) -> bool {
        self.server || self.hsms.len() > 1
    }
}

impl Fleet {
    /// An active cluster with its users.
    pub(super) fn start() -> Self {
        let place = Place::new();
        let server = place.start();
        let folder = place.data().with_file_name("owner");
        let cluster = HsmCluster::first_use(server.address, &folder, &ZONES).unwrap();
        for zone in &ZONES[1..] {
            cluster.add_hsm(zone).unwrap();
        }
        let mut admin = log_in(cluster.options().unwrap(), "admin", Role::Admin).unwrap();
        let owners = (0..CLIENTS).map(worker::owner);
        for name in owners.chain(GUESTS.map(str::to_owned)) {
            admin.call(create_user(&name, PASSWORD)).unwrap();
        }
        Self { place, server: Some(server), cluster }
    }

    /// How clients find its HSMs.
    pub(super) fn options(&self) -> Options {
        let mut options = self.cluster.options().unwrap();
        options.timeouts = PATIENT;
        options
    }

    /// Kills what is to be killed, and starts the server again. The server does so with HSMs.
    pub(super) fn strike(&mut self, blow: &Blow) {
        let hsms = HsmProcess::all(&self.place.data()).unwrap();
        assert_eq!(hsms.len(), ZONES.len(), "{hsms:?}");
        for hsm in &blow.hsms {
            hsms[*hsm].kill().unwrap();
        }
        if blow.server {
            self.server.take().unwrap().kill();
            sleep(blow.away);
            let server = self.place.start();
            self.cluster.server = server.address;
            self.server = Some(server);
        }
    }

    /// Kills all HSMs and removes everything that they keep; waits until others serve in their places.
    pub(super) fn lose_all(&self) {
        let lost: Vec<_> = self.cluster.hsms().unwrap().into_iter().map(|hsm| hsm.id).collect();
        let hsms = HsmProcess::all(&self.place.data()).unwrap();
        let configuration = |hsm: &HsmProcess| {
            let command = fs::read(format!("/proc/{}/cmdline", hsm.0)).unwrap();
            let mut words = command.split(|byte| *byte == 0).map(String::from_utf8_lossy);
            words.find(|word| word == "--config").unwrap();
            PathBuf::from(words.next().unwrap().into_owned())
        };
        let configurations: Vec<_> = hsms.iter().map(configuration).collect();
        for configuration in configurations {
            let folder = configuration.parent().unwrap();
            // At once, whatever is being written in it.
            let gone = self.place.data().with_file_name(folder.file_name().unwrap());
            fs::rename(folder, gone).unwrap();
        }
        for hsm in hsms {
            // It may have ended by itself.
            let _ = hsm.kill();
        }
        wait("other HSMs", || {
            let hsms = self.cluster.hsms()?;
            let come_up = |hsm: &super::cluster::Hsm| hsm.state == "ACTIVE" && !lost.contains(&hsm.id);
            Ok((hsms.len() == lost.len() && hsms.iter().all(come_up)).then_some(()))
        })
        .unwrap();
    }

    /// Waits until all HSMs serve and none has anything under way; they then answer from `cursors` on.
    pub(super) fn settled(&self, cursors: impl Iterator<Item = Cursor>) -> Vec<Hsm> {
        let options = self.options();
        let mut hsms = wait("all HSMs to serve", || {
            let known = self.cluster.hsms()?;
            ensure!(known.len() == ZONES.len(), "{known:?}");
            let opened = known.iter().map(|hsm| {
                ensure!(hsm.state == "ACTIVE", "{hsm:?}");
                Hsm::open(&hsm.address, &options)
            });
            opened.collect::<anyhow::Result<Vec<_>>>().map(Some)
        })
        .unwrap();
        for hsm in &mut hsms {
            wait("an HSM to have nothing under way", || Ok((hsm.load()? == 0).then_some(()))).unwrap();
        }
        let seen = hsms.iter().filter_map(|hsm| hsm.cursor.clone());
        let latest = seen.chain(cursors).max_by_key(|cursor| (cursor.incarnation, cursor.sequence));
        for hsm in &mut hsms {
            hsm.cursor.clone_from(&latest);
            // It may have lost the server, and be on its way back to it.
            wait("an HSM to catch up", || Ok((!hsm.is_behind()?).then_some(()))).unwrap();
        }
        hsms
    }

    /// Ends everything properly.
    pub(super) fn end(mut self, context: &str) {
        self.server.take().unwrap().stop();
        assert_eq!(HsmProcess::all(&self.place.data()).unwrap(), [], "{context}: left behind");
        for log in self.place.files().iter().filter(|path| path.ends_with("log")) {
            let said = String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned();
            assert!(!said.contains("panicked"), "{context}: {said}");
        }
        let (intact, said) = self.place.verify_audit();
        assert!(intact, "{context}: {said}");
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // What a test leaves running ends with it.
        drop(self.server.take());
        for hsm in HsmProcess::all(&self.place.data()).unwrap_or_default() {
            drop(hsm.kill());
        }
    }
}
