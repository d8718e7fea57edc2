//! AWS managed policies: their names and ids, with documents that have the same effect on our services.

mod table;

pub(crate) use table::POLICIES;

/// A managed policy that AWS keeps, the same in every account.
pub(crate) struct AwsPolicy {
    pub(crate) id: &'static str,
    /// For example `/` or `/job-function/`.
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// The number of its one version here.
    pub(crate) version: u32,
    pub(crate) created_ms: i64,
    pub(crate) text: &'static str,
}

/// What ARNs of AWS managed policies begin with.
const ARN_PREFIX: &str = "arn:aws:iam::aws:policy";

impl AwsPolicy {
    /// The policy of that ARN.
    pub(crate) fn find(arn: &str) -> Option<&'static Self> {
        let full_name = arn.strip_prefix(ARN_PREFIX)?;
        POLICIES.iter().find(|policy| full_name.strip_prefix(policy.path) == Some(policy.name))
    }

    pub(crate) fn arn(&self) -> String {
        format!("{ARN_PREFIX}{}{}", self.path, self.name)
    }

    /// Whether it can be attached. Those of service-linked roles cannot.
    pub(crate) fn is_attachable(&self) -> bool {
        !self.path.starts_with("/aws-service-role/")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::document::check_managed;

    #[test]
    fn each_is_a_policy_and_found_by_its_arn() {
        let mut ids = HashSet::new();
        for policy in POLICIES {
            check_managed(policy.text).unwrap_or_else(|error| panic!("{}: {error:?}", policy.name));
            assert!(std::ptr::eq(AwsPolicy::find(&policy.arn()).unwrap(), policy), "{}", policy.name);
            assert_eq!(policy.id.len(), 21, "{}", policy.name);
            assert!(ids.insert(policy.id), "{}", policy.name);
        }
        assert!(POLICIES.is_sorted_by_key(|policy| policy.name.to_lowercase()));
        assert!(AwsPolicy::find("arn:aws:iam::aws:policy/CloudHSMServiceRolePolicy").is_none());
    }
}
