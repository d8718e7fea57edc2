//! What somebody may alter in a signed request on its way, and the causes for which it is refused then.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all changes have one type, and some may have nothing to change"
)]

use proptest::sample::Index;

use crate::requests::{NOW, Order, Received};

/// Names of causes, as the oracle's `cause` gives them.
pub(crate) type Causes = &'static [&'static str];

const MISMATCH: Causes = &["mismatch"];
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"];

/// A change by its name. It gives `None`, and changes nothing that counts, if the request has no such part.
pub(crate) type Change = (&'static str, fn(&mut Altered) -> Option<Causes>);

pub(crate) const CHANGES: [Change; 25] = [
    ("method", method),
    ("path", path),
    ("a letter of the path", letter_of_the_path),
    ("a parameter more", parameter_more),
    ("a parameter less", parameter_less),
    ("a header's value", value_of_a_header),
    ("a header less", header_less),
    ("a header twice", header_twice),
    ("a header of AWS more", header_of_aws_more),
    ("host", host),
    ("a bit of the body", bit_of_the_body),
    ("a byte of the body more", byte_of_the_body_more),
    ("a digit of the signature", digit_of_the_signature),
    ("signature cut", signature_cut),
    ("signature in upper case", signature_in_upper_case),
    ("second", second),
    ("day", day),
    ("day of the scope", |altered| altered.rescope("20150830", "20150829")),
    ("Region of the scope", |altered| altered.rescope("us-east-1", "us-east-2")),
    ("service of the scope", |altered| altered.rescope(altered.order.service, "sts")),
    ("end of the scope", |altered| altered.rescope("aws4_request", "aws5_request")),
    ("session token", session_token),
    ("no session token", no_session_token),
    ("lifetime", lifetime),
    ("signed headers", signed_headers),
];

/// A request under attack.
pub(crate) struct Altered {
    pub(crate) request: Received,
    /// What its signer was told.
    pub(crate) order: Order,
    /// Where to strike.
    pub(crate) at: Index,
}

impl Altered {
    const fn is_url(&self) -> bool {
        self.order.expires.is_some()
    }

    /// Where the signature stands: the URL or the `Authorization` header.
    fn carrier(&self) -> String {
        if self.is_url() {
            self.request.path_and_query.clone()
        } else {
            self.request.header("authorization").to_owned()
        }
    }

    fn set_carrier(&mut self, text: &str) {
        if self.is_url() {
            text.clone_into(&mut self.request.path_and_query);
        } else {
            self.request.set("authorization", text);
        }
    }

    /// The name of one of the headers that were asked for.
    fn some_header(&self) -> Option<String> {
        let headers = &self.order.headers;
        headers.get(self.at.index(headers.len().max(1))).map(|(name, _)| name.clone())
    }

    fn rescope(&mut self, from: &str, to: &str) -> Option<Causes> {
        let text = self.carrier();
        let (before, credential) = text.split_at(text.rfind("Credential=")?);
        self.set_carrier(&format!("{before}{}", credential.replacen(from, to, 1)));
        Some(&["scope"])
    }

    fn resign(&mut self, alter: impl FnOnce(&mut String)) -> Option<Causes> {
        let text = self.carrier();
        let (before, rest) = text.split_at(text.rfind("Signature=")? + "Signature=".len());
        let (signature, after) = rest.split_at(64);
        let mut other = signature.to_owned();
        alter(&mut other);
        self.set_carrier(&format!("{before}{other}{after}"));
        (other != signature).then_some(MISMATCH)
    }

    fn redate(&mut self, other: impl FnOnce(&str) -> String) {
        let seconds = (self.order.signed_at_ms - NOW).div_euclid(1_000) + 12 * 3_600 + 36 * 60;
        let date = format!("20150830T{:02}{:02}{:02}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let other = other(&date);
        if self.is_url() {
            self.request.path_and_query = self.request.path_and_query.replace(&date, &other);
        } else {
            self.request.set("x-amz-date", &other);
        }
    }

    fn other_body(&self) -> Option<Causes> {
        match (self.order.unsigned_payload, self.order.state_payload && !self.is_url()) {
            (true, _) => None,
            (false, true) => Some(&["other body"]),
            (false, false) => Some(MISMATCH),
        }
    }

    fn split_path(&self) -> (String, String) {
        let text = &self.request.path_and_query;
        let (path, query) = text.split_at(text.find('?').unwrap_or(text.len()));
        (path.to_owned(), query.to_owned())
    }
}

fn method(altered: &mut Altered) -> Option<Causes> {
    let other = METHODS.iter().find(|method| **method != altered.order.method)?;
    altered.request.method = other.parse().ok()?;
    Some(MISMATCH)
}

fn path(altered: &mut Altered) -> Option<Causes> {
    let (path, query) = altered.split_path();
    let slash = if path.ends_with('/') { "" } else { "/" };
    altered.request.path_and_query = format!("{path}{slash}more{query}");
    Some(MISMATCH)
}

fn letter_of_the_path(altered: &mut Altered) -> Option<Causes> {
    let (mut path, query) = altered.split_path();
    // In an escape it may be the same byte in another spelling; a name that ".." takes away is not signed.
    if path.contains('%') || path.contains("..") {
        return None;
    }
    let letters: Vec<usize> = path.match_indices('a').map(|(place, _)| place).collect();
    let place = *letters.get(altered.at.index(letters.len().max(1)))?;
    path.replace_range(place..=place, "b");
    altered.request.path_and_query = format!("{path}{query}");
    Some(MISMATCH)
}

fn parameter_more(altered: &mut Altered) -> Option<Causes> {
    let text = &mut altered.request.path_and_query;
    text.push_str(if text.contains('?') { "&Added" } else { "?Added" });
    Some(MISMATCH)
}

fn parameter_less(altered: &mut Altered) -> Option<Causes> {
    let (path, query) = altered.request.path_and_query.split_once('?')?;
    let mut pieces: Vec<&str> = query.split('&').collect();
    let droppable = |piece: &&str| !piece.is_empty() && !piece.starts_with("X-Amz-");
    let places: Vec<usize> = (0..pieces.len()).filter(|place| droppable(&pieces[*place])).collect();
    pieces.remove(*places.get(altered.at.index(places.len().max(1)))?);
    altered.request.path_and_query = format!("{path}?{}", pieces.join("&"));
    Some(MISMATCH)
}

fn value_of_a_header(altered: &mut Altered) -> Option<Causes> {
    let name = altered.some_header()?;
    let value = format!("{}?", altered.request.header(&name));
    altered.request.set(&name, &value);
    Some(MISMATCH)
}

fn header_less(altered: &mut Altered) -> Option<Causes> {
    let name = altered.some_header()?;
    altered.request.headers.remove(&name);
    Some(&["absent header"])
}

fn header_twice(altered: &mut Altered) -> Option<Causes> {
    let name = altered.some_header()?;
    altered.request.add(&name, "again");
    Some(MISMATCH)
}

fn header_of_aws_more(altered: &mut Altered) -> Option<Causes> {
    altered.request.add("x-amz-added", "value");
    Some(&["unsigned header"])
}

fn host(altered: &mut Altered) -> Option<Causes> {
    altered.request.set("host", "elsewhere.example.com");
    Some(MISMATCH)
}

fn bit_of_the_body(altered: &mut Altered) -> Option<Causes> {
    let place = altered.at.index(altered.request.body.len().max(1));
    *altered.request.body.get_mut(place)? ^= 1;
    altered.other_body()
}

fn byte_of_the_body_more(altered: &mut Altered) -> Option<Causes> {
    altered.request.body.push(b' ');
    altered.other_body()
}

fn digit_of_the_signature(altered: &mut Altered) -> Option<Causes> {
    let place = altered.at.index(64);
    altered.resign(|signature| {
        let other = if signature[place..].starts_with('0') { "1" } else { "0" };
        signature.replace_range(place..=place, other);
    })
}

fn signature_cut(altered: &mut Altered) -> Option<Causes> {
    let length = altered.at.index(63) + 1;
    altered.resign(|signature| signature.truncate(length))
}

fn signature_in_upper_case(altered: &mut Altered) -> Option<Causes> {
    altered.resign(|signature| signature.make_ascii_uppercase())
}

fn second(altered: &mut Altered) -> Option<Causes> {
    altered.redate(|date| format!("{}{}Z", &date[..14], (date.as_bytes()[14] - b'0' + 1) % 10));
    Some(MISMATCH)
}

fn day(altered: &mut Altered) -> Option<Causes> {
    altered.redate(|date| date.replace("20150830T", "20150831T"));
    Some(&["future"])
}

fn session_token(altered: &mut Altered) -> Option<Causes> {
    let token = altered.order.session_token.clone()?;
    if altered.is_url() {
        let text = altered.carrier().replacen("X-Amz-Security-Token=", "X-Amz-Security-Token=A", 1);
        altered.set_carrier(&text);
    } else {
        altered.request.set("x-amz-security-token", &format!("{token}A"));
    }
    Some(MISMATCH)
}

fn no_session_token(altered: &mut Altered) -> Option<Causes> {
    altered.order.session_token.as_ref()?;
    if altered.is_url() {
        let text = altered.carrier();
        let mut pieces: Vec<&str> = text.split('&').collect();
        pieces.retain(|piece| !piece.starts_with("X-Amz-Security-Token="));
        altered.set_carrier(&pieces.join("&"));
        Some(MISMATCH)
    } else {
        altered.request.headers.remove("x-amz-security-token");
        Some(&["absent header"])
    }
}

fn lifetime(altered: &mut Altered) -> Option<Causes> {
    let seconds = altered.order.expires?;
    let other = if seconds == 300 { 301 } else { seconds - 1 };
    let (from, to) = (format!("X-Amz-Expires={seconds}"), format!("X-Amz-Expires={other}"));
    let text = altered.carrier().replacen(&from, &to, 1);
    altered.set_carrier(&text);
    Some(MISMATCH)
}

fn signed_headers(altered: &mut Altered) -> Option<Causes> {
    altered.request.add("unsigned", "value");
    let separator = if altered.is_url() { "%3B" } else { ";" };
    let text = altered.carrier();
    let text = text.replacen("SignedHeaders=", &format!("SignedHeaders=unsigned{separator}"), 1);
    altered.set_carrier(&text);
    Some(MISMATCH)
}
