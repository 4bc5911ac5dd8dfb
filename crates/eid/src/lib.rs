//! The electronic IDs a person logs in with. Each yields [`Evidence`](portvakt_protocol::evidence::Evidence), never a session.

pub mod test_id;
