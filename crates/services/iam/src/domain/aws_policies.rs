//! AWS managed policies: their names and ids, with documents that have the same effect on our services.

/// A managed policy that AWS keeps, the same in every account.
pub(crate) struct AwsPolicy {
    pub(crate) id: &'static str,
    /// For example `/` or `/job-function/`.
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// The number of its one version here.
    pub(crate) version: u32,
    pub(crate) created_ms: i64,
    pub(crate) text: &'static str,
}

/// All of them, by name.
pub(crate) const POLICIES: &[AwsPolicy] = &[
    AwsPolicy {
        id: "ANPAIWMBCKSKIEE64ZLYK",
        path: "/",
        name: "AdministratorAccess",
        description: "Provides full access to AWS services and resources.",
        version: 1,
        created_ms: 1_423_247_966_000,
        text: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    },
    AwsPolicy {
        id: "ANPAJ4L4MM2A7QIEB56MS",
        path: "/",
        name: "IAMUserChangePassword",
        description: "Lets IAM users change their own passwords.",
        version: 5,
        created_ms: 1_479_169_516_000,
        text: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ChangePassword","Resource":["arn:aws:iam::*:user/${aws:username}","arn:aws:iam::*:user/*/${aws:username}"]},{"Effect":"Allow","Action":"iam:GetAccountPasswordPolicy","Resource":"*"}]}"#,
    },
];

/// What ARNs of AWS managed policies begin with.
const ARN_PREFIX: &str = "arn:aws:iam::aws:policy";

impl AwsPolicy {
    /// The policy of that ARN.
    pub(crate) fn find(arn: &str) -> Option<&'static Self> {
        POLICIES.iter().find(|policy| policy.arn() == arn)
    }

    pub(crate) fn arn(&self) -> String {
        format!("{ARN_PREFIX}{}{}", self.path, self.name)
    }

    /// Whether it can be attached. Those of service-linked roles cannot.
    pub(crate) fn is_attachable(&self) -> bool {
        !self.path.starts_with("/aws-service-role/")
    }
}
