//! The rules by the clauses that they hold: every test is named after its RFC's section, and tries the refusal first.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod oidc_core;
#[cfg(test)]
mod refreshing;
#[cfg(test)]
mod rfc6749;
#[cfg(test)]
mod rfc7636;
#[cfg(test)]
mod rfc7662;
#[cfg(test)]
mod scene;
