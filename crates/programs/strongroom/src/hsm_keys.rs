//! The keys in the HSMs of a cluster, one after the other, as an administrator sees them.

use anyhow::{Result, bail};
use strongroom_hsm_client::Cluster as Client;
use strongroom_hsm_proto::command::{self, Command, FindKeys, KeyDescription, ShowKeys};

/// Keys that an HSM finds, and shows, at a time.
const AT_ONCE: u32 = 256;

/// Goes through all keys that whoever is logged in sees.
pub(crate) fn each(client: &mut Client, mut look: impl FnMut(KeyDescription)) -> Result<()> {
    let mut after = 0;
    loop {
        let find = Command::FindKeys(FindKeys { filter: None, after, most: AT_ONCE });
        let Some(command::Result::Found(page)) = client.call(find)?.result else {
            bail!("the HSM answers FindKeys with something else");
        };
        // An HSM that does not go on is not asked for ever.
        let Some(last) = page.keys.last().copied().filter(|last| *last > after) else {
            return Ok(());
        };
        after = last;
        let show = Command::ShowKeys(ShowKeys { keys: page.keys });
        let Some(command::Result::Keys(shown)) = client.call(show)?.result else {
            bail!("the HSM answers ShowKeys with something else");
        };
        shown.keys.into_iter().for_each(&mut look);
    }
}
