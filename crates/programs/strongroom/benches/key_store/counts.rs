//! What the HSMs say that they have computed.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use strongroom_hsm_client::Connection;
use strongroom_hsm_proto::command::{Call, Command, HsmInfo, Outcome, Result as Done};
use strongroom_runtime::Clocks;

use crate::cluster::HsmCluster;

/// Cryptographic operations since the HSM started, by its id.
pub(crate) type Counts = BTreeMap<String, u64>;

/// Asks every HSM.
pub(crate) fn of(cluster: &HsmCluster) -> Result<Counts> {
    let options = cluster.options()?;
    let count = |hsm: crate::cluster::Hsm| {
        let (mut connection, _) = Connection::open(&hsm.address, &options, None, &Clocks::system())?;
        let call = Call { command: Some(Command::HsmInfo(HsmInfo {})), ..Call::default() };
        let answer = connection.call(&call, options.timeouts.attempt)?;
        match answer.outcome {
            Some(Outcome::Reply(reply)) => match reply.result {
                Some(Done::HsmInfo(info)) => Ok((hsm.id, info.cryptographic_operations)),
                other => bail!("{}: {other:?}", hsm.id),
            },
            other => bail!("{}: {other:?}", hsm.id),
        }
    };
    cluster.hsms()?.into_iter().map(count).collect()
}

/// What was computed between two looks.
pub(crate) fn between(before: &Counts, after: &Counts) -> String {
    let each = after.iter().map(|(id, count)| (count - before.get(id).copied().unwrap_or(0)).to_string());
    each.collect::<Vec<_>>().join(" and ")
}
