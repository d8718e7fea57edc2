//! `key ...`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::RoleName;
use super::generate::{Pair, Symmetric};
use super::wrap::{Unwrap, Wrap};
use crate::attribute::{Assignment, Name};
use crate::filter::Term;

/// How filters are written.
const FILTERS: &str = "\
A filter is key-reference=0x... or attributes that all must fit, for example
  --filter attr.label=my-key attr.class=private-key
It looks at the keys that you own, those shared with you, and all public keys.";

/// An example of wrapping.
const WRAPPING: &str = "\
The key to export must be yours and have extractable=true; the other one needs wrap=true. For example:
  key wrap aes-zero-pad --payload-filter attr.label=my-key --wrapping-filter attr.label=wrapper --path wrapped.bin";

/// An example of unwrapping.
const UNWRAPPING: &str = "\
The key that unwraps needs unwrap=true. For example:
  key unwrap aes-zero-pad --filter attr.label=wrapper --data-path wrapped.bin --key-type-class aes --label my-key";

/// Commands on keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Delete a key
    #[command(after_help = FILTERS)]
    Delete(OneKey),
    /// Make a key pair
    #[command(subcommand)]
    GenerateAsymmetricPair(Pair),
    /// Write a file that stands for a key, or holds a public key
    #[command(after_help = FILTERS)]
    GenerateFile(GenerateFile),
    /// Make a symmetric key
    #[command(subcommand)]
    GenerateSymmetric(Symmetric),
    /// Import a public key
    #[command(subcommand)]
    Import(Import),
    /// List keys
    #[command(after_help = FILTERS)]
    List(List),
    /// Copy a key to a clone of the cluster
    #[command(after_help = FILTERS)]
    Replicate(Replicate),
    /// Change an attribute of a key
    #[command(after_help = FILTERS)]
    SetAttribute(SetAttribute),
    /// Let another crypto user use a key
    #[command(after_help = FILTERS)]
    Share(Share),
    /// Take that back
    #[command(after_help = FILTERS)]
    Unshare(Share),
    /// Take in a key that was wrapped
    #[command(subcommand, after_help = UNWRAPPING)]
    Unwrap(Unwrap),
    /// Export a key, encrypted under another
    #[command(subcommand, after_help = WRAPPING)]
    Wrap(Wrap),
}

#[derive(Debug, Args)]
pub(crate) struct OneKey {
    /// Which key
    #[arg(long, num_args = 1.., required = true, value_name = "TERM")]
    pub(crate) filter: Vec<Term>,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateFile {
    /// What the file is like
    #[arg(long, value_enum)]
    pub(crate) encoding: FileEncoding,
    /// The file
    #[arg(long, value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// Which key
    #[arg(long, num_args = 1.., required = true, value_name = "TERM")]
    pub(crate) filter: Vec<Term>,
}

/// What files of keys are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileEncoding {
    /// A PEM private key whose numbers name the key instead of being it (RSA, EC)
    ReferencePem,
    /// A public key as PEM
    Pem,
    /// A PEM file of its own kind that names the key (Ed25519, ML-DSA)
    CloudhsmReferencePem,
}

/// What can be imported.
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// Import a public key from a PEM file
    Pem(ImportPem),
}

#[derive(Debug, Args)]
pub(crate) struct ImportPem {
    /// The file
    #[arg(long, value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// The key's label
    #[arg(long)]
    pub(crate) label: String,
    /// What key it is
    #[arg(long, value_enum)]
    pub(crate) key_type_class: PublicKind,
    /// Attributes that differ from the defaults, for example `verify=true`
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE")]
    pub(crate) attributes: Vec<Assignment>,
}

/// Public keys that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PublicKind {
    /// On an elliptic curve
    EcPublic,
    /// RSA
    RsaPublic,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Which keys; all if it is left out
    #[arg(long, num_args = 1.., value_name = "TERM")]
    pub(crate) filter: Vec<Term>,
    /// How many to list at most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_items: u32,
    /// Where to go on: the `next_token` of the page before
    #[arg(long, value_name = "TOKEN")]
    pub(crate) starting_token: Option<String>,
    /// Show all attributes
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Replicate {
    /// Which key
    #[arg(long, num_args = 1.., required = true, value_name = "TERM")]
    pub(crate) filter: Vec<Term>,
    /// The cluster that has the key
    #[arg(long, value_name = "CLUSTER_ID")]
    pub(crate) source_cluster_id: String,
    /// The cluster that gets it
    #[arg(long, value_name = "CLUSTER_ID")]
    pub(crate) destination_cluster_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct SetAttribute {
    /// Which key
    #[arg(long, num_args = 1.., required = true, value_name = "TERM")]
    pub(crate) filter: Vec<Term>,
    /// The attribute
    #[arg(long)]
    pub(crate) name: Name,
    /// Its new value
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) value: String,
    /// File of a signed quorum token
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Share {
    /// Which key
    #[arg(long, num_args = 1.., required = true, value_name = "TERM")]
    pub(crate) filter: Vec<Term>,
    /// The other user
    #[arg(long)]
    pub(crate) username: String,
    /// The other user's role
    #[arg(long, value_enum)]
    pub(crate) role: RoleName,
    /// File of a signed quorum token
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Option<PathBuf>,
}
