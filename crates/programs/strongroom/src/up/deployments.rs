//! What `up` has made, and is about to make: the state file.
//!
//! Names and passwords are written down before they are used, so that a run that is cut off at any point leaves
//! nothing that the next one does not know. A deployment is found again by its token, which its cluster and its key
//! carry as a tag: the file may know deployments of several servers, and of one that has begun anew since.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use strongroom_crypto::{hex, random};

use super::folder::{read, write_private};
use super::password::Password;

/// The key of the tag that the cluster and the key carry; its value is the deployment's token.
pub(crate) const TAG: &str = "strongroom-up";
/// The form of the state file.
const VERSION: u32 = 1;
/// Deployments in one file. Those of servers that have begun anew stay in it: nobody knows whether they have.
const MOST: usize = 64;

/// The file.
#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    version: u32,
    deployments: Vec<Deployment>,
}

/// One walk from nothing to a key in a cluster, however far it has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Deployment {
    /// What its cluster and its key are tagged with.
    pub(crate) token: String,
    /// Where it was last seen.
    pub(crate) endpoint: String,
    pub(crate) region: String,
    /// None before the cluster is made.
    pub(crate) cluster_id: Option<String>,
    /// The trust anchor that the cluster is initialized with, as PEM.
    pub(crate) customer_ca: Option<String>,
    pub(crate) admin_password: Password,
    pub(crate) crypto_user: String,
    pub(crate) crypto_user_password: Password,
    /// The password of `kmsuser`, until KMS has connected and changed it to one that KMS alone knows.
    pub(crate) kmsuser_password: Option<Password>,
    pub(crate) key_store_id: Option<String>,
    /// Whether a key may have been asked for whose id did not come back.
    pub(crate) key_asked_for: bool,
    pub(crate) key_id: Option<String>,
    pub(crate) alias: Option<String>,
}

/// The deployments of the state file.
pub(crate) struct Deployments {
    path: PathBuf,
    contents: Contents,
}

impl Deployment {
    /// A new one, with passwords of its own.
    pub(crate) fn begin(endpoint: &str, region: &str, crypto_user: &str) -> Result<Self> {
        Ok(Self {
            token: hex::encode(&random::bytes::<12>()?),
            endpoint: endpoint.to_owned(),
            region: region.to_owned(),
            cluster_id: None,
            customer_ca: None,
            admin_password: Password::random()?,
            crypto_user: crypto_user.to_owned(),
            crypto_user_password: Password::random()?,
            kmsuser_password: None,
            key_store_id: None,
            key_asked_for: false,
            key_id: None,
            alias: None,
        })
    }
}

