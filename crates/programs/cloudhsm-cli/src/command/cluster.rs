//! `cluster activate` and `cluster hsm-info`

use strongroom_hsm_proto::command::{Activate, Command, HsmInfo};

use super::{answers, the};
use crate::bench::Bench;
use crate::error::CliError;
use crate::grammar::cluster;
use crate::output::cluster::{Hsm, Hsms};
use crate::output::{Data, data};

pub(super) fn activate(bench: &mut Bench, options: cluster::Activate) -> Result<Data, CliError> {
    let password = bench.console.new_password(options.password)?.expose().clone();
    bench.cluster()?.call(Command::Activate(Activate { password }))?;
    data("Cluster activation successful")
}

pub(super) fn hsm_info(bench: &mut Bench) -> Result<Data, CliError> {
    let answered = bench.cluster()?.call_each(&Command::HsmInfo(HsmInfo {}))?;
    let mut hsms = answers(answered, |reply| the!(reply, HsmInfo))?;
    hsms.sort_by(|a, b| a.serial_number.cmp(&b.serial_number));
    data(Hsms { hsms: hsms.iter().map(Hsm::of).collect() })
}
