//! Seeds: a file says what a server shall have when it has started, and again after each reset.
//!
//! `format` is what can stand in the file, `read` reads it, `plan` checks it and makes of it what the services plant
//! through their own rules. What a seed does not name is left alone; planting twice changes nothing the second time.

mod findings;
mod format;
mod limits;
mod plan;
mod read;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use serde_json::Value;
use strongroom_iam::IdentityManagement;
use strongroom_kms::KeyManagement;
use strongroom_outbox::Outbox;
use strongroom_runtime::Clocks;
use strongroom_service::{NotPlanted, Planted};

pub(crate) use self::plan::Secrets;
use self::plan::{Plan, Step, What};
use crate::cli::SeedCommand;

/// A seed file that has been read and checked.
pub(crate) struct Seed {
    path: PathBuf,
    plan: Plan,
}

/// Where seeds are planted.
pub(crate) struct Garden {
    pub(crate) iam: Arc<IdentityManagement>,
    pub(crate) kms: Arc<KeyManagement>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) clocks: Clocks,
}

/// What planting came to, in resources.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) made: usize,
    pub(crate) changed: usize,
    pub(crate) unchanged: usize,
}

impl Seed {
    /// Reads the file at `path`, and checks all that can be checked without a server.
    pub(crate) fn read(path: &Path, secrets: Secrets) -> Result<Self> {
        let seed = read::read(path)?;
        let plan = Plan::of(seed, secrets)
            .map_err(|findings| anyhow!("the seed {} cannot be used:{findings}", path.display()))?;
        Ok(Self { path: path.to_owned(), plan })
    }

    /// Brings a server's resources to what the seed says. What does not fit ends it, and is named by its place in the
    /// file; what was planted before stays.
    pub(crate) async fn plant(&self, garden: &Garden) -> Result<Tally> {
        let mut tally = Tally::default();
        for step in &self.plan.steps {
            let planted = garden.plant(step).await.map_err(|refused| self.explain(step, refused))?;
            let count = if planted.made {
                &mut tally.made
            } else if planted.is_as_it_was() {
                &mut tally.unchanged
            } else {
                &mut tally.changed
            };
            *count += 1;
        }
        let Tally { made, changed, unchanged } = tally;
        tracing::info!(made, changed, unchanged, seed = %self.path.display(), "the seed is planted");
        Ok(tally)
    }

    fn explain(&self, step: &Step, refused: NotPlanted) -> anyhow::Error {
        let (seed, place) = (self.path.display(), &step.place);
        match refused {
            NotPlanted::Refused { member, why } if member.is_empty() => {
                anyhow!("the seed {seed} cannot be planted:\n  {place}: {why}")
            }
            NotPlanted::Refused { member, why } => {
                anyhow!("the seed {seed} cannot be planted:\n  {place}.{member}: {why}")
            }
            failed @ NotPlanted::Failed(_) => {
                anyhow::Error::from(failed).context(format!("planting {place} of the seed {seed}"))
            }
        }
    }
}

impl Garden {
    async fn plant(&self, step: &Step) -> Result<Planted, NotPlanted> {
        let now_ms = self.clocks.domain_now();
        match &step.what {
            What::Identity(seedling) => self.iam.plant(&self.outbox, step.account, seedling, now_ms).await,
            What::Key(seedling) => self.kms.plant_key(step.account, seedling, now_ms).await,
        }
    }
}

/// `strongroom seed`.
pub(crate) fn command(command: &SeedCommand) -> Result<ExitCode> {
    match command {
        SeedCommand::Check(options) => {
            let secrets = if options.without_secrets { Secrets::Refused } else { Secrets::Taken };
            let seed = Seed::read(&options.file, secrets)?;
            println!("{} can be used: it names {} resources", seed.path.display(), seed.plan.steps.len());
        }
        SeedCommand::Schema => println!("{}", schema()?),
    }
    Ok(ExitCode::SUCCESS)
}

/// The JSON schema of seed files.
fn schema() -> Result<String> {
    let mut schema = schemars::schema_for!(format::Seed).into();
    limits::publish(&mut schema);
    Ok(serde_json::to_string_pretty::<Value>(&schema)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema that stands beside the documentation, for editors.
    const PUBLISHED: &str = include_str!("../../../../docs/seed.schema.json");

    #[test]
    fn the_published_schema_is_that_of_the_program() {
        assert_eq!(PUBLISHED.trim_end(), schema().unwrap(), "strongroom seed schema > docs/seed.schema.json");
    }
}
