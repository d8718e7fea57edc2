//! Services, as far as a caller must know them.

/// A service that speaks AWS JSON 1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonService {
    /// What requests are signed for.
    pub signing_name: &'static str,
    /// What precedes the operation in `x-amz-target`.
    pub target: &'static str,
    /// How its lists come in pages.
    pub(crate) paging: Paging,
}

/// The members that pages are turned by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    /// Of an answer: that there is more, and from where.
    pub(crate) next: &'static str,
    /// Of the next request.
    pub(crate) from: &'static str,
}

/// As most services do it.
const TOKENS: Paging = Paging { next: "NextToken", from: "NextToken" };

/// A service that takes a form and answers XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryService {
    /// What requests are signed for.
    pub signing_name: &'static str,
    /// The version of its API.
    pub version: &'static str,
}

/// AWS KMS.
pub const KMS: JsonService = JsonService {
    signing_name: "kms",
    target: "TrentService",
    paging: Paging { next: "NextMarker", from: "Marker" },
};
/// AWS CloudHSM (`cloudhsmv2` for the AWS CLI).
pub const CLOUDHSM: JsonService =
    JsonService { signing_name: "cloudhsm", target: "BaldrApiService", paging: TOKENS };
/// Amazon EC2.
pub const EC2: QueryService = QueryService { signing_name: "ec2", version: "2016-11-15" };
/// AWS STS.
pub const STS: QueryService = QueryService { signing_name: "sts", version: "2011-06-15" };
/// AWS CloudTrail.
pub const CLOUDTRAIL: JsonService = JsonService {
    signing_name: "cloudtrail",
    target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
    paging: TOKENS,
};
/// AWS IAM.
pub const IAM: QueryService = QueryService { signing_name: "iam", version: "2010-05-08" };
/// Amazon CloudWatch.
pub const CLOUDWATCH: QueryService = QueryService { signing_name: "monitoring", version: "2010-08-01" };
