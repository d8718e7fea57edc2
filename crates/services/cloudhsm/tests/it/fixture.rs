//! CloudHSM over a database, with an EC2 and HSMs in memory, and those who call it.

pub(crate) mod ec2;
pub(crate) mod hsm;
pub(crate) mod placement;

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use strongroom_api_cloudhsm::{
    Backup, BackupState, CloudHsm as _, Cluster, ClusterMode, ClusterState, CreateClusterRequest,
    CreateHsmRequest, DeleteHsmRequest, DescribeBackupsRequest, DescribeClustersRequest, Hsm, HsmState,
    InitializeClusterRequest,
};
use strongroom_cloudhsm::{ControlPlane, MIGRATIONS, Options, Parts};
use strongroom_crypto::ec::{Curve, PrivateKey};
use strongroom_crypto::random;
use strongroom_identity::{
    Caller, Entity, Permissions, Principal, RecordDraft, Region, RequestContext, RequestId,
};
use strongroom_journal::{Durability, Journal, JournalOptions, Record};
use strongroom_outbox::Outbox;
use strongroom_pki::{CertificateRequest, Identity, Kind, Name, Validity, issue, self_sign};
use strongroom_policy::document::{Document, Kind as DocumentKind};
use strongroom_policy::{Authority, CallerPolicies, Policy};
use strongroom_runtime::{Agenda as _, Clocks, Due, ShutdownOwner};
use strongroom_schema::Map;
use strongroom_seal::Root;
use strongroom_secret::Key256;
use strongroom_service::ApiError;
use strongroom_store::{Db, OpenOptions, RowMac, Statement};
use strongroom_testkit::TestDatabase;
use tempfile::TempDir;

use self::ec2::FakeEc2;
use self::placement::FakePlacement;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const STRANGER: &str = "444455556666";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const FAR_REGION: &str = "eu-central-1";
pub(crate) const SUBNET_A: &str = "subnet-0000000a";
pub(crate) const SUBNET_B: &str = "subnet-0000000b";
pub(crate) const ZONE_A: &str = "us-east-1a";
pub(crate) const ZONE_B: &str = "us-east-1b";

/// Milliseconds of a day.
pub(crate) const DAY: i64 = 24 * 60 * 60 * 1000;

/// How many looks something may take to come about, and how long after one the next is: a minute at least.
const PATIENCE: u32 = 3_000;
const LOOK: Duration = Duration::from_millis(20);

pub(crate) fn root() -> Root {
    Root::from_key(Key256::new([7; 32])).unwrap()
}

pub(crate) async fn open(database: &TestDatabase) -> Db {
    let db = Db::open(database.url(), &OpenOptions::default()).await.unwrap();
    db.migrate(&[MIGRATIONS]).await.unwrap();
    db
}

/// What a control plane stands on, and what outlives it.
pub(crate) struct Ground {
    pub(crate) db: Db,
    pub(crate) root: Root,
    pub(crate) ec2: Arc<FakeEc2>,
    pub(crate) placement: Arc<FakePlacement>,
    pub(crate) clocks: Clocks,
    pub(crate) outbox: Arc<Outbox>,
    journal: Arc<Journal>,
    _journal_folder: TempDir,
    /// Of the processes of HSMs.
    _hsms: ShutdownOwner,
}

/// A control plane that works, and all around it.
pub(crate) struct Bench {
    pub(crate) plane: Arc<ControlPlane>,
    pub(crate) ground: Arc<Ground>,
    owner: ShutdownOwner,
}

impl Deref for Bench {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

impl Bench {
    pub(crate) async fn new(database: &TestDatabase) -> Self {
        Self::with(database, Options::default()).await
    }

    pub(crate) async fn with(database: &TestDatabase, options: Options) -> Self {
        let db = open(database).await;
        let hsms = ShutdownOwner::new();
        let folder = TempDir::new().unwrap();
        let journal_options = JournalOptions {
            durability: Durability::Written,
            segment_bytes: 64 << 10,
            begins_streams: true,
            ..JournalOptions::default()
        };
        let clocks = Clocks::system();
        let key = Key256::new([9; 32]);
        let journal = Journal::open(folder.path(), &journal_options, &key, "tests", clocks.domain_now());
        let journal = Arc::new(journal.unwrap().journal);
        let root = root();
        let mac = RowMac::new(&root);
        let ground = Ground {
            root,
            outbox: Arc::new(Outbox::new(db.clone(), mac, journal.clone())),
            ec2: Arc::default(),
            placement: Arc::new(FakePlacement::new(hsms.handle())),
            db,
            clocks,
            journal,
            _journal_folder: folder,
            _hsms: hsms,
        };
        Self::begin(Arc::new(ground), options).await
    }

