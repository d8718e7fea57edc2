//! Backups: made, kept for a time, copied, restored, gone.

use strongroom_api_cloudhsm::{
    Backup, BackupState, CloudHsm as _, ClusterState, CopyBackupToRegionRequest, CreateClusterRequest,
    DeleteBackupRequest, DeleteResourcePolicyRequest, DescribeBackupsRequest, GetResourcePolicyRequest,
    ModifyBackupAttributesRequest, ModifyClusterRequest, PutResourcePolicyRequest, RestoreBackupRequest,
};
use strongroom_hsm_proto::fleet::AssignedRole;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{
    ACCOUNT, Bench, Client, DAY, FAR_REGION, REGION, STRANGER, SUBNET_A, ZONE_A, filter, new_cluster, until,
};

on_both_engines! {
    every_day_a_backup_until_its_retention_is_over,
    a_deleted_backup_is_gone_after_a_week_or_restored,
    a_cluster_is_made_from_a_backup,
    a_copy_in_another_region_is_a_backup_there,
    backups_are_listed_by_filters_and_pages,
    policies_of_backups,
}

impl Client<'_> {
    pub(crate) async fn delete_backup(&self, id: &str) -> Result<Backup, ApiError> {
        let input = DeleteBackupRequest { backup_id: id.to_owned() };
        Ok(self.bench.plane.delete_backup(&self.changing(), input).await?.backup.unwrap())
    }

    pub(crate) async fn restore_backup(&self, id: &str) -> Result<Backup, ApiError> {
        let input = RestoreBackupRequest { backup_id: id.to_owned() };
        Ok(self.bench.plane.restore_backup(&self.changing(), input).await?.backup.unwrap())
    }

    pub(crate) async fn keep(&self, id: &str, never_expires: bool) -> Result<Backup, ApiError> {
        let input = ModifyBackupAttributesRequest { backup_id: id.to_owned(), never_expires };
        Ok(self.bench.plane.modify_backup_attributes(&self.changing(), input).await?.backup.unwrap())
    }

    async fn states(&self, cluster: &str) -> Vec<BackupState> {
        let backups = self.backups(Some(filter("clusterIds", &[cluster]))).await;
        backups.into_iter().map(|backup| backup.backup_state.unwrap()).collect()
    }
}

async fn retain(client: &Client<'_>, cluster: &str, days: &str) {
    let policy = strongroom_api_cloudhsm::BackupRetentionPolicy {
        r#type: Some(strongroom_api_cloudhsm::BackupRetentionType::Days),
        value: Some(days.to_owned()),
    };
    let input = ModifyClusterRequest {
        cluster_id: cluster.to_owned(),
        backup_retention_policy: Some(policy),
        hsm_type: None,
    };
    client.bench.plane.modify_cluster(&client.changing(), input).await.unwrap();
}

async fn every_day_a_backup_until_its_retention_is_over(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, hsm) = client.active().await;
    retain(&client, &cluster, "7").await;
    let first = client.backups(None).await[0].backup_id.clone();
    client.keep(&first, true).await.unwrap();

    // Day by day, of one backup that is kept and nine others two are older than the retention.
    bench.later(9 * DAY + 1).await;
    let backups = client.backups(Some(filter("clusterIds", &[&cluster]))).await;
    let dates: Vec<_> = backups.iter().map(|one| one.create_timestamp.unwrap().as_millis()).collect();
    assert!(dates.windows(2).all(|pair| pair[1] - pair[0] == DAY), "one a day, dated when it was due");
    let pending = |backup: &&Backup| backup.backup_state == Some(BackupState::PendingDeletion);
    let expired: Vec<_> = backups.iter().filter(pending).collect();
    assert_eq!((backups.len(), expired.len()), (10, 2));
    assert_eq!(backups[0].backup_state, Some(BackupState::Ready), "one is exempt");
    for backup in expired {
        let created = backup.create_timestamp.unwrap().as_millis();
        assert_eq!(backup.delete_timestamp.unwrap().as_millis(), created + 14 * DAY);
    }
    let records = bench.records();
    assert_eq!(records.iter().filter(|record| record.event_name == "ExpireBackup").count(), 2);

    // Without HSMs there are no new ones, and the last one stays for ever.
    client.delete_hsm(&cluster, &hsm).await.unwrap();
    client.has_hsms(&cluster, 0).await;
    client.keep(&first, false).await.unwrap();
    bench.later(400 * DAY).await;
    assert_eq!(client.states(&cluster).await, [BackupState::Ready]);
}

