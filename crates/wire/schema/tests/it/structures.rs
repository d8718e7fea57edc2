//! Structures as generated code declares them.

use strongroom_schema::{
    Constraints, Kind, Map, Member, MemberTraits, ReadError, Reader, Schema, Shape as _, Structure,
    Timestamp, structure,
};

use crate::script::{Given, read, shown};

const fn plain(name: &'static str, kind: Kind) -> Schema {
    Schema { name, kind, constraints: Constraints::NONE, sensitive: false, xml_namespace: None }
}

const fn member(name: &'static str, schema: &'static Schema, required: bool) -> Member {
    Member { name, schema, required, traits: MemberTraits::NONE }
}

static TEXT: Schema = plain("Text", Kind::String);
static FLAG: Schema = plain("Flag", Kind::Boolean);
static TEXTS: Schema = plain("Texts", Kind::Map(member("key", &TEXT, false), member("value", &TEXT, false)));
static NODES: Schema = plain("Nodes", Kind::List(member("member", &NODE, false)));
/// A shape that contains itself.
static NODE: Schema = plain(
    "Node",
    Kind::Structure(&[
        member("Flag", &FLAG, false),
        member("Name", &TEXT, true),
        member("Labels", &TEXTS, false),
        member("Children", &NODES, false),
        member("Next", &NODE, false),
    ]),
);

#[derive(Clone, Debug, Default)]
struct Node {
    name: String,
    flag: Option<bool>,
    labels: Option<Map<String>>,
    children: Option<Vec<Node>>,
    next: Option<Box<Node>>,
}

structure!(Node, NODE, required { 1 name }, optional { 0 flag 2 labels 3 children 4 next });

/// A reader that nobody may read from.
pub(crate) struct Untouched;

impl Reader for Untouched {
    fn boolean(&mut self) -> Result<bool, ReadError> {
        panic!("read")
    }

    fn integer(&mut self) -> Result<i32, ReadError> {
        panic!("read")
    }

    fn long(&mut self) -> Result<i64, ReadError> {
        panic!("read")
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        panic!("read")
    }

    fn string(&mut self) -> Result<String, ReadError> {
        panic!("read")
    }

    fn blob(&mut self) -> Result<Vec<u8>, ReadError> {
        panic!("read")
    }

    fn timestamp(&mut self) -> Result<Timestamp, ReadError> {
        panic!("read")
    }

    fn list(&mut self, _: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>) -> Result<(), ReadError> {
        panic!("read")
    }

    fn map(
        &mut self,
        _: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        panic!("read")
    }

    fn structure(&mut self, _: &mut dyn Structure) -> Result<(), ReadError> {
        panic!("read")
    }
}

#[test]
fn members_are_read_and_shown_by_their_position() {
    let leaf = Given::Members(vec![(1, Given::text("leaf"))]);
    let given = Given::Members(vec![
        (0, Given::Boolean(true)),
        (1, Given::text("root")),
        (2, Given::Map(vec![("a".to_owned(), Given::text("b"))])),
        (3, Given::List(vec![leaf.clone(), leaf.clone()])),
        (4, leaf),
    ]);
    let node: Node = read(given.clone()).unwrap();
    assert_eq!(node.name, "root");
    assert_eq!(node.flag, Some(true));
    assert_eq!(node.labels.as_ref().unwrap().get("a").map(String::as_str), Some("b"));
    assert_eq!(node.children.as_ref().unwrap().len(), 2);
    assert_eq!(node.next.as_ref().unwrap().name, "leaf");
    assert_eq!(shown(node.value()), given);
}

#[test]
fn what_is_not_set_is_not_shown() {
    let empty: Node = read(Given::Members(Vec::new())).unwrap();
    // A required member is there; whether it came over the wire is the codec's knowledge.
    assert_eq!(shown(empty.value()), Given::Members(vec![(1, Given::text(""))]));
    // What is set to an empty value is set.
    let given = Given::Members(vec![
        (0, Given::Boolean(false)),
        (1, Given::text("")),
        (2, Given::Map(Vec::new())),
        (3, Given::List(Vec::new())),
    ]);
    assert_eq!(shown(read::<Node>(given.clone()).unwrap().value()), given);
}

#[test]
fn a_position_that_the_schema_does_not_have_is_passed_over() {
    let mut node = Node::default();
    node.read_member(5, &mut Untouched).unwrap();
    node.read_member(usize::MAX, &mut Untouched).unwrap();
    assert!(node.member(5).is_none());
}

#[test]
fn a_member_that_does_not_fit_is_refused() {
    let next = Given::Members(vec![(0, Given::text("yes"))]);
    let given = Given::Members(vec![(4, next)]);
    assert_eq!(read::<Node>(given).unwrap_err().to_string(), "not a boolean");
}

#[test]
fn the_schema_is_the_generated_one_and_can_be_printed_although_it_contains_itself() {
    let node = Node::default();
    assert!(std::ptr::eq(Structure::schema(&node), &raw const NODE));
    assert!(format!("{NODE:?}").contains("schema: \"Node\""));
}
