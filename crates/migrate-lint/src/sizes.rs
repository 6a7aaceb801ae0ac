//! How large the tables of a database are.

use tokio_postgres::Client;

use crate::lint::{Sizes, TableSize};

/// Reads the sizes of all tables of a PostgreSQL database that are not the server's own.
///
/// # Errors
/// The server's.
pub async fn read_sizes(client: &Client) -> Result<Sizes, tokio_postgres::Error> {
    let query = "SELECT n.nspname, c.relname, greatest(c.reltuples, coalesce(s.n_live_tup, 0)::real)::float8, \
                 pg_catalog.pg_total_relation_size(c.oid), pg_catalog.pg_table_is_visible(c.oid) \
                 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid \
                 WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
                 AND n.nspname !~ '^pg_toast'";
    let mut sizes = Sizes::default();
    for row in client.query(query, &[]).await? {
        let (schema, table): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (rows, bytes): (f64, i64) = (row.try_get(2)?, row.try_get(3)?);
        // -1 where nobody has counted yet.
        let size = TableSize { rows: rows.max(0.0) as u64, bytes: u64::try_from(bytes).unwrap_or_default() };
        if row.try_get(4)? {
            sizes.tables.insert(table.clone(), size);
        }
        sizes.tables.insert(format!("{schema}.{table}"), size);
    }
    Ok(sizes)
}
