//! Statements. Each is a constant with the types of its parameters, so that it can be sent in one go through a pooler, and so that a test
//! can have every one of them planned.

use tokio_postgres::types::Type;

/// A statement of the backend's.
#[derive(Debug)]
pub(super) struct Statement {
    /// What it is called where it is measured.
    pub(super) name: &'static str,
    /// Its text, with `$1` and on for parameters.
    pub(super) sql: &'static str,
    /// The parameters' types, in order.
    pub(super) types: &'static [Type],
}

impl Statement {
    /// The text as it is sent.
    pub(super) fn text(&self) -> &'static str {
        #[cfg(feature = "danger-faults")]
        return crate::planted::bent(self.sql);
        #[cfg(not(feature = "danger-faults"))]
        self.sql
    }
}

/// Declares statements, and a list of them all for [`every`].
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident ( $($kind:ident),* ) = $sql:expr;)*) => {
        $($(#[$doc])* const $name: $crate::postgres::statement::Statement =
            $crate::postgres::statement::Statement {
                name: stringify!($name),
                sql: $sql,
                types: &[$(tokio_postgres::types::Type::$kind),*],
            };)*
        /// Every statement of this chapter.
        pub(super) const STATEMENTS: &[&$crate::postgres::statement::Statement] = &[$(&$name),*];
    };
}
pub(super) use statements;

/// Every statement that a verb sends, by name.
pub(super) fn every() -> impl Iterator<Item = &'static Statement> {
    [
        super::audit::STATEMENTS,
        super::families::STATEMENTS,
        super::freshness::STATEMENTS,
        super::grants::STATEMENTS,
        super::issuers::STATEMENTS,
        super::leases::STATEMENTS,
        super::logins::STATEMENTS,
        super::outcome::STATEMENTS,
        super::persons::STATEMENTS,
        super::registered::STATEMENTS,
        super::registry::STATEMENTS,
        super::signing_keys::STATEMENTS,
        super::taken_back::STATEMENTS,
        super::upkeep::STATEMENTS,
        super::warnings::STATEMENTS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
