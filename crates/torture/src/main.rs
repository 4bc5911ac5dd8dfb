//! The long proofs on the store's own verbs, as processes that a torture run starts and may kill.

fn main() {}
