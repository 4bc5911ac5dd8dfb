//! A connection of an operator's command, beside any pool: what it does takes as long as there are rows, and no request waits for it.
//!
//! Nothing is prepared ahead, so that it works through a pooler that gives each transaction another connection.

use deadpool_postgres::Connect;
use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls, Row};

use super::outcome::told;
use super::pool::{Dial, tls};
use super::url::PostgresUrl;
use crate::OpenFault;

/// A parameter and its type.
pub(crate) type Typed<'a> = (&'a (dyn ToSql + Sync), Type);

/// The connection. What a transaction on it has not committed ends with it.
#[derive(Debug)]
pub(crate) struct Alone {
    client: Client,
    attending: JoinHandle<()>,
}

impl Alone {
    /// Connects.
    ///
    /// # Errors
    /// [`OpenFault::Unreachable`], or [`OpenFault::Database`] if the certificates cannot be read.
    pub(crate) async fn connect(url: &PostgresUrl) -> Result<Self, OpenFault> {
        let dialled = match url.ca() {
            None => Dial { tls: NoTls, settings: false }.connect(url.config()).await,
            Some(pem) => Dial { tls: tls(pem)?, settings: false }.connect(url.config()).await,
        };
        let (client, attending) = dialled.map_err(|fault| OpenFault::Unreachable(told(&fault)))?;
        Ok(Self { client, attending })
    }

    /// Sends one statement and reads what it returns.
    ///
    /// # Errors
    /// [`OpenFault::Database`], in words that hold no value of a row.
    pub(crate) async fn ask(&self, sql: &str, params: &[Typed<'_>]) -> Result<Vec<Row>, OpenFault> {
        self.client.query_typed(sql, params).await.map_err(database)
    }

    /// Sends statements without parameters: the frame of a transaction.
    ///
    /// # Errors
    /// As [`Alone::ask`].
    pub(crate) async fn frame(&self, sql: &str) -> Result<(), OpenFault> {
        self.client.batch_execute(sql).await.map_err(database)
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.attending.abort();
    }
}

/// A fault in words that hold no value of a row.
pub(crate) fn database(fault: tokio_postgres::Error) -> OpenFault {
    OpenFault::Database(told(&fault))
}
