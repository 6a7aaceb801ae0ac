//! Asks a database, once or until it has what is required.

use std::time::Duration;

use tokio::time::Instant;

use super::table::{VersionTable, discovered, discovery};
use super::verdict::{Required, Verdict, verdict};
use crate::error::MigrateError;
use crate::server::{Listener, Session};
use crate::{Options, Target};

/// Where to look.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// The version table, where it has another name than its tool gives it: `name`, or `schema.name`.
    pub table: Option<String>,
}

/// How long to wait, and how often to look.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// In all.
    pub deadline: Duration,
    /// Between two looks.
    pub interval: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(300), interval: Duration::from_secs(1) }
    }
}

/// Asks a database once.
///
/// # Errors
/// Where it cannot be asked.
pub async fn verify(target: &Target, required: &Required, options: &VerifyOptions) -> Result<Verdict, MigrateError> {
    let mut session = connect(target, Options::default().connect_deadline).await?;
    look(&mut session, target, required, options).await
}

/// Asks until everything required is applied, or the deadline has passed. `says` hears what is waited for, whenever that
/// changes. The last verdict is returned, satisfied or not.
///
/// # Errors
/// Where the database could not be asked up to the deadline. A password that is refused is waited with, too: in a cluster
/// it may be about to come.
pub async fn wait(
    target: &Target,
    required: &Required,
    options: &VerifyOptions,
    patience: Patience,
    mut says: impl FnMut(&str),
) -> Result<Verdict, MigrateError> {
    let end = Instant::now() + patience.deadline;
    let mut session: Option<Session> = None;
    let mut said = String::new();
    loop {
        let looked = once(&mut session, target, required, options).await;
        let now = match &looked {
            Ok(verdict) if verdict.is_satisfied() => return looked,
            Ok(verdict) => verdict.sentence(),
            Err(error) => {
                session = None;
                error.to_string()
            }
        };
        if now != said {
            says(&now);
            said = now;
        }
        if Instant::now() + patience.interval >= end {
            return looked;
        }
        tokio::time::sleep(patience.interval).await;
    }
}

async fn once(
    session: &mut Option<Session>,
    target: &Target,
    required: &Required,
    options: &VerifyOptions,
) -> Result<Verdict, MigrateError> {
    let session = match session {
        Some(session) => session,
        None => session.insert(connect(target, Duration::ZERO).await?),
    };
    look(session, target, required, options).await
}

async fn connect(target: &Target, connect_deadline: Duration) -> Result<Session, MigrateError> {
    let listener: Listener = std::sync::Arc::new(|_| {});
    Session::connect(target, &Options { connect_deadline, ..Options::default() }, &listener).await
}

async fn look(
    session: &mut Session,
    target: &Target,
    required: &Required,
    options: &VerifyOptions,
) -> Result<Verdict, MigrateError> {
    let dialect = session.dialect();
    let failed = |source| MigrateError::Verify { target: target.shown(), source };
    let rows = session.query(&discovery(dialect, options.table.as_deref())).await.map_err(failed)?;
    let tables = discovered(dialect, &rows);
    let fits = |table: &&VersionTable| required.layout().is_none_or(|layout| table.fits(layout));
    let table = tables.iter().find(fits);
    let contents = match table {
        Some(table) => {
            let mut contents = table.read(&session.query(&table.query(dialect)).await.map_err(failed)?);
            if let Some(sql) = table.checksum_query() {
                contents.add_checksums(&session.query(&sql).await.map_err(failed)?);
            }
            Some(contents)
        }
        None => None,
    };
    Ok(verdict(target.shown(), required, table.zip(contents.as_ref())))
}
