//! Trails as answers show them.

use strongroom_api_cloudtrail::{CreateTrailResponse, Trail as Shown, UpdateTrailResponse};

use crate::domain::trail::Trail;

/// The part of a topic's ARN that `SnsTopicName` shows.
fn topic_name(arn: &str) -> String {
    arn.rsplit(':').next().unwrap_or_default().to_owned()
}

pub(super) fn trail(trail: &Trail) -> Shown {
    let settings = trail.settings.clone();
    Shown {
        name: Some(trail.name.clone()),
        s3_bucket_name: Some(settings.bucket),
        s3_key_prefix: settings.prefix,
        sns_topic_name: settings.topic_arn.as_deref().map(topic_name),
        sns_topic_arn: settings.topic_arn,
        include_global_service_events: Some(settings.includes_global_services),
        is_multi_region_trail: Some(settings.is_multi_region),
        home_region: Some(trail.home_region.clone()),
        trail_arn: Some(trail.arn()),
        log_file_validation_enabled: Some(settings.is_validated),
        cloud_watch_logs_log_group_arn: settings.log_group_arn,
        cloud_watch_logs_role_arn: settings.log_role_arn,
        kms_key_id: settings.kms_key_arn,
        has_custom_event_selectors: Some(trail.has_custom_selectors),
        has_insight_selectors: Some(false),
        is_organization_trail: Some(false),
        recursive_logging: None,
    }
}

pub(super) fn created(made: &Trail) -> CreateTrailResponse {
    let shown = trail(made);
    CreateTrailResponse {
        name: shown.name,
        s3_bucket_name: shown.s3_bucket_name,
        s3_key_prefix: shown.s3_key_prefix,
        sns_topic_name: shown.sns_topic_name,
        sns_topic_arn: shown.sns_topic_arn,
        include_global_service_events: shown.include_global_service_events,
        is_multi_region_trail: shown.is_multi_region_trail,
        trail_arn: shown.trail_arn,
        log_file_validation_enabled: shown.log_file_validation_enabled,
        cloud_watch_logs_log_group_arn: shown.cloud_watch_logs_log_group_arn,
        cloud_watch_logs_role_arn: shown.cloud_watch_logs_role_arn,
        kms_key_id: shown.kms_key_id,
        is_organization_trail: shown.is_organization_trail,
        recursive_logging: shown.recursive_logging,
    }
}

pub(super) fn updated(changed: &Trail) -> UpdateTrailResponse {
    let shown = created(changed);
    UpdateTrailResponse {
        name: shown.name,
        s3_bucket_name: shown.s3_bucket_name,
        s3_key_prefix: shown.s3_key_prefix,
        sns_topic_name: shown.sns_topic_name,
        sns_topic_arn: shown.sns_topic_arn,
        include_global_service_events: shown.include_global_service_events,
        is_multi_region_trail: shown.is_multi_region_trail,
        trail_arn: shown.trail_arn,
        log_file_validation_enabled: shown.log_file_validation_enabled,
        cloud_watch_logs_log_group_arn: shown.cloud_watch_logs_log_group_arn,
        cloud_watch_logs_role_arn: shown.cloud_watch_logs_role_arn,
        kms_key_id: shown.kms_key_id,
        is_organization_trail: shown.is_organization_trail,
        recursive_logging: shown.recursive_logging,
    }
}
