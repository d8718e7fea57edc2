//! Access control lists, read and set.

use strongroom_api_s3 as s3;
use strongroom_identity::{Action, ConditionKeys, RequestContext};
use strongroom_schema::Unit;

use super::described::named_acl;
use super::shown::owner;
use crate::ObjectStorage;
use crate::domain::acl::{Acl, AclGrant, Grantee, MOST_GRANTS, is_group, is_permission};
use crate::domain::actions;
use crate::domain::bucket::Bucket;
use crate::error::Refusal;

/// The canned list that is taken where there are none (Amazon S3 User Guide, "Controlling ownership of objects").
const OWNERS_OWN: &str = "bucket-owner-full-control";

/// A list as an answer has it.
fn shown(acl: &Acl) -> Vec<s3::Grant> {
    let grant = |grant: &AclGrant| {
        let grantee = match &grant.grantee {
            Grantee::Account(id) => {
                s3::Grantee { id: Some(id.clone()), r#type: "CanonicalUser".into(), ..s3::Grantee::default() }
            }
            Grantee::Group(uri) => {
                s3::Grantee { uri: Some(uri.clone()), r#type: "Group".into(), ..s3::Grantee::default() }
            }
        };
        s3::Grant { grantee: Some(grantee), permission: Some(grant.permission.as_str().into()) }
    };
    acl.0.iter().map(grant).collect()
}

/// A list that was sent.
fn read(policy: &s3::AccessControlPolicy) -> Result<Acl, Refusal> {
    let malformed = Refusal::malformed_xml;
    let grants = policy.grants.as_deref().unwrap_or_default();
    if grants.len() > MOST_GRANTS {
        return Err(malformed());
    }
    let grant = |grant: &s3::Grant| {
        let grantee = grant.grantee.as_ref().ok_or_else(malformed)?;
        let permission = grant.permission.as_ref().ok_or_else(malformed)?.as_str();
        if !is_permission(permission) {
            return Err(malformed());
        }
        let grantee = match (&grantee.id, &grantee.uri, &grantee.email_address) {
            (Some(id), None, None) if id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Grantee::Account(id.clone())
            }
            (Some(id), None, None) => {
                return Err(Refusal::invalid_argument("Invalid id", "CanonicalUser/ID", id));
            }
            (None, Some(uri), None) if is_group(uri) => Grantee::Group(uri.clone()),
            (None, Some(uri), None) => {
                return Err(Refusal::invalid_argument("Invalid group uri", "Group/URI", uri));
            }
            (None, None, Some(_)) => return Err(Refusal::NotYet("grants to e-mail addresses")),
            _ => return Err(malformed()),
        };
        Ok(AclGrant { grantee, permission: permission.to_owned() })
    };
    grants.iter().map(grant).collect::<Result<_, _>>().map(Acl)
}

/// The list that a request sets of something that `owned_by` owns.
struct New<'a> {
    canned: Option<&'a str>,
    policy: Option<&'a s3::AccessControlPolicy>,
    has_grants: bool,
}

impl New<'_> {
    fn list(
        &self,
        context: &RequestContext,
        action: &str,
        bucket: &Bucket,
        owned_by: strongroom_identity::AccountId,
    ) -> Result<Acl, Refusal> {
        if self.has_grants {
            return Err(if bucket.settings.has_no_acls() {
                Refusal::acl_not_supported()
            } else {
                Refusal::NotYet("access control lists in x-amz-grant- headers")
            });
        }
        // Only what changes nothing is taken where there are no lists: of the canned ones that by its name alone.
        if bucket.settings.has_no_acls() && self.canned.is_some_and(|canned| canned != OWNERS_OWN) {
            return Err(Refusal::acl_not_supported());
        }
        let list = match (self.canned, self.policy) {
            (Some(_), Some(policy)) if policy.grants.is_some() => {
                let text = "This request specifies both a canned ACL and an access control list";
                return Err(Refusal::client(400, "UnexpectedContent", text));
            }
            (Some(canned), _) => named_acl(Some(canned))?.list(owned_by, bucket.account),
            (None, Some(policy)) => read(policy)?,
            (None, None) => {
                let text = "Your request was missing a required header";
                return Err(Refusal::client(400, "MissingSecurityHeader", text));
            }
        };
        if bucket.settings.has_no_acls() && !list.is_owners_alone(owned_by) {
            return Err(Refusal::acl_not_supported());
        }
        if list.is_public() && bucket.settings.blocked().block_acls {
            return Err(Refusal::public_acl_blocked(context, action, &bucket.name));
        }
        Ok(list)
    }
}

