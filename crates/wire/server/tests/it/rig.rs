//! A server in this process, with everything around it made for tests.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use strongroom_api_s3::S3Service;
use strongroom_api_sns::SnsService;
use strongroom_identity::{Credential, Credentials, NoCredential, Principal, RecordDraft, Tls};
use strongroom_runtime::{Clocks, ManualTime, ShutdownOwner};
use strongroom_secret::SecretString;
use strongroom_server::{
    Admission, Certificate, DevTools, FailureLog, Figures, FinishedCall, Freshness, Limits, Origins,
    Recorder, Registry, Scrapers, Server, ServerParts,
};
use tokio::net::TcpListener;

use crate::doors::{Doors, DoorsService, GatesService, WindowsService};
use crate::links::Links;
use crate::security_log;
use crate::shelf::Shelf;
use crate::signing::Request;
use crate::wire::{Answer, Wire};

/// 30 August 2015, 12:36:00 UTC: the time of every server here.
pub(crate) const NOW_MS: i64 = 1_440_938_160_000;
pub(crate) const NOW: &str = "Sun, 30 Aug 2015 12:36:00 GMT";

pub(crate) const HOST: &str = "doors.example.com";
pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub(crate) const RENEWED_SECRET: &str = "renewed";

/// An access key of which nobody knows whether it is one.
pub(crate) const UNDECIDED_KEY_ID: &str = "AKIDUNDECIDED";

/// An access key that is looked for without end.
pub(crate) const SOUGHT_KEY_ID: &str = "AKIDSOUGHT";

/// Waits for what must come soon; nothing here takes a tenth of that on its own.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it takes too long")
}

/// Waits until `condition` holds.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    in_time(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// What a server under test is made of.
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) origins: Origins,
    pub(crate) admission: Option<Arc<dyn Admission>>,
    pub(crate) freshness: Option<Arc<dyn Freshness>>,
    pub(crate) failures: Option<Arc<dyn FailureLog>>,
    pub(crate) scrapers: Scrapers,
    pub(crate) figures: Vec<Arc<dyn Figures>>,
    pub(crate) dev: Option<Arc<dyn DevTools>>,
    pub(crate) doors: Arc<Doors>,
    /// The objects of S3, if there is one.
    pub(crate) shelf: Option<Arc<Shelf>>,
    /// The subscriptions of SNS, if there is one.
    pub(crate) links: Option<Arc<Links>>,
    pub(crate) records: Arc<Records>,
    pub(crate) keys: Arc<Keys>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            certificate: None,
            origins: Origins::none(),
            admission: None,
            freshness: None,
            failures: None,
            scrapers: Scrapers::loopback(),
            figures: Vec::new(),
            dev: None,
            doors: Doors::new(),
            shelf: None,
            links: None,
            records: Arc::default(),
            keys: Arc::default(),
        }
    }
}

/// A server under test.
pub(crate) struct Rig {
    pub(crate) address: SocketAddr,
    pub(crate) doors: Arc<Doors>,
    pub(crate) records: Arc<Records>,
    owner: ShutdownOwner,
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::of(Setup { limits, ..Setup::default() }).await
    }

    pub(crate) async fn of(setup: Setup) -> Self {
        security_log::keep();
        let owner = ShutdownOwner::new();
        let Setup {
            limits,
            certificate,
            origins,
            admission,
            freshness,
            failures,
            scrapers,
            figures,
            dev,
            doors,
            shelf,
            links,
            records,
            keys,
        } = setup;
        let registry = Registry::default()
            .with(DoorsService(doors.clone()))
            .with(WindowsService)
            .with(GatesService(doors.clone()));
        let registry = match shelf {
            Some(shelf) => registry.with(S3Service(shelf)),
            None => registry,
        };
        let registry = match links {
            Some(links) => registry.with(SnsService(links)),
            None => registry,
        };
        let parts = ServerParts {
            registry,
            credentials: keys,
            recorder: records.clone(),
            clocks: Clocks::new(Arc::new(ManualTime::at(NOW_MS)), 0),
            limits,
            origins,
            admission,
            freshness,
            failures,
            scrapers,
            figures,
            documents: None,
            dev,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(parts, owner.handle());
        match certificate {
            Some(certificate) => owner.handle().spawn(server.serve_tls(listener, certificate)),
            None => owner.handle().spawn(server.serve(listener)),
        }
        Self { address, doors, records, owner }
    }

    pub(crate) async fn connect(&self) -> Wire {
        Wire::to(self.address).await
    }

    /// Sends a request on a connection of its own.
    pub(crate) async fn call(&self, request: &Request) -> Answer {
        self.connect().await.call(request).await
    }

    /// Begins the shutdown, and answers whether everything ended within the patience.
    pub(crate) async fn stop(self, patience: Duration) -> bool {
        self.owner.finish(patience).await
    }
}

