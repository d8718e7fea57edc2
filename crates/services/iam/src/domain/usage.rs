//! How many entities have which managed policies, counted once for all policies of a list.

use std::collections::HashMap;

use super::directory::Directory;

/// The uses of each managed policy in an account, by its ARN.
pub(crate) struct Usage<'d>(HashMap<&'d str, Count>);

/// The uses of one managed policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Users, groups and roles that it is attached to.
    pub(crate) attached: usize,
    /// Users and roles that it bounds.
    pub(crate) bounded: usize,
}

impl Count {
    /// Whether there is any.
    pub(crate) fn is_any(self) -> bool {
        self.attached > 0 || self.bounded > 0
    }
}

impl<'d> Usage<'d> {
    /// Counts.
    pub(crate) fn of(directory: &'d Directory) -> Self {
        let mut counts: HashMap<&'d str, Count> = HashMap::new();
        let users = directory.users().map(|user| (&user.permissions, user.boundary.as_deref()));
        let groups = directory.groups().map(|group| (&group.permissions, None));
        let roles = directory.roles().map(|role| (&role.permissions, role.boundary.as_deref()));
        for (permissions, boundary) in users.chain(groups).chain(roles) {
            for arn in &permissions.attached {
                counts.entry(arn).or_default().attached += 1;
            }
            if let Some(arn) = boundary {
                counts.entry(arn).or_default().bounded += 1;
            }
        }
        Self(counts)
    }

    /// The uses of the policy of that ARN.
    pub(crate) fn get(&self, arn: &str) -> Count {
        self.0.get(arn).copied().unwrap_or_default()
    }
}
