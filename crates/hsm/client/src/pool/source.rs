//! From which of this machine's addresses an HSM is connected to.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream, lookup_host};

use crate::Server;

/// Connects to an HSM from the nearest of `sources`; from whichever address the system chooses if there is none of the
/// HSM's kind.
pub(super) async fn connect(server: &Server, sources: &[IpAddr]) -> io::Result<TcpStream> {
    if sources.is_empty() {
        return TcpStream::connect(server.socket()).await;
    }
    let mut last = None;
    for address in lookup_host(server.socket()).await? {
        match connect_from(address, nearest(sources, address.ip())).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address")))
}

async fn connect_from(address: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0)).map_err(|error| {
            io::Error::new(error.kind(), format!("this machine cannot connect from {source}: {error}"))
        })?;
    }
    socket.connect(address).await
}

/// The source that has the most leading bits in common with the HSM's address.
fn nearest(sources: &[IpAddr], hsm: IpAddr) -> Option<IpAddr> {
    let of_its_kind = sources.iter().copied().filter(|source| source.is_ipv4() == hsm.is_ipv4());
    of_its_kind.max_by_key(|source| common_bits(*source, hsm))
}

const fn common_bits(one: IpAddr, other: IpAddr) -> u32 {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_nearest_source_of_the_same_kind_is_taken() {
        let sources = ["127.31.0.9", "127.31.16.9", "fd00::9"].map(ip);
        assert_eq!(nearest(&sources, ip("127.31.16.200")), Some(ip("127.31.16.9")));
        assert_eq!(nearest(&sources, ip("127.31.1.1")), Some(ip("127.31.0.9")));
        assert_eq!(nearest(&sources, ip("fd00::1")), Some(ip("fd00::9")));
        assert_eq!(nearest(&sources[..2], ip("fd00::1")), None);
    }
}
