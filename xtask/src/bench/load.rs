//! The load: so many connections, each with a thread of its own, that share out a list of operations.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::client::{Connection, Miss, RelyingParty, Tokens};

/// Open connections to one server.
pub(super) struct Load {
    connections: Vec<Connection>,
}

impl Load {
    /// Opens `count` connections, so that none is opened while something is measured.
    ///
    /// # Errors
    /// Nobody listens there.
    pub(super) fn open(authority: &str, count: usize) -> Result<Self, String> {
        let mut connections: Vec<_> = (0..count).map(|_| Connection::to(authority)).collect();
        for connection in &mut connections {
            connection.open().map_err(|why| format!("{authority}: {why}"))?;
        }
        Ok(Self { connections })
    }

    /// Does `operation` with each of `items`, over all connections at once; the answers come in no order.
    ///
    /// # Errors
    /// The first miss of each connection, which ends its part: a row is of operations that went well.
    pub(super) fn each<I, T>(
        &mut self,
        items: &[I],
        operation: impl Fn(&mut Connection, &I) -> Result<T, Miss> + Sync,
    ) -> Result<Vec<T>, String>
    where
        I: Sync,
        T: Send,
    {
        let next = AtomicUsize::new(0);
        let (next, operation) = (&next, &operation);
        std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .connections
                .iter_mut()
                .map(|connection| {
                    scope.spawn(move || {
                        std::iter::from_fn(|| items.get(next.fetch_add(1, Ordering::Relaxed)))
                            .map(|item| operation(connection, item))
                            .collect::<Result<Vec<T>, Miss>>()
                    })
                })
                .collect();
            let mut all = Vec::with_capacity(items.len());
            for thread in threads {
                let part = thread.join().map_err(|_| "a thread of the load panicked")?;
                all.extend(part.map_err(|miss| miss.to_string())?);
            }
            Ok(all)
        })
    }

    /// One login for each of `pids`: from the authorization request to the code.
    ///
    /// # Errors
    /// A login went wrong.
    pub(super) fn log_in(&mut self, party: &RelyingParty, pids: &[&str]) -> Result<Vec<String>, String> {
        self.each(pids, |connection, pid| party.log_in(connection, pid))
    }

    /// Redeems every code.
    ///
    /// # Errors
    /// A code was refused.
    pub(super) fn redeem(&mut self, party: &RelyingParty, codes: &[String]) -> Result<Vec<Tokens>, String> {
        self.each(codes, |connection, code| party.redeem(connection, code))
    }

    /// One login for each of `pids`, and the tokens that it gives.
    ///
    /// # Errors
    /// A login or a redemption went wrong.
    pub(super) fn tokens(&mut self, party: &RelyingParty, pids: &[&str]) -> Result<Vec<Tokens>, String> {
        let codes = self.log_in(party, pids)?;
        self.redeem(party, &codes)
    }

    /// Uses the refresh token of each.
    ///
    /// # Errors
    /// One was refused, or is not there.
    pub(super) fn refresh(&mut self, party: &RelyingParty, tokens: &[Tokens]) -> Result<Vec<Tokens>, String> {
        self.each(tokens, |connection, tokens| {
            party.refresh(connection, tokens.refresh_token.as_deref().unwrap_or_default())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_done_once_whoever_does_it() {
        let mut load = Load { connections: (0..7).map(|_| Connection::to("localhost:1")).collect() };
        let items: Vec<usize> = (0..1000).collect();
        let mut done = load.each(&items, |_, item| Ok(*item)).unwrap();
        done.sort_unstable();
        assert_eq!(done, items);
    }

    #[test]
    fn one_miss_fails_the_whole() {
        let mut load = Load { connections: vec![Connection::to("localhost:1")] };
        let lost = |_: &mut Connection, item: &u8| {
            if *item == 2 { Err(Miss::Lost(std::io::ErrorKind::UnexpectedEof.into())) } else { Ok(()) }
        };
        assert!(load.each(&[1, 2, 3], lost).is_err());
        assert!(load.each(&[1, 3], lost).is_ok());
    }
}