/// The access keys that there are.
#[derive(Default)]
pub(crate) struct Keys {
    /// The secret is another, of the same version.
    pub(crate) renewed: AtomicBool,
}

#[async_trait]
impl Credentials for Keys {
    async fn find(
        &self,
        access_key_id: &str,
        session_token: Option<&str>,
    ) -> Result<Result<Credential, NoCredential>, Box<dyn Error + Send + Sync>> {
        match access_key_id {
            // Long-term credentials have no session, so no token can belong to them.
            ACCESS_KEY_ID if session_token.is_some() => Ok(Err(NoCredential::InvalidToken)),
            ACCESS_KEY_ID => {
                let secret = SecretString::new(self.secret().to_owned());
                Ok(Ok(Credential::new(Principal::Root(ACCOUNT.parse()?), secret, 1)))
            }
            UNDECIDED_KEY_ID => Err("the store is away".into()),
            SOUGHT_KEY_ID => std::future::pending().await,
            _ => Ok(Err(NoCredential::UnknownKey)),
        }
    }
}

impl Keys {
    fn secret(&self) -> &'static str {
        if self.renewed.load(Ordering::SeqCst) { RENEWED_SECRET } else { SECRET }
    }
}

/// A call as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) request_id: String,
    pub(crate) who: String,
    pub(crate) access_key_id: String,
    pub(crate) region: String,
    pub(crate) source_ip: String,
    pub(crate) user_agent: String,
    pub(crate) tls: Option<Tls>,
    pub(crate) event_source: String,
    pub(crate) event_name: String,
    pub(crate) request_parameters: Option<String>,
    pub(crate) response_elements: Option<String>,
    pub(crate) additional_event_data: Option<String>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) resources: Vec<String>,
    /// Whether the call was given the draft of this record.
    pub(crate) drafted: bool,
}

/// Remembers every record, or fails.
#[derive(Default)]
pub(crate) struct Records {
    kept: Mutex<Vec<Recorded>>,
    /// Records cannot be kept.
    pub(crate) full: AtomicBool,
    /// Not even their drafts can be made.
    pub(crate) mute: AtomicBool,
    failed: AtomicBool,
}

impl Records {
    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.kept.lock().unwrap().clone()
    }

    /// The only record there is.
    pub(crate) fn only(&self) -> Recorded {
        let all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.lock().unwrap().len()
    }
}

#[async_trait]
impl Recorder for Records {
    fn draft(&self, call: FinishedCall<'_>) -> Result<RecordDraft, Box<dyn Error + Send + Sync>> {
        if self.mute.load(Ordering::SeqCst) {
            return Err("no randomness".into());
        }
        assert_eq!((call.error, call.response_elements, call.resources.len()), (None, None, 0));
        let bytes = call.request_parameters.unwrap_or_default().into_bytes();
        Ok(RecordDraft { event_id: *call.context.request_id.as_bytes(), bytes, mark: None })
    }

    async fn record(&self, call: FinishedCall<'_>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let failed = self.full.load(Ordering::SeqCst);
        self.failed.store(failed, Ordering::SeqCst);
        if failed {
            return Err("the disk is full".into());
        }
        let (error_code, error_message) = call.error.unzip();
        let context = call.context;
        self.kept.lock().unwrap().push(Recorded {
            request_id: context.request_id.to_string(),
            who: match &context.caller.principal {
                web @ Principal::WebIdentity(_) => web.unique_id(),
                known => known.arn(),
            },
            access_key_id: context.caller.access_key_id.clone(),
            region: context.region.name().to_owned(),
            source_ip: context.source_ip.to_string(),
            user_agent: context.user_agent.clone(),
            tls: context.tls.clone(),
            event_source: call.service.event_source.to_owned(),
            event_name: call.operation.name.to_owned(),
            request_parameters: call.request_parameters,
            response_elements: call.response_elements,
            additional_event_data: call.additional_event_data,
            error_code,
            error_message: error_message.flatten(),
            resources: call.resources.iter().map(|resource| resource.arn.clone()).collect(),
            drafted: context.draft().is_some_and(|draft| draft.event_id == *context.request_id.as_bytes()),
        });
        Ok(())
    }

    fn is_ready(&self) -> bool {
        !self.failed.load(Ordering::SeqCst)
    }
}
