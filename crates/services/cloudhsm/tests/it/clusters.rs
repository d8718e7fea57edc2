//! Making, describing, initializing and changing clusters: what is refused, and with what words.

use strongroom_api_cloudhsm::{
    BackupRetentionPolicy, BackupRetentionType, CloudHsm as _, ClusterMode, ClusterState,
    CreateClusterRequest, DeleteClusterRequest, DescribeClustersRequest, ListTagsRequest,
    ModifyClusterRequest, NetworkType, Tag, TagResourceRequest, UntagResourceRequest,
};
use strongroom_cloudhsm::Options;
use strongroom_crypto::ec::{Curve, PrivateKey};
use strongroom_pki::{CertificateRequest, Identity, Kind, Name, Validity, issue, self_sign};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{
    ACCOUNT, Bench, Client, FAR_REGION, REGION, STRANGER, SUBNET_A, SUBNET_B, VALIDITY, ZONE_A, filter,
    new_cluster, sign,
};

on_both_engines! {
    what_a_cluster_cannot_be,
    clusters_are_listed_by_filters_and_pages,
    certificates_that_are_not_taken,
    what_can_be_changed,
    tags_of_a_cluster,
    altered_rows_are_not_believed,
}

impl Client<'_> {
    pub(crate) async fn delete_cluster(
        &self,
        id: &str,
    ) -> Result<strongroom_api_cloudhsm::Cluster, strongroom_service::ApiError> {
        let input = DeleteClusterRequest { cluster_id: id.to_owned() };
        Ok(self.bench.plane.delete_cluster(&self.changing(), input).await?.cluster.unwrap())
    }

    pub(crate) async fn modify(&self, id: &str, days: &str) -> Result<String, strongroom_service::ApiError> {
        let input = ModifyClusterRequest {
            cluster_id: id.to_owned(),
            backup_retention_policy: Some(retention(days)),
            hsm_type: None,
        };
        let cluster = self.bench.plane.modify_cluster(&self.changing(), input).await?.cluster.unwrap();
        Ok(cluster.backup_retention_policy.unwrap().value.unwrap())
    }
}

