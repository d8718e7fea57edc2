//! Filters of the Describe operations: names, each with the values that may stand there.

use strongroom_schema::Map;

use crate::error::Refusal;

/// The filters of a request.
#[derive(Debug, Default)]
pub(crate) struct Filters(Vec<(String, Vec<String>)>);

impl Filters {
    /// Reads them; a name that is not among the known ones is refused.
    pub(crate) fn parse(filters: Option<Map<Vec<String>>>, known: &[&str]) -> Result<Self, Refusal> {
        let mut read = Vec::new();
        for (name, values) in filters.unwrap_or_default().iter() {
            if !known.contains(&name) {
                return Err(Refusal::Invalid(format!(
                    "Filter {name} is not supported. Supported filters are {}.",
                    known.join(", ")
                )));
            }
            read.push((name.to_owned(), values.clone()));
        }
        Ok(Self(read))
    }

    /// Whether the filter of that name lets `value` through. One that is not there lets everything through.
    pub(crate) fn pass(&self, name: &str, value: Option<&str>) -> bool {
        let filter = self.0.iter().find(|(known, _)| known == name);
        filter.is_none_or(|(_, values)| value.is_some_and(|value| values.iter().any(|one| one == value)))
    }

    /// The values of the filter of that name, if it is there.
    pub(crate) fn values(&self, name: &str) -> Option<&[String]> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, values)| values.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_lets_through_what_it_lists() {
        let map = Map::from_iter([("states".to_owned(), vec!["ACTIVE".to_owned(), "DELETED".to_owned()])]);
        let filters = Filters::parse(Some(map.clone()), &["states", "vpcIds"]).unwrap();
        assert!(filters.pass("states", Some("DELETED")) && filters.pass("vpcIds", Some("anything")));
        assert!(!filters.pass("states", Some("DEGRADED")) && !filters.pass("states", None));
        assert!(Filters::parse(Some(map), &["vpcIds"]).is_err());
    }
}
