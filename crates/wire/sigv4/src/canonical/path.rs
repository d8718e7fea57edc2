//! The canonical path.

use super::escape::{encoded, escape};
use super::feed::{Feed, Sink};
use crate::PathStyle;

/// Writes the path of a request, as it was sent, in canonical form.
pub(super) fn write(feed: &mut Feed<impl Sink>, path: &str, style: PathStyle) {
    match style {
        PathStyle::Normalized => write_normalized(feed, path),
        PathStyle::Verbatim => write_verbatim(feed, path),
    }
}

fn write_normalized(feed: &mut Feed<impl Sink>, path: &str) {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    for segment in &segments {
        feed.push(b"/");
        segment.bytes().for_each(|byte| write_byte(feed, byte));
    }
    if segments.is_empty() || ["/", "/.", "/.."].iter().any(|end| path.ends_with(end)) {
        feed.push(b"/");
    }
}

/// Decodes what was encoded to be sent and encodes it again: clients differ in what they leave as it is. A
/// slash that was encoded stays so, for it is no separator.
fn write_verbatim(feed: &mut Feed<impl Sink>, path: &str) {
    if !path.starts_with('/') {
        feed.push(b"/");
    }
    let mut rest = path.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'/' {
            feed.push(b"/");
        } else if let Some((escaped, after)) = escape(*byte, after) {
            rest = after;
            write_byte(feed, escaped);
        } else {
            write_byte(feed, *byte);
        }
    }
}

fn write_byte(feed: &mut Feed<impl Sink>, byte: u8) {
    let (text, length) = encoded(byte);
    feed.push(&text[..length]);
}