    /// A control plane over what is there already.
    async fn begin(ground: Arc<Ground>, options: Options) -> Self {
        let parts = Parts {
            db: ground.db.clone(),
            root: &ground.root,
            authority: Authority::new(),
            outbox: ground.outbox.clone(),
            clocks: ground.clocks.clone(),
            ec2: ground.ec2.clone(),
            rules: ground.ec2.clone(),
            placement: ground.placement.clone(),
            options,
        };
        let plane = Arc::new(ControlPlane::open(parts).await.unwrap());
        let owner = ShutdownOwner::new();
        plane.start(&owner.handle()).await.unwrap();
        Self { plane, ground, owner }
    }

    /// Ends the control plane, and begins another over the same store; HSMs run on.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(Options::default()).await
    }

    pub(crate) async fn restart_with(self, options: Options) -> Self {
        let ground = self.ground.clone();
        self.end().await;
        Self::begin(ground, options).await
    }

    /// Ends the control plane. HSMs run on.
    pub(crate) async fn end(self) {
        drop(self.plane);
        assert!(self.owner.finish(Duration::from_mins(1)).await);
    }

    /// The first account's root user in the first Region.
    pub(crate) fn client(&self) -> Client<'_> {
        self.as_of(ACCOUNT, REGION)
    }

    pub(crate) fn as_of(&self, account: &str, region: &str) -> Client<'_> {
        Client { bench: self, account: account.to_owned(), region: region.to_owned(), policies: None }
    }

    /// The records that are in the journal, oldest first.
    pub(crate) fn records(&self) -> Vec<Record> {
        let records = self.journal.reader().records(None).unwrap();
        records.map(|record| record.unwrap().1).collect()
    }

    /// How many backups there are bytes of.
    pub(crate) async fn bytes_of_backups(&self) -> usize {
        const COUNT: Statement =
            Statement::new("SELECT COUNT(*) AS found FROM cloudhsm_blobs WHERE kind = 'backup'");
        let found = self.db.query_one(COUNT, &[]).await.unwrap().i64("found").unwrap();
        usize::try_from(found).unwrap()
    }

    /// Moves domain time and does what became due, in its order. Answers what that was.
    pub(crate) async fn later(&self, ms: i64) -> Vec<Due> {
        self.clocks.advance(ms.unsigned_abs());
        let now = self.clocks.domain_now();
        let mut done = Vec::new();
        while let Some(item) = self.plane.first(1).await.unwrap().pop().filter(|item| item.at_ms <= now) {
            assert_ne!(done.last(), Some(&item), "an item that was done is still on the agenda");
            self.plane.run(&item).await.unwrap();
            // A day is passed over while a backup is still to be made, for which nothing due waits longer than ten seconds.
            until("a backup that was due", async || (self.pending_backups().await == 0).then_some(())).await;
            done.push(item);
        }
        done
    }

    /// How many backups are still to be made.
    async fn pending_backups(&self) -> i64 {
        const COUNT: Statement = Statement::new(
            "SELECT COUNT(*) AS found FROM cloudhsm_backups WHERE state = 'CREATE_IN_PROGRESS'",
        );
        self.db.query_one(COUNT, &[]).await.unwrap().i64("found").unwrap()
    }
}

/// Waits until `look` gives something.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..PATIENCE {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("{what} does not come about");
}

/// An account's root user in a Region, or a user with a policy.
pub(crate) struct Client<'b> {
    pub(crate) bench: &'b Bench,
    account: String,
    region: String,
    policies: Option<Arc<CallerPolicies>>,
}

