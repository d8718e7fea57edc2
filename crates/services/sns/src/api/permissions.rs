//! Statements of a topic's policy, added and removed one by one.

use strongroom_api_sns::{AddPermissionInput, RemovePermissionInput, actions};
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;

use crate::Notifications;
use crate::domain::names::TopicName;
use crate::domain::topic_policy;
use crate::error::Refusal;

pub(super) async fn add_permission(
    sns: &Notifications,
    context: &RequestContext,
    input: AddPermissionInput,
) -> Result<Unit, Refusal> {
    let name = TopicName::named(context, "TopicArn", &input.topic_arn)?;
    let AddPermissionInput { label, aws_account_id: accounts, action_name, .. } = input;
    let change = sns.change_topic::<actions::AddPermission>(context, &name, |topic| {
        let before = topic.policy_text();
        let text = topic_policy::with_permission(&before, &topic.name, &label, &accounts, &action_name)?;
        topic.set_policy_text(text);
        Ok(())
    });
    change.await?;
    Ok(Unit)
}

pub(super) async fn remove_permission(
    sns: &Notifications,
    context: &RequestContext,
    input: RemovePermissionInput,
) -> Result<Unit, Refusal> {
    let name = TopicName::named(context, "TopicArn", &input.topic_arn)?;
    let change = sns.change_topic::<actions::RemovePermission>(context, &name, |topic| {
        let text = topic_policy::without_permission(&topic.policy_text(), &input.label)?;
        topic.set_policy_text(text);
        Ok(())
    });
    change.await?;
    Ok(Unit)
}
