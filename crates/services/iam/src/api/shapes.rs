//! Entities as answers show them.

use strongroom_api_iam as iam;
use strongroom_identity::{AccountId, Principal};
use strongroom_schema::Timestamp;

use crate::domain::aws_policies::AwsPolicy;
use crate::domain::directory::Directory;
use crate::domain::document::encoded;
use crate::domain::group::Group;
use crate::domain::kind::Kind;
use crate::domain::mfa::Device;
use crate::domain::policy::{Policy, Version, version_id};
use crate::domain::role::Role;
use crate::domain::root_user::root_id;
use crate::domain::usage::Usage;
use crate::domain::user::User;
use crate::uses::RegionalUse;

/// How much of an entity is shown: lists leave tags and boundaries out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    Listed,
    Whole,
}

/// Milliseconds of a second: IAM shows no less.
const SECOND_MS: i64 = 1000;

pub(super) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis.div_euclid(SECOND_MS) * SECOND_MS)
}

pub(super) fn boundary(arn: Option<&String>) -> Option<iam::AttachedPermissionsBoundary> {
    arn.map(|arn| iam::AttachedPermissionsBoundary {
        // AWS writes another word than its model has: "Policy".
        permissions_boundary_type: Some(iam::PermissionsBoundaryAttachmentType::from("Policy")),
        permissions_boundary_arn: Some(arn.clone()),
    })
}

pub(super) fn user(directory: &Directory, user: &User, detail: Detail) -> iam::User {
    let whole = detail == Detail::Whole;
    iam::User {
        path: user.path.clone(),
        user_name: user.name.clone(),
        user_id: user.id.clone(),
        arn: Kind::User.arn(directory.account, &user.path, &user.name),
        create_date: moment(user.created_ms),
        password_last_used: None,
        permissions_boundary: if whole { boundary(user.boundary.as_ref()) } else { None },
        tags: if whole { user.tags.shown() } else { None },
    }
}

/// The account's root user, which has neither path nor date.
pub(super) fn root_user(directory: &Directory) -> iam::User {
    iam::User {
        user_name: directory.settings().alias.unwrap_or_default(),
        user_id: root_id(directory.account),
        arn: Principal::Root(directory.account).arn(),
        ..iam::User::default()
    }
}

pub(super) fn group(directory: &Directory, group: &Group) -> iam::Group {
    iam::Group {
        path: group.path.clone(),
        group_name: group.name.clone(),
        group_id: group.id.clone(),
        arn: Kind::Group.arn(directory.account, &group.path, &group.name),
        create_date: moment(group.created_ms),
    }
}

pub(super) fn role(directory: &Directory, role: &Role, detail: Detail) -> iam::Role {
    let whole = detail == Detail::Whole;
    iam::Role {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.id.clone(),
        arn: Kind::Role.arn(directory.account, &role.path, &role.name),
        create_date: moment(role.created_ms),
        assume_role_policy_document: Some(encoded(&role.trust.text(directory))),
        description: role.description.clone(),
        max_session_duration: Some(role.max_session),
        permissions_boundary: if whole { boundary(role.boundary.as_ref()) } else { None },
        tags: if whole { role.tags.shown() } else { None },
        role_last_used: whole.then(|| last_used(None)),
        source_role_template: None,
    }
}

/// When a role was used last; of one that never was, nothing is told.
pub(super) fn last_used(last: Option<&RegionalUse>) -> iam::RoleLastUsed {
    iam::RoleLastUsed {
        last_used_date: last.map(|last| moment(last.used_ms)),
        region: last.map(|last| last.region.clone()),
    }
}

pub(super) fn policy(account: AccountId, usage: &Usage<'_>, policy: &Policy, detail: Detail) -> iam::Policy {
    let whole = detail == Detail::Whole;
    let arn = Kind::Policy.arn(account, &policy.path, &policy.name);
    let count = usage.get(&arn);
    iam::Policy {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(policy.id.clone()),
        path: Some(policy.path.clone()),
        default_version_id: Some(version_id(policy.default)),
        attachment_count: Some(count.attached as i32),
        permissions_boundary_usage_count: Some(count.bounded as i32),
        arn: Some(arn),
        is_attachable: Some(true),
        description: if whole { policy.description.clone() } else { None },
        create_date: Some(moment(policy.created_ms)),
        update_date: Some(moment(policy.updated_ms)),
        tags: if whole { policy.tags.shown() } else { None },
    }
}

pub(super) fn aws_policy(usage: &Usage<'_>, policy: &AwsPolicy, detail: Detail) -> iam::Policy {
    let whole = detail == Detail::Whole;
    let arn = policy.arn();
    let count = usage.get(&arn);
    iam::Policy {
        policy_name: Some(policy.name.to_owned()),
        policy_id: Some(policy.id.to_owned()),
        path: Some(policy.path.to_owned()),
        default_version_id: Some(version_id(policy.version)),
        attachment_count: Some(count.attached as i32),
        permissions_boundary_usage_count: Some(count.bounded as i32),
        arn: Some(arn),
        is_attachable: Some(policy.is_attachable()),
        description: whole.then(|| policy.description.to_owned()),
        create_date: Some(moment(policy.created_ms)),
        update_date: Some(moment(policy.created_ms)),
        tags: None,
    }
}

/// A version; lists leave the document out.
pub(super) fn version(policy: &Policy, version: &Version, detail: Detail) -> iam::PolicyVersion {
    iam::PolicyVersion {
        document: (detail == Detail::Whole).then(|| encoded(&version.text)),
        version_id: Some(version.id()),
        is_default_version: Some(version.number == policy.default),
        create_date: Some(moment(version.created_ms)),
    }
}

pub(super) fn aws_version(policy: &AwsPolicy, detail: Detail) -> iam::PolicyVersion {
    iam::PolicyVersion {
        document: (detail == Detail::Whole).then(|| encoded(policy.text)),
        version_id: Some(version_id(policy.version)),
        is_default_version: Some(true),
        create_date: Some(moment(policy.created_ms)),
    }
}

/// A managed policy's name and ARN, as lists of attachments have them.
pub(super) fn attached(arn: &str) -> iam::AttachedPolicy {
    let name = arn.rsplit('/').next().unwrap_or_default();
    iam::AttachedPolicy { policy_name: Some(name.to_owned()), policy_arn: Some(arn.to_owned()) }
}

/// A virtual device without its seed, which is shown once.
pub(super) fn device(directory: &Directory, device: &Device) -> iam::VirtualMFADevice {
    let holder = device.enabled.as_ref().and_then(|enabled| match directory.user_of_id(&enabled.user) {
        Some(holder) => Some(user(directory, holder, Detail::Listed)),
        None => (enabled.user == root_id(directory.account)).then(|| root_user(directory)),
    });
    iam::VirtualMFADevice {
        serial_number: Kind::Mfa.arn(directory.account, &device.path, &device.name),
        base32_string_seed: None,
        qr_code_png: None,
        user: holder,
        enable_date: device.enabled.as_ref().map(|enabled| moment(enabled.since_ms)),
        tags: None,
    }
}
