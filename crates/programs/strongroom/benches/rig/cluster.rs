//! An HSM cluster, made as its owner makes it: calls of AWS's API, `openssl`, and the HSMs' own client.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use strongroom_hsm_client::{Cluster, Credentials, KnownServer, LoginStep, Options, Server, tls};
use strongroom_hsm_proto::command::{self, Activate, CreateUser, Role};
use strongroom_runtime::Clocks;
use strongroom_secret::SecretString;

use super::http::{Connection, signed};

/// The administrator's password, and everybody's who is not given another.
pub(crate) const PASSWORD: &str = "Correct-horse-7";

/// Within this, an HSM or a cluster reaches the state that it is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(10);

/// A cluster, and the folder of its owner's authority.
pub(crate) struct HsmCluster {
    /// Where the server listens; it may change when the server is started anew.
    pub(crate) server: SocketAddr,
    pub(crate) id: String,
    /// The certificate of the authority that signed the cluster's, as PEM; empty before.
    authority: String,
    folder: PathBuf,
}

/// What the API shows of an HSM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hsm {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) address: Server,
}

impl HsmCluster {
    /// Creates a cluster in these zones of the default VPC.
    pub(crate) fn create(server: SocketAddr, folder: &Path, zones: &[&str]) -> Result<Self> {
        let subnets = zones.iter().map(|zone| default_subnet(server, zone)).collect::<Result<Vec<_>>>()?;
        let asked = json!({
            "HsmType": "hsm2m.medium", "Mode": "FIPS", "SubnetIds": subnets,
            "BackupRetentionPolicy": {"Type": "DAYS", "Value": "10"},
        });
        let made = cloudhsm(server, "CreateCluster", &asked)?;
        let id = text(&made["Cluster"], "ClusterId")?;
        fs::create_dir_all(folder)?;
        let cluster = Self { server, id, authority: String::new(), folder: folder.to_owned() };
        cluster.wait_for("UNINITIALIZED")?;
        Ok(cluster)
    }

    /// All of a cluster's first use: its first HSM, its certificate, the administrator's password.
    pub(crate) fn first_use(server: SocketAddr, folder: &Path, zones: &[&str]) -> Result<Self> {
        let mut cluster = Self::create(server, folder, zones)?;
        cluster.add_hsm(zones[0])?;
        cluster.initialize()?;
        let password = PASSWORD.to_owned();
        cluster.client()?.call(command::Command::Activate(Activate { password }))?;
        cluster.wait_for("ACTIVE")?;
        Ok(cluster)
    }

    /// Adds an HSM; answers how long it took until it served.
    pub(crate) fn add_hsm(&self, zone: &str) -> Result<Duration> {
        let begun = Instant::now();
        let asked = json!({"ClusterId": self.id, "AvailabilityZone": zone});
        let made = cloudhsm(self.server, "CreateHsm", &asked)?;
        let id = text(&made["Hsm"], "HsmId")?;
        wait(&format!("{id} ACTIVE"), || {
            let active = self.hsms()?.into_iter().any(|hsm| hsm.id == id && hsm.state == "ACTIVE");
            Ok(active.then_some(()))
        })?;
        Ok(begun.elapsed())
    }

    /// Signs the cluster's request with an authority of one's own, and hands the certificate in.
    fn initialize(&mut self) -> Result<()> {
        let csr = wait("the cluster's request", || {
            Ok(self.describe()?["Certificates"]["ClusterCsr"].as_str().map(str::to_owned))
        })?;
        fs::write(self.folder.join("cluster.csr"), csr)?;
        self.openssl(
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 3652 -subj /CN=Owner",
        )?;
        self.openssl(
            "x509 -req -days 3652 -in cluster.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out cluster.crt",
        )?;
        self.authority = fs::read_to_string(self.folder.join("ca.crt"))?;
        let signed = fs::read_to_string(self.folder.join("cluster.crt"))?;
        let asked = json!({"ClusterId": self.id, "SignedCert": signed, "TrustAnchor": self.authority});
        cloudhsm(self.server, "InitializeCluster", &asked)?;
        self.wait_for("INITIALIZED")
    }