/// `GetBucketAcl`
pub(super) async fn get_bucket_acl(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetBucketAclRequest,
) -> Result<s3::GetBucketAclOutput, Refusal> {
    let expected_owner = input.expected_bucket_owner.as_deref();
    let permitted =
        storage.on_bucket::<actions::GetBucketAcl>(context, &input.bucket, expected_owner).await?;
    let bucket = &permitted.resource().bucket;
    Ok(s3::GetBucketAclOutput {
        owner: Some(owner(bucket.account)),
        grants: Some(shown(&bucket.settings.acl)),
    })
}

/// `PutBucketAcl`
pub(super) async fn put_bucket_acl(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::PutBucketAclRequest,
) -> Result<Unit, Refusal> {
    let canned = input.acl.as_ref().map(s3::BucketCannedACL::as_str);
    let has_grants = input.grant_full_control.is_some()
        || input.grant_read.is_some()
        || input.grant_read_acp.is_some()
        || input.grant_write.is_some()
        || input.grant_write_acp.is_some();
    let new = New { canned, policy: input.access_control_policy.as_ref(), has_grants };
    context.ask(ConditionKeys::new().with_some("s3:x-amz-acl", canned));
    let expected_owner = input.expected_bucket_owner.as_deref();
    storage
        .change_bucket::<actions::PutBucketAcl>(context, &input.bucket, expected_owner, |bucket, settings| {
            settings.acl = new.list(context, "s3:PutBucketAcl", bucket, bucket.account)?;
            Ok(())
        })
        .await?;
    Ok(Unit)
}

/// `GetObjectAcl`
pub(super) async fn get_object_acl(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetObjectAclRequest,
) -> Result<s3::GetObjectAclOutput, Refusal> {
    match input.version_id {
        Some(_) => acl::<actions::GetObjectVersionAcl>(storage, context, input).await,
        None => acl::<actions::GetObjectAcl>(storage, context, input).await,
    }
}

async fn acl<A: Action>(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::GetObjectAclRequest,
) -> Result<s3::GetObjectAclOutput, Refusal> {
    let name = (input.bucket.as_str(), input.key.as_str());
    let (version, expected_owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    context.ask(ConditionKeys::new().with_some("s3:VersionId", version));
    let permitted = storage.find_object::<A>(context, name, version, expected_owner).await?;
    let found = permitted.resource();
    let facts = &found.content.facts;
    Ok(s3::GetObjectAclOutput {
        owner: Some(owner(facts.owner_or(found.bucket.account))),
        grants: Some(shown(&facts.acl)),
        ..s3::GetObjectAclOutput::default()
    })
}

/// `PutObjectAcl`
pub(super) async fn put_object_acl(
    storage: &ObjectStorage,
    context: &RequestContext,
    input: s3::PutObjectAclRequest,
) -> Result<s3::PutObjectAclOutput, Refusal> {
    let canned = input.acl.as_ref().map(s3::ObjectCannedACL::as_str);
    let has_grants = input.grant_full_control.is_some()
        || input.grant_read.is_some()
        || input.grant_read_acp.is_some()
        || input.grant_write.is_some()
        || input.grant_write_acp.is_some();
    let new = New { canned, policy: input.access_control_policy.as_ref(), has_grants };
    let asked = ConditionKeys::new()
        .with_some("s3:x-amz-acl", canned)
        .with_some("s3:VersionId", input.version_id.as_deref());
    context.ask(asked);
    let name = (input.bucket.as_str(), input.key.as_str());
    let (version, expected_owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let act = |bucket: &Bucket, facts: &mut crate::domain::object::Facts| {
        facts.acl = new.list(context, "s3:PutObjectAcl", bucket, facts.owner_or(bucket.account))?;
        Ok(())
    };
    match version {
        Some(_) => {
            storage
                .change_facts::<actions::PutObjectVersionAcl>(context, name, version, expected_owner, act)
                .await?
        }
        None => {
            storage.change_facts::<actions::PutObjectAcl>(context, name, version, expected_owner, act).await?
        }
    };
    Ok(s3::PutObjectAclOutput::default())
}
