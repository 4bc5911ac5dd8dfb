//! What an organisation and a scope's owner say of access to it, one after the other (contract §13.2). A catalogue says how it stands;
//! whoever asks, gives or takes back says it here.

use std::fmt;

use crate::organisation::OrgNumber;
use crate::scope::{AccessState, ScopeRecord};

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessDeed {
    /// The organisation asks for access, also again. It has none until the owner gives it.
    Request,
    /// The owner gives it, asked or not.
    Approve,
    /// The owner does not.
    Deny,
    /// The owner takes it back.
    Withdraw,
}

/// Why it cannot be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessFault {
    /// The organisation owns the scope.
    Owner,
    /// The scope is for all, or the organisation was given access: there is nothing to ask for.
    HasAccess,
    /// Access was given: it is withdrawn, not denied.
    Given,
    /// There is no access to withdraw.
    NotGiven,
}

impl fmt::Display for AccessFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Owner => "the organisation owns the scope, and always has access",
            Self::HasAccess => "the organisation has access already",
            Self::Given => "the organisation has access: `withdraw` takes it back",
            Self::NotGiven => "the organisation has no access to take back: `deny` refuses what it asked for",
        })
    }
}

impl std::error::Error for AccessFault {}

/// What becomes of an organisation's access, of which `said` was last said, if anything was. To ask changes nothing of who may use the
/// scope, whatever was said before: only who may not use it can ask, and who asked may not ([`ScopeRecord::is_open_to`]).
///
/// # Errors
/// [`AccessFault`]: it stays as it is.
pub fn judge_access(
    record: &ScopeRecord,
    organisation: &OrgNumber,
    said: Option<AccessState>,
    deed: AccessDeed,
) -> Result<AccessState, AccessFault> {
    if record.owner_orgno.as_ref() == Some(organisation) {
        return Err(AccessFault::Owner);
    }
    let open = record.is_open_to(organisation, said);
    match deed {
        AccessDeed::Approve => Ok(AccessState::Approved),
        AccessDeed::Request if open => Err(AccessFault::HasAccess),
        AccessDeed::Request => Ok(AccessState::Requested),
        AccessDeed::Deny if said == Some(AccessState::Approved) => Err(AccessFault::Given),
        AccessDeed::Deny => Ok(AccessState::Denied),
        AccessDeed::Withdraw if open || said == Some(AccessState::Withdrawn) => Ok(AccessState::Withdrawn),
        AccessDeed::Withdraw => Err(AccessFault::NotGiven),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;

    #[test]
    fn access_is_asked_for_given_denied_and_taken_back_in_an_order_that_makes_sense() {
        use AccessDeed::{Approve, Deny, Request, Withdraw};
        use AccessFault::{Given, HasAccess, NotGiven, Owner};
        use AccessState::{Approved, Denied, Requested, Withdrawn};
        let [owner, other] = ["889640782", "991825827"].map(|text| OrgNumber::parse(text).unwrap());
        let kept = ScopeRecord {
            owner_orgno: Some(owner.clone()),
            accessible_for_all: false,
            ..ScopeRecord::open(Scope::parse("skatt:inntekt").unwrap())
        };
        let for_all = ScopeRecord { accessible_for_all: true, ..kept.clone() };
        for deed in [Request, Approve, Deny, Withdraw] {
            assert_eq!(judge_access(&kept, &owner, None, deed), Err(Owner));
        }
        for (said, [request, approve, deny, withdraw]) in [
            (None, [Ok(Requested), Ok(Approved), Ok(Denied), Err(NotGiven)]),
            (Some(Requested), [Ok(Requested), Ok(Approved), Ok(Denied), Err(NotGiven)]),
            (Some(Approved), [Err(HasAccess), Ok(Approved), Err(Given), Ok(Withdrawn)]),
            (Some(Denied), [Ok(Requested), Ok(Approved), Ok(Denied), Err(NotGiven)]),
            (Some(Withdrawn), [Ok(Requested), Ok(Approved), Ok(Denied), Ok(Withdrawn)]),
        ] {
            let judged =
                [Request, Approve, Deny, Withdraw].map(|deed| judge_access(&kept, &other, said, deed));
            assert_eq!(judged, [request, approve, deny, withdraw], "{said:?}");
        }
        for (said, [request, deny, withdraw]) in [
            (None, [Err(HasAccess), Ok(Denied), Ok(Withdrawn)]),
            (Some(Approved), [Err(HasAccess), Err(Given), Ok(Withdrawn)]),
            (Some(Requested), [Ok(Requested), Ok(Denied), Err(NotGiven)]),
            (Some(Denied), [Ok(Requested), Ok(Denied), Err(NotGiven)]),
            (Some(Withdrawn), [Ok(Requested), Ok(Denied), Ok(Withdrawn)]),
        ] {
            let judged = [Request, Deny, Withdraw].map(|deed| judge_access(&for_all, &other, said, deed));
            assert_eq!(judged, [request, deny, withdraw], "{said:?}");
        }
    }

    #[test]
    fn g3_to_ask_changes_nothing_of_who_may_use_a_scope() {
        use AccessState::{Approved, Denied, Requested, Withdrawn};
        let [owner, other] = ["889640782", "991825827"].map(|text| OrgNumber::parse(text).unwrap());
        for accessible_for_all in [false, true] {
            let scope = Scope::parse("skatt:inntekt").unwrap();
            let owner_orgno = Some(owner.clone());
            let record = ScopeRecord { owner_orgno, accessible_for_all, ..ScopeRecord::open(scope) };
            for said in [None, Some(Requested), Some(Approved), Some(Denied), Some(Withdrawn)] {
                let Ok(asked) = judge_access(&record, &other, said, AccessDeed::Request) else { continue };
                let open = |said| record.is_open_to(&other, said);
                assert_eq!((open(said), open(Some(asked))), (false, false), "{accessible_for_all} {said:?}");
                let opened = ScopeRecord { accessible_for_all: true, ..record.clone() };
                assert!(!opened.is_open_to(&other, Some(asked)), "opened later: {said:?}");
            }
        }
    }
}
