//! Where persons stand, as far as it was read already: each use of a token asks. An entry is of the generation that was current before
//! its rows were read, and holds as long as that generation is, as with clients. Whoever is in no pool is not remembered, or strangers'
//! numbers could fill it.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{PoisonError, RwLock};

use portvakt_protocol::person::PersonHandle;
use portvakt_protocol::provider::{PersonStanding, Pool};

use crate::verbs::Generation;

/// Parts of it, each with a lock of its own, so that two requests rarely touch one.
const SHARDS: usize = 16;

/// Entries per part: 65,536 persons of a set of pools in all, 4 MiB. A full part is emptied and fills again.
const PER_SHARD: usize = 4096;

/// Sets of pools: an issuer has one.
const SETS: usize = 64;

/// What is known of persons, by the set of pools that was asked about.
#[derive(Debug, Default)]
pub(crate) struct StandingCache(RwLock<HashMap<Vec<Pool>, std::sync::Arc<Persons>>>);

#[derive(Debug)]
struct Persons {
    hasher: RandomState,
    shards: [RwLock<HashMap<PersonHandle, (Generation, PersonStanding)>>; SHARDS],
}

impl StandingCache {
    /// Where a person stands in these pools, if it is known in this generation.
    pub(crate) fn get(
        &self,
        pools: &[Pool],
        person: &PersonHandle,
        now: Generation,
    ) -> Option<PersonStanding> {
        let sets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let shard = sets.get(pools)?.shard(person)?.read().unwrap_or_else(PoisonError::into_inner);
        shard.get(person).filter(|(of, _)| *of == now).map(|(_, standing)| *standing)
    }

    /// Remembers where a person stands. `of` is the generation from before the rows were read.
    pub(crate) fn put(
        &self,
        pools: &[Pool],
        person: PersonHandle,
        (of, standing): (Generation, PersonStanding),
    ) {
        if standing == PersonStanding::Unassigned {
            return;
        }
        let persons = {
            let mut sets = self.0.write().unwrap_or_else(PoisonError::into_inner);
            if sets.len() >= SETS && !sets.contains_key(pools) {
                sets.clear();
            }
            sets.entry(pools.to_vec()).or_default().clone()
        };
        let Some(shard) = persons.shard(&person) else { return };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= PER_SHARD && !shard.contains_key(&person) {
            shard.clear();
        }
        shard.insert(person, (of, standing));
    }
}

impl Default for Persons {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: Default::default() }
    }
}

impl Persons {
    fn shard(
        &self,
        person: &PersonHandle,
    ) -> Option<&RwLock<HashMap<PersonHandle, (Generation, PersonStanding)>>> {
        let hash = self.hasher.hash_one(person).to_le_bytes();
        self.shards.get(usize::from(hash[0]) % SHARDS)
    }
}

#[cfg(test)]
mod tests {
    use portvakt_crypto::digest::HmacKey;
    use portvakt_protocol::person::Pid;

    use super::*;

    fn person(pid: &str) -> PersonHandle {
        PersonHandle::of(&Pid::parse(pid).unwrap(), &HmacKey::from_bytes([1; 32]))
    }

    #[test]
    fn an_entry_of_another_generation_or_of_other_pools_is_none() {
        let cache = StandingCache::default();
        let (pools, other) = ([Pool("a".into()), Pool("b".into())], [Pool("a".into())]);
        let kari = person("21879498012");
        cache.put(&pools, kari, (Generation(1), PersonStanding::Active));
        assert_eq!(cache.get(&pools, &kari, Generation(2)), None);
        assert_eq!(cache.get(&pools, &kari, Generation(0)), None);
        assert_eq!(cache.get(&other, &kari, Generation(1)), None);
        assert_eq!(cache.get(&pools, &person("20914695016"), Generation(1)), None);
        assert_eq!(cache.get(&pools, &kari, Generation(1)), Some(PersonStanding::Active));
    }

    #[test]
    fn whoever_is_in_no_pool_is_not_remembered() {
        let cache = StandingCache::default();
        let kari = person("21879498012");
        cache.put(&[], kari, (Generation(1), PersonStanding::Unassigned));
        assert_eq!(cache.get(&[], &kari, Generation(1)), None);
    }
}
