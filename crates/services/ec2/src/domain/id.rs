//! Ids of resources, and what kind of resource an id belongs to.

use strongroom_crypto::{hex, random};

use crate::error::Refusal;

/// The digits of an id: AWS's begin with a zero, and sixteen random ones follow.
const RANDOM_BYTES: usize = 8;

/// A kind of resource that has ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Vpc,
    Subnet,
    Group,
    Rule,
    Interface,
    Attachment,
    Acl,
    RouteTable,
    Gateway,
}

/// How AWS speaks of a kind.
struct Words {
    kind: Kind,
    prefix: &'static str,
    /// In ARNs and tags.
    resource_type: &'static str,
    /// In CloudFormation, and so in records.
    cloudformation: &'static str,
    /// In the parameter of an operation.
    parameter: &'static str,
    not_found: &'static str,
    malformed: &'static str,
    /// "The ... 'vpc-1' does not exist".
    noun: &'static str,
}

/// Longer prefixes come before those that they begin with. The codes are of the EC2 API Reference, "Error
/// codes"; the nouns are of answers that AWS gave.
const WORDS: &[Words] = &[
    Words {
        kind: Kind::Attachment,
        prefix: "eni-attach-",
        resource_type: "network-interface-attachment",
        cloudformation: "AWS::EC2::NetworkInterfaceAttachment",
        parameter: "AttachmentId",
        not_found: "InvalidAttachmentID.NotFound",
        malformed: "InvalidNetworkInterfaceAttachmentId.Malformed",
        noun: "networkInterfaceAttachment ID",
    },
    Words {
        kind: Kind::Vpc,
        prefix: "vpc-",
        resource_type: "vpc",
        cloudformation: "AWS::EC2::VPC",
        parameter: "VpcId",
        not_found: "InvalidVpcID.NotFound",
        malformed: "InvalidVpcID.Malformed",
        noun: "vpc ID",
    },
    Words {
        kind: Kind::Subnet,
        prefix: "subnet-",
        resource_type: "subnet",
        cloudformation: "AWS::EC2::Subnet",
        parameter: "SubnetId",
        not_found: "InvalidSubnetID.NotFound",
        malformed: "InvalidSubnetID.Malformed",
        noun: "subnet ID",
    },
    Words {
        kind: Kind::Group,
        prefix: "sg-",
        resource_type: "security-group",
        cloudformation: "AWS::EC2::SecurityGroup",
        parameter: "GroupId",
        not_found: "InvalidGroup.NotFound",
        malformed: "InvalidGroupId.Malformed",
        noun: "security group",
    },
    Words {
        kind: Kind::Rule,
        prefix: "sgr-",
        resource_type: "security-group-rule",
        cloudformation: "AWS::EC2::SecurityGroupRule",
        parameter: "SecurityGroupRuleId",
        not_found: "InvalidSecurityGroupRuleId.NotFound",
        malformed: "InvalidSecurityGroupRuleId.Malformed",
        noun: "security group rule ID",
    },
    Words {
        kind: Kind::Interface,
        prefix: "eni-",
        resource_type: "network-interface",
        cloudformation: "AWS::EC2::NetworkInterface",
        parameter: "NetworkInterfaceId",
        not_found: "InvalidNetworkInterfaceID.NotFound",
        malformed: "InvalidNetworkInterfaceId.Malformed",
        noun: "networkInterface ID",
    },
    Words {
        kind: Kind::Acl,
        prefix: "acl-",
        resource_type: "network-acl",
        cloudformation: "AWS::EC2::NetworkAcl",
        parameter: "NetworkAclId",
        not_found: "InvalidNetworkAclID.NotFound",
        malformed: "InvalidNetworkAclId.Malformed",
        noun: "networkAcl ID",
    },
    Words {
        kind: Kind::RouteTable,
        prefix: "rtb-",
        resource_type: "route-table",
        cloudformation: "AWS::EC2::RouteTable",
        parameter: "RouteTableId",
        not_found: "InvalidRouteTableID.NotFound",
        malformed: "InvalidRouteTableId.Malformed",
        noun: "routeTable ID",
    },
    Words {
        kind: Kind::Gateway,
        prefix: "igw-",
        resource_type: "internet-gateway",
        cloudformation: "AWS::EC2::InternetGateway",
        parameter: "InternetGatewayId",
        not_found: "InvalidInternetGatewayID.NotFound",
        malformed: "InvalidInternetGatewayId.Malformed",
        noun: "internetGateway ID",
    },
];

impl Kind {
    /// The kind that an id's prefix says.
    pub(crate) fn of(id: &str) -> Option<Self> {
        WORDS.iter().find(|words| id.starts_with(words.prefix)).map(|words| words.kind)
    }

    fn words(self) -> &'static Words {
        // The table has a row for each kind; its test holds that.
        WORDS.iter().find(|words| words.kind == self).unwrap_or(&WORDS[0])
    }

    /// How ARNs and tags call it, for example `security-group`.
    pub(crate) fn resource_type(self) -> &'static str {
        self.words().resource_type
    }

    /// Its CloudFormation type, for example `AWS::EC2::VPC`.
    pub(crate) fn cloudformation(self) -> &'static str {
        self.words().cloudformation
    }

    /// The refusal of ids that no resource has.
    pub(crate) fn not_found(self, ids: &[&str]) -> Refusal {
        let Words { not_found, noun, .. } = self.words();
        let text = match ids {
            [id] => format!("The {noun} '{id}' does not exist"),
            ids => format!("The {noun}s '{}' do not exist", ids.join(", ")),
        };
        Refusal::client(not_found, text)
    }

    /// Checks the form of an id of this kind, wherever it comes from.
    pub(crate) fn check(self, id: &str) -> Result<(), Refusal> {
        let Words { prefix, parameter, malformed, .. } = self.words();
        if id.is_empty() {
            return Err(Refusal::missing(parameter));
        }
        let digits = id.strip_prefix(prefix).filter(|digits| {
            !digits.is_empty() && digits.len() <= 17 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        match digits {
            Some(_) => Ok(()),
            None => {
                Err(Refusal::client(malformed, format!("Invalid id: \"{id}\" (expecting \"{prefix}...\")")))
            }
        }
    }

    /// A new id of this kind.
    pub(crate) fn new_id(self) -> Result<String, Refusal> {
        new_id(self.words().prefix)
    }
}

/// A new id with that prefix, for what is only a part of a resource.
pub(crate) fn new_id(prefix: &str) -> Result<String, Refusal> {
    let bytes: [u8; RANDOM_BYTES] = random::bytes().map_err(|error| Refusal::Internal(error.into()))?;
    Ok(format!("{prefix}0{}", hex::encode(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row_and_finds_its_own_ids() {
        for words in WORDS {
            let id = words.kind.new_id().unwrap();
            assert_eq!(Kind::of(&id), Some(words.kind), "{id}");
            assert_eq!(id.len(), words.prefix.len() + 17);
            words.kind.check(&id).unwrap();
            assert_eq!(words.kind.words().prefix, words.prefix);
        }
        assert_eq!(Kind::of("vpc"), None);
    }
}
