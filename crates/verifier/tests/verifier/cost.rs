//! What a verdict costs: the figures in `docs/performance.md`, from `cargo test --release -p portvakt-verifier cost -- --nocapture`.

use std::time::Instant;

use portvakt_verifier::{Keys, Kind};
use serde_json::json;

use crate::expectation::{access_token, expected, id_token};
use crate::signing::{jwk_set, keys, published, signed};

/// The median of what `work` takes, in microseconds.
fn median(mut work: impl FnMut()) -> u128 {
    let mut taken: Vec<u128> = (0..201)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed().as_micros()
        })
        .collect();
    taken.sort_unstable();
    taken[taken.len() / 2]
}

#[test]
fn cost_of_a_verdict() {
    let (keys, token) = (keys(), signed(&id_token()));
    let response = json!({
        "access_token": signed(&access_token()), "token_type": "Bearer", "expires_in": 600, "id_token": token,
        "scope": "openid profile",
    });
    let (response, set) = (response.to_string(), jwk_set(&[published().jwk()]));
    println!("an ID token: {} µs", median(|| keys.verify(Kind::IdToken, &token, &expected()).unwrap()));
    println!(
        "a response with two tokens: {} µs",
        median(|| keys.verify_response(response.as_bytes(), &expected()).unwrap())
    );
    println!(
        "a JWK Set of one key, once for each change of keys: {} µs",
        median(|| drop(Keys::parse(&set).unwrap()))
    );
}
