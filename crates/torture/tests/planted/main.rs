//! Bugs that are planted in the store are found, each within seconds; and the same runs without them find nothing.

#[cfg(test)]
mod scenes;
