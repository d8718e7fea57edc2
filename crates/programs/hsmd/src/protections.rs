//! What the process denies itself and others, before it does anything else with keys. Each protection holds as
//! far as the machine has it; the line at the start says which do.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, NetPort, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus,
};
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{CapabilitySet, capabilities, set_no_new_privs};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

/// What an HSM never asks the kernel for: to run programs, to look into others, to change the machine.
const DENIED: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_perf_event_open,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_personality,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_memfd_create,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_capset,
];

/// Which protections hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Protections {
    core_dumps_off: bool,
    not_dumpable: bool,
    no_new_privileges: bool,
    memory_locked: bool,
    files: Degree,
    system_calls: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Degree {
    #[default]
    None,
    Partly,
    Fully,
}

impl Protections {
    /// Keeps the process's memory out of core dumps, out of other processes' hands and, where the limit allows,
    /// out of the swap; lets it open as many connections as the machine permits. To be called before keys are
    /// in memory.
    pub(crate) fn of_memory() -> Self {
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        let files = getrlimit(Resource::Nofile);
        if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }) {
            tracing::warn!(%error, "no more than the usual number of connections can be open");
        }
        Self {
            core_dumps_off: setrlimit(Resource::Core, none).is_ok(),
            not_dumpable: set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok(),
            memory_locked: may_lock_all()
                && mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT).is_ok(),
            ..Self::default()
        }
    }

    /// Shuts the process in: it reaches the files of `state` and nothing else of the file system, listens on
    /// `listen`, connects to `planes` (ports of TCP), and starts no program. To be called before the first
    /// thread is started; threads inherit it.
    pub(crate) fn shut_in(mut self, state: &Path, listen: u16, planes: &[u16]) -> Result<Self> {
        self.no_new_privileges = set_no_new_privs(true).is_ok();
        self.files = shut_files(state, listen, planes).context("restricting access to files")?;
        self.system_calls = self.no_new_privileges && shut_system_calls().is_ok();
        Ok(self)
    }

    /// One line for people.
    pub(crate) fn line(self) -> String {
        let mut line = String::new();
        let mut say = |name: &str, holds: bool| {
            let _ = write!(line, "{}{name} {}", if line.is_empty() { "" } else { ", " }, yes_or_no(holds));
        };
        say("core dumps off:", self.core_dumps_off);
        say("not dumpable:", self.not_dumpable);
        say("no new privileges:", self.no_new_privileges);
        say("memory locked:", self.memory_locked);
        say("system calls filtered:", self.system_calls);
        let files = match self.files {
            Degree::None => "no",
            Degree::Partly => "partly",
            Degree::Fully => "yes",
        };
        let _ = write!(line, ", files and ports confined: {files}");
        line
    }
}

const fn yes_or_no(holds: bool) -> &'static str {
    if holds { "yes" } else { "no" }
}

/// Whether everything can be locked without running into the limit later, when memory is asked for.
fn may_lock_all() -> bool {
    getrlimit(Resource::Memlock).current.is_none()
        || capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK))
}

fn shut_files(state: &Path, listen: u16, planes: &[u16]) -> Result<Degree> {
    // What later kernels can deny beyond this version is named here when it has been tried.
    let abi = ABI::V5;
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .create()?
        .add_rule(PathBeneath::new(PathFd::new(state)?, AccessFs::from_all(abi)))?;
    if listen != 0 {
        ruleset = ruleset.add_rule(NetPort::new(listen, AccessNet::BindTcp))?;
    }
    for plane in planes {
        ruleset = ruleset.add_rule(NetPort::new(*plane, AccessNet::ConnectTcp))?;
    }
    Ok(match ruleset.restrict_self()?.ruleset {
        RulesetStatus::FullyEnforced => Degree::Fully,
        RulesetStatus::PartiallyEnforced => Degree::Partly,
        RulesetStatus::NotEnforced => Degree::None,
    })
}

fn shut_system_calls() -> Result<()> {
    let denied = DENIED.iter().map(|number| (*number, Vec::new())).collect();
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let architecture = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(denied, SeccompAction::Allow, refused, architecture)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(apply_filter(&program)?)
}
