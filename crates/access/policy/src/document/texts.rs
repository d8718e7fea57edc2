//! What IAM says of a text that is no policy: the messages of `MalformedPolicyDocument`.
//!
//! AWS documents none of them; they are those that its answers in public threads have. Where several faults
//! are answered alike, so are ours: the place and the reason are in [`DocumentError`] itself.

use super::{DocumentError, Fault};

/// Anything that is not JSON or has not the shape of a policy.
const SYNTAX: &str = "Syntax errors in policy.";

/// What the older of IAM's two parsers finds.
const LEGACY: &str = "The policy failed legacy parsing";

impl DocumentError {
    /// The message of IAM's `MalformedPolicyDocument`.
    pub fn iam_message(&self) -> String {
        match self {
            Self::TooLarge { .. } => SYNTAX.to_owned(),
            Self::Malformed { fault, .. } => of_fault(fault),
            Self::DuplicateSid { .. } => "Statement IDs (SID) in a single policy must be unique.".to_owned(),
            Self::InvalidPrincipal { at, principal } | Self::InvalidArn { at, principal } => {
                of_principal(family(at), principal)
            }
        }
    }
}

/// Under which element of `Principal` something stands: `Service` at `Statement[0].Principal.Service[1]`.
fn family(at: &str) -> &str {
    let last = at.rsplit('.').next().unwrap_or_default();
    last.split('[').next().unwrap_or_default()
}

fn of_principal(family: &str, principal: &str) -> String {
    match family {
        "Federated" => "Federated principals must be valid domain names or SAML metadata ARNs".to_owned(),
        "Service" => format!("Invalid principal in policy: \"SERVICE\":\"{principal}\""),
        _ => format!("Invalid principal in policy: \"AWS\":\"{principal}\""),
    }
}

fn of_fault(fault: &Fault) -> String {
    match fault {
        Fault::NotAllowed { element: "Principal" | "NotPrincipal", kind } if kind.is_of_identity() => {
            "Policy document should not specify a principal.".to_owned()
        }
        Fault::NotAllowed { element: element @ ("Resource" | "NotResource"), .. } => {
            format!("Has prohibited field {element}")
        }
        Fault::Missing("Resource") => "Policy statement must contain resources.".to_owned(),
        Fault::Missing("Action") => "Policy statement must contain actions.".to_owned(),
        Fault::OldVersion => "Policy document must be version 2012-10-17 or greater.".to_owned(),
        Fault::ResourceNotArn(text) => format!("Resource {text} must be in ARN format or \"*\"."),
        Fault::ResourcePartition(text) => {
            let partition = text.split(':').nth(1).unwrap_or_default();
            format!("Partition \"{partition}\" is not valid for resource \"{text}\".")
        }
        Fault::ResourceRegion(text) => format!("IAM resource {text} cannot contain region information."),
        Fault::ResourceService(_) => {
            "Resource vendor must be fully qualified and cannot contain regexes.".to_owned()
        }
        Fault::ActionColons(_) => "Actions/Condition can contain only one colon.".to_owned(),
        Fault::ActionWithoutPrefix(_) => {
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".to_owned()
        }
        Fault::Action(text) => {
            let vendor = text.split(':').next().unwrap_or_default();
            format!("Vendor {vendor} is not valid")
        }
        Fault::ForeignAction(_) => "AssumeRole policy may only specify STS AssumeRole actions.".to_owned(),
        Fault::Sid(_) => "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the \
                          regular expression [0-9A-Za-z]*"
            .to_owned(),
        Fault::Effect(_)
        | Fault::Version(_)
        | Fault::NotPrincipalAllows
        | Fault::Operator(_)
        | Fault::ConditionKey(_)
        | Fault::ResourceIncomplete(_)
        | Fault::Both(..) => LEGACY.to_owned(),
        Fault::Json
        | Fault::Character(_)
        | Fault::TooDeep
        | Fault::WrongType { .. }
        | Fault::DuplicateKey(_)
        | Fault::UnknownElement(_)
        | Fault::Missing(_)
        | Fault::NotAllowed { .. }
        | Fault::NoStatements
        | Fault::TooManyStatements
        | Fault::TooManyValues => SYNTAX.to_owned(),
    }
}