async fn a_deleted_backup_is_gone_after_a_week_or_restored(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, _) = client.active().await;
    let id = client.backups(None).await[0].backup_id.clone();
    let deleted = client.delete_backup(&id).await.unwrap();
    assert_eq!(deleted.backup_state, Some(BackupState::PendingDeletion));
    let now = bench.clocks.domain_now();
    assert!((now + 7 * DAY - deleted.delete_timestamp.unwrap().as_millis()).abs() < 60_000);
    for refused in [client.delete_backup(&id).await, client.keep(&id, true).await] {
        assert_eq!(
            refused.unwrap_err().to_string(),
            format!(
                "CloudHsmInvalidRequestException: Backup {id} is in state PENDING_DELETION. This operation needs a \
                 backup in state READY."
            )
        );
    }
    let restored = client.restore_backup(&id).await.unwrap();
    assert_eq!((restored.backup_state, restored.delete_timestamp), (Some(BackupState::Ready), None));
    assert_eq!(
        client.restore_backup(&id).await.unwrap_err().to_string(),
        format!(
            "CloudHsmInvalidRequestException: Backup {id} is in state READY. This operation needs a backup in state \
             PENDING_DELETION."
        )
    );
    client.delete_backup(&id).await.unwrap();
    bench.later(8 * DAY).await;
    // A cluster that has lost everything but a deleted backup is told to restore it.
    let (other, hsm) = client.active().await;
    client.delete_hsm(&other, &hsm).await.unwrap();
    client.has_hsms(&other, 0).await;
    for backup in client.has_backups(&other, 2).await {
        client.delete_backup(&backup.backup_id).await.unwrap();
    }
    let refused = client.create_hsm(&other, ZONE_A).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "CloudHsmInvalidRequestException: Cluster {other} has no HSM, and no backup in state READY to make one from. \
             Restore a backup with RestoreBackup first."
        )
    );

    let gone = client.restore_backup(&id).await.unwrap_err();
    assert_eq!(gone.to_string(), format!("CloudHsmResourceNotFoundException: Backup {id} does not exist."));
    assert!(client.backups(Some(filter("backupIds", &[&id]))).await.is_empty());
    assert_eq!(
        bench.bytes_of_backups().await,
        client.states(&cluster).await.len() + 2,
        "its bytes are gone too"
    );
    let none = bench.as_of(STRANGER, REGION).delete_backup(&id).await.unwrap_err();
    assert_eq!(none.code(), "CloudHsmResourceNotFoundException");
}

async fn a_cluster_is_made_from_a_backup(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, _) = client.active().await;
    let certificate = client.cluster(&cluster).await.unwrap().certificates.unwrap().cluster_certificate;
    let id = client.backups(None).await[0].backup_id.clone();
    let from =
        |id: &str| CreateClusterRequest { source_backup_id: Some(id.to_owned()), ..new_cluster(&[SUBNET_A]) };
    let other_mode =
        CreateClusterRequest { mode: Some(strongroom_api_cloudhsm::ClusterMode::NonFips), ..from(&id) };
    assert_eq!(
        client.create(other_mode).await.unwrap_err().to_string(),
        format!(
            "CloudHsmInvalidRequestException: Backup {id} is of a cluster in mode FIPS. A cluster that is made from it \
             has the same mode."
        )
    );
    let arn = format!("arn:aws:cloudhsm:{REGION}:{ACCOUNT}:backup/{id}");
    let stranger = bench.as_of(STRANGER, REGION);
    assert_eq!(stranger.create(from(&arn)).await.unwrap_err().code(), "CloudHsmAccessDeniedException");

    let clone = client.create(from(&arn)).await.unwrap();
    assert_eq!(clone.source_backup_id.as_ref(), Some(&id));
    assert_eq!(clone.certificates.unwrap().cluster_certificate, certificate);
    let clone = clone.cluster_id.unwrap();
    client.reaches(&clone, ClusterState::Initialized).await;
    let hsm = client.create_hsm(&clone, ZONE_A).await.unwrap().hsm_id;
    // Neither initialized nor activated again.
    client.reaches(&clone, ClusterState::Active).await;
    let hsm = bench.placement.hsm(&hsm);
    assert_eq!(hsm.disk().role, Some(AssignedRole::Restore));
    assert!(!hsm.disk().entries.values().any(|entry| entry == b"found"), "it has a log of its own");
    client.has_backups(&clone, 1).await;
}

async fn a_copy_in_another_region_is_a_backup_there(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let (client, far) = (bench.client(), bench.as_of(ACCOUNT, FAR_REGION));
    let (cluster, _) = client.active().await;
    let original = client.backups(None).await[0].clone();
    let copy = async |region: &str| {
        let input = CopyBackupToRegionRequest {
            destination_region: region.to_owned(),
            backup_id: original.backup_id.clone(),
            tag_list: None,
        };
        let answer = bench.plane.copy_backup_to_region(&client.changing(), input).await;
        answer.map(|answer| answer.destination_backup.unwrap()).map_err(|error| error.to_string())
    };
    let answer = copy(FAR_REGION).await.unwrap();
    assert_eq!(answer.create_timestamp, original.create_timestamp);
    assert_eq!(answer.source_backup.as_ref(), Some(&original.backup_id));
    assert_eq!(answer.source_cluster.as_ref(), Some(&cluster));
    assert_eq!(
        copy(REGION).await.unwrap_err(),
        format!(
            "CloudHsmInvalidRequestException: The destination Region us-east-1 is the Region of backup {}. Choose \
             another Region.",
            original.backup_id
        )
    );
    assert_eq!(
        copy("us-east-9").await.unwrap_err(),
        "CloudHsmInvalidRequestException: The Region us-east-9 does not exist."
    );
    let found = until("the copy", async || {
        let found = far.backups(Some(filter("sourceBackupIds", &[&original.backup_id]))).await.pop()?;
        (found.backup_state == Some(BackupState::Ready)).then_some(found)
    })
    .await;
    assert_eq!((found.cluster_id, found.source_region.as_deref()), (None, Some(REGION)));
    assert!(found.copy_timestamp.is_some());

    // The original goes, for good; the copy is whole.
    client.delete_backup(&original.backup_id).await.unwrap();
    bench.later(8 * DAY).await;
    let input =
        CreateClusterRequest { source_backup_id: Some(found.backup_id), ..new_cluster(&["subnet-000000e1"]) };
    let clone = far.create(input).await.unwrap().cluster_id.unwrap();
    far.reaches(&clone, ClusterState::Initialized).await;
    far.create_hsm(&clone, "eu-central-1a").await.unwrap();
    far.reaches(&clone, ClusterState::Active).await;
}

