//! The codecs and envelopes, through the public API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod cbor;
mod cbor_tree;
mod chunked;
mod dynamic;
mod ec2;
mod envelope;
mod json;
mod model;
mod properties;
mod query;
mod rest;
mod sample;
mod smithy;
mod smithy_rest;
mod trail;
mod validation;
mod xml;
mod xml_tree;
