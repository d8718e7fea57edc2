//! Log groups: made, deleted, set.

use strongroom_api_logs::{
    CreateLogGroupRequest, DeleteLogGroupRequest, DeleteRetentionPolicyRequest, LogGroupClass,
    PutLogGroupDeletionProtectionRequest, PutRetentionPolicyRequest, actions, errors,
};
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use crate::Logs;
use crate::domain::group::{Group, GroupName, check_name, check_retention};
use crate::domain::id::Id;
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::permitting::Aspect;
use crate::repo::leavings::{self, Leaving};
use crate::repo::{self, data_keys, groups, metric_filters};

/// Groups that an account may have in a Region (Logs API Reference, CreateLogGroup).
const MOST_GROUPS: i64 = 1_000_000;

pub(super) async fn create_log_group(
    logs: &Logs,
    context: &RequestContext,
    input: CreateLogGroupRequest,
) -> Result<Unit, Refusal> {
    let CreateLogGroupRequest {
        log_group_name,
        kms_key_id,
        tags,
        log_group_class,
        deletion_protection_enabled,
    } = input;
    let name = &GroupName::of(context, &log_group_name);
    let tags = Tags::parse(&tags.unwrap_or_default())?;
    context.ask(tags.asked());
    logs.permit::<actions::CreateLogGroup>(context, name, Aspect::Group, None)?;
    logs.permit_tags(context, name, &tags)?;
    check_name(&name.name)?;
    if log_group_class.is_some_and(|class| class != LogGroupClass::Standard) {
        return Err(Refusal::not_yet("log groups of another class than STANDARD"));
    }
    if logs.find_group(name).await?.is_some() {
        return Err(Refusal::exists("group"));
    }
    // Outside of the transaction, which others wait for: some that are made at once may be too many.
    if groups::count(&logs.db, name).await? >= MOST_GROUPS {
        // Text: an answer of AWS, quoted in public issue threads.
        let text = "Resource limit exceeded.".to_owned();
        return Err(Refusal::Modelled(&errors::LIMIT_EXCEEDED_EXCEPTION, text));
    }
    let group = &Group {
        name: name.clone(),
        id: Id::new()?,
        version: 1,
        created_ms: context.now_ms,
        retention_days: None,
        kms_key: kms_key_id.map(|key| super::encryption::check_key(name, key)).transpose()?,
        is_protected: deletion_protection_enabled.unwrap_or_default(),
        tags,
    };
    // Whether Logs may use the key is seen by using it.
    let data_key = match group.kms_key {
        Some(_) => Some(logs.keys.make(group, 1).await?.0),
        None => None,
    };
    let data_key = &data_key;
    let made = logs.db.transaction(|tx| {
        Box::pin(async move {
            if groups::load(tx, &logs.mac, name).await?.is_some() {
                return Err(Refusal::exists("group"));
            }
            groups::insert(tx, &logs.mac, group).await?;
            if let Some(data_key) = data_key {
                data_keys::add(tx, data_key).await?;
            }
            Ok(repo::post(tx, context.draft()).await?)
        })
    });
    made.await?;
    Ok(Unit)
}

pub(super) async fn delete_log_group(
    logs: &Logs,
    context: &RequestContext,
    input: DeleteLogGroupRequest,
) -> Result<Unit, Refusal> {
    let name = &GroupName::of(context, &input.log_group_name);
    let deleted = logs.db.transaction(|tx| {
        Box::pin(async move {
            let group =
                logs.load_permitted::<actions::DeleteLogGroup>(tx, context, name, Aspect::Group).await?;
            if group.is_protected {
                return Err(Refusal::protected(&name.name));
            }
            // Its streams, of which there may be many, are found no more without it, and go in portions.
            data_keys::delete_all(tx, group.id).await?;
            metric_filters::delete_all(tx, group.id).await?;
            groups::delete(tx, name).await?;
            leavings::add(tx, Leaving::Group(group.id), context.now_ms).await?;
            Ok(repo::post(tx, context.draft()).await?)
        })
    });
    deleted.await?;
    Ok(Unit)
}

pub(super) async fn put_retention_policy(
    logs: &Logs,
    context: &RequestContext,
    input: PutRetentionPolicyRequest,
) -> Result<Unit, Refusal> {
    let name = GroupName::of(context, &input.log_group_name);
    let days = check_retention(input.retention_in_days)?;
    let change = logs.change_group::<actions::PutRetentionPolicy>(context, &name, Aspect::Group, |group| {
        group.retention_days = Some(days);
        Ok(())
    });
    change.await?;
    Ok(Unit)
}

pub(super) async fn delete_retention_policy(
    logs: &Logs,
    context: &RequestContext,
    input: DeleteRetentionPolicyRequest,
) -> Result<Unit, Refusal> {
    let name = GroupName::of(context, &input.log_group_name);
    let change =
        logs.change_group::<actions::DeleteRetentionPolicy>(context, &name, Aspect::Group, |group| {
            group.retention_days = None;
            Ok(())
        });
    change.await?;
    Ok(Unit)
}

pub(super) async fn put_log_group_deletion_protection(
    logs: &Logs,
    context: &RequestContext,
    input: PutLogGroupDeletionProtectionRequest,
) -> Result<Unit, Refusal> {
    let name = GroupName::identified(context, &input.log_group_identifier)?;
    let change =
        logs.change_group::<actions::PutLogGroupDeletionProtection>(context, &name, Aspect::Group, |group| {
            group.is_protected = input.deletion_protection_enabled;
            Ok(())
        });
    change.await?;
    Ok(Unit)
}
