//! Regions, Availability Zones, and what an account can do.

use strongroom_api_ec2::{self as ec2, actions};
use strongroom_identity::{Region, RequestContext};

use crate::Networks;
use crate::domain::filter::{Attribute, Filters, text};
use crate::domain::tags::Tags;
use crate::domain::zone::{self, Zone};
use crate::error::Refusal;
use crate::networks::Target;

/// EC2 API Reference, DescribeAvailabilityZones.
const ZONE_FILTERS: &[Attribute<ec2::AvailabilityZone>] = &[
    ("group-name", |zone| text(&zone.group_name)),
    ("group-long-name", |zone| text(&zone.group_long_name)),
    ("message", |_| Vec::new()),
    ("opt-in-status", |zone| zone.opt_in_status.iter().map(|status| status.as_str().to_owned()).collect()),
    ("parent-zone-id", |_| Vec::new()),
    ("parent-zone-name", |_| Vec::new()),
    ("region-name", |zone| text(&zone.region_name)),
    ("state", |zone| zone.state.iter().map(|state| state.as_str().to_owned()).collect()),
    ("zone-id", |zone| text(&zone.zone_id)),
    ("zone-name", |zone| text(&zone.zone_name)),
    ("zone-type", |zone| text(&zone.zone_type)),
];

/// EC2 API Reference, DescribeRegions.
const REGION_FILTERS: &[Attribute<ec2::Region>] = &[
    ("endpoint", |region| text(&region.endpoint)),
    ("opt-in-status", |region| text(&region.opt_in_status)),
    ("region-name", |region| text(&region.region_name)),
];

pub(super) fn describe_availability_zones(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeAvailabilityZonesRequest,
) -> Result<ec2::DescribeAvailabilityZonesResult, Refusal> {
    let filters = Filters::parse(input.filters, ZONE_FILTERS)?;
    networks.allow::<actions::DescribeAvailabilityZones>(context, input.dry_run)?;
    let zones: Vec<_> = zone::of(context.region).collect();
    let (names, ids) = (input.zone_names.unwrap_or_default(), input.zone_ids.unwrap_or_default());
    for name in &names {
        if !zones.iter().any(|zone| zone.name == *name) {
            return Err(Refusal::invalid_value(format!("Invalid availability zone: [{name}]")));
        }
    }
    for id in &ids {
        if !zones.iter().any(|zone| zone.id == *id) {
            return Err(Refusal::invalid_value(format!("Invalid availability zone-id: [{id}]")));
        }
    }
    let named = |zone: &Zone| {
        (names.is_empty() && ids.is_empty()) || names.contains(&zone.name) || ids.contains(&zone.id)
    };
    let zones = zones.into_iter().filter(named).map(zone_answer);
    let zones = zones.filter(|zone| filters.admit(zone, &Tags::default())).collect();
    Ok(ec2::DescribeAvailabilityZonesResult { availability_zones: Some(zones) })
}

fn zone_answer(zone: Zone) -> ec2::AvailabilityZone {
    let region = zone.region.name().to_owned();
    ec2::AvailabilityZone {
        opt_in_status: Some(ec2::AvailabilityZoneOptInStatus::OptInNotRequired),
        messages: Some(Vec::new()),
        region_name: Some(region.clone()),
        zone_name: Some(zone.name),
        zone_id: Some(zone.id),
        group_name: Some(format!("{region}-zg-1")),
        network_border_group: Some(region),
        zone_type: Some("availability-zone".to_owned()),
        state: Some(ec2::AvailabilityZoneState::Available),
        ..ec2::AvailabilityZone::default()
    }
}

pub(super) fn describe_regions(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeRegionsRequest,
) -> Result<ec2::DescribeRegionsResult, Refusal> {
    let filters = Filters::parse(input.filters, REGION_FILTERS)?;
    networks.allow::<actions::DescribeRegions>(context, input.dry_run)?;
    let names = input.region_names.unwrap_or_default();
    let unknown: Vec<_> = names.iter().filter(|name| Region::named(name).is_none()).collect();
    if !unknown.is_empty() {
        let unknown = unknown.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(Refusal::invalid_value(format!("Invalid region names provided: {unknown}")));
    }
    let named = |region: &Region| names.is_empty() || names.iter().any(|name| name == region.name());
    let regions = Region::all().filter(named).map(|region| ec2::Region {
        opt_in_status: Some(zone::opt_in_status(region).to_owned()),
        region_name: Some(region.name().to_owned()),
        endpoint: Some(format!("ec2.{region}.amazonaws.com")),
    });
    let regions = regions.filter(|region| filters.admit(region, &Tags::default())).collect();
    Ok(ec2::DescribeRegionsResult { regions: Some(regions) })
}

pub(super) async fn describe_account_attributes(
    networks: &Networks,
    context: &RequestContext,
    input: ec2::DescribeAccountAttributesRequest,
) -> Result<ec2::DescribeAccountAttributesResult, Refusal> {
    let network =
        networks.read::<actions::DescribeAccountAttributes>(context, input.dry_run, &[Target::All]).await?;
    let default_vpc = network.default_vpc().map_or_else(|| "none".to_owned(), |vpc| vpc.id.clone());
    let known = [("supported-platforms", "VPC".to_owned()), ("default-vpc", default_vpc)];
    let names = input.attribute_names.unwrap_or_default();
    for name in &names {
        if !known.iter().any(|(known, _)| *known == name.as_str()) {
            return Err(Refusal::invalid_value(format!(
                "Value ({}) for parameter attribute is invalid. Unknown attribute.",
                name.as_str()
            )));
        }
    }
    let asked = |name: &str| names.is_empty() || names.iter().any(|asked| asked.as_str() == name);
    let attributes = known.into_iter().filter(|(name, _)| asked(name)).map(|(name, value)| {
        let attribute_values = Some(vec![ec2::AccountAttributeValue { attribute_value: Some(value) }]);
        ec2::AccountAttribute { attribute_name: Some(name.to_owned()), attribute_values }
    });
    Ok(ec2::DescribeAccountAttributesResult { account_attributes: Some(attributes.collect()) })
}
