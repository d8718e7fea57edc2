//! The service and what it is made of.

use std::sync::Arc;

use serde_json::json;
use strongroom_api_kms::Kms;
use strongroom_api_logs::SERVICE;
use strongroom_outbox::{OnBehalf, Outbox};
use strongroom_policy::Authority;
use strongroom_policy::services::LOGS;
use strongroom_runtime::Clocks;
use strongroom_seal::{Purpose, Root, Sealer};
use strongroom_store::{Db, Engine, RowMac, StoreError};

use crate::domain::group::{Group, GroupName};
use crate::domain::id::Id;
use crate::domain::stream::Stream;
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::filtering::Filters;
use crate::keys::Keys;
use crate::repo::{self, groups, streams};
use crate::sweeping::Sweeps;

/// What the service is made of.
pub struct Parts<'r> {
    /// The store, for groups and streams.
    pub db: Db,
    /// The database of events: on SQLite a file of its own, with PostgreSQL the store.
    pub events: Db,
    /// The seal.
    pub root: &'r Root,
    /// Who decides what callers may do.
    pub authority: Authority,
    /// Where records go.
    pub outbox: Arc<Outbox>,
    /// Both clocks.
    pub clocks: Clocks,
    /// KMS, for groups with a key.
    pub kms: Arc<dyn Kms>,
}

/// CloudWatch Logs.
pub struct Logs {
    pub(crate) db: Db,
    pub(crate) events: Db,
    pub(crate) mac: RowMac,
    pub(crate) authority: Authority,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) clocks: Clocks,
    pub(crate) keys: Keys,
    pub(crate) filters: Arc<Filters>,
    pub(crate) sweeps: Sweeps,
}

impl Logs {
    /// The service of these parts.
    pub fn new(parts: Parts<'_>) -> Self {
        let Parts { db, events, root, authority, outbox, clocks, kms } = parts;
        let on_behalf = OnBehalf::new(LOGS, outbox.clone(), clocks.clone());
        let sealer = Sealer::new(root, Purpose::Logs);
        let keys = Keys::new((db.clone(), RowMac::new(root)), sealer, kms, on_behalf, clocks.clone());
        let sweeps = Sweeps::beginning_at(clocks.domain_now());
        Self {
            db,
            events,
            mac: RowMac::new(root),
            authority,
            outbox,
            clocks,
            keys,
            filters: Arc::default(),
            sweeps,
        }
    }

    /// The database of events, in whose transactions [admitted](Logs::admit) events are written.
    pub fn events_db(&self) -> &Db {
        &self.events
    }

    /// Forgets all events, before the store is emptied. Where the events are in the store, they go with it.
    pub async fn forget_events(&self) -> Result<(), StoreError> {
        match self.events.engine() {
            Engine::Sqlite => self.events.clear(&[]).await,
            Engine::Postgres => Ok(()),
        }
    }

    /// Forgets what is in memory, after the store was emptied.
    pub fn start_over(&self) {
        self.keys.forget();
        self.sweeps.begin_at(self.clocks.domain_now());
    }

    pub(crate) async fn find_group(&self, name: &GroupName) -> Result<Option<Group>, Refusal> {
        Ok(groups::find(&self.db, &self.mac, name).await?)
    }

    pub(crate) async fn find_stream(&self, group: &Group, name: &str) -> Result<Option<Stream>, Refusal> {
        Ok(streams::find(&self.db, &self.mac, group.id, name).await?)
    }

    /// Makes a group in the name of a service, unless it has come to be meanwhile.
    pub(crate) async fn make_group_for(
        &self,
        service: &'static str,
        name: &GroupName,
    ) -> Result<Group, Refusal> {
        let wanted = Group {
            name: name.clone(),
            id: Id::new()?,
            version: 1,
            created_ms: self.clocks.domain_now(),
            retention_days: None,
            kms_key: None,
            is_protected: false,
            tags: Tags::default(),
        };
        let parameters = json!({ "logGroupName": &name.name }).to_string();
        let on_behalf = OnBehalf::new(service, self.outbox.clone(), self.clocks.clone());
        let change =
            on_behalf.begin(name.account, name.region, SERVICE.event_source, "CreateLogGroup", parameters)?;
        let (context, wanted) = (&change.context(), &wanted);
        let made = self.db.transaction(|tx| {
            Box::pin(async move {
                if let Some(found) = groups::load(tx, &self.mac, name).await? {
                    return Ok::<_, Refusal>(found);
                }
                groups::insert(tx, &self.mac, wanted).await?;
                repo::post(tx, context.draft()).await?;
                Ok(wanted.clone())
            })
        });
        let group = made.await?;
        if group.id == wanted.id {
            change.done().await;
        }
        Ok(group)
    }

    /// Makes a stream in the name of a service, unless it has come to be meanwhile.
    pub(crate) async fn make_stream_for(
        &self,
        service: &'static str,
        group: &Group,
        name: &str,
    ) -> Result<Stream, Refusal> {
        let created_ms = self.clocks.domain_now();
        let wanted = Stream { group: group.id, name: name.to_owned(), id: Id::new()?, created_ms };
        let place = &group.name;
        let parameters = json!({ "logGroupName": &place.name, "logStreamName": name }).to_string();
        let on_behalf = OnBehalf::new(service, self.outbox.clone(), self.clocks.clone());
        let change = on_behalf.begin(
            place.account,
            place.region,
            SERVICE.event_source,
            "CreateLogStream",
            parameters,
        )?;
        let (context, wanted) = (&change.context(), &wanted);
        let made = self.db.transaction(|tx| {
            Box::pin(async move {
                if let Some(found) = streams::load(tx, &self.mac, group.id, name).await? {
                    return Ok::<_, Refusal>(found);
                }
                streams::insert(tx, &self.mac, wanted).await?;
                repo::post(tx, context.draft()).await?;
                Ok(wanted.clone())
            })
        });
        let stream = made.await?;
        if stream.id == wanted.id {
            change.done().await;
        }
        Ok(stream)
    }
}
