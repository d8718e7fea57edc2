//! Checksums of objects: of the whole, or of the checksums of its parts (Amazon S3 User Guide, "Checking object
//! integrity").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use strongroom_crypto::checksum::Checksum;

use crate::error::Refusal;

/// The checksum of an object, or of a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stored {
    /// The kind's name, for example `CRC64NVME`.
    pub(crate) kind: String,
    /// In base 64; behind it, of one that is made of parts' checksums, `-` and their number.
    pub(crate) value: String,
    /// Whether it is made of parts' checksums.
    pub(crate) is_composite: bool,
}

impl Stored {
    /// The checksum of all bytes.
    pub(crate) fn of_whole(kind: Checksum, value: &[u8]) -> Self {
        Self { kind: kind.name().to_owned(), value: STANDARD.encode(value), is_composite: false }
    }

    /// The value as the API's member of that kind has it.
    pub(crate) fn value_of(&self, kind: Checksum) -> Option<String> {
        (self.kind == kind.name()).then(|| self.value.clone())
    }

    /// `FULL_OBJECT` or `COMPOSITE`.
    pub(crate) fn scope(&self) -> &'static str {
        if self.is_composite { "COMPOSITE" } else { "FULL_OBJECT" }
    }

    /// Its kind; `None` of one that only a later version knows.
    pub(crate) fn known_kind(&self) -> Option<Checksum> {
        Checksum::named(&self.kind)
    }
}

/// Values that a request states, in base 64, by kind.
pub(crate) type Given<'a> = [(Checksum, Option<&'a str>); 5];

/// The one value that a request states; two are one too many.
pub(crate) fn one_of(given: &Given<'_>) -> Result<Option<(Checksum, Vec<u8>)>, Refusal> {
    let mut found = None;
    for (kind, value) in given {
        let Some(value) = value else { continue };
        if found.is_some() {
            let text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
            return Err(Refusal::invalid_request(text));
        }
        found = Some((*kind, decoded(*kind, value)?));
    }
    Ok(found)
}

/// The one value that the completion of an upload states, as it stands: one that is made of parts' may end with their
/// number.
pub(crate) fn one_of_upload(given: &Given<'_>) -> Result<Option<(Checksum, String)>, Refusal> {
    let bare =
        given.map(|(kind, value)| (kind, value.map(|value| value.split('-').next().unwrap_or_default())));
    let stated = one_of(&bare)?.map(|(kind, _)| kind);
    let value = |wanted| given.iter().find(|(kind, _)| *kind == wanted).and_then(|(_, value)| *value);
    Ok(stated.and_then(|kind| value(kind).map(|value| (kind, value.to_owned()))))
}

/// A value of a kind in base 64, read.
pub(crate) fn decoded(kind: Checksum, value: &str) -> Result<Vec<u8>, Refusal> {
    let bytes = STANDARD.decode(value).ok().filter(|bytes| bytes.len() == kind.output_length());
    bytes.ok_or_else(|| Refusal::invalid_request(format!("Value for {} header is invalid.", kind.header())))
}

/// The kind that a request names as its algorithm.
pub(crate) fn algorithm(name: &str) -> Result<Checksum, Refusal> {
    Checksum::named(name).ok_or_else(|| match name {
        "SHA512" | "MD5" | "XXHASH64" | "XXHASH3" | "XXHASH128" => {
            Refusal::NotYet("checksums other than CRC32, CRC32C, CRC64NVME, SHA1 and SHA256")
        }
        _ => Refusal::invalid_request("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"),
    })
}

/// How the checksum of a multipart upload is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfUpload {
    #[serde(with = "kind_by_name")]
    pub(crate) kind: Checksum,
    pub(crate) is_composite: bool,
}