fn retention(days: &str) -> BackupRetentionPolicy {
    BackupRetentionPolicy { r#type: Some(BackupRetentionType::Days), value: Some(days.to_owned()) }
}

fn invalid(text: &str) -> String {
    format!("CloudHsmInvalidRequestException: {text}")
}

async fn what_a_cluster_cannot_be(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let base = || new_cluster(&[SUBNET_A]);
    let backup = "backup-aaaaaaaaaaa";
    let cases: Vec<(CreateClusterRequest, String)> = vec![
        (
            CreateClusterRequest { hsm_type: "hsm1.medium".to_owned(), ..base() },
            invalid("Provided HsmType is not supported."),
        ),
        (CreateClusterRequest { mode: None, ..base() }, invalid("Mode is required.")),
        (
            CreateClusterRequest { network_type: Some(NetworkType::Dualstack), ..base() },
            invalid("Provided NetworkType is not supported."),
        ),
        (
            CreateClusterRequest { backup_retention_policy: Some(retention("6")), ..base() },
            invalid("The value of the backup retention policy must be between 7 and 379 days."),
        ),
        (
            CreateClusterRequest {
                backup_retention_policy: Some(BackupRetentionPolicy::default()),
                ..base()
            },
            invalid("The type of the backup retention policy must be DAYS."),
        ),
        (new_cluster(&[SUBNET_A, SUBNET_A]), invalid("Subnet subnet-0000000a is named more than once.")),
        (
            new_cluster(&[SUBNET_A, "subnet-000000a2"]),
            invalid(
                "A cluster can have one subnet in each Availability Zone, and more than one is in us-east-1a.",
            ),
        ),
        (
            new_cluster(&[SUBNET_A, "subnet-0000000d"]),
            invalid("All subnets of a cluster must be in the same VPC."),
        ),
        (new_cluster(&["subnet-00000000"]), invalid("The subnet ID 'subnet-00000000' does not exist")),
        (
            CreateClusterRequest { source_backup_id: Some(backup.to_owned()), ..base() },
            format!("CloudHsmResourceNotFoundException: Backup {backup} does not exist."),
        ),
        (
            CreateClusterRequest {
                source_backup_id: Some(format!("arn:aws:cloudhsm:{FAR_REGION}:{ACCOUNT}:backup/{backup}")),
                ..base()
            },
            invalid(
                "Backup backup-aaaaaaaaaaa is in Region eu-central-1. Copy it to this Region with \
                 CopyBackupToRegion first.",
            ),
        ),
        (
            CreateClusterRequest {
                tag_list: Some(vec![Tag { key: "aws:x".to_owned(), value: String::new() }]),
                ..base()
            },
            "CloudHsmTagException: Tag keys that begin with aws: are reserved for AWS: aws:x".to_owned(),
        ),
    ];
    for (input, text) in cases {
        let refused = client.create(input.clone()).await.unwrap_err();
        assert_eq!(refused.to_string(), text, "{input:?}");
    }
    assert!(bench.ec2.made().groups.is_empty(), "nothing was made");

    for _ in 0..4 {
        client.create(base()).await.unwrap();
    }
    let refused = client.create(base()).await.unwrap_err();
    assert_eq!(refused.to_string(), invalid("You have reached the limit of 4 clusters in this Region."));
    assert_eq!(bench.ec2.made().groups.len(), 4, "what was made for the fifth is gone");
}

async fn clusters_are_listed_by_filters_and_pages(database: &TestDatabase) {
    let options = {
        let mut options = Options::default();
        options.most_clusters = 100;
        options
    };
    let bench = Bench::with(database, options).await;
    let client = bench.client();
    let mut ids = Vec::new();
    for number in 0..7 {
        let subnets: &[&str] = if number < 5 { &[SUBNET_A] } else { &["subnet-0000000d"] };
        ids.push(client.create(new_cluster(subnets)).await.unwrap().cluster_id.unwrap());
    }
    ids.sort();
    for id in &ids {
        client.reaches(id, ClusterState::Uninitialized).await;
    }
    let list = async |client: &Client<'_>, filters: Option<(&str, &[&str])>, most| {
        let (mut found, mut token) = (Vec::new(), None);
        loop {
            let input = DescribeClustersRequest {
                filters: filters.map(|(name, values)| filter(name, values)),
                next_token: token,
                max_results: Some(most),
            };
            let answer = bench.plane.describe_clusters(&client.context(), input).await.unwrap();
            let page = answer.clusters.unwrap();
            assert!(page.len() <= most as usize);
            found.extend(page.into_iter().map(|cluster| cluster.cluster_id.unwrap()));
            token = answer.next_token;
            if token.is_none() {
                return found;
            }
        }
    };
    for most in [1, 3, 7, 25] {
        assert_eq!(list(&client, None, most).await, ids, "pages of {most}");
    }
    assert_eq!(list(&client, Some(("vpcIds", &["vpc-00000002"])), 1).await.len(), 2);
    assert_eq!(list(&client, Some(("states", &["UNINITIALIZED", "ACTIVE"])), 5).await, ids);
    assert_eq!(list(&client, Some(("states", &["ACTIVE"])), 5).await.len(), 0);
    let some: Vec<_> = [&ids[1], &ids[4]].map(String::as_str).to_vec();
    assert_eq!(list(&client, Some(("clusterIds", &some)), 5).await, some);
    for (account, region) in [(STRANGER, REGION), (ACCOUNT, FAR_REGION)] {
        assert_eq!(list(&bench.as_of(account, region), None, 5).await.len(), 0);
    }

    let refuse = async |input| bench.plane.describe_clusters(&client.context(), input).await.unwrap_err();
    let odd =
        DescribeClustersRequest { filters: Some(filter("x", &[])), ..DescribeClustersRequest::default() };
    assert_eq!(
        refuse(odd).await.to_string(),
        invalid("Filter x is not supported. Supported filters are clusterIds, vpcIds, states.")
    );
    for token in ["", "x", "0102", "0161"] {
        let odd = DescribeClustersRequest {
            next_token: Some(token.to_owned()),
            ..DescribeClustersRequest::default()
        };
        assert_eq!(refuse(odd).await.to_string(), invalid("Invalid pagination token."), "{token}");
    }
}

