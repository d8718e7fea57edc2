//! Users.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use strongroom_hsm_proto::command::{Role, UserDescription};

use super::merge::{agreed, coverage};
use super::words::{TOKEN_SIGN, role_name};

/// A user, by name and role.
#[derive(Debug, Serialize)]
pub(crate) struct Named {
    username: String,
    role: &'static str,
}

impl Named {
    /// The name is shown in lower case, as HSMs keep it.
    pub(crate) fn new(username: &str, role: Role) -> Self {
        Self { username: username.to_lowercase(), role: role_name(role) }
    }
}

/// The users of a cluster.
#[derive(Debug, Serialize)]
pub(crate) struct Users {
    pub(crate) users: Vec<Listed>,
}

/// A user in a list.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Listed {
    username: String,
    role: &'static str,
    /// `"true"` or `"false"`: a text.
    locked: Value,
    mfa: Value,
    quorum: Value,
    #[serde(rename = "cluster-coverage")]
    cluster_coverage: &'static str,
}

impl Listed {
    pub(crate) fn is(&self, username: &str, role: Role) -> bool {
        self.username == username.to_lowercase() && self.role == role_name(role)
    }
}

/// Puts together what each HSM says of its users.
pub(crate) fn merged(lists: &[Vec<UserDescription>]) -> Users {
    let mut users: BTreeMap<(&str, i32), Vec<&UserDescription>> = BTreeMap::new();
    for user in lists.iter().flatten() {
        users.entry((&user.username, user.role)).or_default().push(user);
    }
    let listed = users.into_iter().map(|((username, role), found)| Listed {
        username: username.to_owned(),
        role: Role::try_from(role).map_or("unknown", role_name),
        locked: agreed(found.iter().map(|user| json!(user.locked.to_string()))),
        mfa: agreed(found.iter().map(|user| strategies(user.mfa))),
        quorum: agreed(found.iter().map(|user| strategies(user.quorum))),
        cluster_coverage: coverage(found.len(), lists.len()),
    });
    Users { users: listed.collect() }
}

fn strategies(enabled: bool) -> Value {
    if enabled { json!([{ "strategy": TOKEN_SIGN, "status": "enabled" }]) } else { json!([]) }
}

/// A user that was copied to another cluster.
#[derive(Debug, Serialize)]
pub(crate) struct Replicated {
    pub(crate) user: Listed,
    pub(crate) message: &'static str,
}
