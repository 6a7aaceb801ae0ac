//! The supervised PostgreSQL, with the installed server programs.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::needless_pass_by_value)]

#[allow(dead_code)]
mod support;

use std::path::Path;
use std::time::Duration;

use bowline_controlplane::node::postgres::{PostgresConfig, PostgresError, Server};
use tokio::time::Instant;

fn config(directory: &Path) -> PostgresConfig {
    PostgresConfig {
        shim: support::example("sandbox-shim"),
        directory: directory.to_owned(),
        role: "todo".to_owned(),
        database: "todo".to_owned(),
        port: None,
    }
}

/// `None`, with a word on it, where PostgreSQL is not installed.
async fn start(config: PostgresConfig) -> Option<Result<Server, PostgresError>> {
    match Server::start(config).await {
        Err(error @ PostgresError::Missing { .. }) => {
            println!("skipped: {error}");
            assert!(std::env::var_os("BOWLINE_REQUIRE_PEERS").is_none(), "{error}");
            None
        }
        other => Some(other),
    }
}

async fn query(server: &Server, sql: &str) -> Result<String, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let rows = client.simple_query(sql).await?;
    drop(client);
    let _ = connection.await;
    let value = rows.iter().find_map(|row| match row {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    Ok(value.unwrap_or_default())
}

#[tokio::test]
async fn a_store_is_made_once_keeps_its_data_and_starts_again_quickly() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let Some(server) = start(config(&store)).await else { return };
    let server = server.unwrap();
    assert!(server.is_new());
    query(&server, "CREATE TABLE t AS SELECT 42 AS answer").await.unwrap();
    assert_eq!(query(&server, "SELECT current_user").await.unwrap(), "todo");
    let (password, port) = (server.password().to_owned(), server.address().port());
    server.shutdown().await;

    let begun = Instant::now();
    let again = Server::start(config(&store)).await.unwrap();
    let took = begun.elapsed();
    assert!(!again.is_new() && took < Duration::from_secs(5), "{took:?}");
    println!("start of an initialised cluster: {took:?}");
    assert_eq!((again.password(), again.address().port()), (password.as_str(), port));
    assert_eq!(query(&again, "SELECT answer FROM t").await.unwrap(), "42");

    // Killed as if Bowline had been: the next start recovers, and nothing committed is lost.
    query(&again, "INSERT INTO t VALUES (43)").await.unwrap();
    drop(again);
    let recovered = Server::start(PostgresConfig { database: "second".to_owned(), ..config(&store) }).await.unwrap();
    assert_eq!(query(&recovered, "SELECT current_database()").await.unwrap(), "second");
    recovered.shutdown().await;
    let last = Server::start(config(&store)).await.unwrap();
    assert_eq!(query(&last, "SELECT max(answer) FROM t").await.unwrap(), "43");
    last.shutdown().await;

    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(store.join("store.json")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn what_goes_wrong_is_said_with_the_servers_words() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    let Some(server) = start(config(&store)).await else { return };
    server.unwrap().shutdown().await;
    std::fs::write(store.join("data/postgresql.auto.conf"), "shared_buffers = 'none of it'\n").unwrap();
    let error = Server::start(config(&store)).await.unwrap_err();
    assert!(matches!(error, PostgresError::Failed { .. }));
    assert!(error.to_string().contains("invalid value for parameter \"shared_buffers\""), "{error}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Server::start(PostgresConfig { port: Some(port), ..config(&store) }).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("port {port} for PostgreSQL is in use by ")), "{error}");

    std::fs::write(store.join("data/PG_VERSION"), "9.4\n").unwrap();
    let error = Server::start(config(&store)).await.unwrap_err();
    assert!(matches!(error, PostgresError::Version { .. }), "{error}");
    let error = Server::start(PostgresConfig { role: "a\"b".to_owned(), ..config(&store) }).await.unwrap_err();
    assert!(matches!(error, PostgresError::Name(_)), "{error}");
}
