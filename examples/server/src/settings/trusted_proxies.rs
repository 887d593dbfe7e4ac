//! The reverse proxies whose word about a client's address is taken.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// The networks of trusted reverse proxies.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct TrustedProxies {
    networks: Vec<Network>,
}

/// An address, or a network such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u8,
}

impl TrustedProxies {
    /// Takes networks.
    pub(crate) const fn new(networks: Vec<Network>) -> Self {
        Self { networks }
    }

    /// The client's address: the peer's own, or where that is a trusted proxy the last address in
    /// `X-Forwarded-For` that is not.
    pub(crate) fn client<'a>(
        &self,
        peer: IpAddr,
        forwarded: impl DoubleEndedIterator<Item = &'a str>,
    ) -> IpAddr {
        let mut client = peer.to_canonical();
        for hop in forwarded.rev().flat_map(|line| line.rsplit(',')) {
            if !self.contains(client) {
                break;
            }
            let Some(address) = address(hop.trim()) else {
                break;
            };
            client = address.to_canonical();
        }
        client
    }

    /// The networks as they are written.
    pub(crate) fn texts(&self) -> Vec<String> {
        let text = |network: &Network| format!("{}/{}", network.address, network.prefix);
        self.networks.iter().map(text).collect()
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(address))
    }
}

/// An address as proxies write it: bare, or with a port, in which case IPv6 stands in brackets.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop
        .strip_prefix('[')
        .and_then(|hop| hop.strip_suffix(']'))
        .unwrap_or(hop);
    let with_port = || Some(hop.parse::<SocketAddr>().ok()?.ip());
    bare.parse().ok().or_else(with_port)
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let (network, address, bits) = match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => (
                u128::from(network.to_bits()),
                u128::from(address.to_bits()),
                32,
            ),
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                (network.to_bits(), address.to_bits(), 128)
            }
            _ => return false,
        };
        // A shift by all 128 bits overflows, and then everything is in the network.
        let shift = bits - u32::from(self.prefix);
        (network ^ address).checked_shr(shift).unwrap_or(0) == 0
    }
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "it is an address or a network such as 10.0.0.0/8";
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| WRONG)?;
        let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), |prefix| prefix.parse().map_err(|_| WRONG))?;
        if prefix > bits {
            return Err(WRONG);
        }
        Ok(Self { address, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(networks: &[&str]) -> TrustedProxies {
        TrustedProxies::new(networks.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn client(proxies: &TrustedProxies, peer: &str, forwarded: &[&str]) -> String {
        let client = proxies.client(peer.parse().unwrap(), forwarded.iter().copied());
        client.to_string()
    }

    #[test]
    fn nobody_is_trusted_by_default() {
        let proxies = TrustedProxies::default();
        assert_eq!(
            client(&proxies, "192.0.2.1", &["198.51.100.9"]),
            "192.0.2.1"
        );
    }

    #[test]
    fn the_last_untrusted_hop_counts() {
        let proxies = proxies(&["10.0.0.0/8", "2001:db8::/32"]);
        let forwarded = ["203.0.113.5, 198.51.100.9", "10.1.1.1"];
        assert_eq!(client(&proxies, "10.2.2.2", &forwarded), "198.51.100.9");
        // The client's own claim in front of the proxy's word changes nothing.
        assert_eq!(client(&proxies, "192.0.2.1", &forwarded), "192.0.2.1");
        assert_eq!(
            client(&proxies, "::ffff:10.2.2.2", &["198.51.100.9"]),
            "198.51.100.9"
        );
        assert_eq!(
            client(&proxies, "2001:db8::1", &["2001:db9::1"]),
            "2001:db9::1"
        );
        assert_eq!(client(&proxies, "10.2.2.2", &["nonsense"]), "10.2.2.2");
        for (hop, address) in [
            ("203.0.113.5:4711", "203.0.113.5"),
            ("[2001:db9::1]", "2001:db9::1"),
            ("[2001:db9::1]:443", "2001:db9::1"),
        ] {
            assert_eq!(client(&proxies, "10.2.2.2", &[hop]), address);
        }
    }

    #[test]
    fn networks_are_checked() {
        for wrong in [
            "",
            "proxy",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "::/129",
            "10.0.0.0/8/8",
        ] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert_eq!(
            client(&proxies(&["0.0.0.0/0"]), "192.0.2.1", &["198.51.100.9"]),
            "198.51.100.9"
        );
        assert_eq!(
            client(&proxies(&["::/0"]), "::1", &["198.51.100.9"]),
            "198.51.100.9"
        );
    }
}