async fn certificates_that_are_not_taken(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let cluster = client.uninitialized().await;
    let refuse = async |signed: &str, anchor: &str| {
        client.initialize(&cluster, signed, anchor).await.unwrap_err().to_string()
    };
    assert_eq!(
        refuse("", "").await,
        invalid(&format!(
            "Cluster {cluster} has no certificate signing request yet. Create an HSM and wait until it is ACTIVE."
        ))
    );
    client.create_hsm(&cluster, ZONE_A).await.unwrap();
    let csr = client.csr(&cluster).await;
    let (signed, anchor) = sign(&csr);

    let other_key = PrivateKey::generate(Curve::P256).unwrap();
    let other = CertificateRequest::create(&Name::new().common_name("x"), &other_key).unwrap();
    let (of_other, other_anchor) = sign(&other.to_pem());
    let request = CertificateRequest::from_pem(&csr).unwrap();
    let make = |kind, validity: Validity| {
        let key = PrivateKey::generate(Curve::P256).unwrap();
        let authority = Identity::new(Name::new().common_name("authority"), kind, validity);
        let anchor = self_sign(&authority, &key).unwrap();
        let subject = Identity::new(Name::new().common_name("cluster"), Kind::Endpoint, VALIDITY);
        let signed = issue(&subject, request.public_key(), &anchor, &key).unwrap();
        (signed.to_pem(), anchor.to_pem())
    };
    let no_authority = make(Kind::Endpoint, VALIDITY);
    let expired =
        make(Kind::Authority { path_length: None }, Validity { not_after: 1_500_000_000, ..VALIDITY });
    let early =
        make(Kind::Authority { path_length: None }, Validity { not_before: 3_900_000_000, ..VALIDITY });
    for (signed, anchor, text) in [
        ("x", anchor.as_str(), "The signed certificate cannot be read: it is not PEM of the expected kind."),
        (&signed, "x", "The trust anchor cannot be read: it is not PEM of the expected kind."),
        (
            &of_other,
            &other_anchor,
            "The signed certificate does not match the certificate signing request of the cluster.",
        ),
        (&signed, &other_anchor, "The signed certificate was not issued by the trust anchor."),
        (
            &no_authority.0,
            &no_authority.1,
            "The basic constraints of the trust anchor say that it is no certificate authority.",
        ),
        (&expired.0, &expired.1, "The trust anchor has expired."),
        (&early.0, &early.1, "The trust anchor is not valid yet."),
    ] {
        assert_eq!(refuse(signed, anchor).await, invalid(text));
    }
    assert_eq!(client.cluster(&cluster).await.unwrap().state, Some(ClusterState::Uninitialized));

    client.initialize(&cluster, &signed, &anchor).await.unwrap();
    client.reaches(&cluster, ClusterState::Initialized).await;
    assert_eq!(
        refuse(&signed, &anchor).await,
        invalid(&format!(
            "Cluster {cluster} is in state INITIALIZED. Only a cluster in state UNINITIALIZED can be initialized."
        ))
    );
    let refused = client.initialize("cluster-aaaaaaaaaaa", &signed, &anchor).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "CloudHsmResourceNotFoundException: Cluster cluster-aaaaaaaaaaa does not exist."
    );
}