impl Client<'_> {
    pub(crate) fn context(&self) -> RequestContext {
        let account = self.account.parse().unwrap();
        let caller = match &self.policies {
            None => Caller::new(Principal::Root(account), self.account.clone()),
            Some(policies) => {
                let (path, name, id) = ("/".to_owned(), "a".to_owned(), "AIDACKCEVSQ6C2EXAMPLE".to_owned());
                let user = Principal::User(Entity { account, path, name, id });
                let permissions = Permissions::new(policies.clone());
                Caller { permissions, ..Caller::new(user, "AKIAIOSFODNN7EXAMPLE") }
            }
        };
        let now = self.bench.clocks.domain_now();
        RequestContext::new(
            RequestId::from_random([5; 16]),
            caller,
            Region::named(&self.region).unwrap(),
            now,
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            "tests".to_owned(),
            None,
        )
    }

    /// A context with the draft of a record of its own, as calls that change something have it.
    pub(crate) fn changing(&self) -> RequestContext {
        let event_id = random::bytes().unwrap();
        self.context().with_draft(RecordDraft { event_id, bytes: b"a draft".to_vec(), mark: None })
    }

    /// A user with a policy of these statements.
    pub(crate) fn as_user(&self, statements: &str) -> Self {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let document = Document::parse(&text, DocumentKind::Identity).unwrap();
        let identity = vec![Arc::new(Policy::new("p", &document))];
        let policies = Some(Arc::new(CallerPolicies { identity, ..CallerPolicies::default() }));
        Self { bench: self.bench, account: self.account.clone(), region: self.region.clone(), policies }
    }

    pub(crate) async fn create(&self, input: CreateClusterRequest) -> Result<Cluster, ApiError> {
        Ok(self.bench.plane.create_cluster(&self.changing(), input).await?.cluster.unwrap())
    }

    pub(crate) async fn create_hsm(&self, cluster: &str, zone: &str) -> Result<Hsm, ApiError> {
        self.create_hsm_at(cluster, zone, None).await
    }

    pub(crate) async fn create_hsm_at(
        &self,
        cluster: &str,
        zone: &str,
        address: Option<&str>,
    ) -> Result<Hsm, ApiError> {
        let input = CreateHsmRequest {
            cluster_id: cluster.to_owned(),
            availability_zone: zone.to_owned(),
            ip_address: address.map(str::to_owned),
        };
        Ok(self.bench.plane.create_hsm(&self.changing(), input).await?.hsm.unwrap())
    }

    pub(crate) async fn delete_hsm(&self, cluster: &str, hsm: &str) -> Result<String, ApiError> {
        let input = DeleteHsmRequest {
            cluster_id: cluster.to_owned(),
            hsm_id: Some(hsm.to_owned()),
            ..DeleteHsmRequest::default()
        };
        Ok(self.bench.plane.delete_hsm(&self.changing(), input).await?.hsm_id.unwrap())
    }

    pub(crate) async fn cluster(&self, id: &str) -> Option<Cluster> {
        let filters = Some(filter("clusterIds", &[id]));
        let input = DescribeClustersRequest { filters, ..DescribeClustersRequest::default() };
        self.bench.plane.describe_clusters(&self.context(), input).await.unwrap().clusters.unwrap().pop()
    }

    /// All backups that pass the filters, oldest first, of as many pages as there are.
    pub(crate) async fn backups(&self, filters: Option<Map<Vec<String>>>) -> Vec<Backup> {
        let mut input = DescribeBackupsRequest {
            filters,
            sort_ascending: Some(true),
            ..DescribeBackupsRequest::default()
        };
        let mut all = Vec::new();
        loop {
            let page = self.bench.plane.describe_backups(&self.context(), input.clone()).await.unwrap();
            all.extend(page.backups.unwrap());
            let Some(next) = page.next_token else { return all };
            input.next_token = Some(next);
        }
    }

    /// Waits until the cluster is in that state.
    pub(crate) async fn reaches(&self, id: &str, state: ClusterState) -> Cluster {
        let what = format!("state {} of {id}", state.as_str());
        let look = async || self.cluster(id).await.filter(|found| found.state.as_ref() == Some(&state));
        until(&what, look).await
    }

    /// Waits until the cluster has so many HSMs, all active.
    pub(crate) async fn has_hsms(&self, id: &str, count: usize) -> Vec<Hsm> {
        let what = format!("{count} active HSMs of {id}");
        let look = async || {
            let hsms = self.cluster(id).await?.hsms?;
            let active = |hsm: &Hsm| hsm.state == Some(HsmState::Active);
            (hsms.len() == count && hsms.iter().all(active)).then_some(hsms)
        };
        until(&what, look).await
    }

    /// Waits until the cluster has so many backups, all ready.
    pub(crate) async fn has_backups(&self, id: &str, count: usize) -> Vec<Backup> {
        let what = format!("{count} ready backups of {id}");
        let look = async || {
            let backups = self.backups(Some(filter("clusterIds", &[id]))).await;
            let ready = |backup: &Backup| backup.backup_state == Some(BackupState::Ready);
            (backups.len() == count && backups.iter().all(ready)).then_some(backups)
        };
        until(&what, look).await
    }

    /// A cluster without HSMs.
    pub(crate) async fn uninitialized(&self) -> String {
        let cluster = self.create(new_cluster(&[SUBNET_A, SUBNET_B])).await.unwrap().cluster_id.unwrap();
        self.reaches(&cluster, ClusterState::Uninitialized).await;
        cluster
    }

    /// A cluster that is initialized, with its one HSM.
    pub(crate) async fn initialized(&self) -> (String, String) {
        let cluster = self.uninitialized().await;
        let hsm = self.create_hsm(&cluster, ZONE_A).await.unwrap().hsm_id;
        self.has_hsms(&cluster, 1).await;
        let csr = self.csr(&cluster).await;
        let (signed, anchor) = sign(&csr);
        self.initialize(&cluster, &signed, &anchor).await.unwrap();
        self.reaches(&cluster, ClusterState::Initialized).await;
        (cluster, hsm)
    }

    /// A cluster that is active, with its one HSM and its first backup.
    pub(crate) async fn active(&self) -> (String, String) {
        let (cluster, hsm) = self.initialized().await;
        self.bench.placement.hsm(&hsm).change(|disk| {
            disk.activated = true;
        });
        self.reaches(&cluster, ClusterState::Active).await;
        self.has_backups(&cluster, 1).await;
        (cluster, hsm)
    }

    pub(crate) async fn csr(&self, cluster: &str) -> String {
        let look = async || self.cluster(cluster).await?.certificates?.cluster_csr;
        until("the CSR", look).await
    }

    pub(crate) async fn initialize(
        &self,
        cluster: &str,
        signed: &str,
        anchor: &str,
    ) -> Result<(ClusterState, String), ApiError> {
        let input = InitializeClusterRequest {
            cluster_id: cluster.to_owned(),
            signed_cert: signed.to_owned(),
            trust_anchor: anchor.to_owned(),
        };
        let answer = self.bench.plane.initialize_cluster(&self.changing(), input).await?;
        Ok((answer.state.unwrap(), answer.state_message.unwrap()))
    }
}

