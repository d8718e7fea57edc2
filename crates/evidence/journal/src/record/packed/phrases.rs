//! Texts that records hold again and again.
//!
//! A phrase's number is its place in the list, and records on disk name it: the list only ever grows, at its
//! end. A version that does not know a phrase cannot read the records that use it, as with a format that it does
//! not know.

use std::sync::LazyLock;

/// Bytes that a phrase is found by.
const HEAD: usize = 4;

/// The phrases, by number. None is shorter than [`HEAD`], and none longer than 255 bytes.
static PHRASES: [&str; 118] = [
    // Services.
    "kms.amazonaws.com",
    "cloudhsm.amazonaws.com",
    "ec2.amazonaws.com",
    "iam.amazonaws.com",
    "sts.amazonaws.com",
    "cloudtrail.amazonaws.com",
    "s3.amazonaws.com",
    "monitoring.amazonaws.com",
    "sns.amazonaws.com",
    "logs.amazonaws.com",
    "signin.amazonaws.com",
    ".amazonaws.com",
    "AWS Internal",
    // Operations.
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "ReEncrypt",
    "Sign",
    "Verify",
    "GenerateMac",
    "VerifyMac",
    "GenerateRandom",
    "DescribeKey",
    "GetPublicKey",
    "CreateKey",
    "CreateGrant",
    "RetireGrant",
    "RevokeGrant",
    "ListGrants",
    "ListKeys",
    "ListAliases",
    "CreateAlias",
    "UpdateAlias",
    "DeleteAlias",
    "GetKeyPolicy",
    "PutKeyPolicy",
    "EnableKey",
    "DisableKey",
    "ScheduleKeyDeletion",
    "CancelKeyDeletion",
    "EnableKeyRotation",
    "GetKeyRotationStatus",
    "ListResourceTags",
    "TagResource",
    "UntagResource",
    "RotateKey",
    "AssumeRole",
    "AssumeRoleWithWebIdentity",
    "GetCallerIdentity",
    "GetSessionToken",
    "LookupEvents",
    "DescribeClusters",
    // ARNs and types of resources.
    "arn:aws:kms:",
    "arn:aws:iam::",
    "arn:aws:sts::",
    "arn:aws:cloudhsm:",
    "arn:aws:ec2:",
    "arn:aws:",
    ":key/",
    ":alias/",
    ":user/",
    ":role/",
    ":root",
    ":policy/",
    ":assumed-role/",
    "alias/",
    "alias/aws/",
    "AWS::KMS::Key",
    "AWS::KMS::Alias",
    "AWS::IAM::Role",
    "AWS::IAM::User",
    "AWS::CloudHSM::Cluster",
    // Parameters, answers and additional data.
    "\"encryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"",
    "\"encryptionAlgorithm\":\"",
    "\"encryptionContext\":{\"",
    "\"sourceEncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"",
    "\"destinationEncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"",
    "\"sourceEncryptionContext\":{\"",
    "\"destinationEncryptionContext\":{\"",
    "\"destinationKeyId\":\"",
    "\"sourceKeyId\":\"",
    "\"keyMaterialId\":\"",
    "\"sourceKeyMaterialId\":\"",
    "\"destinationKeyMaterialId\":\"",
    "\"keyId\":\"",
    "\"keySpec\":\"AES_256\"",
    "\"keySpec\":\"",
    "\"numberOfBytes\":",
    "\"signingAlgorithm\":\"",
    "\"messageType\":\"DIGEST\"",
    "\"messageType\":\"RAW\"",
    "\"macAlgorithm\":\"HMAC_SHA_256\"",
    "RSASSA_PSS_SHA_256",
    "ECDSA_SHA_256",
    "RSAES_OAEP_SHA_256",
    "\"keyMetadata\":{\"aWSAccountId\":\"",
    "\"customKeyStoreId\":\"",
    "\"granteePrincipal\":\"",
    "\"operations\":[\"",
    "\"roleArn\":\"",
    "\"roleSessionName\":\"",
    "\"aliasName\":\"",
    "\":\"arn:aws:kms:",
    "\":false",
    "\":true",
    "\":null",
    // Refusals.
    "AccessDenied",
    "User: arn:aws:iam::",
    "User: arn:aws:sts::",
    " is not authorized to perform: ",
    " on resource: ",
    " because no identity-based policy allows the ",
    " because no resource-based policy allows the ",
    " action",
    " with an explicit deny in ",
];

/// Returns the phrase of that number.
pub(super) fn numbered(number: u8) -> Option<&'static str> {
    PHRASES.get(usize::from(number)).copied()
}

/// Finds the longest phrase that a text begins with, and its number.
pub(super) fn at_start_of(text: &[u8]) -> Option<(u8, usize)> {
    let head = head_of(text)?;
    let bucket = FOUND.get(usize::from(bucket_of(head)))?;
    bucket.iter().find(|(_, phrase)| text.starts_with(phrase)).map(|(number, phrase)| (*number, phrase.len()))
}

/// A phrase and its number.
type Numbered = (u8, &'static [u8]);

/// Phrases by the bucket of their first bytes, longest first.
static FOUND: LazyLock<Vec<Vec<Numbered>>> = LazyLock::new(|| {
    let mut buckets: Vec<Vec<Numbered>> = vec![Vec::new(); 256];
    for (number, phrase) in (0..).zip(&PHRASES) {
        let bucket =
            head_of(phrase.as_bytes()).and_then(|head| buckets.get_mut(usize::from(bucket_of(head))));
        if let Some(bucket) = bucket {
            bucket.push((number, phrase.as_bytes()));
        }
    }
    for bucket in &mut buckets {
        bucket.sort_by_key(|(_, phrase)| std::cmp::Reverse(phrase.len()));
    }
    buckets
});

fn head_of(text: &[u8]) -> Option<u32> {
    text.first_chunk::<HEAD>().map(|head| u32::from_le_bytes(*head))
}

/// Spreads heads evenly: by the golden ratio.
fn bucket_of(head: u32) -> u8 {
    (head.wrapping_mul(0x9e37_79b9) >> 24) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_found_under_its_number() {
        for (number, phrase) in (0..).zip(&PHRASES) {
            assert!((HEAD..256).contains(&phrase.len()) && phrase.is_ascii(), "{phrase}");
            let followed = format!("{phrase}~");
            assert_eq!(at_start_of(followed.as_bytes()), Some((number, phrase.len())), "{phrase}");
            assert_eq!(numbered(number), Some(*phrase));
        }
        assert_eq!(numbered(PHRASES.len() as u8), None);
        assert_eq!(at_start_of(b"kms"), None);
    }

    /// Records on disk name phrases by number: what is here may not move.
    #[test]
    fn numbers_stay() {
        let known = [
            (0, "kms.amazonaws.com"),
            (13, "Decrypt"),
            (61, ":key/"),
            (75, "\"encryptionAlgorithm\":\"SYMMETRIC_DEFAULT\""),
        ];
        for (number, phrase) in known {
            assert_eq!(numbered(number), Some(phrase));
        }
        let list = strongroom_crypto::digest::sha256(PHRASES[..118].join("\n").as_bytes());
        assert_eq!(
            strongroom_crypto::hex::encode(&list),
            "339ec73ea883a61f2b12744c495999dafaa5d79fbfc8dc5267e0243222c6b9f8",
            "the first 118 phrases"
        );
    }
}
