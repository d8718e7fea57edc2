//! The account that is audited, as its APIs show it.

use anyhow::Result;
use serde_json::Value;
use strongroom_client::{
    Aws, CLOUDHSM, CLOUDTRAIL, CLOUDWATCH, CallError, Credentials, EC2, Element, Endpoint, IAM, JsonService,
    KMS, Objects, QueryService, STS,
};
use strongroom_runtime::Clocks;

use super::hsm_access::HsmAccess;
use crate::cli::ReportOptions;

/// Where IAM is, whatever the Region.
pub(super) const HOME: &str = "us-east-1";

/// A service: its own variable for an endpoint, and its host at AWS.
struct Place {
    variable: &'static str,
    host: fn(&str) -> String,
}

const fn place(variable: &'static str, host: fn(&str) -> String) -> Place {
    Place { variable, host }
}

/// Where the service of that signing name is.
fn place_of(signing_name: &str) -> Place {
    match signing_name {
        "iam" => place("AWS_ENDPOINT_URL_IAM", |_| "iam.amazonaws.com".to_owned()),
        "sts" => place("AWS_ENDPOINT_URL_STS", |region| format!("sts.{region}.amazonaws.com")),
        "kms" => place("AWS_ENDPOINT_URL_KMS", |region| format!("kms.{region}.amazonaws.com")),
        "ec2" => place("AWS_ENDPOINT_URL_EC2", |region| format!("ec2.{region}.amazonaws.com")),
        "cloudhsm" => {
            place("AWS_ENDPOINT_URL_CLOUDHSM_V2", |region| format!("cloudhsmv2.{region}.amazonaws.com"))
        }
        "s3" => place("AWS_ENDPOINT_URL_S3", |region| format!("s3.{region}.amazonaws.com")),
        "cloudtrail" => {
            place("AWS_ENDPOINT_URL_CLOUDTRAIL", |region| format!("cloudtrail.{region}.amazonaws.com"))
        }
        _ => place("AWS_ENDPOINT_URL_CLOUDWATCH", |region| format!("monitoring.{region}.amazonaws.com")),
    }
}

/// An account and how it is asked.
pub(super) struct Site {
    endpoint: Option<String>,
    regions: Vec<String>,
    credentials: Credentials,
    pub(super) clocks: Clocks,
    /// How HSMs are asked, if they are.
    pub(super) hsms: HsmAccess,
    pub(super) account: String,
    pub(super) caller: String,
    pub(super) now_ms: i64,
    /// After so many days without use, a key or a credential counts as unused.
    pub(super) unused_days: i64,
}

impl Site {
    /// Finds out who asks, with the environment's credentials.
    pub(super) fn reach(options: &ReportOptions) -> Result<Self> {
        let clocks = Clocks::system();
        let regions = match options.region.as_slice() {
            [] => vec![strongroom_client::region(None)?],
            named => named.to_vec(),
        };
        let now_ms = clocks.real_now();
        let site = Self {
            endpoint: options.endpoint.clone(),
            regions,
            credentials: Credentials::find()?,
            clocks,
            hsms: HsmAccess::of(options)?,
            account: String::new(),
            caller: String::new(),
            now_ms,
            unused_days: i64::from(options.unused_days),
        };
        let region = site.regions.first().map_or(HOME, String::as_str);
        let identity = site.aws("sts", region)?.query(STS, "GetCallerIdentity", &[])?;
        let told = |name| identity.text_of(name).unwrap_or_default().to_owned();
        let (account, caller) = (told("Account"), told("Arn"));
        Ok(Self { account, caller, ..site })
    }

    pub(super) fn regions(&self) -> impl Iterator<Item = &str> {
        self.regions.iter().map(String::as_str)
    }

    /// The endpoint for people.
    pub(super) fn endpoint_text(&self) -> String {
        let found =
            Endpoint::find(self.endpoint.as_deref(), place_of("kms").variable, "https://amazonaws.com");
        found.map_or_else(|_| "?".to_owned(), |endpoint| endpoint.to_string())
    }

