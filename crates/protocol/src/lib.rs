//! Every OAuth, OpenID Connect and ID-porten rule, as types and pure functions: no IO, no clock, no randomness of its own.
//!
//! A request passes [`params::RawParams`], [`authorize::Addressed`], [`authorize::Validated`],
//! [`interaction::Authenticated`] and [`interaction::Granted`], each made by one function from the one before; the code comes
//! back through [`token::exchange`], whose plan is signed only when joined with the store's [`witness::Spent`].

pub mod acr;
pub mod authorize;
pub mod catalogue;
pub mod claims;
pub mod client;
pub mod evidence;
pub mod features;
pub mod grant;
pub mod interaction;
pub mod issuer;
pub mod language;
pub mod organisation;
pub mod params;
pub mod person;
pub mod pkce;
pub mod profile;
pub mod provider;
pub mod redirect_uri;
pub mod refusal;
pub mod registration;
pub mod scope;
pub mod secret;
pub mod subject;
pub mod time;
pub mod token;
pub mod userinfo;
pub mod well_known;
pub mod witness;
