//! The Regions of the partition `aws`, and their Availability Zones.

use std::fmt;

/// The partition that all our ARNs name.
pub const PARTITION: &str = "aws";

/// A Region of the table below. Strongroom serves them all at once: a request's Region is the one that it
/// is signed for, and a Region outside the table is refused.
#[derive(Clone, Copy)]
pub struct Region(&'static Row);

struct Row {
    name: &'static str,
    zones: &'static str,
}

/// Name and zone letters, ordered by name. Source: the AWS General Reference's list of Regions and the EC2
/// User Guide's of Availability Zones; every Region has at least three, of which each account sees these.
const REGIONS: &[Row] = &[
    row("af-south-1", "abc"),
    row("ap-east-1", "abc"),
    row("ap-east-2", "abc"),
    row("ap-northeast-1", "acd"),
    row("ap-northeast-2", "abcd"),
    row("ap-northeast-3", "abc"),
    row("ap-south-1", "abc"),
    row("ap-south-2", "abc"),
    row("ap-southeast-1", "abc"),
    row("ap-southeast-2", "abc"),
    row("ap-southeast-3", "abc"),
    row("ap-southeast-4", "abc"),
    row("ap-southeast-5", "abc"),
    row("ap-southeast-6", "abc"),
    row("ap-southeast-7", "abc"),
    row("ca-central-1", "abd"),
    row("ca-west-1", "abc"),
    row("eu-central-1", "abc"),
    row("eu-central-2", "abc"),
    row("eu-north-1", "abc"),
    row("eu-south-1", "abc"),
    row("eu-south-2", "abc"),
    row("eu-west-1", "abc"),
    row("eu-west-2", "abc"),
    row("eu-west-3", "abc"),
    row("il-central-1", "abc"),
    row("me-central-1", "abc"),
    row("me-south-1", "abc"),
    row("mx-central-1", "abc"),
    row("sa-east-1", "abc"),
    row("us-east-1", "abcdef"),
    row("us-east-2", "abc"),
    row("us-west-1", "ac"),
    row("us-west-2", "abcd"),
];

const fn row(name: &'static str, zones: &'static str) -> Row {
    Row { name, zones }
}

impl Region {
    /// The Region of that name, or `None` if the table has none.
    pub fn named(name: &str) -> Option<Self> {
        REGIONS.binary_search_by_key(&name, |row| row.name).ok().map(|at| Self(&REGIONS[at]))
    }

    /// All Regions, ordered by name.
    pub fn all() -> impl Iterator<Item = Self> {
        REGIONS.iter().map(Self)
    }

    /// Its name, for example `eu-central-1`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The names of its Availability Zones, for example `eu-central-1a`.
    pub fn zones(self) -> impl Iterator<Item = String> {
        self.0.zones.chars().map(move |letter| format!("{}{letter}", self.0.name))
    }
}

impl PartialEq for Region {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Region {}

impl std::hash::Hash for Region {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_is_found_by_its_name() {
        let mut names: Vec<_> = Region::all().map(Region::name).collect();
        assert!(names.iter().all(|name| Region::named(name).is_some_and(|region| region.name() == *name)));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_region_outside_the_table_is_none() {
        for name in ["", "us-east-9", "us-east-1a", "US-EAST-1", "cn-north-1", "aws-global"] {
            assert_eq!(Region::named(name), None, "{name}");
        }
    }

    #[test]
    fn zones_are_named_after_their_region() {
        let zones: Vec<_> = Region::named("us-west-1").into_iter().flat_map(Region::zones).collect();
        assert_eq!(zones, ["us-west-1a", "us-west-1c"]);
    }
}
