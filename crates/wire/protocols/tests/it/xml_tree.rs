//! XML as a tree, read with a real parser, for comparison. Line ends are normalised as XML 1.1
//! does, which knows more of them than 1.0.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// An element: attributes (namespaces too) in any order, text only where there are no elements.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Leaves out text that is only white space, which printing for the eye adds.
    pub(crate) fn without_blanks(mut self) -> Self {
        if self.text.trim().is_empty() {
            self.text.clear();
        }
        self.children = self.children.into_iter().map(Self::without_blanks).collect();
        self
    }

    /// Takes a child out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Self> {
        let at = self.children.iter().position(|child| child.name == name)?;
        Some(self.children.remove(at))
    }
}

/// Reads a document of one element. White space between elements does not count.
pub(crate) fn parse(xml: &str) -> Element {
    let mut reader = Reader::from_str(xml);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => open.push(element(&start)),
            Event::Empty(start) => open.last_mut().unwrap().children.push(element(&start)),
            Event::End(_) => {
                let mut done = open.pop().unwrap();
                if !done.children.is_empty() {
                    assert!(done.text.trim().is_empty(), "text beside elements");
                    done.text.clear();
                }
                open.last_mut().unwrap().children.push(done);
            }
            Event::Text(text) => open.last_mut().unwrap().text.push_str(&text.xml11_content()),
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref().unwrap() {
                    Some(char) => char,
                    None => match reference.as_ref() {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        other => panic!("entity {other} is not known"),
                    },
                };
                open.last_mut().unwrap().text.push(resolved);
            }
            Event::Eof => break,
            other => panic!("unexpected {other:?}"),
        }
    }
    let mut top = open.pop().unwrap();
    assert!(open.is_empty() && top.children.len() == 1, "one element: {xml}");
    top.children.remove(0)
}

fn element(start: &BytesStart<'_>) -> Element {
    let mut attributes: Vec<_> = start
        .attributes()
        .map(|attribute| {
            let attribute = attribute.unwrap();
            let name = attribute.key.as_ref().to_owned();
            (name, attribute.normalized_value(XmlVersion::Explicit1_1).unwrap().into_owned())
        })
        .collect();
    attributes.sort();
    let name = start.name().as_ref().to_owned();
    Element { name, attributes, ..Element::default() }
}
