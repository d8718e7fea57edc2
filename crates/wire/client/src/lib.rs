//! The small AWS client of our own programs: `cloudhsm-cli configure` asks where a cluster's HSMs are,
//! `strongroom up` walks the whole way from nothing to a key in a cluster, `strongroom audit report` looks at an account.
//!
//! It blocks, makes one connection for each call, and bounds what it reads and how long it waits. It knows how
//! AWS's APIs are called and nothing of what they do: an operation is a name, its input and its answer are JSON, or
//! names and values and XML. It does not try again; whoever calls knows whether that is right.
//!
//! Start from [`Aws`]; [`Endpoint`] alone sends what is not signed, such as requests to a development server's own
//! paths.

#![warn(missing_docs)]

mod aws;
mod credentials;
mod dev;
mod endpoint;
mod error;
mod files;
mod http;
mod objects;
mod region;
mod service;
mod signature;
mod tls;
mod xml;

pub use aws::Aws;
pub use credentials::Credentials;
pub use endpoint::Endpoint;
pub use error::{CallError, Refusal};
pub use objects::Objects;
pub use region::region;
pub use service::{CLOUDHSM, CLOUDTRAIL, CLOUDWATCH, EC2, IAM, JsonService, KMS, QueryService, STS};
pub use tls::authorities;
pub use xml::Element;
