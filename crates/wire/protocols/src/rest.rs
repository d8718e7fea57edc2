//! The rest-xml protocol, as S3 speaks it: members in the path, the query string, headers and the body, and XML in both
//! directions. <https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html>
//!
//! [`Routes`] tell which operation a request is for, [`Request::read`] reads it into the operation's input; answers come
//! from [`crate::envelope`]. What is wrong with a request is a [`Fault`], under the codes and in the words of S3, which
//! are not those of other services: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.

mod answer;
mod carried;
mod element;
mod fault;
mod parameters;
mod percent;
mod read;
mod route;
mod tree;
mod words;

pub use answer::{Answer, host_id};
pub(crate) use answer::{error, spoken, success, words};
pub use carried::carried;
pub use fault::Fault;
pub use read::Request;
pub use route::{Called, Routes, is_subresource};
