//! Clusters as KMS reaches them: whoever starts KMS says how.

mod pool;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use strongroom_hsm_client::{ClientError, Credentials, Server};
use strongroom_hsm_proto::command::{Command, Reply};
use strongroom_identity::{AccountId, Region};
use strongroom_runtime::BoxError;

pub use self::pool::PoolDialer;

/// Where a cluster is, and how KMS knows that it is the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterAddress {
    /// `cluster-...`. HSMs of another cluster are not talked to.
    pub cluster_id: String,
    /// The authority that signed the cluster's certificate, as PEM.
    pub trust_anchor: String,
    /// The HSMs that CloudHSM names. There is at least one.
    pub servers: Vec<Server>,
    /// Addresses of KMS's own interfaces in the cluster's subnets, which its security group lets in. Empty: the
    /// system chooses.
    pub sources: Vec<IpAddr>,
    /// How long a call may take, with everything that is tried for it.
    pub deadline: Duration,
}

/// Makes clients of clusters.
pub trait Dialer: Send + Sync {
    /// A client of the cluster, as a user, or as nobody. Nothing is connected yet.
    fn dial(
        &self,
        address: ClusterAddress,
        credentials: Option<Credentials>,
    ) -> Result<Arc<dyn Cluster>, ClientError>;
}

/// A client of one cluster, for one user. It connects, and logs in, where that is needed, and again where a
/// connection was lost.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// Connects to every HSM that can be reached and logs in; also where a password was refused before. Answers at
    /// how many it worked; fails if there is none.
    async fn connect(&self) -> Result<usize, ClientError>;

    /// Has any HSM do it. A change takes effect once.
    async fn call(&self, command: Command) -> Result<Reply, ClientError>;

    /// Asks every HSM that is known.
    async fn call_each(&self, command: Command) -> Vec<Result<Reply, ClientError>>;

    /// Names HSMs that the cluster has now.
    fn learn(&self, servers: Vec<Server>);

    /// Ends the connections, and with them the log-ins. Calls fail from then on.
    fn close(&self);
}

/// What the owners of clusters initialized them with: AWS's API does not show it.
#[async_trait]
pub trait TrustAnchors: Send + Sync {
    /// The trust anchor of a cluster as PEM; `None` if there is no such cluster, or it is not initialized.
    async fn trust_anchor(
        &self,
        account: AccountId,
        region: Region,
        cluster_id: &str,
    ) -> Result<Option<String>, BoxError>;
}
