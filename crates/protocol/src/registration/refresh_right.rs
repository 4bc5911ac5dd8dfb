//! Whether a client gets refresh tokens, and why: it follows from several fields, so people are told which decided.

use std::fmt;

/// Why a client gets refresh tokens, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshRight {
    /// `grant_types` names `refresh_token`.
    Granted,
    /// Exactly the pilot's ten fields are registered, and `refresh_token_lifetime` is not 0.
    TenFields,
    /// `grant_types` does not name `refresh_token`.
    NotGranted,
    /// Exactly the ten fields are registered, and `refresh_token_lifetime` is 0.
    NoLifetime,
    /// More than the ten fields are registered, and `grant_types` is not.
    MoreThanTenFields,
}

impl RefreshRight {
    /// Whether it gets any.
    pub fn is_allowed(self) -> bool {
        match self {
            Self::Granted | Self::TenFields => true,
            Self::NotGranted | Self::NoLifetime | Self::MoreThanTenFields => false,
        }
    }

    /// What is told of a client whose registration changes from `before` to this; nothing if as many refresh tokens come of it.
    pub fn changed_from(self, before: Self) -> Option<String> {
        match (before.is_allowed(), self.is_allowed()) {
            (true, false) => Some(format!("gets no refresh tokens any more: {self}")),
            (false, true) => Some(format!("gets refresh tokens from now on: {self}")),
            (true, true) | (false, false) => None,
        }
    }
}

impl fmt::Display for RefreshRight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Granted => "grant_types names refresh_token",
            Self::TenFields => "only the ten fields are registered, and refresh_token_lifetime is not 0",
            Self::NotGranted => "grant_types does not name refresh_token",
            Self::NoLifetime => "refresh_token_lifetime is 0",
            Self::MoreThanTenFields => {
                "more than the ten fields are registered, and no grant_types; \
                 say --grant-type authorization_code --grant-type refresh_token"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::RefreshRight::{self, Granted, MoreThanTenFields, NoLifetime, NotGranted, TenFields};

    #[test]
    fn a_change_is_told_only_where_refresh_tokens_come_or_go() {
        let allowed = [Granted, TenFields];
        let refused = [NotGranted, NoLifetime, MoreThanTenFields];
        for same in [&allowed[..], &refused] {
            for (before, after) in same.iter().flat_map(|one| same.iter().map(move |other| (one, other))) {
                assert_eq!(RefreshRight::changed_from(*after, *before), None, "{before:?} to {after:?}");
            }
        }
        for (yes, no) in allowed.iter().flat_map(|yes| refused.iter().map(move |no| (yes, no))) {
            let lost = no.changed_from(*yes).unwrap();
            assert!(lost.starts_with("gets no refresh tokens any more: "), "{lost}");
            let won = yes.changed_from(*no).unwrap();
            assert!(won.starts_with("gets refresh tokens from now on: "), "{won}");
        }
        let lost = MoreThanTenFields.changed_from(TenFields).unwrap();
        assert!(lost.contains("--grant-type refresh_token"), "{lost}");
    }
}
