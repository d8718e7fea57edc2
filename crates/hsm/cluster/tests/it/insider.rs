//! A member that breaks the rules: it has the keys, taken from its invitation byte by byte, and seals what it
//! likes. Also the one place where the derivation of keys is written down a second time.

use strongroom_crypto::hmac::HmacSha256;
use strongroom_crypto::kdf::sp800_108_counter_hmac_sha256;
use strongroom_crypto::{hpke, salted};
use strongroom_hsm_cluster::{Head, Identity, JoinRequest, MemberSecret};
use strongroom_secret::Key256;

use crate::cluster::{DEVICE_ROOT, Hsm, NOW, Store, identity, partition};

pub(crate) struct Insider {
    pub(crate) log_key: Key256,
    pub(crate) cursor_key: Key256,
    pub(crate) identity: Identity,
}

fn derive(root: &[u8], label: &[u8], incarnation: u32, epoch: u32) -> Key256 {
    let context = [&partition().0[..], &incarnation.to_be_bytes(), &epoch.to_be_bytes()].concat();
    Key256::filled(|key| sp800_108_counter_hmac_sha256(root, label, &context, key)).unwrap()
}

impl Insider {
    /// Joins, and keeps what the invitation has.
    pub(crate) fn join(store: &mut Store, member: &mut Hsm) -> Self {
        let private = hpke::PrivateKey::generate().unwrap();
        let secret = MemberSecret::from_bytes(&private.to_bytes().unwrap()).unwrap();
        let joiner = Identity { secret, ..identity("insider") };
        let request = JoinRequest::new(&joiner, partition(), |_| Ok(Vec::new())).unwrap();
        let admission = member.replica().propose_join(&request, NOW, |_, root| root == DEVICE_ROOT).unwrap();
        assert!(member.append(store, &admission.entry).unwrap());

        let (outside, sealed) = admission.invitation.split_at(1 + 4 + 4 + 8 + 32);
        let info = [b"strongroom/hsm/invitation\0", &partition().0[..]].concat();
        let aad = [outside, &7_u32.to_be_bytes(), b"insider"].concat();
        let inside = private.open(&info, &aad, sealed).unwrap();
        // One epoch: length of the ring, count, partition, incarnation, epoch, form, partition key.
        let ring = &inside.expose()[4..4 + 4 + 16 + 4 + 4 + 1 + 32];
        assert_eq!(ring[..4], 1_u32.to_be_bytes());
        assert_eq!(ring[4..20], partition().0);
        let root = &ring[29..];
        let tokens = derive(root, b"strongroom/hsm/tokens", 1, 1);
        assert_eq!(member.diary().newest_key, Some(*tokens.expose()));
        Self {
            log_key: derive(root, b"strongroom/hsm/log", 1, 1),
            cursor_key: derive(root, b"strongroom/hsm/cursor", 1, 1),
            identity: joiner,
        }
    }

    /// A cursor under the key of the first epoch.
    pub(crate) fn cursor(&self, sequence: u64, hash: [u8; 32]) -> Vec<u8> {
        let ones = 1_u32.to_be_bytes();
        let signed = [&[1][..], &ones, &ones, &sequence.to_be_bytes(), &hash].concat();
        let tag = HmacSha256::new(self.cursor_key.expose()).sign(&[&partition().0, &signed]);
        [&signed[..], &tag].concat()
    }

    /// Seals any content for the place after `head`.
    pub(crate) fn seal(&self, head: &Head, content: &[u8]) -> Vec<u8> {
        let header = [
            &[1][..],
            &head.incarnation.to_be_bytes(),
            &head.epoch.to_be_bytes(),
            &(head.sequence + 1).to_be_bytes(),
            &head.hash,
        ]
        .concat();
        let aad = [&partition().0[..], &header].concat();
        let mut entry = header;
        salted::seal_into(&self.log_key, b"strongroom/hsm/entry", &aad, content, &mut entry).unwrap();
        entry
    }
}

/// The content of an entry: kind, time, and what the kind has.
pub(crate) fn content(kind: u8, time_ms: i64, rest: &[u8]) -> Vec<u8> {
    [&[kind][..], &time_ms.to_be_bytes(), rest].concat()
}
