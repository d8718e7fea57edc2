//! Walking the outer layers of DER strictly, and writing them. x509-parser is lenient about some tags and lengths; what
//! is signed is bound by the signature, and these layers around it are bound here: one certificate has one encoding.

use crate::MakeError;

/// The elements of a SEQUENCE that is all of `der`, each with its header. `None` unless every length is written
/// in the fewest bytes and nothing is left over.
pub(crate) fn elements(der: &[u8]) -> Option<Vec<&[u8]>> {
    let (whole, header) = element(der)?;
    if der.first() != Some(&0x30) || whole.len() != der.len() {
        return None;
    }
    let mut rest = der.get(header..)?;
    let mut elements = Vec::new();
    while !rest.is_empty() {
        let (element, _) = element(rest)?;
        elements.push(element);
        rest = rest.get(element.len()..)?;
    }
    Some(elements)
}

/// Whether `der` is an AlgorithmIdentifier: a SEQUENCE that begins with an object identifier.
pub(crate) fn is_algorithm(der: &[u8]) -> bool {
    elements(der).is_some_and(|parts| parts.first().is_some_and(|first| first.first() == Some(&0x06)))
}

/// The first element of `der`, and how many of its bytes are tag and length.
fn element(der: &[u8]) -> Option<(&[u8], usize)> {
    let (header, length) = match *der.get(1)? {
        short @ 0..=0x7f => (2, usize::from(short)),
        0x81 => (3, usize::from(*der.get(2)?).checked_sub(0x80)? + 0x80),
        0x82 => {
            let length = usize::from(*der.get(2)?) << 8 | usize::from(*der.get(3)?);
            (4, length.checked_sub(0x100)? + 0x100)
        }
        _ => return None,
    };
    Some((der.get(..header + length)?, header))
}

/// An element of that tag, whose content is the parts one after the other.
pub(crate) fn joined(tag: u8, parts: &[&[u8]]) -> Result<Vec<u8>, MakeError> {
    let content = parts.concat();
    let mut element = vec![tag];
    match u16::try_from(content.len()).map_err(|_| MakeError)? {
        short @ 0..=0x7f => element.push(short as u8),
        middle @ 0x80..=0xff => element.extend([0x81, middle as u8]),
        long => {
            element.push(0x82);
            element.extend(long.to_be_bytes());
        }
    }
    element.extend(content);
    Ok(element)
}

#[cfg(test)]
mod tests {
    use super::{elements, is_algorithm, joined};

    #[test]
    fn what_is_joined_is_taken_apart() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xff00] {
            let part = joined(4, &[&vec![7; length]]).unwrap();
            let whole = joined(0x30, &[&[5, 0], &part]).unwrap();
            assert_eq!(elements(&whole), Some(vec![&[5, 0][..], &part]), "{length}");
        }
        assert!(joined(4, &[&vec![0; 0x1_0000]]).is_err());
    }

    #[test]
    fn lengths_are_written_in_the_fewest_bytes() {
        assert_eq!(elements(&[0x30, 0]), Some(vec![]));
        assert_eq!(elements(&[0x30, 4, 5, 0, 2, 0]), Some(vec![&[5, 0][..], &[2, 0]]));
        let long = [&[0x30, 0x81, 0x82, 4, 0x81, 0x7f][..], &[0; 0x7f]].concat();
        assert_eq!(elements(&long), None);
        for other in [
            &[][..],
            &[0x30],
            &[0x31, 0],
            &[0x30, 1],
            &[0x30, 0, 0],
            &[0x30, 0x81, 0],
            &[0x30, 0x82, 0, 0],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x83, 0, 0, 0],
            &[0x30, 2, 5, 1],
        ] {
            assert_eq!(elements(other), None, "{other:?}");
        }
        let filled =
            |length: usize| [&[4, 0x82][..], &(length as u16).to_be_bytes(), &vec![0; length]].concat();
        assert!(elements(&[&[0x30, 0x82, 1, 4][..], &filled(0x100)].concat()).is_some());
        assert!(elements(&[&[0x30, 0x82, 1, 3][..], &filled(0xff)].concat()).is_none());
    }

    #[test]
    fn an_algorithm_begins_with_an_object_identifier() {
        assert!(is_algorithm(&[0x30, 3, 6, 1, 42]));
        assert!(!is_algorithm(&[0x30, 3, 7, 1, 42]));
        assert!(!is_algorithm(&[0x30, 0]));
    }
}
