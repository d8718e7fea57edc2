//! The partition's first hour, and its own keys.

use std::sync::Arc;

use prost::Message;
use strongroom_crypto::digest::Hash;
use strongroom_crypto::{random, rsa};
use strongroom_hsm_proto::command::Role;
use strongroom_secret::Key256;

use super::Hsm;
use crate::audit::{AuditDetail, Opcode, user_detail};
use crate::effect::{Effects, Foundation, Kind, UserRecord, UserRef};
use crate::material::Material;
use crate::{HsmError, KeyHandle, Now, TokenDigest, TokenRef};

/// The cluster's key: what AWS's HSMs have.
const CLUSTER_KEY_BITS: u32 = 2_048;
const CLUSTER_KEY_EXPONENT: u64 = 65_537;
const CLUSTER_KEY: &[u8] = b"cluster key";
const FAMILY_KEY: &[u8] = b"family key";

/// The administrator's name.
pub(crate) const ADMIN: &str = "admin";
/// The service's own user.
const APPLIANCE_USER: &str = "app_user";

/// Signature schemes of the cluster's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClusterScheme {
    /// RSASSA-PKCS1-v1_5 with SHA-256: certificate signing requests.
    Pkcs1Sha256,
    /// RSASSA-PSS with SHA-256: TLS 1.3.
    PssSha256,
    /// RSASSA-PSS with SHA-384.
    PssSha384,
    /// RSASSA-PSS with SHA-512.
    PssSha512,
}

impl Hsm {
    /// Plans a new partition: the users `admin` (not activated) and `app_user`, the cluster's key pair, the family
    /// key. Gives the effects, to be the first in the log.
    pub fn found(&self, now: Now) -> Result<Vec<u8>, HsmError> {
        let cluster_key = rsa::PrivateKey::generate(CLUSTER_KEY_BITS, CLUSTER_KEY_EXPONENT)?;
        let foundation = Foundation {
            cluster_public: cluster_key.public_key().to_spki()?,
            cluster: self.keyring.seal(CLUSTER_KEY, cluster_key.to_pkcs8()?.expose())?,
            family: self.keyring.seal(FAMILY_KEY, random::key256()?.expose())?,
        };
        let user = |name, role| UserRecord { user: UserRef::new(name, role), ..UserRecord::default() };
        let admin = user(ADMIN, Role::UnactivatedAdmin);
        let appliance_user = user(APPLIANCE_USER, Role::ApplianceUser);
        self.audit.note(Opcode::InitToken, 0, AuditDetail::None, now);
        self.audit.note(Opcode::GenPasswordEncryptionKey, 0, AuditDetail::None, now);
        self.audit.note(Opcode::CreateApplianceUser, 0, user_detail(&appliance_user.user), now);
        self.audit.note(Opcode::InitDone, 0, AuditDetail::None, now);
        self.audit.note(Opcode::GenKeyEncryptionKey, 0, AuditDetail::None, now);
        let effects = vec![Kind::Foundation(foundation), Kind::PutUser(admin), Kind::PutUser(appliance_user)];
        Ok(Effects::new(now.domain_ms, effects).encode_to_vec())
    }

    /// The cluster's public key, as DER SubjectPublicKeyInfo.
    pub fn cluster_public_key(&self) -> Result<Vec<u8>, HsmError> {
        Ok(self.foundation()?.cluster_public)
    }

    /// Signs with the cluster's private key: the certificate signing request, and the handshakes of TLS.
    pub fn sign_with_cluster_key(&self, scheme: ClusterScheme, message: &[u8]) -> Result<Vec<u8>, HsmError> {
        let material = self.cluster_key()?;
        let Material::Rsa(key) = &*material else {
            return Err(HsmError::InvalidState);
        };
        let pss = |hash: Hash| key.sign_pss_message(hash, message, hash.output_length());
        Ok(match scheme {
            ClusterScheme::Pkcs1Sha256 => key.sign_pkcs1_message(Hash::Sha256, message),
            ClusterScheme::PssSha256 => pss(Hash::Sha256),
            ClusterScheme::PssSha384 => pss(Hash::Sha384),
            ClusterScheme::PssSha512 => pss(Hash::Sha512),
        }?)
    }

    /// The cluster's key, opened. It stands in the cache beside the others, under a handle that no key has.
    fn cluster_key(&self) -> Result<Arc<Material>, HsmError> {
        let token = self.foundation()?.cluster;
        let reference =
            TokenRef { handle: KeyHandle::from_bytes([0xff; 16]), digest: TokenDigest::of(&token) };
        if let Some(key) = self.opened.get(&reference) {
            return Ok(key);
        }
        let material = self.keyring.open(CLUSTER_KEY, &token)?;
        let key = Arc::new(Material::Rsa(rsa::PrivateKey::from_pkcs8(material.expose())?));
        self.opened.insert(reference, Arc::clone(&key));
        Ok(key)
    }

    /// The key that the cluster shares with its clones.
    pub(crate) fn family_key(&self) -> Result<Key256, HsmError> {
        let material = self.keyring.open(FAMILY_KEY, &self.foundation()?.family)?;
        Key256::copied_from(material.expose()).ok_or(HsmError::InvalidToken)
    }

    /// The foundation, sealed under the newest epoch; none if it is already.
    pub(super) fn foundation_anew(&self) -> Result<Option<Foundation>, HsmError> {
        let old = self.foundation()?;
        if !self.keyring.is_old(&old.cluster) && !self.keyring.is_old(&old.family) {
            return Ok(None);
        }
        let anew = |of: &[u8], token: &[u8]| self.keyring.seal(of, self.keyring.open(of, token)?.expose());
        Ok(Some(Foundation {
            cluster: anew(CLUSTER_KEY, &old.cluster)?,
            family: anew(FAMILY_KEY, &old.family)?,
            cluster_public: old.cluster_public,
        }))
    }
}