    fn endpoint(&self, signing_name: &str, region: &str) -> Result<Endpoint, CallError> {
        let Place { variable, host } = place_of(signing_name);
        Endpoint::find(self.endpoint.as_deref(), variable, &format!("https://{}", host(region)))
    }

    fn aws(&self, signing_name: &str, region: &str) -> Result<Aws, CallError> {
        let endpoint = self.endpoint(signing_name, region)?;
        Ok(Aws::new(endpoint, region.to_owned(), self.credentials.clone(), self.clocks.clone()))
    }

    /// S3 in a Region.
    pub(super) fn s3(&self, region: &str) -> Result<Objects, CallError> {
        let endpoint = self.endpoint("s3", region)?;
        Ok(Objects::new(endpoint, region, self.credentials.clone(), self.clocks.clone()))
    }

    fn json(
        &self,
        service: JsonService,
        region: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, CallError> {
        self.aws(service.signing_name, region)?.json(service, operation, input)
    }

    fn json_list(
        &self,
        service: JsonService,
        region: &str,
        operation: &str,
        input: &Value,
        list: &str,
    ) -> Result<Vec<Value>, CallError> {
        self.aws(service.signing_name, region)?.json_list(service, operation, input, list)
    }

    fn query(
        &self,
        service: QueryService,
        region: &str,
        operation: &str,
        input: &[(&str, &str)],
    ) -> Result<Element, CallError> {
        self.aws(service.signing_name, region)?.query(service, operation, input)
    }

    /// Asks KMS.
    pub(super) fn kms(&self, region: &str, operation: &str, input: &Value) -> Result<Value, CallError> {
        self.json(KMS, region, operation, input)
    }

    /// Asks KMS for all of a list.
    pub(super) fn kms_list(
        &self,
        region: &str,
        operation: &str,
        input: &Value,
        list: &str,
    ) -> Result<Vec<Value>, CallError> {
        self.json_list(KMS, region, operation, input, list)
    }

    /// Asks CloudHSM for all of a list.
    pub(super) fn cloudhsm_list(
        &self,
        region: &str,
        operation: &str,
        input: &Value,
        list: &str,
    ) -> Result<Vec<Value>, CallError> {
        self.json_list(CLOUDHSM, region, operation, input, list)
    }

    /// Asks CloudTrail.
    pub(super) fn cloudtrail(
        &self,
        region: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, CallError> {
        self.json(CLOUDTRAIL, region, operation, input)
    }

    /// Asks CloudTrail for all of a list.
    pub(super) fn cloudtrail_list(
        &self,
        region: &str,
        operation: &str,
        input: &Value,
        list: &str,
    ) -> Result<Vec<Value>, CallError> {
        self.json_list(CLOUDTRAIL, region, operation, input, list)
    }

    /// Asks CloudWatch.
    pub(super) fn cloudwatch(
        &self,
        region: &str,
        operation: &str,
        input: &[(&str, &str)],
    ) -> Result<Element, CallError> {
        self.query(CLOUDWATCH, region, operation, input)
    }

    /// Asks EC2.
    pub(super) fn ec2(
        &self,
        region: &str,
        operation: &str,
        input: &[(&str, &str)],
    ) -> Result<Element, CallError> {
        self.query(EC2, region, operation, input)
    }

    /// Asks IAM, which is in one Region.
    pub(super) fn iam(&self, operation: &str, input: &[(&str, &str)]) -> Result<Element, CallError> {
        self.query(IAM, HOME, operation, input)
    }

    /// Whole days since then, by this machine's clock; none if that is to come.
    pub(super) fn days_since(&self, seconds: f64) -> i64 {
        let now = self.now_ms as f64 / 1000.0;
        (((now - seconds) / 86_400.0).floor() as i64).max(0)
    }
}

/// The text of a member.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
