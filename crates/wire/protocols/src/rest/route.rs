//! Which operation a request is for: by its method, its path, its query string, and where these are the same, by a header.

use http::{HeaderMap, Method};
use strongroom_schema::{Location, Operation, ServiceSchema};

use super::parameters::Parameters;
use super::{Fault, percent};

/// Parameters of a query string that name a part of a bucket or an object, and so an operation of their own. A request that
/// names one which no operation here has is not for the operation without it.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html>
const SUBRESOURCES: &[&str] = &[
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "annotation",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "tagging",
    "torrent",
    "uploads",
    "versioning",
    "versions",
    "website",
];

/// Whether a parameter of a query string names a part of a bucket or an object, and so chooses an operation.
pub fn is_subresource(parameter: &str) -> bool {
    SUBRESOURCES.contains(&parameter)
}

/// The operations of one service, by what requests for them look like.
#[derive(Debug)]
pub struct Routes {
    /// Those that ask for more come first.
    routes: Vec<Route>,
}

#[derive(Debug)]
struct Route {
    position: usize,
    method: &'static str,
    path: Vec<Segment>,
    /// Parameters that must be there, with that value if one is given.
    query: Vec<(&'static str, Option<&'static str>)>,
    /// Headers that must be there.
    headers: Vec<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment {
    Literal(&'static str),
    Label(&'static str),
    /// A label that takes the rest of the path, slashes included.
    Greedy(&'static str),
}

/// The operation that a request is for.
#[derive(Debug)]
pub struct Called {
    /// Its position in the service's schema.
    pub position: usize,
    /// The labels of its path, decoded.
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) parameters: Parameters,
}

impl Called {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter in the query string.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Names and values of the parameters in the query string, in their order.
    pub(crate) fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter()
    }
}

impl Routes {
    /// The routes of a service's operations.
    pub fn of(service: &'static ServiceSchema) -> Self {
        let operations = service.operations.iter().enumerate();
        let mut routes: Vec<_> = operations.map(|(at, operation)| Route::of(at, operation)).collect();
        let twins: Vec<_> =
            routes.iter().map(|route| routes.iter().any(|other| route.asks_more(other))).collect();
        for (route, has_twin) in routes.iter_mut().zip(twins) {
            if !has_twin {
                // A header that tells from nothing is a matter of the operation, which says that it is missing.
                route.headers.clear();
            }
        }
        routes.sort_by_key(|route| std::cmp::Reverse(route.query.len() + route.headers.len()));
        Self { routes }
    }

    /// The operation that a request is for. The path and the query string are as they were sent.
    pub fn find(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Called, Fault> {
        let parameters = Parameters::parse(query)?;
        let subresource = subresource_of(&parameters)?;
        let mut is_elsewhere = false;
        for route in &self.routes {
            let Some(labels) = match_path(&route.path, path) else { continue };
            if subresource.is_some_and(|name| !route.names(name)) || !route.fits(&parameters, headers) {
                continue;
            }
            if route.method != method.as_str() {
                is_elsewhere = true;
                continue;
            }
            let decoded = labels.into_iter().map(|(name, raw)| Ok((name, percent::of_path(raw)?)));
            let labels = decoded.collect::<Result<_, _>>()?;
            return Ok(Called { position: route.position, labels, parameters });
        }
        if !is_elsewhere && subresource.is_some() {
            return Err(Fault::not_implemented());
        }
        let message = "The specified method is not allowed against this resource.";
        let fault = Fault::new("MethodNotAllowed", 405, message).with("Method", method.as_str());
        Err(fault.with("ResourceType", subresource.unwrap_or_else(|| kind_of(path))))
    }
}

impl Route {
    fn of(position: usize, operation: &'static Operation) -> Self {
        let (path, literals) = operation.http.uri.split_once('?').unwrap_or((operation.http.uri, ""));
        let path = path.split('/').filter(|segment| !segment.is_empty()).map(Segment::of).collect();
        let mut query: Vec<_> = literals
            .split('&')
            .filter(|piece| !piece.is_empty())
            .map(|piece| piece.split_once('=').map_or((piece, None), |(name, value)| (name, Some(value))))
            .collect();
        let required = || operation.input.members().iter().filter(|member| member.required);
        let bound = |location| {
            required()
                .filter(move |member| member.traits.location == location)
                .map(|member| member.traits.wire_name.unwrap_or(member.name))
        };
        query.extend(bound(Location::QueryString).map(|name| (name, None)));
        Self {
            position,
            method: operation.http.method,
            path,
            query,
            headers: bound(Location::Header).collect(),
        }
    }

    /// Whether it asks for headers that tell it from another route.
    fn asks_more(&self, other: &Self) -> bool {
        let is_same = (self.method, &self.path, &self.query) == (other.method, &other.path, &other.query);
        is_same && self.headers.len() > other.headers.len()
    }

    fn names(&self, parameter: &str) -> bool {
        self.query.iter().any(|(name, _)| *name == parameter)
    }

    fn fits(&self, parameters: &Parameters, headers: &HeaderMap) -> bool {
        self.headers.iter().all(|name| headers.contains_key(*name))
            && self.query.iter().all(|(name, wanted)| match wanted {
                None => parameters.has(name),
                Some(wanted) => parameters.get(name).is_ok_and(|value| value == Some(wanted)),
            })
    }
}

impl Segment {
    fn of(template: &'static str) -> Self {
        match template.strip_prefix('{').and_then(|label| label.strip_suffix('}')) {
            Some(label) => label.strip_suffix('+').map_or(Self::Label(label), Self::Greedy),
            None => Self::Literal(template),
        }
    }
}

/// The part of a bucket or an object that the query string names, if it names one.
fn subresource_of(parameters: &Parameters) -> Result<Option<&str>, Fault> {
    let mut named = parameters.names().filter(|name| is_subresource(name));
    let Some(one) = named.next() else { return Ok(None) };
    match named.find(|other| *other != one) {
        None => Ok(Some(one)),
        Some(other) => {
            let message = format!("Conflicting query string parameters: {one}, {other}");
            Err(Fault::argument("ResourceType", one, message))
        }
    }
}

/// The labels of a path that fits a template, as they were sent. A slash at the end is of no meaning where a label ends.
fn match_path<'p>(template: &[Segment], path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    let mut labels = Vec::new();
    for segment in template {
        let (this, after) = match segment {
            Segment::Greedy(_) => (rest, ""),
            _ => rest.split_once('/').unwrap_or((rest, "")),
        };
        rest = after;
        match segment {
            Segment::Literal(literal) if *literal == this => {}
            Segment::Label(name) | Segment::Greedy(name) if !this.is_empty() => labels.push((*name, this)),
            _ => return None,
        }
    }
    rest.is_empty().then_some(labels)
}

/// What a path names, in the words of the error.
fn kind_of(path: &str) -> &'static str {
    match path.trim_start_matches('/').split_once('/') {
        Some((_, key)) if !key.is_empty() => "OBJECT",
        _ if path.len() > 1 => "BUCKET",
        _ => "SERVICE",
    }
}
