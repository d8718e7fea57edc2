//! Reading CBOR (RFC 8949) in place. Lengths are definite, as they are in what the Nitro Secure Module writes.

use ciborium_ll::{Decoder, Header};

use crate::NotBelieved;

/// What is left to read.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'d>(&'d [u8]);

impl<'d> Cursor<'d> {
    pub(crate) const fn new(bytes: &'d [u8]) -> Self {
        Self(bytes)
    }

    /// Refuses what stands behind the last item.
    pub(crate) const fn end(self) -> Result<(), NotBelieved> {
        if self.0.is_empty() { Ok(()) } else { Err(NotBelieved::Malformed) }
    }

    /// Steps over a tag of that number, if one is there.
    pub(crate) fn optional_tag(&mut self, number: u64) {
        let mut ahead = *self;
        if matches!(ahead.header(), Ok(Header::Tag(tag)) if tag == number) {
            *self = ahead;
        }
    }

    /// The number of items of an array.
    pub(crate) fn array(&mut self) -> Result<usize, NotBelieved> {
        match self.header()? {
            Header::Array(Some(items)) => Ok(items),
            _ => Err(NotBelieved::Malformed),
        }
    }

    /// The number of pairs of a map.
    pub(crate) fn map(&mut self) -> Result<usize, NotBelieved> {
        match self.header()? {
            Header::Map(Some(pairs)) => Ok(pairs),
            _ => Err(NotBelieved::Malformed),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'d [u8], NotBelieved> {
        match self.header()? {
            Header::Bytes(Some(length)) => self.take(length),
            _ => Err(NotBelieved::Malformed),
        }
    }

    /// Bytes, or null.
    pub(crate) fn optional_bytes(&mut self) -> Result<Option<&'d [u8]>, NotBelieved> {
        match self.header()? {
            Header::Bytes(Some(length)) => self.take(length).map(Some),
            Header::Simple(ciborium_ll::simple::NULL) => Ok(None),
            _ => Err(NotBelieved::Malformed),
        }
    }

    pub(crate) fn text(&mut self) -> Result<&'d str, NotBelieved> {
        match self.header()? {
            Header::Text(Some(length)) => {
                std::str::from_utf8(self.take(length)?).map_err(|_| NotBelieved::Malformed)
            }
            _ => Err(NotBelieved::Malformed),
        }
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64, NotBelieved> {
        match self.header()? {
            Header::Positive(number) => Ok(number),
            _ => Err(NotBelieved::Malformed),
        }
    }

    /// A number below zero, as CBOR writes it: -1 less the number that stands there.
    pub(crate) fn negative(&mut self) -> Result<u64, NotBelieved> {
        match self.header()? {
            Header::Negative(number) => Ok(number),
            _ => Err(NotBelieved::Malformed),
        }
    }

    /// Steps over one item, whatever it is. Each header takes a byte, so that the document's length bounds the steps.
    pub(crate) fn skip(&mut self) -> Result<(), NotBelieved> {
        let mut items = 1_usize;
        while items > 0 {
            items -= 1;
            let more = match self.header()? {
                Header::Bytes(Some(length)) | Header::Text(Some(length)) => {
                    self.take(length)?;
                    0
                }
                Header::Array(Some(length)) => length,
                Header::Map(Some(pairs)) => pairs.checked_mul(2).ok_or(NotBelieved::Malformed)?,
                Header::Tag(_) => 1,
                Header::Positive(_) | Header::Negative(_) | Header::Float(_) | Header::Simple(_) => 0,
                _ => return Err(NotBelieved::Malformed),
            };
            items = items.checked_add(more).ok_or(NotBelieved::Malformed)?;
        }
        Ok(())
    }

    fn header(&mut self) -> Result<Header, NotBelieved> {
        let mut decoder = Decoder::from(self.0);
        let header = decoder.pull().map_err(|_| NotBelieved::Malformed)?;
        self.take(decoder.offset())?;
        Ok(header)
    }

    fn take(&mut self, length: usize) -> Result<&'d [u8], NotBelieved> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(NotBelieved::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;
    use crate::NotBelieved;

    #[test]
    fn one_item_is_stepped_over_whatever_it_holds() {
        let items: [&[u8]; 9] = [
            &[0x07],
            &[0x26],
            &[0x42, 1, 2],
            &[0x61, b'a'],
            &[0x82, 0x81, 0x80, 0xa1, 0x01, 0xf6],
            &[0xd2, 0x40],
            &[0xf5],
            &[0xf9, 0, 0],
            &[0xa2, 0x01, 0x40, 0x02, 0x60],
        ];
        for item in items {
            let bytes = [item, &[0x18, 0x2a]].concat();
            let mut cursor = Cursor::new(&bytes);
            cursor.skip().unwrap();
            assert_eq!(cursor.unsigned(), Ok(42), "{item:02x?}");
            assert_eq!(cursor.end(), Ok(()));
        }
    }

    #[test]
    fn what_is_cut_off_or_of_no_stated_length_is_malformed() {
        let malformed: [&[u8]; 10] = [
            &[],
            &[0x18],
            &[0x42, 1],
            &[0x82, 0x01],
            &[0x5f, 0x41, 1, 0xff],
            &[0x9f, 0xff],
            &[0xbf, 0xff],
            &[0xff],
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ];
        for bytes in malformed {
            assert_eq!(Cursor::new(bytes).skip(), Err(NotBelieved::Malformed), "{bytes:02x?}");
        }
    }
}
