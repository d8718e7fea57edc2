//! Who may connect to an HSM, as EC2's security groups say.

use async_trait::async_trait;
use strongroom_identity::AccountId;
use tokio::sync::watch;

/// Whose network it is, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NetworkOwner {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: &'static str,
}

/// A network of addresses, as `10.0.0.0/16`.
pub type Cidr = String;

/// What is allowed by security groups, and the news that something of it has changed. Implemented where the
/// services are joined, over EC2.
#[async_trait]
pub trait NetworkRules: Send + Sync {
    /// The sources that any of the groups lets reach `port` by TCP, in no order that means anything.
    async fn allowed_sources(
        &self,
        owner: &NetworkOwner,
        groups: &[String],
        port: u16,
    ) -> Result<Vec<Cidr>, Box<dyn std::error::Error + Send + Sync>>;

    /// A number that grows whenever an answer of [`allowed_sources`](Self::allowed_sources) may have changed.
    fn changes(&self) -> watch::Receiver<u64>;
}
