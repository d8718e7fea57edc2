//! The reader of the query protocol: `Action=CreateUser&Version=2010-05-08&Tags.member.1.Key=team`, and of the
//! form of it that EC2 speaks, see [`crate::ec2`].
//!
//! Parameters come from the query string and from a form body alike. They are decoded and sorted once; a
//! level of a structure is then a range of the sorted names, found by binary search, so that nothing is
//! built in between. <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>
//!
//! Lists are ordered by their numbers, which may have gaps. A parameter that no member of the input takes
//! (`Action` itself, a signature) is passed over; one that comes twice is refused.

mod decode;
mod dialect;
mod fault;
mod place;
mod read;

use std::borrow::Cow;

use strongroom_schema::{ReadError, Structure};

pub(crate) use self::dialect::Dialect;
pub(crate) use self::fault::Fault;
use self::place::Place;
use crate::{Limits, Missing, text};

/// The name and value of a parameter.
type Parameter<'b> = (Cow<'b, str>, Cow<'b, str>);

/// The parameters of one request.
#[derive(Debug)]
pub struct Form<'b> {
    /// Sorted by the bytes of the name; no name comes twice.
    parameters: Vec<Parameter<'b>>,
    limits: Limits,
}

impl<'b> Form<'b> {
    /// Decodes the query string (without its question mark) and the body
    /// (`application/x-www-form-urlencoded`); either may be empty.
    pub fn parse(query: &'b [u8], body: &'b [u8], limits: &Limits) -> Result<Self, ReadError> {
        let mut parameters = Vec::new();
        let pieces = [query, body].into_iter().flat_map(|part| part.split(|byte| *byte == b'&'));
        for piece in pieces {
            if piece.is_empty() {
                continue;
            }
            if parameters.len() == limits.items {
                return Err(ReadError::new(text::TOO_MANY));
            }
            let (name, value) = decode::parameter(piece)?;
            if name.bytes().filter(|byte| *byte == b'.').count() >= limits.depth {
                return Err(ReadError::new(text::TOO_DEEP));
            }
            parameters.push((name, value));
        }
        parameters.sort_unstable();
        if parameters.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(ReadError::new(text::DUPLICATE_PARAMETER));
        }
        Ok(Self { parameters, limits: *limits })
    }

    /// The value of the parameter `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.parameters.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok()?;
        Some(&self.parameters[at].1)
    }

    /// The operation's name.
    pub fn action(&self) -> Option<&str> {
        self.get("Action")
    }

    /// The version of the API, which tells the service.
    pub fn version(&self) -> Option<&str> {
        self.get("Version")
    }

    /// Reads the parameters into `input`, and says which required members they lack.
    pub fn read(&self, input: &mut dyn Structure) -> Result<Missing, ReadError> {
        self.read_as(Dialect::Query, input).map_err(Fault::into_error)
    }

    /// Reads the parameters into `input`, in one of the two dialects.
    pub(crate) fn read_as(&self, dialect: Dialect, input: &mut dyn Structure) -> Result<Missing, Fault> {
        read::read(dialect, Place::top(&self.parameters), input, self.limits.items)
    }
}
