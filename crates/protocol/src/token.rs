//! The token endpoint (RFC 6749 §3.2), and the two beside it where clients authenticate as here: who asks, what they bring, and the
//! plan of what they get. A plan is signed only when it is joined with the store's word that what was brought is spent.

mod authenticate;
mod client_fault;
mod exchange;
mod faults;
mod introspect;
mod plan;
mod refresh;
mod standing;

pub use authenticate::{ClientProof, Credentials, authenticate, credentials};
pub use client_fault::ClientFault;
pub use exchange::{CodePlan, CodeRequest, exchange};
pub use faults::{GrantFault, RefreshFault, TokenFault};
pub use introspect::{Inactive, Reason, Tokeninfo, introspect, presented_token, tokeninfo};
pub use plan::{Draws, Issuance, Signed};
pub use refresh::{RefreshPlan, RefreshRequest, Turn, refresh};
pub use standing::Halted;
pub(crate) use standing::{client_of, stands, taken_back};

use crate::params::RawParams;

/// A parsed token request: what the client brings.
#[derive(Debug)]
pub enum TokenRequest {
    /// A code (RFC 6749 §4.1.3).
    Code(CodeRequest),
    /// A refresh token (RFC 6749 §6).
    Refresh(RefreshRequest),
}

impl TokenRequest {
    /// Parses a token request.
    ///
    /// # Errors
    /// [`TokenFault`] names the parameter that is missing or not supported. Repeated ones were refused with the credentials.
    pub fn parse(params: &RawParams) -> Result<Self, TokenFault> {
        let grant_type = params.first("grant_type").ok_or(TokenFault::GrantTypeMissing)?;
        match grant_type {
            "authorization_code" => CodeRequest::parse(params).map(Self::Code),
            "refresh_token" => RefreshRequest::parse(params).map(Self::Refresh),
            other => Err(TokenFault::GrantType(other.to_owned())),
        }
    }
}
