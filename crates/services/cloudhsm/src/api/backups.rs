//! Describing, changing, deleting, restoring and copying backups.

use strongroom_api_cloudhsm::{
    CopyBackupToRegionRequest, CopyBackupToRegionResponse, DeleteBackupRequest, DeleteBackupResponse,
    DescribeBackupsRequest, DescribeBackupsResponse, DestinationBackup, ModifyBackupAttributesRequest,
    ModifyBackupAttributesResponse, RestoreBackupRequest, RestoreBackupResponse, actions,
};
use strongroom_identity::{Region, RequestContext};
use strongroom_policy::Everything;
use strongroom_schema::Timestamp;

use super::shapes;
use crate::ControlPlane;
use crate::domain::backup::Backup;
use crate::domain::filters::Filters;
use crate::domain::paging;
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::plane::BackupPlace;

/// Backups in a page of DescribeBackups, unless the caller says otherwise: the most that the model allows.
const PAGE: usize = 50;

/// Marks this list's tokens.
const LIST: u8 = 2;

const FILTERS: &[&str] = &["backupIds", "sourceBackupIds", "clusterIds", "states", "neverExpires"];

pub(super) async fn describe_backups(
    plane: &ControlPlane,
    context: &RequestContext,
    input: DescribeBackupsRequest,
) -> Result<DescribeBackupsResponse, Refusal> {
    let filters = Filters::parse(input.filters, FILTERS)?;
    let odd = filters
        .values("neverExpires")
        .unwrap_or_default()
        .iter()
        .find(|value| !["true", "false"].contains(&value.as_str()));
    if let Some(odd) = odd {
        return Err(Refusal::Invalid(format!(
            "The value {odd} of filter neverExpires is not true or false."
        )));
    }
    let ascending = input.sort_ascending.unwrap_or(false);
    let place = match input.next_token {
        Some(token) => open(&token, ascending)?,
        None => BackupPlace::start(ascending),
    };
    let most = paging::limit(input.max_results, PAGE);
    let all = Everything(context.account());
    let all = plane.authority.authorize::<actions::DescribeBackups, _>(context, all)?;
    // Nobody shares backups here yet.
    if input.shared == Some(true) {
        return Ok(DescribeBackupsResponse { backups: Some(Vec::new()), next_token: None });
    }
    let wanted = |backup: &Backup| {
        filters.pass("backupIds", Some(&backup.id))
            && filters.pass("sourceBackupIds", backup.copied.as_ref().map(|copied| copied.backup.as_str()))
            && filters.pass("clusterIds", backup.cluster_id.as_deref())
            && filters.pass("states", Some(backup.state.as_str()))
            && filters.pass("neverExpires", Some(if backup.never_expires { "true" } else { "false" }))
    };
    let mut found = plane.list_backups(&all, context, place, most, wanted).await?;
    let more = found.len() > most;
    found.truncate(most);
    let next_token = found.last().filter(|_| more).map(|last| close(last, ascending));
    let backups = found.iter().map(shapes::backup).collect();
    Ok(DescribeBackupsResponse { backups: Some(backups), next_token })
}

fn close(last: &Backup, ascending: bool) -> String {
    let direction = if ascending { '+' } else { '-' };
    paging::close(LIST, &format!("{direction}{}:{}", last.created_ms, last.id))
}

fn open(token: &str, ascending: bool) -> Result<BackupPlace, Refusal> {
    let place = paging::open(LIST, token)?;
    let direction = if ascending { '+' } else { '-' };
    let read = || {
        let (created_ms, id) = place.strip_prefix(direction)?.split_once(':')?;
        Some(BackupPlace { ascending, created_ms: created_ms.parse().ok()?, id: id.to_owned() })
    };
    read().ok_or_else(|| Refusal::Invalid("Invalid pagination token.".to_owned()))
}

pub(super) async fn modify_backup_attributes(
    plane: &ControlPlane,
    context: &RequestContext,
    input: ModifyBackupAttributesRequest,
) -> Result<ModifyBackupAttributesResponse, Refusal> {
    let modify =
        plane.change_backup::<actions::ModifyBackupAttributes>(context, &input.backup_id, |backup| {
            backup.expect_ready()?;
            backup.never_expires = input.never_expires;
            Ok(())
        });
    Ok(ModifyBackupAttributesResponse { backup: Some(shapes::backup(&modify.await?)) })
}

pub(super) async fn delete_backup(
    plane: &ControlPlane,
    context: &RequestContext,
    input: DeleteBackupRequest,
) -> Result<DeleteBackupResponse, Refusal> {
    let delete = plane.change_backup::<actions::DeleteBackup>(context, &input.backup_id, |backup| {
        backup.delete(context.now_ms)
    });
    Ok(DeleteBackupResponse { backup: Some(shapes::backup(&delete.await?)) })
}

pub(super) async fn restore_backup(
    plane: &ControlPlane,
    context: &RequestContext,
    input: RestoreBackupRequest,
) -> Result<RestoreBackupResponse, Refusal> {
    let restore = plane.change_backup::<actions::RestoreBackup>(context, &input.backup_id, Backup::restore);
    Ok(RestoreBackupResponse { backup: Some(shapes::backup(&restore.await?)) })
}

pub(super) async fn copy_backup_to_region(
    plane: &ControlPlane,
    context: &RequestContext,
    input: CopyBackupToRegionRequest,
) -> Result<CopyBackupToRegionResponse, Refusal> {
    let destination = Region::named(&input.destination_region).ok_or_else(|| {
        Refusal::Invalid(format!("The Region {} does not exist.", input.destination_region))
    })?;
    let tags = input.tag_list.map(shapes::parse_tags).transpose()?;
    context.ask(tags.as_ref().map(Tags::asked).unwrap_or_default());
    let from = plane.copy_backup(context, &input.backup_id, destination, tags).await?;
    Ok(CopyBackupToRegionResponse {
        destination_backup: Some(DestinationBackup {
            create_timestamp: Some(Timestamp::from_millis(from.at_ms)),
            source_region: Some(from.region),
            source_backup: Some(from.backup),
            source_cluster: Some(from.cluster),
        }),
    })
}
