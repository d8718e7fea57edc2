//! Users and roles for other services: who has an ARN, and which ARN somebody has now.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_identity::{AccountId, Principals};

use crate::IdentityManagement;
use crate::domain::directory::Entry;
use crate::domain::kind::Kind;

#[async_trait]
impl Principals for IdentityManagement {
    async fn id_of(&self, arn: &str) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
        let Some((account, kind, name)) = parse(arn) else { return Ok(None) };
        let directory = self.directories.current(account).await?;
        // A session's ARN is without its role's path.
        let is_it = |entry: &&Arc<Entry>| arn.starts_with("arn:aws:sts:") || entry.arn(account) == arn;
        Ok(directory.find(kind, name).filter(is_it).map(|entry| entry.id().to_owned()))
    }

    async fn arn_of(
        &self,
        account: AccountId,
        id: &str,
    ) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
        Ok(self.directories.current(account).await?.arn_of(id))
    }
}

/// The account, and the kind and name of the user or role: that of an ARN, or whose session it is of.
fn parse(arn: &str) -> Option<(AccountId, Kind, &str)> {
    let mut fields = arn.splitn(6, ':').skip(2);
    let (service, _region, account) = (fields.next()?, fields.next()?, fields.next()?.parse().ok()?);
    let (family, name) = fields.next()?.split_once('/')?;
    match (service, family) {
        ("iam", "user") => Some((account, Kind::User, name.rsplit('/').next()?)),
        ("iam", "role") => Some((account, Kind::Role, name.rsplit('/').next()?)),
        ("sts", "assumed-role") => Some((account, Kind::Role, name.split('/').next()?)),
        _ => None,
    }
}
