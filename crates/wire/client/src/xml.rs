//! XML as AWS answers it: elements and their text.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// How deep elements may be in each other.
const MAX_DEPTH: usize = 32;

/// An element. Attributes, and names' prefixes, are of no interest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// The text in it.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a document; none if it is not XML, or too deep.
    #[must_use]
    pub fn parse(document: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(document).ok()?;
        let mut reader = Reader::from_str(text);
        // The first is what the document's root is put into.
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    let name = start.local_name().into_inner().to_owned();
                    if open.len() > MAX_DEPTH {
                        return None;
                    }
                    open.push(Self { name, ..Self::default() });
                }
                Event::Empty(start) => {
                    let name = start.local_name().into_inner().to_owned();
                    open.last_mut()?.children.push(Self { name, ..Self::default() });
                }
                Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::CData(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let text = &mut open.last_mut()?.text;
                    match reference.resolve_char_ref().ok()? {
                        Some(letter) => text.push(letter),
                        None => text.push_str(resolve_xml_entity(reference.as_ref())?),
                    }
                }
                Event::End(_) => {
                    let closed = open.pop()?;
                    open.last_mut()?.children.push(closed);
                }
                Event::Eof => break,
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
            }
        }
        let [Self { children, .. }] = open.as_mut_slice() else { return None };
        if children.len() == 1 { children.pop() } else { None }
    }

    /// The first element of that name in it, at any depth.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Self> {
        self.children.iter().find_map(|child| if child.name == name { Some(child) } else { child.find(name) })
    }

    /// The text of the first element of that name in it, at any depth.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.find(name).map(|found| found.text.trim())
    }

    /// The `item`s, or `member`s, of the list of that name in it.
    #[must_use]
    pub fn list(&self, name: &str) -> &[Self] {
        self.find(name).map_or(&[], |found| &found.children)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SUBNETS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
        <DescribeSubnetsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><subnetSet>
        <item><subnetId>subnet-1</subnetId><tagSet/></item>
        <item><subnetId>subnet-2</subnetId><name>a &amp; b&#x21;<![CDATA[<]]></name></item>
        </subnetSet></DescribeSubnetsResponse>"#;

    proptest! {
        #[test]
        fn no_document_is_too_strange(text in "(<[a-z/ ?!]{0,4}>|&[a-z#0-9]{0,4};|[a-z<>&]{0,4}){0,20}") {
            let _ = Element::parse(text.as_bytes());
        }
    }

    #[test]
    fn lists_and_texts_are_found() {
        let document = Element::parse(SUBNETS.as_bytes()).unwrap();
        assert_eq!(document.name, "DescribeSubnetsResponse");
        let ids: Vec<_> =
            document.list("subnetSet").iter().filter_map(|item| item.text_of("subnetId")).collect();
        assert_eq!(ids, ["subnet-1", "subnet-2"]);
        assert_eq!(document.text_of("name"), Some("a & b!<"));
        assert!(document.list("nothing").is_empty());
    }

    #[test]
    fn what_is_not_whole_is_nothing() {
        for wrong in ["", "<a>", "<a></b>", "<a/><b/>", "plain", "<a>&unknown;</a>"] {
            assert_eq!(Element::parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(Element::parse("<a>".repeat(100).as_bytes()), None);
    }
}
