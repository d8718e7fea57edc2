//! Reading a request into the input of its operation.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue};
use strongroom_schema::{
    Kind, Location, Member, Operation, ReadError, Reader, Structure, Timestamp, TimestampFormat,
};

use super::Fault;
use super::element::{self, Elements};
use super::route::Called;
use super::tree::Element;
use super::words::Words;
use crate::Limits;
use crate::chunked::AWS_CHUNKED;

/// How long the body is once it is taken out of its chunks.
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";

/// A request, as far as it is text.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// What its route says of it.
    pub called: &'r Called,
    /// Its headers.
    pub headers: &'r HeaderMap,
    /// Its body, taken out of chunks; empty where the operation's input streams.
    pub body: &'r [u8],
}

impl Request<'_> {
    /// Reads the request into `input`. A member that streams is put there by whoever has the stream.
    pub fn read(
        &self,
        operation: &Operation,
        input: &mut dyn Structure,
        limits: &Limits,
    ) -> Result<(), Fault> {
        let members = operation.input.members();
        for (at, member) in members.iter().enumerate() {
            let is_there = match member.traits.location {
                Location::Uri => self.label(at, member, input)?,
                Location::QueryString => self.parameter(at, member, input)?,
                Location::Header => self.header(at, member, input)?,
                Location::Headers => self.prefixed(at, member, input)?,
                Location::Body if member.traits.payload && !member.traits.streaming => {
                    self.payload(at, member, input, limits)?
                }
                Location::Body | Location::StatusCode => true,
            };
            if member.required && !is_there {
                return Err(absent(member));
            }
        }
        let in_body = |member: &Member| member.traits.location == Location::Body;
        if members.iter().any(in_body) && !members.iter().any(|member| member.traits.payload) {
            self.document(input, limits)?;
        }
        Ok(())
    }

    fn label(&self, at: usize, member: &'static Member, input: &mut dyn Structure) -> Result<bool, Fault> {
        let name = member.traits.wire_name.unwrap_or(member.name);
        let Some(text) = self.called.label(name) else { return Ok(false) };
        set(at, member, text, TimestampFormat::Iso8601, input)
    }

    fn parameter(
        &self,
        at: usize,
        member: &'static Member,
        input: &mut dyn Structure,
    ) -> Result<bool, Fault> {
        let name = member.traits.wire_name.unwrap_or(member.name);
        let Some(text) = self.called.parameters.get(name)? else { return Ok(false) };
        set(at, member, text, TimestampFormat::Iso8601, input)
    }

    fn header(&self, at: usize, member: &'static Member, input: &mut dyn Structure) -> Result<bool, Fault> {
        let name = member.traits.wire_name.unwrap_or(member.name);
        let Some(text) = self.text_of(name) else { return Ok(false) };
        // A condition that names no date is none (RFC 9110, section 13.1.3).
        if matches!(member.schema.kind, Kind::Timestamp(_)) && name.starts_with("If-") {
            let mut words = Words { text: &text, member, moments: TimestampFormat::HttpDate };
            if words.timestamp().is_err() {
                return Ok(false);
            }
        }
        set(at, member, &text, TimestampFormat::HttpDate, input)
    }

    /// All headers whose names begin with the member's, under what the names go on with.
    fn prefixed(&self, at: usize, member: &'static Member, input: &mut dyn Structure) -> Result<bool, Fault> {
        let prefix = member.traits.wire_name.unwrap_or_default();
        let names = self.headers.keys().filter_map(|name| name.as_str().strip_prefix(prefix));
        let entries: Vec<_> = names
            .filter_map(|rest| Some((rest.to_owned(), self.text_of(&format!("{prefix}{rest}"))?)))
            .collect();
        if entries.is_empty() {
            return Ok(false);
        }
        let Kind::Map(_, member) = &member.schema.kind else { return Ok(false) };
        input.read_member(at, &mut Given::Entries { entries, member }).map_err(|_| Fault::xml())?;
        Ok(true)
    }

    fn payload(
        &self,
        at: usize,
        member: &'static Member,
        input: &mut dyn Structure,
        limits: &Limits,
    ) -> Result<bool, Fault> {
        if self.body.is_empty() {
            return Ok(false);
        }
        match member.schema.kind {
            Kind::Structure(_) | Kind::Union(_) => {
                let name = member.traits.wire_name.unwrap_or(member.schema.name);
                let root = Element::parse(self.body, limits)?;
                if root.name != name {
                    return Err(Fault::xml());
                }
                let roots = [&root];
                let mut document = Elements { found: &roots, member };
                input.read_member(at, &mut document).map_err(|_| Fault::xml())?;
            }
            Kind::Blob => {
                input.read_member(at, &mut Given::Bytes(self.body)).map_err(|_| Fault::xml())?;
            }
            _ => {
                let text = std::str::from_utf8(self.body).map_err(|_| Fault::xml())?;
                set(at, member, text, TimestampFormat::Iso8601, input)?;
            }
        }
        Ok(true)
    }

    /// A body whose root is the input itself.
    fn document(&self, input: &mut dyn Structure, limits: &Limits) -> Result<(), Fault> {
        if self.body.is_empty() {
            return Ok(());
        }
        let root = Element::parse(self.body, limits)?;
        element::read_structure(&root, input).map_err(|_| Fault::xml())
    }

    /// The text of a header: its values, separated by commas if there are several.
    fn text_of(&self, name: &str) -> Option<String> {
        let is_length = CONTENT_LENGTH.as_str().eq_ignore_ascii_case(name);
        let is_coded = is_length && self.headers.contains_key(DECODED_LENGTH);
        let name = if is_coded { DECODED_LENGTH } else { name };
        let values: Vec<_> = self.headers.get_all(name).iter().map(text).collect();
        if values.is_empty() {
            return None;
        }
        let joined = values.join(",");
        if !CONTENT_ENCODING.as_str().eq_ignore_ascii_case(name) {
            return Some(joined);
        }
        // How the body travelled is not how the object is encoded.
        let codings = joined.split(',').map(str::trim).filter(|coding| *coding != AWS_CHUNKED);
        let codings = codings.collect::<Vec<_>>().join(",");
        Some(codings).filter(|codings| !codings.is_empty())
    }
}

