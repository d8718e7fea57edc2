//! Which cryptographic module this build is linked with.

/// The name of the linked module: `AWS-LC`, or `AWS-LC-FIPS` in a build with the feature `fips`.
///
/// The FIPS module's validation is a matter of its certificate and of the platform it runs on; the name
/// alone claims none.
#[must_use]
pub fn module_name() -> &'static str {
    if cfg!(feature = "fips") { "AWS-LC-FIPS" } else { "AWS-LC" }
}

/// The version of the linked module, such as `5.1.0`.
#[must_use]
pub fn module_version() -> &'static str {
    aws_lc_rs::awslc_version()
}
