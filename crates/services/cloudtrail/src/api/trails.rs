//! Making, changing, deleting and showing trails.

use strongroom_api_cloudtrail::{
    CreateTrailRequest, CreateTrailResponse, DeleteTrailRequest, DeleteTrailResponse, DescribeTrailsRequest,
    DescribeTrailsResponse, GetTrailRequest, GetTrailResponse, ListTrailsRequest, ListTrailsResponse,
    TrailInfo, UpdateTrailRequest, UpdateTrailResponse, actions, errors,
};
use strongroom_crypto::{hex, random};
use strongroom_identity::{ConditionKeys, RequestContext};
use strongroom_policy::Everything;

use super::checks;
use super::passing;
use super::shown;
use crate::CloudTrail;
use crate::domain::identifier::{self, Named};
use crate::domain::selectors::Selectors;
use crate::domain::tags::Tags;
use crate::domain::trail::{Settings, Trail};
use crate::error::Refusal;

pub(super) async fn create(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: CreateTrailRequest,
) -> Result<CreateTrailResponse, Refusal> {
    let trails = &cloudtrail.trails;
    let tags = Tags::parse(input.tags_list.unwrap_or_default())?;
    context.ask(asked(&tags));
    identifier::check_name(&input.name)?;
    expect_served(input.is_organization_trail, input.recursive_logging)?;
    trails.permit_new::<actions::CreateTrail>(context, &input.name)?;
    passing::expect_passed(trails, context, input.cloud_watch_logs_role_arn.as_deref())?;
    let is_multi_region = input.is_multi_region_trail.unwrap_or(false);
    let settings = Settings {
        bucket: checked_bucket(input.s3_bucket_name)?,
        prefix: identifier::prefix(input.s3_key_prefix)?,
        topic_arn: identifier::topic(context, input.sns_topic_name)?,
        includes_global_services: global_services(
            is_multi_region,
            input.include_global_service_events,
            true,
        )?,
        is_multi_region,
        is_validated: input.enable_log_file_validation.unwrap_or(false),
        log_group_arn: given(input.cloud_watch_logs_log_group_arn),
        log_role_arn: given(input.cloud_watch_logs_role_arn),
        kms_key_arn: None,
    };
    let mut trail = Trail {
        id: hex::encode(&random::bytes::<16>().map_err(Refusal::internal)?),
        account: context.account(),
        home_region: context.region.name().to_owned(),
        name: input.name,
        created_ms: context.now_ms,
        settings,
        selectors: Selectors::default(),
        has_custom_selectors: false,
        tags,
        logged: Vec::new(),
        last_start_ms: None,
        last_stop_ms: None,
        deleted_ms: None,
        edition: 1,
    };
    trails.expect_room(&trail).await?;
    checks::try_out(trails, &mut trail, given(input.kms_key_id)).await?;
    trails.add(context, &trail).await?;
    Ok(shown::created(&trail))
}

pub(super) async fn update(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: UpdateTrailRequest,
) -> Result<UpdateTrailResponse, Refusal> {
    let trails = &cloudtrail.trails;
    expect_served(input.is_organization_trail, input.recursive_logging)?;
    let mut trail = trails.permitted::<actions::UpdateTrail>(context, &input.name).await?;
    if trail.home_region != context.region.name() {
        return Err(Refusal::not_at_home(&trail.arn(), &trail.home_region));
    }
    passing::expect_passed(trails, context, input.cloud_watch_logs_role_arn.as_deref())?;
    let before = trail.settings.clone();
    let settings = &mut trail.settings;
    if let Some(bucket) = input.s3_bucket_name {
        settings.bucket = checked_bucket(bucket)?;
    }
    if let Some(prefix) = input.s3_key_prefix {
        settings.prefix = identifier::prefix(Some(prefix))?;
    }
    if let Some(topic) = input.sns_topic_name {
        settings.topic_arn = identifier::topic(context, Some(topic))?;
    }
    if let Some(group) = input.cloud_watch_logs_log_group_arn {
        settings.log_group_arn = given(Some(group));
    }
    if let Some(role) = input.cloud_watch_logs_role_arn {
        settings.log_role_arn = given(Some(role));
    }
    settings.is_validated = input.enable_log_file_validation.unwrap_or(settings.is_validated);
    let is_multi_region = input.is_multi_region_trail.unwrap_or(settings.is_multi_region);
    // Turning a trail into a multi-Region one takes global services in, and back leaves them out.
    let unsaid = match input.is_multi_region_trail {
        Some(changed) if changed != settings.is_multi_region => changed,
        _ => settings.includes_global_services,
    };
    settings.includes_global_services =
        global_services(is_multi_region, input.include_global_service_events, unsaid)?;
    settings.is_multi_region = is_multi_region;
    let kms_key_id = match input.kms_key_id {
        Some(key) => {
            settings.kms_key_arn = None;
            given(Some(key))
        }
        None => settings.kms_key_arn.clone(),
    };
    checks::try_out(trails, &mut trail, kms_key_id).await?;
    let settings = &trail.settings;
    let moment = trails.moment(context);
    let changed = trails.change::<actions::UpdateTrail>(context, &input.name, |trail| {
        if trail.settings != before {
            // Somebody else has changed it since it was tried out.
            return Err(Refusal::of(
                &errors::CONFLICT_EXCEPTION,
                "This exception is thrown when the specified resource is not ready for an operation. The trail was \
                 changed by another request at the same time; try again.",
            ));
        }
        trail.change_rules(moment, |trail| trail.settings = settings.clone())
    });
    Ok(shown::updated(&changed.await?))
}

