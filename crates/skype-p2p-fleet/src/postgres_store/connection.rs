//! Connections to the database, and their errors.

use std::{fmt, time::Duration};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;
use tokio_postgres::{
    Config, Row,
    config::{Host, SslMode},
    error::DbError,
    types::{ToSql, Type},
};

use super::tls::Rustls;
use crate::store::{StoreError, WorkerId};

/// The time after which a statement counts as lost. Shorter than the lease time, so that a worker with a broken connection can
/// reconnect while it still has its leases.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(4);

/// The connections for everything but heartbeats, unless [`PostgresConfig::with_connections`] changes the number.
const CONNECTIONS: usize = 8;

/// The address of a PostgreSQL database, and the settings of the connections to it. `Debug` does not show the password.
#[derive(Clone)]
pub struct PostgresConfig {
    pub(super) config: Config,
    authorities: Vec<u8>,
    connections: usize,
}

impl PostgresConfig {
    /// Reads a connection string: a URL such as `postgresql://fleet@db.contoso.com/fleet`, or a list of keywords and values.
    /// Several hosts with `target_session_attrs=read-write` follow a failover.
    ///
    /// TLS is required unless every host is on loopback or a Unix socket. `sslmode=disable` sends messages and sealed secrets
    /// without encryption.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidValue`] if the string cannot be read.
    pub fn new(connection_string: &str) -> Result<Self, StoreError> {
        // The error of the parser may contain a part of the password.
        let config: Result<Config, _> = connection_string.parse();
        let mut config = config.map_err(|_| {
            StoreError::InvalidValue("the connection string of the database is malformed")
        })?;
        if config.get_ssl_mode() == SslMode::Prefer && !config.get_hosts().iter().all(is_local) {
            config.ssl_mode(SslMode::Require);
        }
        config.connect_timeout(STATEMENT_TIMEOUT);
        config.tcp_user_timeout(STATEMENT_TIMEOUT);
        config.keepalives_idle(STATEMENT_TIMEOUT);
        if config.get_application_name().is_none() {
            config.application_name("skype-p2p-fleet");
        }
        Ok(Self {
            config,
            authorities: Vec::new(),
            connections: CONNECTIONS,
        })
    }

    /// Also trusts the certificate authorities in `pem`, besides those of the platform.
    #[must_use]
    pub fn with_authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities = pem.into();
        self
    }

    /// Sets the password of the database role, instead of one in the connection string.
    #[must_use]
    pub fn with_password(mut self, password: &SecretString) -> Self {
        self.config.password(password.expose_secret());
        self
    }

    /// Sets the number of connections. A further one is for heartbeats only, so that they never wait.
    #[must_use]
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    pub(super) fn tls(&self) -> Result<Rustls, StoreError> {
        Rustls::new(&self.authorities).map_err(|error| StoreError::Refused(error.into()))
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("hosts", &self.config.get_hosts())
            .field("tls", &self.config.get_ssl_mode())
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let is_loopback = |address: std::net::IpAddr| address.is_loopback();
            name == "localhost" || name.parse().is_ok_and(is_loopback)
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// A parameter of a statement with its type, which saves the round trip that would ask the database for it.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// Connections that are opened when they are needed. Every statement is a transaction of its own.
pub(super) struct Connections(Pool);

impl Connections {
    pub(super) fn new(config: &PostgresConfig) -> Result<Self, StoreError> {
        Self::with_size(config, config.connections)
    }

    /// One connection, for heartbeats.
    pub(super) fn single(config: &PostgresConfig) -> Result<Self, StoreError> {
        Self::with_size(config, 1)
    }

    fn with_size(config: &PostgresConfig, size: usize) -> Result<Self, StoreError> {
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(config.config.clone(), config.tls()?, recycling);
        let pool = Pool::builder(manager)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(STATEMENT_TIMEOUT))
            .create_timeout(Some(STATEMENT_TIMEOUT))
            .recycle_timeout(Some(STATEMENT_TIMEOUT))
            .build();
        let pool = pool.map_err(|error| StoreError::Refused(error.into()))?;
        Ok(Self(pool))
    }

    /// Executes a statement.
    pub(super) async fn query(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let connection = self.0.get().await;
        let connection = connection.map_err(|error| StoreError::Unavailable(error.into()))?;
        match timeout(STATEMENT_TIMEOUT, connection.query_typed(sql, parameters)).await {
            Ok(rows) => rows.map_err(store_error),
            Err(elapsed) => {
                // A later statement would wait for this one.
                drop(Object::take(connection));
                Err(StoreError::Unavailable(elapsed.into()))
            }
        }
    }

    /// Executes a statement that returns one row.
    pub(super) async fn query_one(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Row, StoreError> {
        let rows = self.query(sql, parameters).await?;
        rows.into_iter().next().ok_or_else(|| {
            StoreError::Refused("the database returned no row; is its schema current?".into())
        })
    }
}

/// An error of the database without its details, which may contain the text of a message.
#[derive(Debug, thiserror::Error)]
#[error("{message} (SQLSTATE {code})")]
struct DatabaseError {
    code: String,
    message: String,
}

/// The error of a statement.
pub(super) fn store_error(error: tokio_postgres::Error) -> StoreError {
    let Some(database) = error.as_db_error() else {
        return StoreError::Unavailable(error.into());
    };
    let detail = database.detail().unwrap_or_default().to_owned();
    let code = database.code().code();
    match code {
        "FL001" => StoreError::WorkerDead(WorkerId(detail.parse().unwrap_or_default())),
        "FL002" => StoreError::LeaseLost,
        "FL003" => StoreError::UnknownIdentity(detail),
        "FL004" => StoreError::IdentityExists(detail),
        "FL005" => StoreError::UnknownConsumer(detail),
        "FL006" => {
            let mut counts = detail.split(' ').map(|it| it.parse().unwrap_or_default());
            StoreError::IdentityHasMessages {
                unsent: counts.next().unwrap_or_default(),
                unread: counts.next().unwrap_or_default(),
            }
        }
        "23514" => StoreError::InvalidValue("a value is empty or too long"),
        _ if is_transient(code) => StoreError::Unavailable(without_detail(database).into()),
        _ => StoreError::Refused(without_detail(database).into()),
    }
}

fn without_detail(error: &DbError) -> DatabaseError {
    DatabaseError {
        code: error.code().code().to_owned(),
        message: error.message().to_owned(),
    }
}

/// Errors after which the same statement may succeed: broken connections, missing resources, a database that starts or stops,
/// a conflict of transactions, an identity that was removed in the meantime, and a standby that cannot write.
fn is_transient(code: &str) -> bool {
    let class = code.get(..2).unwrap_or_default();
    matches!(class, "08" | "40" | "53" | "57" | "58") || matches!(code, "25006" | "23503")
}
