//! The record of a token, 80 bytes:
//!
//! ```text
//! version              u16   1 for administrators' services, 2 for keys'
//! service              u16   user 3, quorum 4, key-usage 5, key-management 6, cluster 7, registration 2
//! number               u32   counts the HSM's tokens
//! key                  u64   its handle; 0 for administrators' services
//! random              16 bytes
//! user                32 bytes, the name, filled up with zeros
//! expires              u64   in seconds since 1970, in the cluster's time; for people, the HSM measures it itself
//! zero                 8 bytes
//! ```
//!
//! Numbers are big-endian.

use strongroom_hsm_proto::command::QuorumService;

use crate::Now;

/// The length of a record.
pub(crate) const LENGTH: usize = 80;
const NAME_LENGTH: usize = 32;

/// A record, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) service: QuorumService,
    pub(crate) number: u32,
    pub(crate) key: u64,
    pub(crate) nonce: [u8; 16],
    pub(crate) user: String,
    pub(crate) expires_s: u64,
}

impl Record {
    pub(crate) fn write(&self) -> [u8; LENGTH] {
        let (version, service): (u16, u16) = numbers(self.service);
        let mut record = [0; LENGTH];
        record[..2].copy_from_slice(&version.to_be_bytes());
        record[2..4].copy_from_slice(&service.to_be_bytes());
        record[4..8].copy_from_slice(&self.number.to_be_bytes());
        record[8..16].copy_from_slice(&self.key.to_be_bytes());
        record[16..32].copy_from_slice(&self.nonce);
        let name = self.user.as_bytes();
        let length = name.len().min(NAME_LENGTH);
        record[32..32 + length].copy_from_slice(&name[..length]);
        record[64..72].copy_from_slice(&self.expires_s.to_be_bytes());
        record
    }

    /// Reads a record; what [`write`](Self::write) does not write is none.
    pub(crate) fn read(bytes: &[u8; LENGTH]) -> Option<Self> {
        let service = u16::from_be_bytes([bytes[2], bytes[3]]);
        let service = SERVICES.into_iter().find(|known| numbers(*known).1 == service)?;
        let name = bytes[32..64].split(|byte| *byte == 0).next()?;
        let record = Self {
            service,
            number: u32::from_be_bytes(*bytes[4..].first_chunk()?),
            key: u64::from_be_bytes(*bytes[8..].first_chunk()?),
            nonce: *bytes[16..].first_chunk()?,
            user: std::str::from_utf8(name).ok()?.to_owned(),
            expires_s: u64::from_be_bytes(*bytes[64..].first_chunk()?),
        };
        (record.write() == *bytes).then_some(record)
    }
}

/// What a key that is registered for approvals signs the SHA-256 of.
pub(crate) fn registration_data(number: u32, nonce: &[u8; 16], user: &str, now: Now) -> Vec<u8> {
    let record = Record {
        service: QuorumService::Registration,
        number,
        key: 0,
        nonce: *nonce,
        user: user.to_owned(),
        expires_s: u64::try_from(now.domain_ms / 1_000).unwrap_or(0),
    };
    record.write().to_vec()
}

const SERVICES: [QuorumService; 6] = [
    QuorumService::User,
    QuorumService::Quorum,
    QuorumService::Cluster,
    QuorumService::KeyUsage,
    QuorumService::KeyManagement,
    QuorumService::Registration,
];

/// The numbers of version and service. Those of `user` and `key-usage` are AWS's, the others are ours.
const fn numbers(service: QuorumService) -> (u16, u16) {
    match service {
        QuorumService::Registration => (1, 2),
        QuorumService::User => (1, 3),
        QuorumService::Quorum => (1, 4),
        QuorumService::KeyUsage => (2, 5),
        QuorumService::KeyManagement => (2, 6),
        QuorumService::Cluster => (1, 7),
    }
}
