//! What clusters need of networks: subnets, a security group for each cluster, an interface for each HSM. Asked
//! of EC2 through its API, as `cloudhsm.amazonaws.com` and for the account that owns the cluster.

mod calls;
mod rules;

pub(crate) use calls::{Interface, Network, SubnetFacts, is_taken};
pub use rules::{Cidr, NetworkOwner, NetworkRules};

/// The ports that AWS opens within a cluster's security group. Clients use the first.
pub(crate) const FIRST_PORT: u16 = 2223;
pub(crate) const LAST_PORT: u16 = 2225;
