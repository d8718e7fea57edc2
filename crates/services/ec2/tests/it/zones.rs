//! Regions, Availability Zones, and what an account can do.

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_identity::Region;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, FAR_REGION, client, read, refusal};

on_both_engines! {
    zones_are_those_of_the_region,
    regions_are_all_there,
    an_account_has_attributes,
}

async fn zones_are_those_of_the_region(database: &TestDatabase) {
    let client = client(database).await.as_of(ACCOUNT, FAR_REGION);
    let describe = async |input: ec2::DescribeAvailabilityZonesRequest| {
        let found = client.ec2.describe_availability_zones(&client.context(), input).await;
        found.map(|found| {
            let zone = |zone: ec2::AvailabilityZone| {
                assert_eq!(zone.state, Some(ec2::AvailabilityZoneState::Available));
                assert_eq!(zone.region_name.as_deref(), Some(FAR_REGION));
                (zone.zone_name.unwrap(), zone.zone_id.unwrap())
            };
            found.availability_zones.unwrap().into_iter().map(zone).collect::<Vec<_>>()
        })
    };
    let zone = |letter: &str, number: u8| (format!("eu-central-1{letter}"), format!("euc1-az{number}"));
    assert_eq!(
        describe(ec2::DescribeAvailabilityZonesRequest::default()).await.unwrap(),
        [zone("a", 1), zone("b", 2), zone("c", 3)]
    );
    let named = ec2::DescribeAvailabilityZonesRequest {
        zone_names: Some(vec!["eu-central-1b".to_owned()]),
        ..Default::default()
    };
    assert_eq!(describe(named).await.unwrap(), [zone("b", 2)]);
    let filtered = ec2::DescribeAvailabilityZonesRequest {
        filters: Some(read(&[("zone-id", &["*az3"]), ("zone-type", &["availability-zone"])])),
        ..Default::default()
    };
    assert_eq!(describe(filtered).await.unwrap(), [zone("c", 3)]);
    let elsewhere = ec2::DescribeAvailabilityZonesRequest {
        zone_names: Some(vec!["us-east-1a".to_owned()]),
        ..Default::default()
    };
    assert_eq!(
        refusal(describe(elsewhere).await),
        "InvalidParameterValue: Invalid availability zone: [us-east-1a]"
    );
}

async fn regions_are_all_there(database: &TestDatabase) {
    let client = client(database).await;
    let describe = async |names: Option<Vec<String>>, filters: &[(&str, &[&str])]| {
        let input = ec2::DescribeRegionsRequest {
            region_names: names,
            filters: Some(read(filters)),
            ..Default::default()
        };
        let found = client.ec2.describe_regions(&client.context(), input).await;
        found.map(|found| found.regions.unwrap())
    };
    assert_eq!(describe(None, &[]).await.unwrap().len(), Region::all().count());
    let one = describe(Some(vec![FAR_REGION.to_owned()]), &[]).await.unwrap().remove(0);
    assert_eq!(one.endpoint.as_deref(), Some("ec2.eu-central-1.amazonaws.com"));
    assert_eq!(one.opt_in_status.as_deref(), Some("opt-in-not-required"));
    let opted =
        describe(None, &[("opt-in-status", &["opted-in"]), ("region-name", &["me-*"])]).await.unwrap();
    assert_eq!(opted.len(), 2);
    assert_eq!(
        refusal(describe(Some(vec!["mars-1".to_owned()]), &[]).await),
        "InvalidParameterValue: Invalid region names provided: mars-1"
    );
}

async fn an_account_has_attributes(database: &TestDatabase) {
    let client = client(database).await;
    let describe = async |names: Option<Vec<ec2::AccountAttributeName>>| {
        let input = ec2::DescribeAccountAttributesRequest { attribute_names: names, dry_run: None };
        let found = client.ec2.describe_account_attributes(&client.context(), input).await;
        found.map(|found| {
            let value = |attribute: ec2::AccountAttribute| {
                attribute.attribute_values.unwrap().remove(0).attribute_value.unwrap()
            };
            found.account_attributes.unwrap().into_iter().map(value).collect::<Vec<_>>()
        })
    };
    let vpc = client.default_vpc().await.vpc_id.unwrap();
    assert_eq!(describe(None).await.unwrap(), ["VPC", &vpc]);
    assert_eq!(describe(Some(vec![ec2::AccountAttributeName::DefaultVpc])).await.unwrap(), [vpc]);
    let unknown = vec![ec2::AccountAttributeName::Unknown("x".to_owned())];
    assert_eq!(
        refusal(describe(Some(unknown)).await),
        "InvalidParameterValue: Value (x) for parameter attribute is invalid. Unknown attribute."
    );
}
