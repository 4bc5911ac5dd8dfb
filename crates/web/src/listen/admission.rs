//! How many connections there may be, in all and from one network.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::Limits;

/// Counts connections against `Limits::connections` and `Limits::connections_per_address`.
#[derive(Clone, Default)]
pub(super) struct Admission {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    all: u32,
    // The standard map hashes with a random key, so a peer cannot choose colliding addresses.
    by_network: HashMap<IpAddr, u32>,
}

/// A connection's place, given back when dropped.
pub(super) struct Permit {
    admission: Admission,
    network: Option<IpAddr>,
}

impl Admission {
    /// A place for a connection from `address`, or `None` when a cap is reached. Trusted proxies carry many
    /// people and are held by the cap over all only.
    pub(super) fn admit(&self, address: IpAddr, trusted: bool, limits: &Limits) -> Option<Permit> {
        let network = (!trusted).then(|| network(address));
        let mut counts = self.lock();
        if counts.all >= limits.connections {
            return None;
        }
        if let Some(network) = network {
            let here = counts.by_network.entry(network).or_insert(0);
            if *here >= limits.connections_per_address {
                return None;
            }
            *here += 1;
        }
        counts.all += 1;
        drop(counts);
        Some(Permit { admission: self.clone(), network })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Two counters cannot be left half-written by a panic that has nothing to do with them.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.admission.lock();
        counts.all = counts.all.saturating_sub(1);
        let Some(network) = self.network else { return };
        let left = counts.by_network.get(&network).map_or(0, |here| here.saturating_sub(1));
        if left == 0 {
            counts.by_network.remove(&network);
        } else {
            counts.by_network.insert(network, left);
        }
    }
}

/// One subscriber: an IPv4 address, or the /64 that an IPv6 host picks its addresses from at will.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_over_its_cap_waits_for_its_own_to_leave() {
        let limits = Limits { connections: 4, connections_per_address: 2, ..Limits::default() };
        let admission = Admission::default();
        let admit = |address: &str| admission.admit(address.parse().unwrap(), false, &limits);
        let first = admit("2001:db8::1").unwrap();
        let second = admit("2001:db8::2").unwrap();
        assert!(admit("2001:db8::3").is_none(), "same /64");
        let other = admit("2001:db8:0:1::1").unwrap();
        let proxy = admission.admit("10.0.0.1".parse().unwrap(), true, &limits).unwrap();
        assert!(admit("192.0.2.7").is_none(), "all places taken");
        drop(first);
        let again = admit("2001:db8::3").unwrap();
        drop((second, other, proxy, again));
        let counts = admission.lock();
        assert_eq!((counts.all, counts.by_network.len()), (0, 0), "nothing is kept of those who left");
    }

    #[test]
    fn a_trusted_proxy_is_held_by_the_cap_over_all_only() {
        let limits = Limits { connections: 3, connections_per_address: 1, ..Limits::default() };
        let admission = Admission::default();
        let proxy = "10.0.0.1".parse().unwrap();
        let permits: Vec<_> = (0..4).map(|_| admission.admit(proxy, true, &limits)).collect();
        assert_eq!(permits.iter().flatten().count(), 3);
    }
}
