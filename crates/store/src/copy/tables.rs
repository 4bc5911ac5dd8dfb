//! The tables as both stores have them: which columns there are, of what kind, and how the embedded store reads what a database holds.

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number: `BIGINT`.
    Int,
    /// Text: `TEXT`.
    Text,
    /// Bytes: `BYTEA`.
    Bytes,
    /// Yes or no: `BOOLEAN`.
    Bool,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its name in a database.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
    /// What the embedded store selects for it from its row, named `t`, and the grant that the row names, `g`.
    pub(crate) embedded: &'static str,
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// Its name, the same in both.
    pub(crate) name: &'static str,
    /// Its columns, in the order in which they are copied.
    pub(crate) columns: &'static [Column],
    /// Whether its rows name their grant by its row in the embedded store.
    pub(crate) names_grant: bool,
    /// The column whose numbers a database gives out, if there is one.
    pub(crate) numbered: Option<&'static str>,
}

macro_rules! column {
    ($name:literal, $kind:ident) => {
        column!($name, $kind, concat!("t.", $name))
    };
    ($name:literal, $kind:ident, $embedded:expr) => {
        Column { name: $name, kind: Kind::$kind, embedded: $embedded }
    };
}

/// The column of `login` that the embedded store does not have: a tag that is made of the evidence.
pub(crate) const EVIDENCE_TAG: &str = "evidence_tag";

/// Every table but those that are about the store itself, in an order in which rows find what they refer to.
pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "vault",
        columns: &[column!("purpose", Text), column!("key_id", Int), column!("sealed", Bytes)],
        names_grant: false,
        numbered: None,
    },
    Table {
        name: "issuer",
        columns: &[column!("id", Int), column!("url", Text)],
        names_grant: false,
        numbered: Some("id"),
    },
    Table {
        name: "organisation",
        columns: &[
            column!("issuer", Int),
            column!("orgno", Text),
            column!("name", Text),
            column!("terms_version", Text),
            column!("terms_accepted_at", Int),
            column!("terms_accepted_by", Text),
            column!("standing", Text),
        ],
        names_grant: false,
        numbered: None,
    },
    Table {
        name: "scope",
        columns: &[
            column!("issuer", Int),
            column!("scope", Text),
            column!("description", Text),
            column!("token_type", Text),
            column!("at_max_age", Int),
            column!("active", Bool),
            column!("record", Text),
        ],
        names_grant: false,
        numbered: None,
    },
    Table {
        name: "scope_access",
        columns: &[
            column!("issuer", Int),
            column!("scope", Text),
            column!("consumer_orgno", Text),
            column!("state", Text),
            column!("created", Int),
            column!("last_updated", Int),
        ],
        names_grant: false,
        numbered: None,
    },
    Table {
        name: "client",
        columns: &[
            column!("issuer", Int),
            column!("client_id", Text),
            column!("orgno", Text),
            column!("registration", Text),
            column!("active", Bool),
            column!("created", Int),
            column!("last_updated", Int),
        ],
        names_grant: false,
        numbered: None,
    },
    Table {
        name: "client_secret",
        columns: &[
            column!("issuer", Int),
            column!("client_id", Text),
            column!("digest", Bytes),
            column!("number", Int, "t.id"),
            column!("expires", Int),
        ],
        names_grant: false,
        numbered: Some("number"),
    },
    Table {
        name: "person",
        columns: &[
            column!("pool", Text),
            column!("person", Bytes),
            column!("pid_sealed", Bytes),
            column!("active", Bool),
        ],
        names_grant: false,
        numbered: None,
    },
    Table {
        name: "login",
        columns: &[
            column!("issuer", Int),
            column!("digest", Bytes),
            column!("browser", Bytes),
            column!("client_id", Text),
            column!("request_sealed", Bytes),
            column!("started", Int),
            column!("expires", Int),
            column!("evidence_sealed", Bytes),
            column!("evidence_tag", Bytes, "NULL"),
            column!("finished_at", Int),
        ],
        names_grant: false,
        numbered: None,
    },
    Table {
        name: "login_grant",
        columns: &[
            column!("name", Bytes),
            column!("issuer", Int),
            column!("client_id", Text),
            column!("person", Bytes),
            column!("pid_sealed", Bytes),
            column!("scopes", Text),
            column!("method", Text),
            column!("assurance", Text),
            column!("auth_time", Int),
            column!("issued", Int),
            column!("expires", Int),
            column!("nonce", Text),
            column!("locale", Text),
            column!("onbehalfof", Text),
            column!("pseudonymous", Bool),
            column!("revoked_at", Int),
        ],
        names_grant: false,
        numbered: None,
    },
    Table {
        name: "code",
        columns: &[
            column!("issuer", Int),
            column!("digest", Bytes),
            column!("login_grant", Bytes, "g.name"),
            column!("client_id", Text),
            column!("redirect_uri", Text),
            column!("challenge", Text),
            column!("expires", Int),
            column!("spent_at", Int),
        ],
        names_grant: true,
        numbered: None,
    },
    Table {
        name: "access_token",
        columns: &[
            column!("issuer", Int),
            column!("digest", Bytes),
            column!("login_grant", Bytes, "g.name"),
            column!("issued", Int),
            column!("expires", Int),
            column!("narrowed", Text),
            column!("kept_until", Int),
        ],
        names_grant: true,
        numbered: None,
    },
    Table {
        name: "refresh_token",
        columns: &[
            column!("issuer", Int),
            column!("digest", Bytes),
            column!("login_grant", Bytes, "g.name"),
            column!("client_id", Text),
            column!("generation", Int),
            column!("access_token", Bytes),
            column!("issued", Int),
            column!("expires", Int),
            column!("spent_at", Int),
            column!("successor", Bytes),
        ],
        names_grant: true,
        numbered: None,
    },
    Table {
        name: "not_before",
        columns: &[
            column!("issuer", Int),
            column!("kind", Text),
            column!("subject", Bytes),
            column!("at", Int),
        ],
        names_grant: false,
        numbered: None,
    },
    Table {
        name: "owner_warning",
        columns: &[
            column!("issuer", Int),
            column!("client_id", Text),
            column!("kind", Text),
            column!("reason", Text),
            column!("day", Int),
            column!("at", Int),
        ],
        names_grant: false,
        numbered: None,
    },
    Table {
        name: "signing_key",
        columns: &[
            column!("issuer", Int),
            column!("kid", Text),
            column!("private_sealed", Bytes),
            column!("chain", Bytes),
            column!("published", Int),
            column!("signs_from", Int),
            column!("signs_until", Int),
            column!("removed", Int),
        ],
        names_grant: false,
        numbered: None,
    },
    Table {
        name: "audit",
        columns: &[
            column!("number", Int),
            column!("at", Int),
            column!("issuer", Int),
            column!("event", Text),
            column!("client_id", Text),
            column!("person", Bytes),
            column!("login_grant", Bytes),
            column!("detail", Text),
        ],
        names_grant: false,
        numbered: Some("number"),
    },
];

impl Table {
    /// Its columns' names, parted by commas.
    pub(crate) fn names(&self) -> String {
        self.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    }
}

impl Kind {
    /// Its name in a database.
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::Int => "BIGINT",
            Self::Text => "TEXT",
            Self::Bytes => "BYTEA",
            Self::Bool => "BOOLEAN",
        }
    }
}
