//! The client's address: believed from `X-Forwarded-For` only behind configured proxies.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, X_FORWARDED_FOR};

use crate::config::TrustedProxy;

const FORWARDED: HeaderName = X_FORWARDED_FOR;

/// The address that the request came from: the peer's, or the nearest one in `X-Forwarded-For`
/// that is no trusted proxy when the peer is one.
pub fn client_address(peer: Option<IpAddr>, headers: &HeaderMap, proxies: &[TrustedProxy]) -> Option<IpAddr> {
    let trusted = |address: IpAddr| proxies.iter().any(|proxy| proxy.contains(address));
    let mut nearest = peer?.to_canonical();
    if !trusted(nearest) {
        return Some(nearest);
    }
    let lines: Vec<&HeaderValue> = headers.get_all(FORWARDED).collect();
    // Nothing is skipped: what stands before something that cannot be read is anybody's word.
    for hop in lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')) {
        let Some(address) = parse(hop) else { break };
        nearest = address;
        if !trusted(address) {
            break;
        }
    }
    Some(nearest)
}

/// An address, perhaps in brackets and with a port, as proxies write it.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let address = hop.parse::<IpAddr>().or_else(|_| hop.trim_matches(['[', ']']).parse());
    let address = address.or_else(|_| hop.parse::<std::net::SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// The address as it may be kept: an IPv4 one to /24, an IPv6 one to /48.
pub fn truncated(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & !0xff).to_string(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 80 << 80).to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let lines: Vec<&[u8]> = forwarded.iter().map(|line| line.as_bytes()).collect();
        client_of(peer, &lines)
    }

    fn client_of(peer: &str, forwarded: &[&[u8]]) -> String {
        let proxies = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED, HeaderValue::from_bytes(line).unwrap());
        }
        client_address(Some(peer.parse().unwrap()), &headers, &proxies).unwrap().to_string()
    }

    #[test]
    fn strangers_cannot_claim_an_address() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn behind_proxies_the_nearest_stranger_counts() {
        assert_eq!(client("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["1.2.3.4", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("::1", &["[2001:db8::5]:4711"]), "2001:db8::5");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.1, nonsense"]), "10.0.0.1");
    }

    #[test]
    fn a_line_that_cannot_be_read_hides_nothing_and_lends_nothing_credit() {
        let ours: &[u8] = b"192.0.2.9, \xe9, 198.51.100.1";
        assert_eq!(client_of("10.0.0.1", &[ours]), "198.51.100.1", "what a proxy has added still counts");
        let unreadable: &[u8] = b"198.51.100.1\xe9";
        assert_eq!(client_of("10.0.0.1", &[b"192.0.2.9", unreadable]), "10.0.0.1", "an earlier line is not believed");
        assert_eq!(client_of("10.0.0.1", &[b"192.0.2.9", b"\xff", b"10.0.0.2"]), "10.0.0.2");
        assert_eq!(client("10.0.0.1", &["192.0.2.9", ""]), "10.0.0.1");
    }

    #[test]
    fn only_the_network_is_kept() {
        assert_eq!(truncated("203.0.113.9".parse().unwrap()), "203.0.113.0");
        assert_eq!(truncated("2001:db8:1:2:3::4".parse().unwrap()), "2001:db8:1::");
    }
}
