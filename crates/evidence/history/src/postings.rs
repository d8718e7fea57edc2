//! Which records of a segment have something: ascending numbers, counted from the segment's first record.
//!
//! A list is written as the distances between its numbers (7 bits a byte, the last byte below 128), or as one bit
//! for each record of the segment where that is shorter: no list is longer than that.

/// A list that grows at its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Growing {
    /// The distances, each from the number before; the first from zero.
    distances: Vec<u8>,
    last: u32,
    count: u32,
}

impl Growing {
    /// Adds a number, which is no smaller than those before. The same one again changes nothing.
    pub(crate) fn push(&mut self, number: u32) {
        let distance = match number.checked_sub(self.last) {
            Some(0) if self.count > 0 => return,
            Some(distance) => distance,
            None => return,
        };
        put_varint(&mut self.distances, distance);
        self.last = number;
        self.count += 1;
    }

    /// The only number, if there is just one.
    pub(crate) fn only(&self) -> Option<u32> {
        (self.count == 1).then_some(self.last)
    }

    /// All numbers.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        read_distances(&self.distances, u32::MAX).unwrap_or_default()
    }

    /// Writes the list of a segment of so many records.
    pub(crate) fn write(&self, records: u32, out: &mut Vec<u8>) {
        let bits = records.div_ceil(8) as usize;
        if self.distances.len() <= bits {
            put_varint(out, (self.distances.len() as u32) << 1 | DISTANCES);
            out.extend_from_slice(&self.distances);
        } else {
            put_varint(out, (bits as u32) << 1 | BITS);
            let start = out.len();
            out.resize(start + bits, 0);
            for number in self.numbers() {
                if let Some(byte) = out.get_mut(start + number as usize / 8) {
                    *byte |= 1 << (number % 8);
                }
            }
        }
    }
}

const DISTANCES: u32 = 0;
const BITS: u32 = 1;

/// Longest head of a written list.
pub(crate) const HEAD_LIMIT: usize = 5;

/// Reads the head of a written list: how long head and list are together.
pub(crate) fn written_length(bytes: &[u8]) -> Option<usize> {
    let (head, read) = varint(bytes)?;
    Some(read + (head >> 1) as usize)
}

/// Reads a written list of a segment of so many records; none if it is no such list.
pub(crate) fn read(bytes: &[u8], records: u32) -> Option<Vec<u32>> {
    let (head, read) = varint(bytes)?;
    let body = bytes.get(read..)?;
    if body.len() != (head >> 1) as usize || body.len() > records.div_ceil(8) as usize {
        return None;
    }
    if head & 1 == DISTANCES {
        return read_distances(body, records);
    }
    let mut numbers = Vec::new();
    for (index, byte) in (0_u32..).zip(body) {
        let mut left = *byte;
        while left != 0 {
            numbers.push(index * 8 + left.trailing_zeros());
            left &= left - 1;
        }
    }
    numbers.last().is_none_or(|&last| last < records).then_some(numbers)
}

/// Reads distances into numbers below `end`.
fn read_distances(mut bytes: &[u8], end: u32) -> Option<Vec<u32>> {
    let mut numbers: Vec<u32> = Vec::new();
    while !bytes.is_empty() {
        let (distance, read) = varint(bytes)?;
        let number = match numbers.last() {
            None => distance,
            Some(last) => last.checked_add(distance).filter(|_| distance > 0)?,
        };
        if number >= end {
            return None;
        }
        numbers.push(number);
        bytes = bytes.get(read..)?;
    }
    Some(numbers)
}

fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads a number and tells how many bytes it took.
fn varint(bytes: &[u8]) -> Option<(u32, usize)> {
    let mut value = 0_u32;
    for (index, &byte) in bytes.iter().take(5).enumerate() {
        let bits = u32::from(byte & 0x7f);
        value |= bits.checked_shl(7 * index as u32).filter(|shifted| shifted >> (7 * index) == bits)?;
        if byte < 0x80 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn growing(numbers: impl IntoIterator<Item = u32>) -> Growing {
        let mut growing = Growing::default();
        numbers.into_iter().for_each(|number| growing.push(number));
        growing
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(numbers in prop::collection::btree_set(0_u32..3000, 0..400), more in 0_u32..500) {
            let records = numbers.last().map_or(0, |last| last + 1) + more;
            let growing = growing(numbers.iter().copied());
            let mut bytes = Vec::new();
            growing.write(records, &mut bytes);
            prop_assert_eq!(written_length(&bytes), Some(bytes.len()));
            prop_assert!(bytes.len() <= HEAD_LIMIT + records.div_ceil(8) as usize);
            let numbers: Vec<_> = numbers.into_iter().collect();
            prop_assert_eq!(read(&bytes, records), Some(numbers.clone()));
            prop_assert_eq!(growing.numbers(), numbers);
        }

        #[test]
        fn garbage_is_refused_or_ascends(bytes in prop::collection::vec(any::<u8>(), 0..60), records in 0_u32..600) {
            if let Some(numbers) = read(&bytes, records) {
                let ascending: Vec<_> = numbers.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
                prop_assert_eq!(&ascending, &numbers);
                prop_assert!(numbers.iter().all(|&number| number < records));
            }
        }
    }

    #[test]
    fn far_numbers_and_repeated_ones() {
        let list = growing([0, 0, 127, 128, 128, u32::MAX - 1]);
        assert_eq!(list.numbers(), [0, 127, 128, u32::MAX - 1]);
        assert_eq!(list.only(), None);
        assert_eq!(growing([7, 7]).only(), Some(7));
    }

    #[test]
    fn a_list_of_nearly_all_takes_a_bit_for_each() {
        let mut bytes = Vec::new();
        growing(0..10_000).write(10_000, &mut bytes);
        assert!(bytes.len() <= 1250 + HEAD_LIMIT, "{}", bytes.len());
    }
}
