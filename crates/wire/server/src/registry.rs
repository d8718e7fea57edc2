//! Which service answers a request.

use std::collections::HashMap;
use std::sync::Arc;

use strongroom_protocols::rest::Routes;
use strongroom_schema::{Operation, Protocol, ServiceSchema};
use strongroom_service::Service;

use crate::unsigned;

/// The services of one server.
#[derive(Clone, Default)]
pub struct Registry {
    by_target: HashMap<&'static str, Arc<dyn Service>>,
    by_signing_name: HashMap<&'static str, Arc<dyn Service>>,
    paths: Option<(Arc<dyn Service>, Arc<Routes>)>,
}

/// An operation of a service.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) position: usize,
}

impl Found {
    pub(crate) fn schema(&self) -> &'static ServiceSchema {
        self.service.schema()
    }

    pub(crate) fn operation(&self) -> &'static Operation {
        &self.schema().operations[self.position]
    }
}

impl Registry {
    /// Adds a service.
    #[must_use]
    pub fn with(mut self, service: impl Service + 'static) -> Self {
        let service: Arc<dyn Service> = Arc::new(service);
        let schema = service.schema();
        if let Some(prefix) = schema.target_prefix {
            self.by_target.insert(prefix, service.clone());
        }
        if schema.protocols.contains(&Protocol::RestXml) {
            self.paths = Some((service.clone(), Arc::new(Routes::of(schema))));
        }
        self.by_signing_name.insert(schema.signing_name, service);
        self
    }

    /// The names of the services, ordered.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.by_signing_name.values().map(|service| service.schema().name).collect();
        names.sort_unstable();
        names
    }

    /// The service whose `X-Amz-Target` has that prefix.
    pub(crate) fn by_target(&self, prefix: &str) -> Option<&Arc<dyn Service>> {
        self.by_target.get(prefix)
    }

    /// A service that has the operation in that version of its API.
    pub(crate) fn by_version(&self, version: &str, operation: &str) -> Option<&Arc<dyn Service>> {
        self.by_signing_name.values().find(|service| Self::has(service, version, operation))
    }

    /// The service that has the operation, of those that links without a version lead to.
    pub(crate) fn by_link(&self, operation: &str) -> Option<&Arc<dyn Service>> {
        self.by_signing_name.values().find(|service| {
            let schema = service.schema();
            let position = schema.position(operation);
            position.is_some_and(|position| unsigned::is_link(&schema.operations[position]))
        })
    }

    /// Whether the service has the operation in that version of its API.
    fn has(service: &Arc<dyn Service>, version: &str, operation: &str) -> bool {
        let schema = service.schema();
        schema.api_version == version && schema.position(operation).is_some()
    }

    /// Whether the service has the operation in that version of its API, or AWS's has it and ours does not.
    pub(crate) fn knows(service: &Arc<dyn Service>, version: &str, operation: &str) -> bool {
        let schema = service.schema();
        Self::has(service, version, operation)
            || (schema.api_version == version && schema.leaves_out(operation))
    }

    /// The service whose operations are told by paths, if there is one, with their routes.
    pub(crate) fn by_path(&self) -> Option<&(Arc<dyn Service>, Arc<Routes>)> {
        self.paths.as_ref()
    }

    /// The service that requests of that signing name are for.
    pub(crate) fn by_signing_name(&self, name: &str) -> Option<&Arc<dyn Service>> {
        self.by_signing_name.get(name)
    }
}
