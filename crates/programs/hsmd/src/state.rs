//! What an HSM keeps on disk, and the host's device root beside it.
//!
//! ```text
//! state/lock          held by the one process that uses the folder
//! state/seal          the device seal: 32 random bytes; everything below that is secret is sealed under it
//! state/device        the device's key and certificates
//! state/assignment    cluster, mode, and how often the HSM was started
//! state/checkpoint    the partition: keys, state, position (sealed by the kernel)
//! state/tail          the log's entries since then (sealed by the kernel)
//! state/local         counters of failed log-ins, audit records that wait
//! state/certificates  what the customer installed
//! ```

mod device;
mod folder;
mod records;
mod root;

pub(crate) use device::{Device, vouch};
pub(crate) use folder::{Folder, Tail};
pub(crate) use records::{Assigned, DeviceChain};
