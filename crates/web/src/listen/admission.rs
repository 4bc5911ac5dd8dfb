//! How many connections there may be, in all and from one network. Each node counts its own: what is bounded is what a process holds.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::Limits;

/// Counts connections against `Limits::connections` and `Limits::connections_per_address`. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    all: u32,
    // The standard map hashes with a random key, so a peer cannot choose colliding addresses.
    by_network: HashMap<IpAddr, u32>,
}

/// A connection's place among a request's extensions: who holds a clone keeps it taken. A request that goes on after its
/// connection has gone holds one, so that hanging up frees no place for more of the same.
#[derive(Clone, Debug)]
pub struct Place(#[expect(dead_code, reason = "held, not read")] Arc<Permit>);

impl Place {
    pub(super) fn of(permit: Permit) -> Self {
        Self(Arc::new(permit))
    }
}

/// A connection's place, given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    admission: Admission,
    network: Option<IpAddr>,
}

impl Admission {
    /// The places of a process that serves: raises the soft limit of open files as far as the system lets us, since every
    /// connection takes one, and says so if that is not far enough for `limits`.
    #[must_use]
    pub fn of_process(limits: &Limits) -> Self {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        // Beside connections: the database, the log, listeners, certificates.
        let needed = u64::from(limits.connections) + 64;
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = maximum.map_or(needed, |maximum| maximum.min(needed));
        let enough = current.is_none_or(|current| current >= needed);
        if !enough {
            let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
            if raised.is_err() || wanted < needed {
                let allowed = if raised.is_ok() { Some(wanted) } else { current };
                tracing::warn!(target: "http", needed, allowed, "too few open files for the connections allowed: raise the limit (ulimit -n, LimitNOFILE)");
            }
        }
        Self::default()
    }

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
