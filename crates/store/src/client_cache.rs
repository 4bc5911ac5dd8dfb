//! Clients that were parsed already. An entry is of the generation that was current before its rows were read, and holds as
//! long as that generation is: whatever changes the registry ends every entry at once, exactly.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock};

use portvakt_protocol::client::{Client, ClientId};

use crate::verbs::Generation;

/// Parts of the cache, each with a lock of its own, so that two requests rarely touch one.
const SHARDS: usize = 16;

/// Entries per part; 16,384 clients of an issuer in all. A full part is emptied and fills again: simpler than knowing which
/// entry is the oldest, and rarer than the registry's changes.
const PER_SHARD: usize = 1024;

/// One issuer's clients. An entry may say that there is none: a registration that does not parse is not parsed again.
#[derive(Debug)]
pub(crate) struct ClientCache {
    hasher: RandomState,
    shards: [RwLock<HashMap<ClientId, Entry>>; SHARDS],
}

#[derive(Clone, Debug)]
struct Entry {
    of: Generation,
    client: Option<Arc<Client>>,
}

impl ClientCache {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), shards: Default::default() }
    }

    /// What is known of a client in this generation; the outer `None`: nothing.
    pub(crate) fn get(&self, client_id: &ClientId, now: Generation) -> Option<Option<Arc<Client>>> {
        let shard = self.shard(client_id)?.read().unwrap_or_else(PoisonError::into_inner);
        #[cfg(feature = "danger-faults")]
        if crate::planted::is(crate::Bug::KeepsCopies) {
            return shard.get(client_id).map(|entry| entry.client.clone());
        }
        shard.get(client_id).filter(|entry| entry.of == now).map(|entry| entry.client.clone())
    }

    /// Remembers a client. `of` is the generation from before its rows were read.
    pub(crate) fn put(&self, client_id: ClientId, of: Generation, client: Option<Arc<Client>>) {
        let Some(shard) = self.shard(&client_id) else { return };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= PER_SHARD && !shard.contains_key(&client_id) {
            shard.clear();
        }
        shard.insert(client_id, Entry { of, client });
    }

    fn shard(&self, client_id: &ClientId) -> Option<&RwLock<HashMap<ClientId, Entry>>> {
        let hash = self.hasher.hash_one(client_id).to_le_bytes();
        self.shards.get(usize::from(hash[0]) % SHARDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_another_generation_is_none() {
        let cache = ClientCache::new();
        let id = ClientId::parse("a").unwrap();
        cache.put(id.clone(), Generation(1), None);
        assert!(cache.get(&id, Generation(2)).is_none());
        assert!(cache.get(&id, Generation(0)).is_none());
        assert!(cache.get(&id, Generation(1)).is_some());
    }

    #[test]
    fn it_stays_bounded() {
        let cache = ClientCache::new();
        for number in 0..3 * SHARDS * PER_SHARD {
            cache.put(ClientId::parse(&format!("c{number}")).unwrap(), Generation(1), None);
        }
        assert!(cache.shards.iter().all(|shard| shard.read().unwrap().len() <= PER_SHARD));
    }
}
