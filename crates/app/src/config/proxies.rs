//! Networks of the proxies in front of the program, whose word on the client's address counts.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// One address, or a network in CIDR form (RFC 4632, RFC 4291 §2.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TrustedProxy {
    network: IpAddr,
    prefix: u8,
}

/// The bits before an IPv4 address that is mapped into IPv6 (RFC 4291 §2.5.5.2).
const MAPPED: u8 = 96;

/// The text is no address and no network.
#[derive(Debug, thiserror::Error)]
#[error("an IP address, or a network such as 10.0.0.0/8, is expected")]
pub struct NotANetwork;

impl TrustedProxy {
    /// Whether `address` lies in the network; an IPv4 address mapped into IPv6 is an IPv4 one.
    pub fn contains(&self, address: IpAddr) -> bool {
        let width = width(self.network);
        let address = address.to_canonical();
        let ignored = u32::from(width.saturating_sub(self.prefix));
        width == self::width(address) && kept(bits(self.network), ignored) == kept(bits(address), ignored)
    }
}

fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The leading bits, without the `ignored` last ones.
fn kept(bits: u128, ignored: u32) -> u128 {
    bits.checked_shr(ignored).unwrap_or(0)
}

impl FromStr for TrustedProxy {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let network = address.parse::<IpAddr>().ok().ok_or(NotANetwork)?;
        let prefix = match prefix {
            Some(prefix) => prefix.parse().ok().ok_or(NotANetwork)?,
            None => width(network),
        };
        if prefix > width(network) {
            return Err(NotANetwork);
        }
        match network {
            // One that is written as IPv4 over IPv6 is an IPv4 one, as the addresses are that it is compared with.
            IpAddr::V6(mapped) if mapped.to_ipv4_mapped().is_some() => {
                let prefix = prefix.checked_sub(MAPPED).ok_or(NotANetwork)?;
                Ok(Self { network: network.to_canonical(), prefix })
            }
            IpAddr::V4(_) | IpAddr::V6(_) => Ok(Self { network, prefix }),
        }
    }
}

impl fmt::Display for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

impl Serialize for TrustedProxy {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        network.parse::<TrustedProxy>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        assert!(contains("10.0.0.0/8", "10.255.0.1"));
        assert!(!contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("192.0.2.7", "192.0.2.7"));
        assert!(!contains("192.0.2.7", "192.0.2.8"));
        assert!(contains("2001:db8::/32", "2001:db8:1::1"));
        assert!(!contains("2001:db8::/32", "2001:db9::1"));
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("::/0", "2001:db8::1"));
    }

    #[test]
    fn an_ipv4_address_that_came_over_ipv6_is_recognised() {
        assert!(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(contains("::ffff:10.0.0.0/104", "::ffff:10.1.2.3"));
        assert!(!contains("::ffff:10.0.0.0/104", "11.0.0.1"));
        assert!(contains("::ffff:192.0.2.7", "192.0.2.7"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in ["", "proxy", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "::1/129", "::ffff:10.0.0.0/95"] {
            assert!(wrong.parse::<TrustedProxy>().is_err(), "{wrong} was accepted");
        }
    }
}
