//! Which database: goose's driver names and connection strings, or a URL.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::error::MigrateError;
use crate::postgres;
use crate::server::ConnectError;

/// The kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// goose's name of its driver.
    pub fn driver(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Sqlite => "sqlite3",
        }
    }
}

/// A database's address. Its text holds a password, so that it is printed without: see [`Target::shown`].
#[derive(Clone)]
pub struct Target {
    pub(crate) dialect: Dialect,
    pub(crate) address: Address,
    /// As it was given, with its password.
    raw: String,
}

#[derive(Clone)]
pub(crate) enum Address {
    Postgres(Box<PostgresAddress>),
    Mysql(Box<mysql_async::Opts>),
    /// A path, `:memory:` or a `file:` URI.
    Sqlite(String),
}

#[derive(Clone)]
pub(crate) struct PostgresAddress {
    pub(crate) config: tokio_postgres::Config,
    pub(crate) tls: PostgresTls,
}

/// What of libpq's TLS settings the driver leaves to us.
#[derive(Clone, Debug, Default)]
pub(crate) struct PostgresTls {
    /// `verify-ca` or `verify-full`: the certificate is checked. libpq's `require` checks it only with a root of its own.
    pub(crate) verify: bool,
    /// File with the roots to trust.
    pub(crate) root: Option<PathBuf>,
}

/// Why an address makes no sense. Never holds the address itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A driver of goose's that is not here.
    #[error("driver '{0}' is not supported; there are: postgres, mysql, sqlite3")]
    Driver(String),
    /// An address whose beginning does not say what it is.
    #[error(
        "the address does not begin with postgres://, mysql:// or sqlite:, and no driver is given (GOOSE_DRIVER, --driver)"
    )]
    Scheme,
    /// An address that the driver does not take.
    #[error("the {} address makes no sense: {why}", .dialect.driver())]
    Address {
        /// Which kind.
        dialect: Dialect,
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Target {
    /// A driver's name and connection string, as goose takes them.
    ///
    /// # Errors
    /// Where the driver is not supported or the string makes no sense to it.
    pub fn new(driver: &str, address: &str) -> Result<Self, TargetError> {
        let dialect = match driver {
            "postgres" | "pgx" => Dialect::Postgres,
            "mysql" => Dialect::Mysql,
            "sqlite3" | "sqlite" => Dialect::Sqlite,
            other => return Err(TargetError::Driver(other.to_owned())),
        };
        let wrong = |why: String| TargetError::Address { dialect, why };
        let raw = address.to_owned();
        let address = match dialect {
            Dialect::Postgres => Address::Postgres(Box::new(of_postgres(address).map_err(wrong)?)),
            Dialect::Mysql => Address::Mysql(Box::new(mysql(address).map_err(wrong)?)),
            Dialect::Sqlite => Address::Sqlite(sqlite(address)),
        };
        Ok(Self { dialect, address, raw })
    }

    /// A URL, whose scheme says the driver, as `DATABASE_URL` holds one.
    ///
    /// # Errors
    /// Where the scheme is not known or the rest makes no sense.
    pub fn from_url(url: &str) -> Result<Self, TargetError> {
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "postgres" | "postgresql" => Self::new("postgres", url),
            "mysql" | "mariadb" => Self::new("mysql", url),
            "sqlite" | "sqlite3" | "file" => Self::new("sqlite3", url),
            _ => Err(TargetError::Scheme),
        }
    }

    /// As it was given, with its password: for a child process's environment, never for people.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// The kind of server.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// A connection to PostgreSQL: to its own database, or to another one of the same server. For what looks at a
    /// database in other ways than a migration does.
    ///
    /// # Errors
    /// [`MigrateError::OnlyPostgres`] for other servers; [`MigrateError::Connect`].
    pub async fn postgres(
        &self,
        database: Option<&str>,
        what: &'static str,
    ) -> Result<tokio_postgres::Client, MigrateError> {
        let Address::Postgres(address) = &self.address else {
            return Err(MigrateError::OnlyPostgres { target: self.shown(), what });
        };
        postgres::client(address, database).await.map_err(|error| match error {
            ConnectError::NotYet(source) | ConnectError::Refused(source) => {
                MigrateError::Connect { target: self.shown(), source }
            }
        })
    }

    /// The address for people: server and database, never a password.
    pub fn shown(&self) -> String {
        match &self.address {
            Address::Postgres(address) => {
                let config = &address.config;
                let ports = config.get_ports();
                let place = |(at, host): (usize, &tokio_postgres::config::Host)| {
                    let port = ports.get(at).or_else(|| ports.first()).copied().unwrap_or(5432);
                    match host {
                        tokio_postgres::config::Host::Tcp(host) => format!("{host}:{port}"),
                        tokio_postgres::config::Host::Unix(path) => format!("{}:{port}", path.display()),
                    }
                };
                let places = config.get_hosts().iter().enumerate().map(place).collect::<Vec<_>>().join(",");
                let user = config.get_user().unwrap_or_default();
                let name = config.get_dbname().or(config.get_user()).unwrap_or_default();
                format!("postgres://{user}@{places}/{name}")
            }
            Address::Mysql(options) => {
                let place = match options.socket() {
                    Some(path) => path.to_owned(),
                    None => format!("{}:{}", options.ip_or_hostname(), options.tcp_port()),
                };
                let user = options.user().unwrap_or_default();
                format!("mysql://{user}@{place}/{}", options.db_name().unwrap_or_default())
            }
            Address::Sqlite(path) => format!("sqlite:{path}"),
        }
    }
}

