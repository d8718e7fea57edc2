//! Texts that records hold again and again.
//!
//! A phrase's number is its place in the list, and records on disk name it: the list only ever grows, at its
//! end. A version that does not know a phrase cannot read the records that use it, as with a format that it does
//! not know.

/// Bytes that a phrase is found by.
const HEAD: usize = 4;

/// How many there are; fewer than 255.
const COUNT: usize = 118;

/// The phrases, by number. None is shorter than [`HEAD`], and none longer than 255 bytes.
const PHRASES: [&str; COUNT] = [
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
    let head = u32::from_le_bytes(*text.first_chunk::<HEAD>()?);
    let mut next = *INDEX.first.get(bucket_of(head))?;
    while next != NONE {
        let number = usize::from(next);
        let phrase = PHRASES.get(number)?;
        if INDEX.heads.get(number) == Some(&head) && text.starts_with(phrase.as_bytes()) {
            return Some((next, phrase.len()));
        }
        next = *INDEX.next.get(number)?;
    }
    None
}

/// Phrases by their first bytes: chains of numbers, longer phrases first.
struct Index {
    heads: [u32; COUNT],
    first: [u8; BUCKETS],
    next: [u8; COUNT],
}

/// The end of a chain; no phrase has this number.
const NONE: u8 = u8::MAX;
const BUCKETS: usize = 1024;

static INDEX: Index = index();

const fn index() -> Index {
    let mut index = Index { heads: [0; COUNT], first: [NONE; BUCKETS], next: [NONE; COUNT] };
    let mut number = 0;
    while number < COUNT {
        let phrase = PHRASES[number].as_bytes();
        let head = u32::from_le_bytes([phrase[0], phrase[1], phrase[2], phrase[3]]);
        index.heads[number] = head;
        let bucket = bucket_of(head);
        let (mut before, mut behind) = (NONE, index.first[bucket]);
        while behind != NONE && PHRASES[behind as usize].len() > phrase.len() {
            before = behind;
            behind = index.next[behind as usize];
        }
        index.next[number] = behind;
        if before == NONE {
            index.first[bucket] = number as u8;
        } else {
            index.next[before as usize] = number as u8;
        }
        number += 1;
    }
    index
}

/// Spreads heads evenly: by the golden ratio.
const fn bucket_of(head: u32) -> usize {
    (head.wrapping_mul(0x9e37_79b9) >> 22) as usize
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
