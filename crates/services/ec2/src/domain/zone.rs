//! Availability Zones and Regions as EC2 lists them.

use strongroom_identity::Region;

/// Regions that an account has to opt in to (AWS General Reference, "Enable or disable AWS Regions"). Here
/// every account has.
const OPT_IN: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
];

/// An Availability Zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    pub(crate) region: Region,
    /// For example `us-east-1a`.
    pub(crate) name: String,
    /// For example `use1-az1`. AWS gives each account another order of ids; here they follow the letters.
    pub(crate) id: String,
}

/// The zones of a Region.
pub(crate) fn of(region: Region) -> impl Iterator<Item = Zone> {
    region.zones().map(move |name| {
        let letter = name.bytes().last().unwrap_or(b'a');
        let id = format!("{}-az{}", short_name(region), letter.saturating_sub(b'a') + 1);
        Zone { region, name, id }
    })
}

/// The id of the zone of that name.
pub(crate) fn id_of(region: Region, name: &str) -> Option<String> {
    of(region).find(|zone| zone.name == name).map(|zone| zone.id)
}

/// What a Region's zone ids begin with: `use1` for `us-east-1`, `apne2` for `ap-northeast-2`.
fn short_name(region: Region) -> String {
    let mut short = String::new();
    for (position, part) in region.name().split('-').enumerate() {
        match part {
            _ if position == 0 => short.push_str(part),
            "northeast" => short.push_str("ne"),
            "southeast" => short.push_str("se"),
            "northwest" => short.push_str("nw"),
            "southwest" => short.push_str("sw"),
            number if number.bytes().all(|byte| byte.is_ascii_digit()) => short.push_str(number),
            direction => short.extend(direction.chars().next()),
        }
    }
    short
}

/// `OptInStatus` of a Region.
pub(crate) fn opt_in_status(region: Region) -> &'static str {
    if OPT_IN.contains(&region.name()) { "opted-in" } else { "opt-in-not-required" }
}

/// The name by which a private address is known in the VPC's DNS (VPC User Guide, "DNS hostnames").
pub(crate) fn private_dns_name(region: Region, address: std::net::Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    let domain = match region.name() {
        "us-east-1" => "ec2.internal".to_owned(),
        other => format!("{other}.compute.internal"),
    };
    format!("ip-{a}-{b}-{c}-{d}.{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_ids_are_of_the_form_that_aws_gives_them() {
        for (region, first) in [
            ("us-east-1", "use1-az1"),
            ("us-west-2", "usw2-az1"),
            ("eu-central-1", "euc1-az1"),
            ("ap-northeast-1", "apne1-az1"),
            ("ap-southeast-2", "apse2-az1"),
            ("sa-east-1", "sae1-az1"),
            ("ca-central-1", "cac1-az1"),
            ("il-central-1", "ilc1-az1"),
        ] {
            let region = Region::named(region).unwrap();
            assert_eq!(of(region).next().unwrap().id, first);
        }
        assert!(OPT_IN.iter().all(|name| Region::named(name).is_some()));
    }
}