/// A header's value: UTF-8, or else the letters that HTTP once had.
fn text(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    std::str::from_utf8(bytes)
        .map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), str::to_owned)
}

fn set(
    at: usize,
    member: &'static Member,
    text: &str,
    moments: TimestampFormat,
    input: &mut dyn Structure,
) -> Result<bool, Fault> {
    let read = input.read_member(at, &mut Words { text, member, moments });
    let name = member.traits.wire_name.unwrap_or(member.name);
    read.map_err(|error| Fault::argument(name, text, error.message().to_owned()))?;
    Ok(true)
}

/// What is said of a member that must be there.
fn absent(member: &Member) -> Fault {
    let name = member.traits.wire_name.unwrap_or(member.name);
    match member.traits.location {
        Location::Header | Location::Headers => Fault::no_header(name),
        Location::Body => Fault::no_body(),
        _ => Fault::argument(name, "", "A required parameter is missing"),
    }
}

/// What is no text: a body as it is, or headers under one prefix.
enum Given<'r> {
    Bytes(&'r [u8]),
    Entries { entries: Vec<(String, String)>, member: &'static Member },
}

macro_rules! never {
    ($($method:ident -> $type:ty),*) => {
        $(
            fn $method(&mut self) -> Result<$type, ReadError> {
                Err(unfit())
            }
        )*
    };
}

impl Reader for Given<'_> {
    never!(boolean -> bool, integer -> i32, long -> i64, double -> f64, string -> String, timestamp -> Timestamp);

    fn blob(&mut self) -> Result<Vec<u8>, ReadError> {
        if let Self::Bytes(bytes) = self { Ok(bytes.to_vec()) } else { Err(unfit()) }
    }

    fn list(&mut self, _: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>) -> Result<(), ReadError> {
        Err(unfit())
    }

    fn map(
        &mut self,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Self::Entries { entries, member } = self else { return Err(unfit()) };
        let moments = TimestampFormat::HttpDate;
        let mut entries = entries.iter();
        entries.try_for_each(|(name, text)| entry(name.clone(), &mut Words { text, member, moments }))
    }

    fn structure(&mut self, _: &mut dyn Structure) -> Result<(), ReadError> {
        Err(unfit())
    }
}

/// The schema and the type that was made from it do not agree.
fn unfit() -> ReadError {
    ReadError::new("The request cannot be read")
}
