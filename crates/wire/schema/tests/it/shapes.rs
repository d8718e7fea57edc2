//! Values of every kind: read as they were given, shown as they were read.

use proptest::prelude::*;
use strongroom_schema::{Blob, ListView, Map, MapView, Shape, Structure as _, Timestamp, Unit};
use strongroom_secret::Secret;

use crate::script::{Given, read, shown};
use crate::structures::Untouched;

/// Reads a `T` from what is given, and gives back what it shows.
fn round<T: Shape>(given: Given) -> Given {
    shown(read::<T>(given).unwrap().value())
}

/// Text, blobs and numbers in lists in maps.
type Nested = Map<Vec<Map<Blob>>>;

fn nested() -> impl Strategy<Value = Given> {
    let blob = proptest::collection::vec(any::<u8>(), 0..8).prop_map(Given::Blob);
    let inner = proptest::collection::btree_map("[a-c]{0,2}", blob, 0..3)
        .prop_map(|entries| Given::Map(entries.into_iter().collect()));
    let list = proptest::collection::vec(inner, 0..3).prop_map(Given::List);
    proptest::collection::btree_map("\\PC{0,3}", list, 0..4)
        .prop_map(|entries| Given::Map(entries.into_iter().rev().collect()))
}

proptest! {
    #[test]
    fn numbers_are_themselves(small in any::<i32>(), large in any::<i64>(), double in any::<f64>(), float in any::<f32>()) {
        prop_assert_eq!(round::<i32>(Given::Integer(small.into())), Given::Integer(small.into()));
        prop_assert_eq!(round::<i64>(Given::Integer(large)), Given::Integer(large));
        if !double.is_nan() {
            prop_assert_eq!(round::<f64>(Given::Double(double)), Given::Double(double));
        }
        if !float.is_nan() {
            prop_assert_eq!(round::<f32>(Given::Float(float)), Given::Float(float));
        }
    }

    #[test]
    fn texts_and_bytes_are_themselves(text in "\\PC{0,20}", bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
        prop_assert_eq!(round::<String>(Given::text(&text)), Given::text(&text));
        prop_assert_eq!(round::<Secret<String>>(Given::text(&text)), Given::text(&text));
        prop_assert_eq!(round::<Blob>(Given::Blob(bytes.clone())), Given::Blob(bytes.clone()));
        prop_assert_eq!(round::<Secret<Blob>>(Given::Blob(bytes.clone())), Given::Blob(bytes.clone()));
        prop_assert_eq!(round::<Box<Vec<Blob>>>(Given::List(vec![Given::Blob(bytes.clone())])), Given::List(vec![Given::Blob(bytes)]));
    }

    #[test]
    fn nests_keep_their_order(given in nested()) {
        prop_assert_eq!(round::<Nested>(given.clone()), given);
    }
}

#[test]
fn flags_and_moments_are_themselves() {
    for flag in [true, false] {
        assert_eq!(round::<bool>(Given::Boolean(flag)), Given::Boolean(flag));
    }
    let moment = Timestamp::from_millis(1_398_796_238_250);
    assert_eq!(round::<Timestamp>(Given::Moment(moment)), Given::Moment(moment));
}

#[test]
fn bytes_are_no_list_of_numbers() {
    assert!(read::<Blob>(Given::List(vec![Given::Integer(1)])).is_err());
    assert!(read::<Vec<i32>>(Given::Blob(vec![1])).is_err());
    assert_eq!(Blob::from(vec![1, 2]), Blob(vec![1, 2]));
}

#[test]
fn views_know_whether_they_are_empty() {
    let (none, one) = (Vec::<i32>::new(), vec![1]);
    assert!(ListView::is_empty(&none) && !ListView::is_empty(&one));
    let one: Map<i32> = [("a".to_owned(), 1)].into_iter().collect();
    assert!(MapView::is_empty(&Map::<i32>::default()) && !MapView::is_empty(&one));
}

#[test]
fn a_fault_within_is_a_fault_of_the_whole() {
    let bad = || Given::Integer(i64::from(i32::MAX) + 1);
    assert_eq!(read::<i32>(bad()).unwrap_err().to_string(), "not an integer");
    assert!(read::<Vec<i32>>(Given::List(vec![Given::Integer(1), bad()])).is_err());
    assert!(read::<Map<i32>>(Given::Map(vec![("a".to_owned(), bad())])).is_err());
    assert!(read::<Box<Vec<i32>>>(Given::List(vec![bad()])).is_err());
    assert_eq!(read::<Secret<String>>(Given::Boolean(true)).unwrap_err().message(), "not text");
}

#[test]
fn secrets_are_not_printed() {
    let secret = read::<Secret<Blob>>(Given::Blob(b"plaintext".to_vec())).unwrap();
    assert_eq!(format!("{secret:?}"), "Secret(..)");
    let secret = read::<Secret<String>>(Given::text("password")).unwrap();
    assert!(!format!("{secret:?}").contains("password"));
}

#[test]
fn a_map_finds_by_key_and_keeps_the_order_of_the_wire() {
    let entries = [("b", 1), ("a", 2), ("", 3), ("B", 4)].map(|(key, value)| (key.to_owned(), value));
    let map: Map<i32> = entries.clone().into_iter().collect();
    assert_eq!(map.len(), 4);
    assert!(!map.is_empty());
    assert_eq!(map.get("a"), Some(&2));
    assert_eq!(map.get(""), Some(&3));
    assert_eq!(map.get("c"), None);
    let seen: Vec<_> = map.iter().map(|(key, value)| (key.to_owned(), *value)).collect();
    assert_eq!(seen, entries);
    assert!(Map::<i32>::default().is_empty());
}

#[test]
fn of_entries_with_one_key_the_last_stays_in_the_place_of_the_first() {
    let entries = [("a", 1), ("b", 2), ("a", 3)].map(|(key, value)| (key.to_owned(), value));
    let map: Map<i32> = entries.into_iter().collect();
    assert_eq!(map.iter().collect::<Vec<_>>(), [("a", &3), ("b", &2)]);
    // Equal maps have equal entries in an equal order.
    let turned: Map<i32> =
        [("b", 2), ("a", 3)].map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
    assert_ne!(map, turned);
}

#[test]
fn the_unit_has_no_members_and_takes_none() {
    let mut unit = Unit;
    assert_eq!(unit.schema().name, "Unit");
    assert_eq!(unit.schema().members().len(), 0);
    assert!(unit.member(0).is_none());
    assert!(unit.schema().position("anything").is_none());
    unit.read_member(0, &mut Untouched).unwrap();
}
