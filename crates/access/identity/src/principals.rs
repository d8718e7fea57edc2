//! The users and roles that there are, for those who keep their names: policies and grants of resources.

use std::error::Error;

use async_trait::async_trait;

use crate::AccountId;

/// Where users and roles are found by name and by unique id. A name can be given again; a unique id is that of one user
/// or role for ever (IAM User Guide, "Unique identifiers").
#[async_trait]
pub trait Principals: Send + Sync {
    /// The unique id of the user or role of that ARN, or of the role whose session has it
    /// (`arn:aws:sts::111122223333:assumed-role/name/session`). `None` if there is none. An error means that nobody
    /// knows.
    async fn id_of(&self, arn: &str) -> Result<Option<String>, Box<dyn Error + Send + Sync>>;

    /// The ARN that the user or role of that unique id has now; `None` if it is gone.
    async fn arn_of(
        &self,
        account: AccountId,
        id: &str,
    ) -> Result<Option<String>, Box<dyn Error + Send + Sync>>;
}
