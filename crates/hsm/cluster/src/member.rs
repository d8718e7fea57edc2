//! Members: who is in the cluster, how an HSM asks to become one, and what members seal for each other.

use std::sync::Arc;

use strongroom_crypto::{CryptoError, hpke};
use strongroom_secret::{Key256, SecretBytes};

use crate::codec::{Malformed, Reader, Writer};
use crate::entry::read_member_id;
use crate::keys::{Family, KeyRing, MAX_RING};
use crate::{ClusterError, Head, MAX_DEVICE_CHAIN, MAX_PUBLIC_KEY, MAX_SIGNATURE, MemberId, PartitionId};

/// An HSM's secret key for what other members send it (HPKE, RFC 9180). It never leaves the HSM; checkpoints
/// contain it.
#[derive(Clone, Debug)]
pub struct MemberSecret(Arc<hpke::PrivateKey>);

impl MemberSecret {
    /// Makes a new key pair.
    pub fn generate() -> Result<Self, CryptoError> {
        Ok(Self(Arc::new(hpke::PrivateKey::generate()?)))
    }

    /// Takes the 32 bytes of a secret key (RFC 9180, `SerializePrivateKey`).
    pub fn from_bytes(bytes: &Key256) -> Result<Self, CryptoError> {
        Ok(Self(Arc::new(hpke::PrivateKey::from_bytes(bytes)?)))
    }

    pub(crate) fn to_bytes(&self) -> Result<Key256, CryptoError> {
        self.0.to_bytes()
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }
}

/// Who an HSM is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its name in the cluster.
    pub member: MemberId,
    /// Its key pair.
    pub secret: MemberSecret,
    /// Its device certificate and those above it, in a form that only the node reads; at most
    /// [`MAX_DEVICE_CHAIN`] bytes.
    pub device_chain: Vec<u8>,
    /// The highest feature level that this version has: [`crate::FEATURE_LEVEL`], but in tests.
    pub supports: u32,
}

impl Identity {
    pub(crate) fn as_member(&self) -> Result<Member, ClusterError> {
        if self.device_chain.len() > MAX_DEVICE_CHAIN {
            return Err(ClusterError::TooLarge);
        }
        Ok(Member {
            id: self.member.clone(),
            public_key: self.secret.public_key().to_vec(),
            device_chain: self.device_chain.clone(),
            supports: self.supports,
        })
    }
}

/// A member as every replica knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub id: MemberId,
    /// Its public key.
    pub public_key: Vec<u8>,
    /// Its device certificates, as it handed them in.
    pub device_chain: Vec<u8>,
    /// The highest feature level that it supports.
    pub supports: u32,
}

pub(crate) fn write_member(w: &mut Writer, member: &Member) {
    w.bytes(member.id.as_str().as_bytes());
    w.bytes(&member.public_key).bytes(&member.device_chain).u32(member.supports);
}

pub(crate) fn read_member(r: &mut Reader<'_>) -> Result<Member, Malformed> {
    Ok(Member {
        id: read_member_id(r)?,
        public_key: r.bytes(MAX_PUBLIC_KEY)?.to_vec(),
        device_chain: r.bytes(MAX_DEVICE_CHAIN)?.to_vec(),
        supports: r.u32()?,
    })
}

/// An HSM's request to be let into a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// The partition that it wants to be a replica of.
    pub partition: PartitionId,
    /// Who asks.
    pub member: Member,
    /// The device key's signature over [`JoinRequest::signed_bytes`].
    pub signature: Vec<u8>,
}

const REQUEST_FORMAT: u8 = 1;
const REQUEST_LABEL: &[u8] = b"strongroom/hsm/join\0";

impl JoinRequest {
    /// Makes a request; `sign` signs with the device's key.
    pub fn new(
        identity: &Identity,
        partition: PartitionId,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, CryptoError>,
    ) -> Result<Self, ClusterError> {
        let mut request = Self { partition, member: identity.as_member()?, signature: Vec::new() };
        request.signature = sign(&request.signed_bytes())?;
        if request.signature.len() > MAX_SIGNATURE {
            return Err(ClusterError::TooLarge);
        }
        Ok(request)
    }

    fn write(&self, w: &mut Writer) {
        w.u8(REQUEST_FORMAT).raw(&self.partition.0);
        write_member(w, &self.member);
    }

    /// What the device signs.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        let mut w = Writer(REQUEST_LABEL.to_vec());
        self.write(&mut w);
        w.0
    }

    /// Writes the request.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        self.write(&mut w);
        w.bytes(&self.signature);
        w.0
    }

    /// Reads a request that a peer sent.
    pub fn decode(bytes: &[u8]) -> Result<Self, ClusterError> {
        Self::read(bytes).map_err(|_| ClusterError::Request)
    }

    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(bytes);
        if r.u8()? != REQUEST_FORMAT {
            return Err(Malformed);
        }
        let partition = PartitionId(r.array()?);
        let member = read_member(&mut r)?;
        let signature = r.bytes(MAX_SIGNATURE)?.to_vec();
        r.end()?;
        Ok(Self { partition, member, signature })
    }
}

/// What a joiner gets: where the log stood just before its Join entry, and all keys.
pub(crate) struct Invitation {
    pub(crate) head: Head,
    pub(crate) ring: KeyRing,
    pub(crate) family: Family,
}

