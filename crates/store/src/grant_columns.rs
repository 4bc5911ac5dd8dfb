//! What both backends select of a grant, and when one is nothing any more.

/// Whether the grant that a statement calls `$g` was taken back: by itself, or with everything that its person was given before an
/// instant after the login. Both backends find the latter by primary key, and no plan joins it.
macro_rules! taken_back {
    ($g:literal) => {
        concat!(
            "(",
            $g,
            ".revoked_at IS NOT NULL OR coalesce((SELECT n.at FROM not_before n WHERE n.issuer = ",
            $g,
            ".issuer AND n.kind = 'person' AND n.subject = ",
            $g,
            ".person), ",
            $g,
            ".auth_time) > ",
            $g,
            ".auth_time)"
        )
    };
}
pub(crate) use taken_back;

/// The columns of the grant that a statement calls `$g`, in the order in which a row is read; last, whether it was taken back.
macro_rules! grant_columns {
    ($g:literal) => {
        concat!(
            $g,
            ".name, ",
            $g,
            ".client_id, ",
            $g,
            ".pid_sealed, ",
            $g,
            ".scopes, ",
            $g,
            ".method, ",
            $g,
            ".assurance, ",
            $g,
            ".auth_time, ",
            $g,
            ".issued, ",
            $g,
            ".expires, ",
            $g,
            ".nonce, ",
            $g,
            ".locale, ",
            $g,
            ".onbehalfof, ",
            $g,
            ".pseudonymous, ",
            $crate::grant_columns::taken_back!($g)
        )
    };
}
pub(crate) use grant_columns;

/// Where in a row it stands whether the grant was taken back.
pub(crate) const TAKEN_BACK: usize = 13;

/// Where in a row the columns of what leads to the grant begin.
pub(crate) const AFTER_GRANT: usize = 14;