async fn backups_are_listed_by_filters_and_pages(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, _) = client.active().await;
    bench.later(5 * DAY + 1).await;
    let all = client.has_backups(&cluster, 6).await;
    let ids: Vec<_> = all.iter().map(|backup| backup.backup_id.clone()).collect();
    client.keep(&ids[2], true).await.unwrap();
    for ascending in [true, false] {
        for most in [1, 4, 6, 50] {
            let (mut found, mut token) = (Vec::new(), None);
            loop {
                let input = DescribeBackupsRequest {
                    next_token: token,
                    max_results: Some(most),
                    sort_ascending: Some(ascending),
                    ..DescribeBackupsRequest::default()
                };
                let answer = bench.plane.describe_backups(&client.context(), input).await.unwrap();
                let page = answer.backups.unwrap();
                assert!(page.len() <= most as usize);
                found.extend(page.into_iter().map(|backup| backup.backup_id));
                token = answer.next_token;
                if token.is_none() {
                    break;
                }
            }
            if !ascending {
                found.reverse();
            }
            assert_eq!(found, ids, "pages of {most}, ascending: {ascending}");
        }
    }
    let count = async |name: &str, values: &[&str]| client.backups(Some(filter(name, values))).await.len();
    assert_eq!(count("neverExpires", &["true"]).await, 1);
    assert_eq!(count("neverExpires", &["false"]).await, 5);
    assert_eq!(count("backupIds", &[&ids[0], &ids[5], "backup-aaaaaaaaaaa"]).await, 2);
    assert_eq!(count("states", &["PENDING_DELETION"]).await, 0);
    assert_eq!(count("clusterIds", &["cluster-aaaaaaaaaaa"]).await, 0);
    let odd = async |input: DescribeBackupsRequest| {
        bench.plane.describe_backups(&client.context(), input).await.unwrap_err().to_string()
    };
    let filters = Some(filter("neverExpires", &["maybe"]));
    assert_eq!(
        odd(DescribeBackupsRequest { filters, ..DescribeBackupsRequest::default() }).await,
        "CloudHsmInvalidRequestException: The value maybe of filter neverExpires is not true or false."
    );
    let next_token = Some("00".to_owned());
    assert_eq!(
        odd(DescribeBackupsRequest { next_token, ..DescribeBackupsRequest::default() }).await,
        "CloudHsmInvalidRequestException: Invalid pagination token."
    );
}

async fn policies_of_backups(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    client.active().await;
    let id = client.backups(None).await[0].backup_id.clone();
    let arn = format!("arn:aws:cloudhsm:{REGION}:{ACCOUNT}:backup/{id}");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},
        "Action":["cloudhsm:CreateCluster","cloudhsm:DescribeBackups"],"Resource":"*"}]}"#;
    let put = async |arn: &str, policy: &str| {
        let input =
            PutResourcePolicyRequest { resource_arn: Some(arn.to_owned()), policy: Some(policy.to_owned()) };
        bench
            .plane
            .put_resource_policy(&client.changing(), input)
            .await
            .map(drop)
            .map_err(|e| e.code().to_owned())
    };
    let get = async || {
        let input = GetResourcePolicyRequest { resource_arn: Some(arn.clone()) };
        bench.plane.get_resource_policy(&client.context(), input).await.unwrap().policy
    };
    assert_eq!(get().await, None);
    put(&arn, policy).await.unwrap();
    assert_eq!(get().await.as_deref(), Some(policy));
    for (arn, policy) in [(arn.as_str(), "{}"), ("x", policy)] {
        assert_eq!(put(arn, policy).await.unwrap_err(), "CloudHsmInvalidRequestException");
    }
    let input = DeleteResourcePolicyRequest { resource_arn: Some(arn.clone()) };
    let former = bench.plane.delete_resource_policy(&client.changing(), input).await.unwrap().policy;
    assert_eq!(former.as_deref(), Some(policy));
    assert_eq!(get().await, None);
}