pub(crate) fn new_cluster(subnets: &[&str]) -> CreateClusterRequest {
    CreateClusterRequest {
        hsm_type: "hsm2m.medium".to_owned(),
        subnet_ids: subnets.iter().map(|id| (*id).to_owned()).collect(),
        mode: Some(ClusterMode::Fips),
        ..CreateClusterRequest::default()
    }
}

pub(crate) fn filter(name: &str, values: &[&str]) -> Map<Vec<String>> {
    Map::from_iter([(name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect())])
}

/// From when until when the certificates of these tests are valid.
pub(crate) const VALIDITY: Validity = Validity { not_before: 1_000_000_000, not_after: 4_000_000_000 };

/// A customer's authority, and the certificate that it gives for a CSR: both PEM.
pub(crate) fn sign(csr: &str) -> (String, String) {
    let key = PrivateKey::generate(Curve::P256).unwrap();
    let authority =
        Identity::new(Name::new().common_name("customer"), Kind::Authority { path_length: None }, VALIDITY);
    let anchor = self_sign(&authority, &key).unwrap();
    let request = CertificateRequest::from_pem(csr).unwrap();
    let subject = Identity::new(Name::new().common_name("cluster"), Kind::Endpoint, VALIDITY);
    let signed = issue(&subject, request.public_key(), &anchor, &key).unwrap();
    (signed.to_pem(), anchor.to_pem())
}
