//! Hosts, as `Host` headers and web origins name them, and which of them are this machine.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Characters of a DNS name.
const NAME_LENGTH: usize = 253;

/// Labels of names that are S3's own, before `localhost` or Amazon's domain; what else is there is a bucket's name.
const S3: &str = "s3";
const OURS: &str = "strongroom";

/// A host and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host<'t> {
    /// A DNS name, an IPv4 address, or an IPv6 address in brackets.
    pub(crate) name: &'t str,
    pub(crate) port: Option<u16>,
}

impl<'t> Host<'t> {
    /// Reads `name` or `name:port`. `None` for all else, also for names with user information or a path: what
    /// such a text ends with says nothing of where it leads.
    pub(crate) fn parse(text: &'t str) -> Option<Self> {
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(parse_port(port)?)),
            _ => (text, None),
        };
        is_name(name).then_some(Self { name, port })
    }

    /// Whether the name can lead to no machine but this one: loopback addresses (RFC 1122, RFC 4291), and the
    /// names that browsers never ask a name server for (RFC 6761).
    pub(crate) fn is_loopback(&self) -> bool {
        if let Some(address) = in_brackets(self.name) {
            return address.is_ok_and(|address| address.is_loopback());
        }
        if let Ok(address) = self.name.parse::<Ipv4Addr>() {
            return address.is_loopback();
        }
        self.name.rsplit('.').next().is_some_and(|label| label.eq_ignore_ascii_case("localhost"))
    }

    /// Whether the name is a bucket's address: `bucket.localhost`, `bucket.s3.localhost`, `bucket.s3.eu-west-1.amazonaws.com`.
    /// Of other domains nobody knows here where the server's own name begins.
    pub(crate) fn is_of_bucket(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        let before = |domain| name.strip_suffix(domain);
        let is_of_s3 = |first: &str| first == S3 || first.starts_with("s3-");
        let first = |labels: &str| labels.split('.').next().is_some_and(is_of_s3);
        match (before(".localhost"), before(".amazonaws.com")) {
            (Some(labels), _) => labels != OURS && !first(labels),
            (None, Some(labels)) => !first(labels) && labels.split('.').any(is_of_s3),
            (None, None) => false,
        }
    }
}

fn parse_port(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn is_name(text: &str) -> bool {
    if let Some(address) = in_brackets(text) {
        return address.is_ok();
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let ends_in_number =
        text.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    text.len() <= NAME_LENGTH
        && text.split('.').all(is_label)
        && (!ends_in_number || text.parse::<Ipv4Addr>().is_ok())
}

/// The address in brackets, if there are any.
fn in_brackets(text: &str) -> Option<Result<Ipv6Addr, std::net::AddrParseError>> {
    Some(text.strip_prefix('[')?.strip_suffix(']')?.parse())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_told_from_those_that_look_like_it() {
        for text in [
            "localhost",
            "localhost:4566",
            "LocalHost",
            "console.localhost:1",
            "a.b.localhost",
            "127.0.0.1",
            "127.255.255.254:65535",
            "[::1]",
            "[::1]:80",
            "[0:0::1]:80",
        ] {
            assert!(Host::parse(text).is_some_and(|host| host.is_loopback()), "{text}");
        }
        for text in [
            "example.com",
            "localhost.example.com",
            "notlocalhost",
            "128.0.0.1",
            "127.0.0.1.example.com",
            "[::2]:80",
            "[::ffff:8.8.8.8]",
        ] {
            assert!(Host::parse(text).is_some_and(|host| !host.is_loopback()), "{text}");
        }
    }

    #[test]
    fn addresses_of_buckets_are_told_from_those_of_servers() {
        for text in [
            "b.localhost:4566",
            "my.bucket.localhost",
            "B.S3.localhost",
            "b.strongroom.localhost",
            "b.s3.amazonaws.com",
            "b.s3.eu-west-1.amazonaws.com",
            "b.s3-eu-west-1.amazonaws.com",
        ] {
            assert!(Host::parse(text).is_some_and(|host| host.is_of_bucket()), "{text}");
        }
        for text in [
            "localhost:4566",
            "strongroom.localhost",
            "s3.localhost",
            "s3.eu-west-1.localhost",
            "127.0.0.1:4566",
            "[::1]",
            "strongroom.example.com",
            "s3.amazonaws.com",
            "s3.eu-west-1.amazonaws.com",
            "kms.eu-west-1.amazonaws.com",
        ] {
            assert!(Host::parse(text).is_some_and(|host| !host.is_of_bucket()), "{text}");
        }
    }

    #[test]
    fn what_names_no_host_is_not_read() {
        for text in [
            "",
            ":80",
            "localhost:",
            "localhost:x",
            "localhost:+80",
            "localhost:65536",
            "localhost:1:2",
            "me@localhost",
            "example.com/.localhost",
            "example.com#.localhost",
            "a b.localhost",
            ".localhost",
            "localhost.",
            "127.0.0.01",
            "127.1",
            "1.2.3.4.5",
            "::1",
            "[::1",
            "[]",
            "[localhost]",
            "[::1]x",
            "[fe80::1%eth0]",
            &format!("{}.localhost", "a.".repeat(125)),
        ] {
            assert_eq!(Host::parse(text), None, "{text}");
        }
    }
}