pub(super) async fn delete(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: DeleteTrailRequest,
) -> Result<DeleteTrailResponse, Refusal> {
    let ended_by = context.draft().map(|draft| draft.event_id);
    let deleted = cloudtrail.trails.change::<actions::DeleteTrail>(context, &input.name, |trail| {
        trail.stop(context.now_ms, ended_by);
        trail.deleted_ms = Some(context.now_ms);
        Ok(())
    });
    deleted.await?;
    Ok(DeleteTrailResponse {})
}

pub(super) async fn describe(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: DescribeTrailsRequest,
) -> Result<DescribeTrailsResponse, Refusal> {
    let everything = Everything(context.account());
    cloudtrail.authority.authorize::<actions::DescribeTrails, _>(context, everything)?;
    let here = context.region.name();
    let with_shadows = input.include_shadow_trails.unwrap_or(true);
    let all = cloudtrail.trails.all(context).await?;
    let names = input.trail_name_list.unwrap_or_default();
    let shown: Vec<_> = if names.is_empty() {
        let is_here = |trail: &&_| Trail::is_in(trail, here) && (with_shadows || trail.home_region == here);
        all.iter().filter(is_here).map(shown::trail).collect()
    } else {
        let mut found = Vec::new();
        for name in &names {
            // Of what is not there nothing is said.
            let named = match Named::parse(context, name) {
                Err(Refusal::Modelled(shape, _)) if shape.name == errors::TRAIL_NOT_FOUND_EXCEPTION.name => {
                    continue;
                }
                named => named?,
            };
            let is_it = |trail: &&Trail| (&trail.home_region, &trail.name) == (&named.region, &named.name);
            found.extend(all.iter().find(is_it).map(shown::trail));
        }
        found
    };
    Ok(DescribeTrailsResponse { trail_list: Some(shown) })
}

pub(super) async fn get(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: GetTrailRequest,
) -> Result<GetTrailResponse, Refusal> {
    let trail = cloudtrail.trails.permitted::<actions::GetTrail>(context, &input.name).await?;
    Ok(GetTrailResponse { trail: Some(shown::trail(&trail)) })
}

pub(super) async fn list(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: ListTrailsRequest,
) -> Result<ListTrailsResponse, Refusal> {
    let everything = Everything(context.account());
    cloudtrail.authority.authorize::<actions::ListTrails, _>(context, everything)?;
    // All of them are one page.
    if input.next_token.is_some() {
        return Err(Refusal::NextToken);
    }
    let all = cloudtrail.trails.all(context).await?;
    let info = all.iter().map(|trail| TrailInfo {
        trail_arn: Some(trail.arn()),
        name: Some(trail.name.clone()),
        home_region: Some(trail.home_region.clone()),
    });
    Ok(ListTrailsResponse { trails: Some(info.collect()), next_token: None })
}

/// What the tags of a request say to policies.
fn asked(tags: &Tags) -> ConditionKeys {
    ConditionKeys::new().with_tags(tags.iter())
}

/// A value that was given: an empty one takes away what was there.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn checked_bucket(bucket: String) -> Result<String, Refusal> {
    identifier::check_bucket(&bucket)?;
    Ok(bucket)
}

/// Whether global services are taken in; a multi-Region trail must take them in (observed).
fn global_services(is_multi_region: bool, asked: Option<bool>, unsaid: bool) -> Result<bool, Refusal> {
    match asked {
        Some(false) if is_multi_region => Err(Refusal::of(
            &errors::INVALID_PARAMETER_COMBINATION_EXCEPTION,
            "Multi-Region trail must include global service events.",
        )),
        asked => Ok(asked.unwrap_or(unsaid)),
    }
}

/// Refuses what there is not here.
fn expect_served(is_organization: Option<bool>, is_recursive: Option<bool>) -> Result<(), Refusal> {
    if is_organization == Some(true) {
        return Err(Refusal::of(
            &errors::ORGANIZATIONS_NOT_IN_USE_EXCEPTION,
            "Your account is not a member of an organization.",
        ));
    }
    if is_recursive == Some(true) {
        return Err(Refusal::NotImplemented(
            "cloudtrail: RecursiveLogging, which delivers what deliveries do",
        ));
    }
    Ok(())
}
