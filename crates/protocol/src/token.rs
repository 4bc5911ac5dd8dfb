//! The token endpoint (RFC 6749 §3.2, §4.1.3): who asks, what they bring, and the plan of what they get. A plan is signed
//! only when it is joined with the store's word that the code was spent.

mod authenticate;
mod exchange;
mod faults;

pub use authenticate::{ClientProof, Credentials, authenticate, credentials};
pub use exchange::{CodeRequest, Draws, Issuance, Signed, TokenPlan, code_request, exchange};
pub use faults::{ClientFault, GrantFault, TokenFault};
