//! Keys of KMS for log groups.

use strongroom_api_logs::{AssociateKmsKeyRequest, DisassociateKmsKeyRequest, actions};
use strongroom_identity::{PARTITION, RequestContext};
use strongroom_schema::Unit;

use crate::Logs;
use crate::domain::group::{Group, GroupName};
use crate::error::Refusal;
use crate::permitting::Aspect;
use crate::repo::{self, data_keys, groups};

/// The key is named by its ARN (Logs API Reference, CreateLogGroup). The text is AWS's for one that is not there.
pub(super) fn check_key(name: &GroupName, key: String) -> Result<String, Refusal> {
    let is_arn = key.starts_with("arn:") && key.split(':').nth(1) == Some(PARTITION) && key.contains(":key/");
    if is_arn {
        return Ok(key);
    }
    Err(Refusal::invalid(format!("The specified KMS Key Id could not be found. '{}'", name.name)))
}

pub(super) async fn associate_kms_key(
    logs: &Logs,
    context: &RequestContext,
    input: AssociateKmsKeyRequest,
) -> Result<Unit, Refusal> {
    let AssociateKmsKeyRequest { log_group_name, kms_key_id, resource_identifier } = input;
    let name = &named(context, log_group_name.as_deref(), resource_identifier.as_deref())?;
    let known = logs.permitted_group::<actions::AssociateKmsKey>(context, name, Aspect::Group).await?;
    let key = &check_key(name, kms_key_id)?;
    // Whether Logs may use the key is seen by using it.
    let number = data_keys::newest(&logs.db, known.id).await?.map_or(0, |newest| newest.number);
    let wanted = Group { kms_key: Some(key.clone()), ..known.clone() };
    let (data_key, _) = logs.keys.make(&wanted, number.saturating_add(1)).await?;
    let (data_key, known) = (&data_key, &known);
    let changed = logs.db.transaction(|tx| {
        Box::pin(async move {
            let mut group =
                logs.load_permitted::<actions::AssociateKmsKey>(tx, context, name, Aspect::Group).await?;
            group.kms_key = Some(key.clone());
            groups::replace(tx, &logs.mac, &mut group).await?;
            if group.id == known.id {
                // Where somebody else has made one meanwhile, the next event has another made.
                data_keys::add(tx, data_key).await?;
            }
            Ok::<_, Refusal>(repo::post(tx, context.draft()).await?)
        })
    });
    changed.await?;
    Ok(Unit)
}

pub(super) async fn disassociate_kms_key(
    logs: &Logs,
    context: &RequestContext,
    input: DisassociateKmsKeyRequest,
) -> Result<Unit, Refusal> {
    let DisassociateKmsKeyRequest { log_group_name, resource_identifier } = input;
    let name = named(context, log_group_name.as_deref(), resource_identifier.as_deref())?;
    let change = logs.change_group::<actions::DisassociateKmsKey>(context, &name, Aspect::Group, |group| {
        group.kms_key = None;
        Ok(())
    });
    change.await?;
    Ok(Unit)
}

fn named(
    context: &RequestContext,
    name: Option<&str>,
    identifier: Option<&str>,
) -> Result<GroupName, Refusal> {
    match (name, identifier) {
        (Some(name), None) => Ok(GroupName::of(context, name)),
        (None, Some(arn)) if arn.contains(":query-result:") => {
            Err(Refusal::not_yet("encryption of the results of queries"))
        }
        (None, Some(arn)) => GroupName::by_arn(context, arn),
        // Text: ours.
        _ => {
            Err(Refusal::invalid("You must specify either logGroupName or resourceIdentifier, but not both."))
        }
    }
}
