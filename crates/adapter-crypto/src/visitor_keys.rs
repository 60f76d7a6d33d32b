//! What stands for a visitor of an article on one day.
use std::net::IpAddr;

use huntzen_tenancy::content::{DaySalt, Visitor, VisitorKey, VisitorKeys};

use crate::refresh_token::authenticate;

/// No client says more about itself than this; what is longer is cut.
const LONGEST_CLIENT: usize = 1024;

/// Derives keys with HMAC-SHA-256 (RFC 2104, FIPS 180-4) under the day's salt.
#[derive(Clone, Copy, Debug, Default)]
pub struct HmacVisitorKeys;

impl VisitorKeys for HmacVisitorKeys {
    fn key(&self, salt: &DaySalt, visitor: &Visitor) -> VisitorKey {
        let client: Vec<u8> = visitor.client.bytes().take(LONGEST_CLIENT).collect();
        // The address comes first and in a length of its own, so that no two visitors spell the same.
        let mut message = network(visitor.address).to_vec();
        message.extend(client);
        VisitorKey(authenticate(&salt.salt, &message))
    }
}

/// Where the visitor is: an IPv4 address, or the /64 network of an IPv6 one.
fn network(address: Option<IpAddr>) -> [u8; 17] {
    let (kind, bits) = match address.map(|address| address.to_canonical()) {
        None => (0, 0),
        Some(IpAddr::V4(address)) => (4, u128::from(address.to_bits())),
        Some(IpAddr::V6(address)) => (6, address.to_bits() >> 64 << 64),
    };
    let mut network = [kind; 17];
    for (place, byte) in network.iter_mut().skip(1).zip(bits.to_be_bytes()) {
        *place = byte;
    }
    network
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::date;

    use super::*;

    fn key(salt: u8, address: Option<&str>, client: &str) -> VisitorKey {
        let salt = DaySalt { day: date(2027, 1, 4), salt: [salt; 32] };
        let visitor = Visitor { address: address.map(|text| text.parse().unwrap()), client: client.to_owned() };
        HmacVisitorKeys.key(&salt, &visitor)
    }

    #[test]
    fn the_same_visitor_is_one_for_a_day() {
        let one = key(1, Some("203.0.113.9"), "Firefox");
        assert_eq!(key(1, Some("203.0.113.9"), "Firefox"), one);
        assert_eq!(key(1, Some("::ffff:203.0.113.9"), "Firefox"), one, "IPv4 over IPv6");
        for other in [
            key(2, Some("203.0.113.9"), "Firefox"),
            key(1, Some("203.0.113.8"), "Firefox"),
            key(1, Some("203.0.113.9"), "Chrome"),
            key(1, None, "Firefox"),
        ] {
            assert_ne!(other, one);
        }
        let home = key(1, Some("2001:db8:1:2::1"), "Firefox");
        assert_eq!(key(1, Some("2001:db8:1:2:ffff::9"), "Firefox"), home, "within one network");
        assert_ne!(key(1, Some("2001:db8:1:3::1"), "Firefox"), home);
    }

    #[test]
    fn what_a_client_says_is_cut() {
        let long = "x".repeat(LONGEST_CLIENT);
        assert_eq!(key(1, None, &long), key(1, None, &format!("{long}y")));
        assert_ne!(key(1, None, &long), key(1, None, &"x".repeat(LONGEST_CLIENT - 1)));
    }

    #[test]
    fn nothing_of_a_visitor_is_shown() {
        let visitor = Visitor { address: Some("203.0.113.9".parse().unwrap()), client: "Firefox".to_owned() };
        let shown = format!("{visitor:?} {:?}", key(1, visitor.address.map(|_| "203.0.113.9"), "Firefox"));
        assert!(!shown.contains("203") && !shown.contains("Firefox"), "{shown}");
    }
}
