//! The codecs and envelopes, through the public API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod cbor;
mod cbor_tree;
mod dynamic;
mod ec2;
mod envelope;
mod json;
mod model;
mod properties;
mod query;
mod sample;
mod smithy;
mod trail;
mod validation;
mod xml;
mod xml_tree;
