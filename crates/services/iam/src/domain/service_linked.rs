//! Service-linked roles (IAM User Guide, "Create a service-linked role").

use super::id::new_id;
use super::kind::Kind;
use super::permissions::Permissions;
use super::role::{Role, USUAL_SESSION};
use super::tags::Tags;
use super::trust::Trust;
use crate::error::Refusal;

/// A service that has a role in accounts that use it.
pub(crate) struct LinkedService {
    /// The service's principal.
    pub(crate) name: &'static str,
    pub(crate) role: &'static str,
    /// The name of its managed policy, which AWS keeps under `aws-service-role/`.
    policy: &'static str,
}

/// The services that Strongroom has.
const SERVICES: &[LinkedService] = &[
    LinkedService {
        name: "cloudhsm.amazonaws.com",
        role: "AWSServiceRoleForCloudHSM",
        policy: "CloudHSMServiceRolePolicy",
    },
    LinkedService {
        name: "cks.kms.amazonaws.com",
        role: "AWSServiceRoleForKeyManagementServiceCustomKeyStores",
        policy: "AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy",
    },
    LinkedService {
        name: "mrk.kms.amazonaws.com",
        role: "AWSServiceRoleForKeyManagementServiceMultiRegionKeys",
        policy: "AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy",
    },
    LinkedService {
        name: "cloudtrail.amazonaws.com",
        role: "AWSServiceRoleForCloudTrail",
        policy: "CloudTrailServiceRolePolicy",
    },
];

impl LinkedService {
    /// The service of that principal.
    pub(crate) fn named(name: &str) -> Result<&'static Self, Refusal> {
        let found = SERVICES.iter().find(|service| service.name == name);
        found.ok_or_else(|| {
            Refusal::invalid_input(format!("Service {name} does not use a service-linked role."))
        })
    }

    /// The path of the service's role.
    pub(crate) fn path(&self) -> String {
        format!("/aws-service-role/{}/", self.name)
    }

    /// The service's role, as it is made.
    pub(crate) fn new_role(&self, description: Option<String>, now_ms: i64) -> Result<Role, Refusal> {
        let policy = format!("arn:aws:iam::aws:policy/aws-service-role/{}", self.policy);
        Ok(Role {
            id: new_id(Kind::Role)?,
            path: self.path(),
            name: self.role.to_owned(),
            created_ms: now_ms,
            description,
            max_session: USUAL_SESSION,
            trust: Trust::of_service(self.name),
            tags: Tags::default(),
            permissions: Permissions { attached: [policy].into(), ..Permissions::default() },
            boundary: None,
            service: Some(self.name.to_owned()),
        })
    }
}