impl Deployments {
    /// Reads the file; one that is not there knows of none.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let contents = match read(path)? {
            None => Contents { version: VERSION, deployments: Vec::new() },
            Some(text) => {
                let contents: Contents = serde_json::from_str(&text)
                    .with_context(|| format!("{} is not a state file of `strongroom up`", path.display()))?;
                ensure!(
                    contents.version == VERSION,
                    "{} was written by another version of strongroom (form {}); use that one",
                    path.display(),
                    contents.version
                );
                contents
            }
        };
        Ok(Self { path: path.to_owned(), contents })
    }

    pub(crate) fn all(&self) -> &[Deployment] {
        &self.contents.deployments
    }

    /// The deployment to go on with at a server: the latest whose token is among those of its living clusters, or
    /// one whose cluster is not made yet.
    pub(crate) fn to_go_on_with(&self, tokens: &[&str], endpoint: &str, region: &str) -> Option<Deployment> {
        let latest = |fits: &dyn Fn(&&Deployment) -> bool| self.all().iter().rev().find(fits).cloned();
        latest(&|one| tokens.contains(&one.token.as_str())).or_else(|| {
            latest(&|one| one.cluster_id.is_none() && one.endpoint == endpoint && one.region == region)
        })
    }

    /// Writes a deployment down, as it is now.
    pub(crate) fn keep(&mut self, deployment: &Deployment) -> Result<()> {
        let known = &mut self.contents.deployments;
        match known.iter().position(|one| one.token == deployment.token) {
            Some(at) => known[at] = deployment.clone(),
            None if known.len() < MOST => known.push(deployment.clone()),
            None => bail!(
                "{} knows {MOST} deployments at other servers; take those down that are there (`strongroom down \
                 --endpoint`), or remove the file if none is",
                self.path.display()
            ),
        }
        self.store()
    }

    /// Whether there is no place for another.
    pub(crate) fn are_full(&self) -> bool {
        self.all().len() >= MOST
    }

    /// Whether a deployment is among them.
    pub(crate) fn knows(&self, token: &str) -> bool {
        self.all().iter().any(|one| one.token == token)
    }

    /// Writes a deployment down, if need be in place of the one that has been there for longest.
    pub(crate) fn keep_latest(&mut self, deployment: &Deployment) -> Result<()> {
        let known = &mut self.contents.deployments;
        known.retain(|one| one.token != deployment.token);
        known.drain(..(known.len() + 1).saturating_sub(MOST));
        known.push(deployment.clone());
        self.store()
    }

    /// Forgets a deployment, which is gone.
    pub(crate) fn forget(&mut self, token: &str) -> Result<()> {
        self.contents.deployments.retain(|one| one.token != token);
        self.store()
    }

    fn store(&self) -> Result<()> {
        let text = strongroom_secret::SecretString::new(serde_json::to_string_pretty(&self.contents)?);
        write_private(&self.path, text.expose())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const ENDPOINT: &str = "http://127.0.0.1:4566";
    const REGION: &str = "us-east-1";

    fn begun(cluster: Option<&str>) -> Deployment {
        let begun = Deployment::begin(ENDPOINT, REGION, "alice").unwrap();
        Deployment { cluster_id: cluster.map(str::to_owned), ..begun }
    }

    #[test]
    fn what_is_kept_is_found_again_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let mut deployments = Deployments::load(&path).unwrap();
        assert!(deployments.all().is_empty());
        let mut one = begun(None);
        deployments.keep(&one).unwrap();
        one.cluster_id = Some("cluster-a".to_owned());
        deployments.keep(&one).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);

        let mut again = Deployments::load(&path).unwrap();
        let [found] = again.all() else { panic!("{:?}", again.all()) };
        assert_eq!(found.cluster_id.as_deref(), Some("cluster-a"));
        assert_eq!(found.admin_password.expose(), one.admin_password.expose());
        again.forget(&one.token).unwrap();
        assert!(Deployments::load(&path).unwrap().all().is_empty());
    }

    #[test]
    fn a_server_s_own_deployment_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let mut deployments = Deployments::load(&folder.path().join("state.json")).unwrap();
        let (old, other) = (begun(Some("cluster-old")), begun(Some("cluster-other")));
        for one in [&old, &other] {
            deployments.keep(one).unwrap();
        }
        let token = |found: Option<Deployment>| found.map(|one| one.token);
        let go_on = |tokens: &[&str]| token(deployments.to_go_on_with(tokens, ENDPOINT, REGION));
        assert_eq!(go_on(&[&old.token, "of somebody else"]), Some(old.token.clone()));
        assert_eq!(go_on(&["of somebody else"]), None, "this server has begun anew");

        let unmade = begun(None);
        deployments.keep(&unmade).unwrap();
        let go_on = |tokens: &[&str], region| token(deployments.to_go_on_with(tokens, ENDPOINT, region));
        assert_eq!(go_on(&[], REGION), Some(unmade.token.clone()));
        assert_eq!(go_on(&[&other.token], REGION), Some(other.token.clone()), "what is there goes first");
        assert_eq!(go_on(&[], "eu-west-1"), None);
    }

    #[test]
    fn the_latest_have_a_place_whatever_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut deployments = Deployments::load(&folder.path().join("taken-down.json")).unwrap();
        let first = begun(Some("cluster-first"));
        deployments.keep_latest(&first).unwrap();
        let second = begun(Some("cluster-second"));
        deployments.keep_latest(&second).unwrap();
        deployments.keep_latest(&second).unwrap();
        assert_eq!(deployments.all().len(), 2);
        for _ in 2..=MOST {
            deployments.keep_latest(&begun(Some("cluster-later"))).unwrap();
        }
        assert_eq!(deployments.all().len(), MOST);
        assert!(!deployments.knows(&first.token));
        assert!(deployments.knows(&second.token));
    }

    #[test]
    fn another_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        for (text, said) in
            [("{}", "not a state file"), (r#"{"version":9,"deployments":[]}"#, "another version")]
        {
            std::fs::write(&path, text).unwrap();
            let refused =
                Deployments::load(&path).err().map(|error| format!("{error:#}")).unwrap_or_default();
            assert!(refused.contains(said), "{refused}");
        }
    }
}
