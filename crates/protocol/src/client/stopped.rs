//! Why a registered client may not be used at present, or a scope not by it; and what was expected instead.

use crate::scope::AccessState;

/// Why a client may not be used at present, though it is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The client was deactivated.
    ClientDeactivated,
    /// Its organisation withdrew, was deactivated, or has accepted no terms.
    OrganisationStopped,
    /// The same of the supplier that runs it.
    SupplierStopped,
}

impl Stopped {
    /// The client that was expected instead.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::ClientDeactivated => "an active client",
            Self::OrganisationStopped => {
                "a client of an active organisation that has accepted the terms of use"
            }
            Self::SupplierStopped => "a client whose supplier is active and has accepted the terms of use",
        }
    }

    /// What to do about it.
    pub(crate) fn fix(self) -> &'static str {
        match self {
            Self::ClientDeactivated => "activate the client",
            Self::OrganisationStopped => "activate the organisation, or have it accept the terms of use",
            Self::SupplierStopped => {
                "activate the supplier, have it accept the terms of use, or take it off the client"
            }
        }
    }
}

/// Why a client may not use a scope now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeRefused {
    /// It is not registered on the client.
    NotRegistered,
    /// It was deactivated for all.
    Deactivated,
    /// The client's organisation has no access to it: what was last said of that, if anything was.
    NotGranted(Option<AccessState>),
    /// It is not for clients of this integration type.
    IntegrationType,
}

impl ScopeRefused {
    /// The scopes that were expected instead, of a client that could use this one before.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::NotRegistered => "scopes that are still registered on the client",
            Self::Deactivated => "scopes that are in use",
            Self::NotGranted(Some(AccessState::Requested)) => {
                "scopes that the client's organisation may still use: its access was asked for, and not answered"
            }
            Self::NotGranted(Some(AccessState::Denied)) => {
                "scopes that the client's organisation may still use: its access was denied"
            }
            Self::NotGranted(Some(AccessState::Withdrawn)) => {
                "scopes that the client's organisation may still use: its access was withdrawn"
            }
            Self::NotGranted(Some(AccessState::Approved) | None) => {
                "scopes that the client's organisation may still use"
            }
            Self::IntegrationType => "scopes that are for clients of this integration type",
        }
    }
}