    fn openssl(&self, arguments: &str) -> Result<()> {
        let mut command = Command::new("openssl");
        command.current_dir(&self.folder).args(arguments.split(' ')).stdin(Stdio::null());
        let output = command.output()?;
        ensure!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn wait_for(&self, state: &str) -> Result<()> {
        wait(&format!("{} {state}", self.id), || Ok((self.describe()?["State"] == state).then_some(())))
    }

    fn describe(&self) -> Result<Value> {
        let asked = json!({"Filters": {"clusterIds": [self.id]}});
        let mut answer = cloudhsm(self.server, "DescribeClusters", &asked)?;
        Ok(answer["Clusters"][0].take())
    }

    /// Its HSMs.
    pub(crate) fn hsms(&self) -> Result<Vec<Hsm>> {
        let cluster = self.describe()?;
        let hsms = cluster["Hsms"].as_array().context("no HSMs")?;
        let hsm = |hsm: &Value| {
            let (id, state) = (text(hsm, "HsmId")?, text(hsm, "State")?);
            Ok(Hsm { id, state, address: text(hsm, "EniIp")?.parse()? })
        };
        hsms.iter().map(hsm).collect()
    }

    /// How clients find its HSMs.
    pub(crate) fn options(&self) -> Result<Options> {
        let servers = self.hsms()?.into_iter().map(|hsm| KnownServer { server: hsm.address, learned: false });
        Ok(Options::new(servers.collect(), tls(&self.authority, None)?))
    }

    /// A client that nobody is logged in with.
    pub(crate) fn client(&self) -> Result<Cluster> {
        Ok(Cluster::new(self.options()?, Clocks::system())?)
    }
}

/// A client that is logged in.
pub(crate) fn log_in(options: Options, username: &str, role: Role) -> Result<Cluster> {
    let mut client = Cluster::new(options, Clocks::system())?;
    let step = client.login(credentials(username, role))?;
    ensure!(matches!(step, LoginStep::Done), "a second factor is asked for");
    Ok(client)
}

/// A user with [`PASSWORD`].
pub(crate) fn credentials(username: &str, role: Role) -> Credentials {
    Credentials { username: username.to_owned(), role, password: SecretString::new(PASSWORD.to_owned()) }
}

/// The call that makes a crypto user.
pub(crate) fn create_user(username: &str, password: &str) -> command::Command {
    command::Command::CreateUser(CreateUser {
        username: username.to_owned(),
        role: Role::CryptoUser.into(),
        password: password.to_owned(),
    })
}

/// A call of CloudHSM's API.
fn cloudhsm(server: SocketAddr, operation: &str, input: &Value) -> Result<Value> {
    let target = format!("BaldrApiService.{operation}");
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
    Connection::open(server)?.exchange(&signed(server, "cloudhsm", &headers, &input.to_string())?)
}

/// The default VPC's subnet in a zone.
fn default_subnet(server: SocketAddr, zone: &str) -> Result<String> {
    let body = format!(
        "Action=DescribeSubnets&Version=2016-11-15&Filter.1.Name=default-for-az&Filter.1.Value.1=true&\
         Filter.2.Name=availability-zone&Filter.2.Value.1={zone}"
    );
    let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    let mut connection = Connection::open(server)?;
    let answer = connection.send(&signed(server, "ec2", &headers, &body)?)?;
    let id = answer.split_once("<subnetId>").and_then(|(_, rest)| rest.split_once("</subnetId>"));
    Ok(id.with_context(|| format!("no subnet: {answer}"))?.0.to_owned())
}

fn text(value: &Value, name: &str) -> Result<String> {
    Ok(value[name].as_str().with_context(|| format!("no {name} in {value}"))?.to_owned())
}

/// Looks until there is something; that the server does not answer is not the end of it.
pub(crate) fn wait<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begun = Instant::now();
    loop {
        let seen = look();
        if let Ok(Some(found)) = seen {
            return Ok(found);
        }
        if begun.elapsed() > PATIENCE {
            bail!("waited in vain for {what}: {:?}", seen.err());
        }
        sleep(LOOK);
    }
}
