//! XML documents of requests, as a tree of elements.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::Fault;
use crate::Limits;

/// An element. Names are without their prefixes; what the prefixes stand for is of no interest.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    /// Without those that declare namespaces.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    pub(super) text: String,
}

impl Element {
    /// Reads a document: UTF-8 without a document type, one root, no entities but XML's own five, and not deeper or wider
    /// than the limits say.
    pub(super) fn parse(document: &[u8], limits: &Limits) -> Result<Self, Fault> {
        let text = std::str::from_utf8(document).map_err(|_| Fault::xml())?;
        let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        reader.config_mut().expand_empty_elements = true;
        // The first stands for the document.
        let mut open = vec![Self::default()];
        let mut count = 0;
        loop {
            let event = reader.read_event().map_err(|_| Fault::xml())?;
            let depth = open.len();
            let here = open.last_mut().ok_or_else(Fault::xml)?;
            match event {
                Event::Start(start) => {
                    count += 1;
                    let is_second_root = depth == 1 && !here.children.is_empty();
                    if depth > limits.depth || count > limits.items || is_second_root {
                        return Err(Fault::xml());
                    }
                    open.push(Self::open(&start)?);
                }
                Event::End(_) => {
                    let closed = open.pop().ok_or_else(Fault::xml)?;
                    open.last_mut().ok_or_else(Fault::xml)?.children.push(closed);
                }
                Event::Text(text) => here.text.push_str(&text.xml10_content()),
                Event::CData(text) => here.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    if let Some(letter) = reference.resolve_char_ref().map_err(|_| Fault::xml())? {
                        here.text.push(letter);
                    } else {
                        let text = resolve_xml_entity(reference.as_ref()).ok_or_else(Fault::xml)?;
                        here.text.push_str(text);
                    }
                }
                Event::Eof => break,
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Empty(_) | Event::DocType(_) => return Err(Fault::xml()),
            }
        }
        let document = match open.len() {
            1 => open.pop(),
            _ => None,
        };
        let mut document = document.filter(|document| is_blank(&document.text)).ok_or_else(Fault::xml)?;
        document.children.pop().ok_or_else(Fault::xml)
    }

    fn open(start: &BytesStart<'_>) -> Result<Self, Fault> {
        let mut element = Self { name: start.local_name().into_inner().to_owned(), ..Self::default() };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| Fault::xml())?;
            let name = attribute.key.into_inner();
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| Fault::xml())?;
            element.attributes.push((local(name).to_owned(), value.into_owned()));
        }
        Ok(element)
    }

    /// The elements in it, where that is all there is.
    pub(super) fn only_children(&self) -> Result<&[Self], Fault> {
        if is_blank(&self.text) { Ok(&self.children) } else { Err(Fault::xml()) }
    }

    /// The text in it, where that is all there is.
    pub(super) fn only_text(&self) -> Result<&str, Fault> {
        if self.children.is_empty() { Ok(&self.text) } else { Err(Fault::xml()) }
    }
}

/// A name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// White space, as XML has it.
fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}
