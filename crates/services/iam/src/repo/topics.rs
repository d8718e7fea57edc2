//! What servers tell each other of IAM's rows, which they keep in memory.

use strongroom_store::Topic;

/// The directory of an account, by the account: everything that its users, groups, roles and policies are.
pub(crate) const DIRECTORIES: Topic = Topic::new("iam.directories");
/// Access keys whose secret is another now, or that are gone, by their ids. Whether one counts, its directory says.
pub(crate) const ACCESS_KEYS: Topic = Topic::new("iam.access_keys");
