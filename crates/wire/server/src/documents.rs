//! What services show to anybody who asks, at paths of this server: certificates that messages name.

use std::error::Error;

use async_trait::async_trait;

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its content type.
    pub content_type: &'static str,
    /// What it says.
    pub text: String,
}

/// Documents that anybody may read.
#[async_trait]
pub trait Documents: Send + Sync {
    /// Whether a path is one of theirs, by its form alone.
    fn covers(&self, path: &str) -> bool;

    /// The document at a path, if there is one.
    async fn read(&self, path: &str) -> Result<Option<Document>, Box<dyn Error + Send + Sync>>;
}