/// Keywords that the driver takes itself.
const POSTGRES_KEYWORDS: [&str; 20] = [
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "sslnegotiation",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
    "database",
    "sslmode",
];

fn of_postgres(address: &str) -> Result<PostgresAddress, String> {
    let mut rest: Vec<(String, String)> = Vec::new();
    let url = address.starts_with("postgres://") || address.starts_with("postgresql://");
    let kept = if url {
        let (base, query) = address.split_once('?').unwrap_or((address, ""));
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if POSTGRES_KEYWORDS.contains(&key) && key != "sslmode" {
                kept.push(pair.to_owned());
            } else {
                rest.push((key.to_owned(), percent_decode(value)));
            }
        }
        if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) }
    } else {
        let mut kept = String::new();
        for (key, value) in keywords(address)? {
            if POSTGRES_KEYWORDS.contains(&key.as_str()) && key != "sslmode" {
                let key = if key == "database" { "dbname" } else { &key };
                let value = value.replace('\\', "\\\\").replace('\'', "\\'");
                kept.push_str(&format!("{key}='{value}' "));
            } else {
                rest.push((key, value));
            }
        }
        kept
    };
    let mut config: tokio_postgres::Config = kept.parse().map_err(|error: tokio_postgres::Error| words(&error))?;
    let mut tls = PostgresTls::default();
    let mut options = config.get_options().map(str::to_owned).unwrap_or_default();
    let mut mode = std::env::var("PGSSLMODE").ok();
    for (key, value) in rest {
        match key.as_str() {
            "sslmode" => mode = Some(value),
            "sslrootcert" => tls.root = Some(value).filter(|path| path != "system").map(PathBuf::from),
            "sslcert" | "sslkey" | "sslpassword" => {
                return Err(format!("'{key}' is not supported: no client certificates"));
            }
            // what pgx and its pool know beside libpq
            _ if key.starts_with("pool_") || key.ends_with("_cache_capacity") || key == "default_query_exec_mode" => {}
            _ if key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.') && !key.is_empty() => {
                let value = value.replace('\\', "\\\\").replace(' ', "\\ ");
                options.push_str(&format!(" -c {key}={value}"));
            }
            _ => return Err(format!("'{key}' is no keyword")),
        }
    }
    use tokio_postgres::config::SslMode;
    match mode.as_deref() {
        None | Some("prefer" | "allow") => config.ssl_mode(SslMode::Prefer),
        Some("disable") => config.ssl_mode(SslMode::Disable),
        Some("require") => {
            tls.verify = tls.root.is_some();
            config.ssl_mode(SslMode::Require)
        }
        Some("verify-ca" | "verify-full") => {
            tls.verify = true;
            config.ssl_mode(SslMode::Require)
        }
        Some(other) => {
            return Err(format!(
                "sslmode '{other}' is none of disable, allow, prefer, require, verify-ca, verify-full"
            ));
        }
    };
    if !options.is_empty() {
        config.options(options.trim());
    }
    defaults(&mut config)?;
    Ok(PostgresAddress { config, tls })
}

/// libpq's environment variables, for what the address leaves open.
fn defaults(config: &mut tokio_postgres::Config) -> Result<(), String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        config.host(variable("PGHOST").unwrap_or_else(|| "localhost".to_owned()));
    }
    if config.get_ports().is_empty()
        && let Some(port) = variable("PGPORT")
    {
        config.port(port.parse().map_err(|_| "PGPORT is no port".to_owned())?);
    }
    if config.get_user().is_none() {
        let user = variable("PGUSER").or_else(|| variable("USER"));
        config.user(user.ok_or("no user in it, and neither PGUSER nor USER is set")?);
    }
    if config.get_password().is_none()
        && let Some(password) = variable("PGPASSWORD")
    {
        config.password(password);
    }
    if config.get_dbname().is_none()
        && let Some(name) = variable("PGDATABASE")
    {
        config.dbname(name);
    }
    if config.get_application_name().is_none() {
        config.application_name(variable("PGAPPNAME").unwrap_or_else(|| "bowline migrate".to_owned()));
    }
    Ok(())
}

