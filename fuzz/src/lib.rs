//! What the fuzz targets share: inputs of real operations, chosen by the first byte.

use strongroom_api_cloudhsm as cloudhsm;
use strongroom_api_ec2 as ec2;
use strongroom_api_kms as kms;
use strongroom_api_sts as sts;
use strongroom_schema::Structure;

/// An empty input of some operation, and the rest of the data, which is the message.
pub fn choose(data: &[u8]) -> Option<(Choice, &[u8])> {
    let (first, message) = data.split_first()?;
    Some((Choice(*first), message))
}

/// Which operation's input it is.
#[derive(Clone, Copy)]
pub struct Choice(u8);

impl Choice {
    /// Another empty input of the same operation. They differ in the kinds of members they have: blobs,
    /// secrets, maps, lists of structures, moments, numbers.
    pub fn input(self) -> Box<dyn Structure> {
        match self.0 % 16 {
            0 => Box::new(kms::EncryptRequest::default()),
            1 => Box::new(kms::CreateKeyRequest::default()),
            2 => Box::new(kms::CreateGrantRequest::default()),
            3 => Box::new(kms::ImportKeyMaterialRequest::default()),
            4 => Box::new(kms::CreateCustomKeyStoreRequest::default()),
            5 => Box::new(kms::GenerateDataKeyRequest::default()),
            6 => Box::new(sts::AssumeRoleRequest::default()),
            7 => Box::new(sts::AssumeRoleWithSAMLRequest::default()),
            8 => Box::new(cloudhsm::CreateClusterRequest::default()),
            9 => Box::new(cloudhsm::DescribeBackupsRequest::default()),
            // An answer: moments and lists of structures, which requests of CloudHSM have none of.
            10 => Box::new(cloudhsm::DescribeClustersResponse::default()),
            11 => Box::new(ec2::AuthorizeSecurityGroupIngressRequest::default()),
            12 => Box::new(ec2::CreateNetworkInterfaceRequest::default()),
            13 => Box::new(ec2::DescribeSubnetsRequest::default()),
            14 => Box::new(ec2::ModifySecurityGroupRulesRequest::default()),
            _ => Box::new(ec2::CreateTagsRequest::default()),
        }
    }
}
