//! web
pub mod listen;
