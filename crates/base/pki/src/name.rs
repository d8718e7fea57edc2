//! Distinguished names of certificates that we make.

use rcgen::{DistinguishedName, DnType, DnValue, string::PrintableString};

use crate::MakeError;

/// A distinguished name, its parts in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name(Vec<(Part, String)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Country,
    State,
    Locality,
    Organization,
    Unit,
    CommonName,
}

impl Name {
    /// An empty name, to which parts are added.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `C`: a country's two letters.
    #[must_use]
    pub fn country(self, value: &str) -> Self {
        self.with(Part::Country, value)
    }

    /// Adds `ST`.
    #[must_use]
    pub fn state(self, value: &str) -> Self {
        self.with(Part::State, value)
    }

    /// Adds `L`.
    #[must_use]
    pub fn locality(self, value: &str) -> Self {
        self.with(Part::Locality, value)
    }

    /// Adds `O`.
    #[must_use]
    pub fn organization(self, value: &str) -> Self {
        self.with(Part::Organization, value)
    }

    /// Adds `OU`.
    #[must_use]
    pub fn unit(self, value: &str) -> Self {
        self.with(Part::Unit, value)
    }

    /// Adds `CN`.
    #[must_use]
    pub fn common_name(self, value: &str) -> Self {
        self.with(Part::CommonName, value)
    }

    /// One of each part: a second replaces the first.
    fn with(mut self, part: Part, value: &str) -> Self {
        self.0.retain(|(other, _)| *other != part);
        self.0.push((part, value.to_owned()));
        self
    }

    pub(crate) fn to_rcgen(&self) -> Result<DistinguishedName, MakeError> {
        let mut name = DistinguishedName::new();
        for (part, value) in &self.0 {
            match part {
                Part::Country => {
                    let value = PrintableString::try_from(value.as_str())?;
                    name.push(DnType::CountryName, DnValue::PrintableString(value));
                }
                Part::State => name.push(DnType::StateOrProvinceName, value.as_str()),
                Part::Locality => name.push(DnType::LocalityName, value.as_str()),
                Part::Organization => name.push(DnType::OrganizationName, value.as_str()),
                Part::Unit => name.push(DnType::OrganizationalUnitName, value.as_str()),
                Part::CommonName => name.push(DnType::CommonName, value.as_str()),
            }
        }
        Ok(name)
    }
}
