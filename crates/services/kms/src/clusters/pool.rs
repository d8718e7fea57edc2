//! Clusters over the network.

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_hsm_client::limits::Timeouts;
use strongroom_hsm_client::{ClientError, Credentials, KnownServer, Options, Pool, Server, tls};
use strongroom_hsm_proto::command::{Command, Reply};
use strongroom_runtime::{Clocks, Shutdown};

use super::{Cluster, ClusterAddress, Dialer};

/// What KMS calls itself in HSMs' logs.
const CLIENT_NAME: &str = concat!("strongroom-kms ", env!("CARGO_PKG_VERSION"));

/// Dials HSMs with the client that everybody uses.
pub struct PoolDialer {
    clocks: Clocks,
    shutdown: Shutdown,
}

impl PoolDialer {
    /// Connections end when the shutdown begins.
    #[must_use]
    pub fn new(clocks: Clocks, shutdown: Shutdown) -> Self {
        Self { clocks, shutdown }
    }
}

impl Dialer for PoolDialer {
    fn dial(
        &self,
        address: ClusterAddress,
        credentials: Option<Credentials>,
    ) -> Result<Arc<dyn Cluster>, ClientError> {
        let servers = address.servers.into_iter().map(|server| KnownServer { server, learned: false });
        let options = Options {
            cluster_id: Some(address.cluster_id),
            timeouts: Timeouts::within(address.deadline),
            // AWS's KMS goes on with one HSM; keys are made on two.
            check_keys_in_use: false,
            client_name: CLIENT_NAME.to_owned(),
            sources: address.sources,
            ..Options::new(servers.collect(), tls(&address.trust_anchor, None)?)
        };
        Ok(Arc::new(Pool::new(options, credentials, self.clocks.clone(), self.shutdown.clone())?))
    }
}

#[async_trait]
impl Cluster for Pool {
    async fn connect(&self) -> Result<usize, ClientError> {
        Self::connect(self).await
    }

    async fn call(&self, command: Command) -> Result<Reply, ClientError> {
        Self::call(self, command).await
    }

    async fn call_each(&self, command: Command) -> Vec<Result<Reply, ClientError>> {
        Self::call_each(self, command).await
    }

    fn learn(&self, servers: Vec<Server>) {
        Self::learn(self, servers);
    }

    fn close(&self) {
        Self::close(self);
    }
}