async fn what_can_be_changed(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let cluster = client.uninitialized().await;
    assert_eq!(client.modify(&cluster, "10").await.unwrap(), "10");
    assert_eq!(
        client.modify(&cluster, "400").await.unwrap_err().to_string(),
        invalid("The value of the backup retention policy must be between 7 and 379 days.")
    );
    let modify = async |hsm_type: Option<&str>| {
        let input = ModifyClusterRequest {
            cluster_id: cluster.clone(),
            hsm_type: hsm_type.map(str::to_owned),
            backup_retention_policy: None,
        };
        bench
            .plane
            .modify_cluster(&client.changing(), input)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    };
    assert_eq!(modify(Some("hsm2m.medium")).await, Ok(()));
    assert_eq!(modify(Some("hsm1.medium")).await, Err(invalid("Provided HsmType is not supported.")));
    assert_eq!(modify(None).await, Err(invalid("Specify BackupRetentionPolicy or HsmType.")));
    let none = bench.as_of(STRANGER, REGION).modify(&cluster, "10").await.unwrap_err();
    assert_eq!(
        none.to_string(),
        format!("CloudHsmResourceNotFoundException: Cluster {cluster} does not exist.")
    );
    client.delete_cluster(&cluster).await.unwrap();
    client.reaches(&cluster, ClusterState::Deleted).await;
    assert_eq!(
        client.modify(&cluster, "10").await.unwrap_err().to_string(),
        invalid(&format!("Cluster {cluster} is in state DELETED and cannot be used in this operation."))
    );
    let mode =
        client.create(CreateClusterRequest { mode: Some(ClusterMode::NonFips), ..new_cluster(&[SUBNET_B]) });
    assert_eq!(mode.await.unwrap().mode, Some(ClusterMode::NonFips));
}

async fn tags_of_a_cluster(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: value.to_owned() };
    let input = CreateClusterRequest { tag_list: Some(vec![tag("a", "1")]), ..new_cluster(&[SUBNET_A]) };
    let cluster = client.create(input).await.unwrap().cluster_id.unwrap();
    client.reaches(&cluster, ClusterState::Uninitialized).await;
    let list = async |most: Option<i32>| {
        let (mut found, mut token) = (Vec::new(), None);
        loop {
            let input =
                ListTagsRequest { resource_id: cluster.clone(), next_token: token, max_results: most };
            let answer = bench.plane.list_tags(&client.context(), input).await.unwrap();
            found.extend(answer.tag_list.into_iter().map(|tag| (tag.key, tag.value)));
            token = answer.next_token;
            if token.is_none() {
                return found;
            }
        }
    };
    let add = async |tags: Vec<Tag>| {
        let input = TagResourceRequest { resource_id: cluster.clone(), tag_list: tags };
        bench.plane.tag_resource(&client.changing(), input).await.map(drop).map_err(|error| error.to_string())
    };
    add(vec![tag("b", "2"), tag("a", "3")]).await.unwrap();
    let all = [("a".to_owned(), "3".to_owned()), ("b".to_owned(), "2".to_owned())];
    assert_eq!(list(None).await, all);
    assert_eq!(list(Some(1)).await, all);
    let many = (0..50).map(|number| tag(&format!("n{number}"), "")).collect();
    assert_eq!(
        add(many).await,
        Err("CloudHsmResourceLimitExceededException: A resource can have at most 50 tags.".to_owned())
    );
    let input = UntagResourceRequest { resource_id: cluster.clone(), tag_key_list: vec!["a".to_owned()] };
    bench.plane.untag_resource(&client.changing(), input).await.unwrap();
    assert_eq!(list(None).await, all[1..]);
    let odd = ListTagsRequest { resource_id: "backup-aaaaaaaaaaa".to_owned(), ..ListTagsRequest::default() };
    let none = bench.plane.list_tags(&client.context(), odd).await.unwrap_err();
    assert_eq!(
        none.to_string(),
        "CloudHsmResourceNotFoundException: Backup backup-aaaaaaaaaaa does not exist."
    );
}

async fn altered_rows_are_not_believed(database: &TestDatabase) {
    use strongroom_store::Statement;
    const ALTER: Statement =
        Statement::new("UPDATE cloudhsm_clusters SET security_group = 'sg-11111111' WHERE cluster_id = $1");
    let bench = Bench::new(database).await;
    let client = bench.client();
    let cluster = client.uninitialized().await;
    assert_eq!(bench.db.execute(ALTER, &[cluster.as_str().into()]).await.unwrap(), 1);
    let refused = client.create_hsm(&cluster, ZONE_A).await.unwrap_err();
    assert_eq!(refused.code(), "CloudHsmInternalFailureException");
}
