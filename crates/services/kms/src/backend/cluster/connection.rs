//! What is known of the keys of a cluster, as long as one connection to it lives.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, Command, DeleteKey, FindKeys, KeyClass, KeyDescription, Reply,
    Result as Answered, ShowKeys, Template,
};

use super::refusal::{is_of_a_vanished_key, nonsense, refusal, vanished};
use crate::cache::{Cache, Weighed};
use crate::clusters::Cluster;
use crate::domain::key::{Held, Key, Material, MaterialId};
use crate::domain::key_store::KMS_USER;
use crate::error::Refusal;

/// Materials whose handles are kept in mind.
const KEPT: usize = 65_536;

/// Materials that are kept in mind as missing.
const MISSING: usize = 4_096;

/// Keys of one id that are looked at in one step. Others may give their own keys the id of one of ours.
const AT_ONCE: u32 = 256;

/// What a connection's HSMs call a material.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handles {
    /// The secret key, or the private half of a pair.
    pub(super) key: u64,
    /// The public half.
    pub(super) public: Option<u64>,
}

impl Handles {
    /// Those that a material has been made with; none for one that is elsewhere.
    pub(super) fn of(held: &Held) -> Option<Self> {
        match held {
            Held::Absent { .. } | Held::Token { .. } => None,
            Held::InCluster { handle, public } => {
                Some(Self { key: *handle, public: public.as_ref().map(|public| public.handle) })
            }
        }
    }
}

impl Weighed for Handles {
    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

/// A connection to a cluster, and the handles that are known to be right on it.
pub(super) struct Connection {
    cluster: Arc<dyn Cluster>,
    known: Cache<MaterialId, Handles>,
    missing: Mutex<HashSet<MaterialId>>,
}

impl Connection {
    pub(super) fn new(cluster: Arc<dyn Cluster>) -> Self {
        Self { cluster, known: Cache::new(KEPT, usize::MAX), missing: Mutex::default() }
    }

    /// Whether it is the connection of that client.
    pub(super) fn is_to(&self, cluster: &Arc<dyn Cluster>) -> bool {
        Arc::ptr_eq(&self.cluster, cluster)
    }

    pub(super) fn cluster(&self) -> &dyn Cluster {
        &*self.cluster
    }

    /// Keeps in mind what the HSMs call a material that they have just made.
    pub(super) fn learn(&self, material_id: MaterialId, handles: Option<Handles>) {
        if let (Some(handles), Err(ticket)) = (handles, self.known.get(&material_id)) {
            self.known.keep(ticket, material_id, Arc::new(handles));
        }
    }

    /// Has the material looked up again when it is next used.
    pub(super) fn forget(&self, material_id: &MaterialId) {
        self.known.forget(material_id);
        self.missing().remove(material_id);
    }

    /// Whether the material was looked for last, and was not there.
    pub(super) fn misses(&self, material_id: &MaterialId) -> bool {
        self.missing().contains(material_id)
    }

    fn missing(&self) -> std::sync::MutexGuard<'_, HashSet<MaterialId>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the HSMs call these materials.
    pub(super) async fn find<const N: usize>(
        &self,
        keys: [(&Key, &Material); N],
    ) -> Result<[Handles; N], Refusal> {
        let mut handles = [Handles { key: 0, public: None }; N];
        for (found, (key, material)) in handles.iter_mut().zip(keys) {
            *found = self.find_one(key, material).await?;
        }
        Ok(handles)
    }

    async fn find_one(&self, key: &Key, material: &Material) -> Result<Handles, Refusal> {
        let ticket = match self.known.get(&material.id) {
            Ok(handles) => return Ok(*handles),
            Err(ticket) => ticket,
        };
        let handles = handles(&self.look(&material.id).await?, &key.arn, &material.held);
        let Some(handles) = handles else {
            let mut missing = self.missing();
            if missing.len() < MISSING {
                missing.insert(material.id);
            }
            return Err(vanished(&key.arn));
        };
        self.missing().remove(&material.id);
        self.known.keep(ticket, material.id, Arc::new(handles));
        Ok(handles)
    }

    /// Deletes every key of KMS's that has that id, and answers whether there was one.
    pub(super) async fn delete(&self, material_id: &MaterialId) -> Result<bool, Refusal> {
        let found = self.look(material_id).await?;
        for key in &found {
            match self.cluster.call(Command::DeleteKey(DeleteKey { key: key.key })).await {
                Err(error) if is_of_a_vanished_key(&error) => {}
                done => done.map(drop).map_err(refusal)?,
            }
        }
        Ok(!found.is_empty())
    }

    /// The keys of KMS's own that have that id.
    async fn look(&self, material_id: &MaterialId) -> Result<Vec<KeyDescription>, Refusal> {
        let id = AttributeValue::Bytes(material_id.to_vec());
        let filter =
            Template { attributes: vec![Attribute { name: AttributeName::Id.into(), value: Some(id) }] };
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let find = FindKeys { filter: Some(filter.clone()), after, most: AT_ONCE };
            let Some(Answered::Found(page)) = self.call(Command::FindKeys(find)).await?.result else {
                return Err(nonsense("an HSM answers a search with something else"));
            };
            let Some(last) = page.keys.last().copied() else { return Ok(found) };
            let is_last = page.keys.len() < AT_ONCE as usize;
            let show = Command::ShowKeys(ShowKeys { keys: page.keys });
            let Some(Answered::Keys(shown)) = self.call(show).await?.result else {
                return Err(nonsense("an HSM shows something else than keys"));
            };
            found.extend(shown.keys.into_iter().filter(|key| key.owner == KMS_USER));
            if is_last {
                return Ok(found);
            }
            after = last;
        }
    }

    async fn call(&self, command: Command) -> Result<Reply, Refusal> {
        self.cluster.call(command).await.map_err(refusal)
    }
}

/// The handles of a material among the keys that have its id.
fn handles(found: &[KeyDescription], arn: &str, held: &Held) -> Option<Handles> {
    let of_class = |class: KeyClass| {
        let is_it = |key: &&KeyDescription| {
            attribute(key, AttributeName::Class) == Some(&AttributeValue::Number(class as u64))
                && attribute(key, AttributeName::Label)
                    == Some(&AttributeValue::Bytes(arn.as_bytes().to_vec()))
        };
        found.iter().find(is_it).map(|key| key.key)
    };
    match held {
        Held::Absent { .. } | Held::Token { .. } => None,
        Held::InCluster { public: None, .. } => {
            Some(Handles { key: of_class(KeyClass::SecretKey)?, public: None })
        }
        // What is public is with KMS too, so that its object may be missing.
        Held::InCluster { public: Some(_), .. } => {
            Some(Handles { key: of_class(KeyClass::PrivateKey)?, public: of_class(KeyClass::PublicKey) })
        }
    }
}

fn attribute(key: &KeyDescription, name: AttributeName) -> Option<&AttributeValue> {
    let attributes = &key.attributes.as_ref()?.attributes;
    attributes.iter().find(|attribute| attribute.name() == name)?.value.as_ref()
}
