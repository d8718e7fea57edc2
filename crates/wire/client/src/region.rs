//! The Region as AWS's tools find it: named, in variables, in the profile's file.

use crate::CallError;
use crate::files::{profile, profiles, section, value, variable};

/// AWS's first Region, where none is named.
const USUAL_REGION: &str = "us-east-1";

/// The Region: the one that was named, or the one of `AWS_DEFAULT_REGION`, `AWS_REGION` or the profile; `us-east-1`
/// if nobody says anything.
pub fn region(named: Option<&str>) -> Result<String, CallError> {
    let found = named
        .map(str::to_owned)
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .or_else(|| variable("AWS_REGION"));
    if let Some(region) = found {
        return Ok(region);
    }
    let profile = profile();
    let text = profiles("AWS_CONFIG_FILE", "config")?;
    let section = section(&text, &[&format!("profile {profile}"), &profile]);
    Ok(value(&section, "region").unwrap_or(USUAL_REGION).to_owned())
}