const INVITATION_FORMAT: u8 = 1;
const INVITATION_LABEL: &[u8] = b"strongroom/hsm/invitation\0";

impl Invitation {
    fn outside(head: &Head) -> Writer {
        let mut w = Writer::default();
        w.u8(INVITATION_FORMAT);
        write_head(&mut w, head);
        w
    }

    fn associated_data(head: &Head, joiner: &MemberId) -> Vec<u8> {
        let mut w = Self::outside(head);
        w.bytes(joiner.as_str().as_bytes());
        w.0
    }

    /// Seals the invitation to `joiner`.
    pub(crate) fn seal(&self, partition: PartitionId, joiner: &Member) -> Result<Vec<u8>, CryptoError> {
        let (ring, family) = (self.ring.encode(false), self.family.encode());
        let mut inside = Writer(Vec::with_capacity(8 + ring.expose().len() + family.expose().len()));
        inside.bytes(ring.expose()).bytes(family.expose());
        let inside = SecretBytes::new(inside.0);
        let info = [INVITATION_LABEL, &partition.0].concat();
        let aad = Self::associated_data(&self.head, &joiner.id);
        let mut w = Self::outside(&self.head);
        w.raw(&hpke::seal(&joiner.public_key, &info, &aad, inside.expose())?);
        Ok(w.0)
    }

    /// Opens an invitation.
    pub(crate) fn open(bytes: &[u8], partition: PartitionId, me: &Identity) -> Result<Self, Malformed> {
        let mut r = Reader::new(bytes);
        if r.u8()? != INVITATION_FORMAT {
            return Err(Malformed);
        }
        let head = read_head(&mut r)?;
        let info = [INVITATION_LABEL, &partition.0].concat();
        let aad = Self::associated_data(&head, &me.member);
        let inside = me.secret.0.open(&info, &aad, r.rest()).map_err(|_| Malformed)?;
        let mut r = Reader::new(inside.expose());
        let ring = KeyRing::decode(r.bytes(MAX_RING)?)?;
        let family = Family::decode(r.bytes(MAX_RING)?)?;
        r.end()?;
        Ok(Self { head, ring, family })
    }
}

pub(crate) fn write_head(w: &mut Writer, head: &Head) {
    w.u32(head.incarnation).u32(head.epoch).u64(head.sequence).raw(&head.hash);
}

pub(crate) fn read_head(r: &mut Reader<'_>) -> Result<Head, Malformed> {
    Ok(Head { incarnation: r.u32()?, epoch: r.u32()?, sequence: r.u64()?, hash: r.array()? })
}

const SHARE_LABEL: &[u8] = b"strongroom/hsm/turn\0";

fn share_binding(partition: PartitionId, head: &Head, member: &MemberId, epoch: u32) -> (Vec<u8>, Vec<u8>) {
    let info = [SHARE_LABEL, &partition.0].concat();
    let mut aad = Writer::default();
    write_head(&mut aad, head);
    aad.u32(epoch).bytes(member.as_str().as_bytes());
    (info, aad.0)
}

/// Seals the partition key of the new `epoch` for a member, bound to the place of the entry that turns it.
pub(crate) fn seal_share(
    partition: PartitionId,
    head: &Head,
    member: &Member,
    epoch: u32,
    key: &Key256,
) -> Result<Vec<u8>, CryptoError> {
    let (info, aad) = share_binding(partition, head, &member.id, epoch);
    hpke::seal(&member.public_key, &info, &aad, key.expose())
}

/// Opens what [`seal_share`] sealed for this HSM.
pub(crate) fn open_share(
    partition: PartitionId,
    head: &Head,
    me: &Identity,
    epoch: u32,
    sealed: &[u8],
) -> Result<Key256, CryptoError> {
    let (info, aad) = share_binding(partition, head, &me.member, epoch);
    let key = me.secret.0.open(&info, &aad, sealed)?;
    Key256::copied_from(key.expose()).ok_or(CryptoError)
}

const RING_LABEL: &[u8] = b"strongroom/hsm/snapshot-keys\0";

fn ring_binding(partition: PartitionId, head: &Head, member: &MemberId) -> (Vec<u8>, Vec<u8>) {
    let info = [RING_LABEL, &partition.0].concat();
    let mut aad = Writer::default();
    write_head(&mut aad, head);
    aad.bytes(member.as_str().as_bytes());
    (info, aad.0)
}

/// Seals all keys for a member, bound to the head of the snapshot that carries them.
pub(crate) fn seal_ring(
    partition: PartitionId,
    head: &Head,
    member: &Member,
    ring: &KeyRing,
) -> Result<Vec<u8>, CryptoError> {
    let (info, aad) = ring_binding(partition, head, &member.id);
    hpke::seal(&member.public_key, &info, &aad, ring.encode(false).expose())
}

/// Opens what [`seal_ring`] sealed for this HSM. Who sealed it has to be known from elsewhere.
pub(crate) fn open_ring(
    partition: PartitionId,
    head: &Head,
    me: &Identity,
    sealed: &[u8],
) -> Result<KeyRing, Malformed> {
    let (info, aad) = ring_binding(partition, head, &me.member);
    let ring = me.secret.0.open(&info, &aad, sealed).map_err(|_| Malformed)?;
    KeyRing::decode(ring.expose())
}
