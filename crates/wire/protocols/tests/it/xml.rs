//! Writing XML, beyond what the protocol test cases have.

use strongroom_protocols::xml;

use crate::dynamic::{Dyn, DynStructure, text};
use crate::{sample, xml_tree};

fn written(document: &DynStructure) -> String {
    String::from_utf8(xml::write(document).expose().clone()).unwrap()
}

#[test]
fn attributes_stand_in_the_start_tag() {
    let grantee =
        sample::inner(&sample::DOCUMENT, "Grantee").with("Type", text("a\"b")).with("Id", text("c"));
    let document = DynStructure::new(&sample::DOCUMENT).with("Grantee", Dyn::Structure(grantee));
    assert_eq!(
        written(&document),
        "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"a&quot;b\"><Id>c</Id></Grantee>"
    );
}

#[test]
fn text_survives_a_parser() {
    let original = "a<b>&amp;\"'\r\n\t \u{85}\u{2028}é😀]]> ";
    let document = DynStructure::new(&sample::DOCUMENT).with("Text", text(original));
    assert_eq!(xml_tree::parse(&written(&document)).text, original);
}

#[test]
fn characters_that_xml_does_not_have_are_replaced() {
    let document = DynStructure::new(&sample::DOCUMENT).with("Text", text("a\0b\u{1f}c\u{fffe}\u{ffff}d"));
    assert_eq!(written(&document), "<Text>a\u{fffd}b\u{fffd}c\u{fffd}\u{fffd}d</Text>");
}