/// `key = value` pairs with libpq's quotes.
fn keywords(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(pairs);
        }
        let mut key = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=' && !c.is_whitespace()) {
            key.push(c);
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.next() != Some('=') {
            return Err("it is neither a postgres:// URL nor key=value pairs".to_owned());
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = chars.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match chars.next() {
                None if quoted => return Err(format!("the value of '{key}' is not closed with '")),
                None => break,
                Some('\'') if quoted => break,
                Some(c) if !quoted && c.is_whitespace() => break,
                Some('\\') => value.extend(chars.next()),
                Some(c) => value.push(c),
            }
        }
        pairs.push((key, value));
    }
}

fn mysql(address: &str) -> Result<mysql_async::Opts, String> {
    if let Some(rest) = address.strip_prefix("mysql://").or_else(|| address.strip_prefix("mariadb://")) {
        return mysql_async::Opts::from_url(&format!("mysql://{rest}")).map_err(|error| error.to_string());
    }
    // [user[:password]@][net[(addr)]]/dbname[?param=value]: the last '/' ends the address, the last '@' the user
    let (front, back) = address.rsplit_once('/').ok_or("there is no '/' before the database's name")?;
    let (name, query) = back.split_once('?').unwrap_or((back, ""));
    let (credentials, place) = match front.rsplit_once('@') {
        Some((credentials, place)) => (credentials, place),
        None => ("", front),
    };
    let (user, password) = match credentials.split_once(':') {
        Some((user, password)) => (user, Some(password.to_owned())),
        None => (credentials, None),
    };
    let mut options = mysql_async::OptsBuilder::default()
        .user(Some(user).filter(|user| !user.is_empty()))
        .pass(password)
        .db_name(Some(percent_decode(name)).filter(|name| !name.is_empty()))
        .prefer_socket(false);
    let (net, at) = match place.split_once('(') {
        Some((net, at)) => (net, at.strip_suffix(')').ok_or("'(' is not closed")?),
        None => (place, ""),
    };
    options = match (net, at) {
        ("" | "tcp", "") => options.ip_or_hostname("127.0.0.1"),
        ("" | "tcp", at) => {
            let (host, port) = at.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).unwrap_or((at, "3306"));
            let port = port.parse().map_err(|_| format!("'{port}' is no port"))?;
            options.ip_or_hostname(host.trim_matches(['[', ']'])).tcp_port(port)
        }
        ("unix", "") => options.socket(Some("/tmp/mysql.sock")),
        ("unix", path) => options.socket(Some(path)),
        (net, _) => return Err(format!("network '{net}' is neither tcp nor unix")),
    };
    let parameters: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    options = match parameters.get("tls").copied() {
        None | Some("false" | "preferred") => options,
        Some("true") => options.ssl_opts(mysql_async::SslOpts::default()),
        Some("skip-verify") => options.ssl_opts(mysql_async::SslOpts::default().with_danger_accept_invalid_certs(true)),
        Some(other) => return Err(format!("tls '{other}' is none of true, false, preferred, skip-verify")),
    };
    Ok(options.into())
}

fn sqlite(address: &str) -> String {
    for scheme in ["sqlite3://", "sqlite://", "sqlite3:", "sqlite:"] {
        if let Some(path) = address.strip_prefix(scheme) {
            return path.to_owned();
        }
    }
    address.to_owned()
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn words(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_password() {
        let cases = [
            ("postgres", "postgres://u:secret@h:6000/d?sslmode=disable&search_path=a", "postgres://u@h:6000/d"),
            ("postgres", "postgres://u:secret@h:6000,i:7000/d", "postgres://u@h:6000,i:7000/d"),
            ("postgres", "host=h port=6000 user=u password='sec ret' dbname=d", "postgres://u@h:6000/d"),
            ("mysql", "u:sec@ret@tcp(h:3307)/d?parseTime=true", "mysql://u@h:3307/d"),
            ("mysql", "u:secret@unix(/run/m.sock)/d", "mysql://u@/run/m.sock/d"),
            ("sqlite3", "./x.db", "sqlite:./x.db"),
        ];
        for (driver, address, shown) in cases {
            let target = Target::new(driver, address).unwrap();
            assert_eq!((target.shown(), format!("{target:?}")), (shown.to_owned(), shown.to_owned()));
        }
        assert_eq!(Target::from_url("mysql://u:secret@h/d").unwrap().shown(), "mysql://u@h:3306/d");
        assert_eq!(Target::from_url("sqlite:/tmp/x.db").unwrap().shown(), "sqlite:/tmp/x.db");
    }

    #[test]
    fn wrong_addresses_are_told_without_password() {
        let cases = [
            ("postgres", "postgres://u:secret@h:port/d"),
            ("postgres", "u:secret@h"),
            ("postgres", "postgres://u:secret@h/d?sslmode=maybe"),
            ("postgres", "host=h password='secret"),
            ("mysql", "u:secret@tcp(h:3306)"),
            ("mysql", "u:secret@tcp(h:x)/d"),
            ("oracle", "u:secret@h"),
        ];
        for (driver, address) in cases {
            let error = Target::new(driver, address).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert_eq!(Target::from_url("secret").unwrap_err(), TargetError::Scheme);
    }
}