mod kind_by_name {
    use serde::{Deserialize as _, Deserializer, Serializer, de};
    use strongroom_crypto::checksum::Checksum;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
    pub(super) fn serialize<S: Serializer>(kind: &Checksum, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(kind.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Checksum, D::Error> {
        let name = String::deserialize(deserializer)?;
        Checksum::named(&name).ok_or_else(|| de::Error::custom("no checksum has that name"))
    }
}

impl OfUpload {
    /// What an upload is begun with. SHA is made of parts' checksums only, CRC64NVME of the whole only (the table under
    /// "Full object and composite checksum types").
    pub(crate) fn new(algorithm_name: Option<&str>, scope: Option<&str>) -> Result<Option<Self>, Refusal> {
        let Some(name) = algorithm_name else {
            if scope.is_some() {
                let text = "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.";
                return Err(Refusal::invalid_request(text));
            }
            return Ok(None);
        };
        let kind = algorithm(name)?;
        let is_composite = match (scope, kind) {
            (None, Checksum::Crc64Nvme) | (Some("FULL_OBJECT"), _) => false,
            (None | Some("COMPOSITE"), _) => true,
            (Some(_), _) => {
                return Err(Refusal::invalid_request("Value for x-amz-checksum-type header is invalid."));
            }
        };
        let fits = match kind {
            Checksum::Sha1 | Checksum::Sha256 => is_composite,
            Checksum::Crc64Nvme => !is_composite,
            Checksum::Crc32 | Checksum::Crc32c => true,
        };
        if !fits {
            let scope = if is_composite { "COMPOSITE" } else { "FULL_OBJECT" };
            let text = format!(
                "The {scope} checksum type cannot be used with the {} checksum algorithm.",
                name.to_lowercase()
            );
            return Err(Refusal::invalid_request(text));
        }
        Ok(Some(Self { kind, is_composite }))
    }

    /// The checksum of an object of these parts: their checksums and sizes, in order. `None` if one of them has none.
    pub(crate) fn of_parts(self, parts: &[(Vec<u8>, u64)]) -> Option<Stored> {
        let kind = self.kind;
        if self.is_composite {
            let sums: Vec<u8> = parts.iter().flat_map(|(sum, _)| sum.iter().copied()).collect();
            let value = format!("{}-{}", STANDARD.encode(kind.of(&sums)), parts.len());
            return Some(Stored { kind: kind.name().to_owned(), value, is_composite: true });
        }
        let mut whole = kind.of(&[]);
        for (sum, size) in parts {
            whole = kind.combined(&whole, sum, *size)?;
        }
        Some(Stored::of_whole(kind, &whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_parts_make_that_of_the_whole() {
        let (first, second) = (b"hello ".as_slice(), b"world".as_slice());
        for kind in [Checksum::Crc32, Checksum::Crc32c, Checksum::Crc64Nvme] {
            let parts = [first, second].map(|part| (kind.of(part), part.len() as u64));
            let whole = OfUpload { kind, is_composite: false }.of_parts(&parts).unwrap();
            assert_eq!(whole, Stored::of_whole(kind, &kind.of(b"hello world")));
        }
        let kind = Checksum::Sha256;
        let parts = [first, second].map(|part| (kind.of(part), part.len() as u64));
        let sums = [kind.of(first), kind.of(second)].concat();
        let composite = OfUpload { kind, is_composite: true }.of_parts(&parts).unwrap();
        assert_eq!(composite.value, format!("{}-2", STANDARD.encode(kind.of(&sums))));
    }

    #[test]
    fn kinds_have_their_scopes() {
        let of = |kind, scope| OfUpload::new(Some(kind), scope).ok().flatten().map(|of| of.is_composite);
        assert_eq!(of("CRC64NVME", None), Some(false));
        assert_eq!(of("CRC32", None), Some(true));
        assert_eq!(of("CRC32", Some("FULL_OBJECT")), Some(false));
        assert_eq!(of("SHA256", Some("FULL_OBJECT")), None);
        assert_eq!(of("CRC64NVME", Some("COMPOSITE")), None);
        assert!(OfUpload::new(None, Some("COMPOSITE")).is_err());
    }

    #[test]
    fn a_request_states_one_value() {
        fn given<'a>(first: Option<&'a str>, second: Option<&'a str>) -> Given<'a> {
            Checksum::ALL.map(|kind| match kind {
                Checksum::Crc32 => (kind, first),
                Checksum::Crc32c => (kind, second),
                _ => (kind, None),
            })
        }
        let crc = STANDARD.encode([1, 2, 3, 4]);
        assert_eq!(one_of(&given(Some(&crc), None)).ok().unwrap(), Some((Checksum::Crc32, vec![1, 2, 3, 4])));
        assert!(one_of(&given(Some(&crc), Some(&crc))).is_err());
        assert!(one_of(&given(Some("AAAA"), None)).is_err());
    }
}
