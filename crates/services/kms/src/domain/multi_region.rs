//! Multi-Region keys: keys in several Regions of one account that have one id and the same materials (KMS Developer
//! Guide, "Multi-Region keys in AWS KMS"). One of them is the primary key, from which what they share comes; the others
//! are its replicas.

use strongroom_identity::Region;

use super::identifier::Home;
use super::key::{Key, KeyState, Material};
use super::lifecycle::deletion_in;
use crate::error::Refusal;

/// What begins the ids of multi-Region keys.
pub(crate) const ID_PREFIX: &str = "mrk-";

/// What parts Regions in a column. No Region's name has it.
const SEPARATOR: char = ' ';

/// A set of related keys, as each of them knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MultiRegion {
    /// The Region of the primary key.
    pub(crate) primary: &'static str,
    /// The Regions of its replicas, in the order of the alphabet.
    pub(crate) replicas: Vec<&'static str>,
}

/// What a key is among its related keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Primary,
    Replica,
}

impl Role {
    /// The role as the API and policies write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Replica => "REPLICA",
        }
    }
}

impl MultiRegion {
    /// A primary key without replicas.
    pub(crate) fn alone(primary: &'static str) -> Self {
        Self { primary, replicas: Vec::new() }
    }

    /// The Regions of all, the primary key's first.
    pub(crate) fn regions(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.primary).chain(self.replicas.iter().copied())
    }

    /// How the store writes it: the Regions, the primary key's first.
    pub(crate) fn to_column(&self) -> String {
        self.regions().collect::<Vec<_>>().join(&SEPARATOR.to_string())
    }

    /// Reads what the store has.
    pub(crate) fn from_column(text: &str) -> Option<Self> {
        let mut regions = text.split(SEPARATOR).map(|name| Region::named(name).map(Region::name));
        Some(Self { primary: regions.next()??, replicas: regions.collect::<Option<_>>()? })
    }

    fn add(&mut self, region: &'static str) {
        self.replicas.push(region);
        self.replicas.sort_unstable();
    }

    fn remove(&mut self, region: &str) {
        self.replicas.retain(|replica| *replica != region);
    }

    fn promote(&mut self, region: &'static str) {
        self.remove(region);
        let former = std::mem::replace(&mut self.primary, region);
        self.add(former);
    }
}

impl Key {
    /// What it is among its related keys; `None` for a key of one Region.
    pub(crate) fn role(&self) -> Option<Role> {
        let related = self.multi_region.as_ref()?;
        Some(if related.primary == self.home.region { Role::Primary } else { Role::Replica })
    }

    pub(crate) fn is_replica(&self) -> bool {
        self.role() == Some(Role::Replica)
    }

    /// Where its related keys are, itself left out.
    pub(crate) fn related_homes(&self) -> Vec<Home> {
        let regions = self.multi_region.iter().flat_map(MultiRegion::regions);
        let others = regions.filter(|region| *region != self.home.region);
        others.map(|region| Home { account: self.home.account, region }).collect()
    }

    /// Where its primary key is: here, for a key of one Region.
    pub(crate) fn primary_home(&self) -> Home {
        let region = self.multi_region.as_ref().map_or(self.home.region, |related| related.primary);
        Home { account: self.home.account, region }
    }

    pub(super) fn has_replicas(&self) -> bool {
        self.multi_region.as_ref().is_some_and(|related| !related.replicas.is_empty())
    }

    /// Refuses what only the primary key of a multi-Region key is for. (AWS's code; of its text nothing is known.)
    pub(crate) fn expect_primary(&self) -> Result<(), Refusal> {
        match self.role() {
            Some(Role::Primary) => Ok(()),
            Some(Role::Replica) | None => {
                Err(Refusal::Unsupported(Some(format!("{} is not a multi-Region primary key.", self.arn))))
            }
        }
    }

    /// Refuses to replicate to a Region which a key cannot be replicated to, or now.
    pub(crate) fn expect_replicable(&self, region: &'static str) -> Result<(), Refusal> {
        self.expect_primary()?;
        self.expect_settled()?;
        self.expect_enabled()?;
        if self.multi_region.iter().flat_map(MultiRegion::regions).any(|taken| taken == region) {
            let taken = Home { account: self.home.account, region };
            return Err(Refusal::KeyExists(taken.key_arn(&self.id)));
        }
        Ok(())
    }

    /// Takes a Region among those of its replicas.
    pub(crate) fn replicate(&mut self, region: &'static str) -> Result<(), Refusal> {
        self.expect_replicable(region)?;
        if let Some(related) = &mut self.multi_region {
            related.add(region);
        }
        Ok(())
    }

    /// Refuses to make the key in another Region the primary one in this one's place.
    pub(crate) fn expect_promotable(&self, region: &str) -> Result<(), Refusal> {
        self.expect_primary()?;
        if region == self.home.region {
            return Err(Refusal::Unsupported(Some(format!("{} is the primary key already.", self.arn))));
        }
        self.expect_enabled()?;
        let has_it = self.multi_region.as_ref().is_some_and(|related| related.replicas.contains(&region));
        if has_it {
            return Ok(());
        }
        Err(Refusal::NotFound(format!("{} has no replica key in {region}", self.arn)))
    }

    /// Makes `successor`, one of its replicas, the primary key. Both are brought up to date from now on, until
    /// [`Key::settle_state`].
    pub(crate) fn promote(&mut self, successor: &mut Self, now_ms: i64) -> Result<(), Refusal> {
        self.expect_promotable(successor.home.region)?;
        successor.expect_enabled()?;
        if let Some(related) = &mut self.multi_region {
            related.promote(successor.home.region);
        }
        self.share(successor);
        for key in [self, successor] {
            key.state = KeyState::Updating { until_ms: now_ms };
        }
        Ok(())
    }

    /// Gives a related key what all of them share beside their materials: which of them there are, which material
    /// encrypts, and rotation.
    pub(crate) fn share(&self, related: &mut Self) {
        related.multi_region.clone_from(&self.multi_region);
        related.current_material = self.current_material;
        related.rotation = self.rotation;
        related.on_demand_rotations = self.on_demand_rotations;
    }

    /// Whether it knows the same materials as a related key, each as far on its way into use.
    pub(crate) fn has_the_materials_of(&self, related: &Self) -> bool {
        let known = |key: &Self| {
            let stage = |material: &Material| material.import.as_ref().map(|import| import.stage);
            key.materials.iter().map(|material| (material.id, stage(material))).collect::<Vec<_>>()
        };
        known(self) == known(related)
    }

    /// Ends the state in which the key is made or brought up to date, if it is over at that time. Answers whether it was.
    pub(crate) fn settle_state(&mut self, at_ms: i64) -> bool {
        let is_over = self.state.until_ms() == Some(at_ms);
        if is_over {
            self.state = if self.lacks_material() { KeyState::PendingImport } else { KeyState::Enabled };
        }
        is_over
    }

    /// Takes a replica that is deleted from among its related keys. The time of a primary key that was waiting for the
    /// last of them begins then.
    pub(crate) fn part_from(&mut self, region: &str, now_ms: i64) {
        if let Some(related) = &mut self.multi_region {
            related.remove(region);
        }
        if let KeyState::PendingReplicaDeletion { window_days } = self.state
            && !self.has_replicas()
        {
            self.state = deletion_in(now_ms, window_days);
        }
    }
}
