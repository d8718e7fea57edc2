//! `strongroom audit`, and `strongroom explain`.

pub(crate) mod checkpoints;
pub(crate) mod denied;
pub(crate) mod explain;
pub(crate) mod failures;
mod history;
pub(crate) mod journals;
pub(crate) mod report;
pub(crate) mod since;
pub(crate) mod trail;
pub(crate) mod verification;
