//! The databases of a `bowline.yaml` in a deployment: where each one's address comes from, and whether it has what the
//! release needs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bowline_app::{App, Database, SecretKey};
use bowline_cluster::{Cluster, ObjectRef};
use bowline_engine::{SchemaGate, SchemaRecord};
use bowline_migrate::tree::MigrationTree;
use bowline_migrate::{Required, Target, VerifyOptions};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::schema::Migrations;

/// Where an address comes from.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    /// It is known.
    Known(Target),
    /// From a Secret of the release's namespace, read when it is needed: a hook of the release may bring it.
    Secret(SecretKey),
}

/// Where the address of a database comes from: on the embedded cluster what `local.databases` says, else the environment
/// variable, else the Secret; `None` where none of them is there. `placeholders` are those of the embedded cluster.
///
/// # Errors
/// Where an address is none.
pub(crate) fn address(
    app: &App,
    (name, database): (&str, &Database),
    placeholders: Option<&BTreeMap<String, String>>,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Address>, Failure> {
    let wrong = |from: &str, why: &dyn std::error::Error| {
        Failure::because(Exit::Usage, format!("database {name}: read its address from {from}"), why)
    };
    let of_url = |from: &str, url: &str| {
        Target::from_url(url).map(|target| Some(Address::Known(target))).map_err(|error| wrong(from, &error))
    };
    if let (Some(text), Some(known)) = (app.local.databases.get(name), placeholders) {
        let from = format!("local.databases of {}", bowline_app::FILE_NAME);
        let url = bowline_app::fill(text, known).map_err(|error| wrong(&from, &error))?;
        return of_url(&from, &url);
    }
    let variable = database.variable(name);
    match variables(&variable).filter(|url| !url.is_empty()) {
        Some(url) => of_url(&format!("the environment variable {variable}"), &url),
        None => Ok(database.secret.clone().map(Address::Secret)),
    }
}

impl Address {
    /// The address itself.
    pub(crate) async fn target(&self, cluster: &Cluster, namespace: &str) -> Result<Target, String> {
        let SecretKey { name, key } = match self {
            Self::Known(target) => return Ok(target.clone()),
            Self::Secret(secret) => secret,
        };
        let object = ObjectRef::new("v1", "Secret", namespace, name);
        let found = cluster.get(&object).await.map_err(|error| format!("read Secret {name}: {error}"))?;
        let found = found.ok_or_else(|| format!("Secret {name}, which is to hold its address, is not there"))?;
        let encoded = found["data"][key].as_str().ok_or_else(|| format!("Secret {name} has no key {key}"))?;
        let unreadable = || format!("key {key} of Secret {name} is no address of a database");
        let url = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        Target::from_url(url.ok_or_else(unreadable)?.trim()).map_err(|error| format!("{}: {error}", unreadable()))
    }
}

/// The folders of the databases that no flag has given another one.
pub(crate) fn folders(app: &App, flags: &[Migrations]) -> Vec<Migrations> {
    let own = app
        .databases
        .iter()
        .filter(|(name, _)| !flags.iter().any(|flag| flag.database == **name))
        .map(|(name, database)| Migrations { database: name.clone(), folder: database.migrations.clone() });
    own.chain(flags.iter().cloned()).collect()
}

/// What a release requires of one database.
#[derive(Clone, Debug)]
struct Demand {
    database: String,
    required: Required,
    options: VerifyOptions,
}

impl Demand {
    fn of_app(name: &str, database: &Database) -> Result<Self, Failure> {
        let tree = MigrationTree::read(&database.migrations, None).map_err(|error| {
            Failure::because(Exit::Usage, format!("database {name}: read the migrations that are required"), &error)
        })?;
        let all = Required::folder(&tree);
        let required = if database.require.is_empty() { all } else { all.narrowed(&database.require) };
        Ok(Self { database: name.to_owned(), required, options: VerifyOptions { table: database.table.clone() } })
    }

    fn sentence(&self) -> String {
        let database = &self.database;
        match (self.required.list().count(), self.required.list().last()) {
            (1, Some(version)) => format!("database {database}: migration {version} is required"),
            (count, Some(version)) => format!("database {database}: {count} migrations up to {version} are required"),
            (_, None) => format!("database {database}: no migration is required"),
        }
    }
}

/// Asks the databases themselves.
struct Asks {
    cluster: Cluster,
    namespace: String,
    databases: Vec<(Demand, Address)>,
    hint: String,
}

impl SchemaGate for Asks {
    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        async {
            let (mut ready, mut missing) = (Vec::new(), Vec::new());
            for (demand, address) in &self.databases {
                let name = &demand.database;
                let verdict = match address.target(&self.cluster, &self.namespace).await {
                    Ok(target) => bowline_migrate::verify(&target, &demand.required, &demand.options)
                        .await
                        .map_err(|error| error.to_string()),
                    Err(why) => Err(why),
                };
                match verdict {
                    Ok(verdict) if verdict.is_satisfied() => {
                        ready.push(format!("database {name} at {}", verdict.sentence()));
                    }
                    Ok(verdict) => missing.push(format!("database {name} at {}", verdict.sentence())),
                    Err(why) => missing.push(format!("database {name} cannot be asked: {why}")),
                }
            }
            if missing.is_empty() { Ok(ready.join("; ")) } else { Err(missing.join("; ")) }
        }
        .boxed()
    }

    fn hint(&self) -> String {
        self.hint.clone()
    }
}

/// Stands where databases would be asked, in a rehearsal: there are none.
struct Supposes(Vec<String>);

impl SchemaGate for Supposes {
    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        let message = format!("schema gate: {} (not asked in a rehearsal)", self.0.join("; "));
        std::future::ready(Ok(message)).boxed()
    }
}

/// A gate, and what it asks for, in words.
pub(crate) struct Gate {
    pub(crate) asks: Arc<dyn SchemaGate>,
    pub(crate) says: Vec<String>,
}

/// The gate of an application's databases; `None` where no database wants one.
///
/// # Errors
/// Where migrations cannot be read, and where a database that is to be asked has no address: before anything is changed.
pub(crate) fn gate(
    app: &App,
    path: &Path,
    placeholders: Option<&BTreeMap<String, String>>,
    (cluster, namespace): (&Cluster, &str),
) -> Result<Option<Gate>, Failure> {
    let mut databases = Vec::new();
    for (name, database) in app.databases.iter().filter(|(_, database)| database.gate) {
        let known = address(app, (name, database), placeholders, &|variable| std::env::var(variable).ok())?;
        let known = known.ok_or_else(|| no_address(name, database))?;
        databases.push((Demand::of_app(name, database)?, known));
    }
    if databases.is_empty() {
        return Ok(None);
    }
    let says = databases.iter().map(|(demand, _)| demand.sentence()).collect();
    let hint = format!("bowline migrate up --app {}", path.display());
    let asks = Asks { cluster: cluster.clone(), namespace: namespace.to_owned(), databases, hint };
    Ok(Some(Gate { asks: Arc::new(asks), says }))
}

/// The gate of an earlier revision, by what is recorded of it and where `app` says that its databases are; `None` where
/// nothing of both is known.
pub(crate) fn recorded_gate(
    app: &App,
    placeholders: Option<&BTreeMap<String, String>>,
    (cluster, namespace): (&Cluster, &str),
    records: &[SchemaRecord],
) -> Result<Option<Arc<dyn SchemaGate>>, Failure> {
    let mut databases = Vec::new();
    for (name, database) in app.databases.iter().filter(|(_, database)| database.gate) {
        let Some(record) = records.iter().find(|record| record.database == *name) else { continue };
        let known = address(app, (name, database), placeholders, &|variable| std::env::var(variable).ok())?;
        let Some(known) = known else { continue };
        let versions = record.migrations.iter().map(|migration| migration.version.clone());
        let required = Required::versions(versions, None);
        let options = VerifyOptions { table: database.table.clone() };
        databases.push((Demand { database: name.clone(), required, options }, known));
    }
    if databases.is_empty() {
        return Ok(None);
    }
    let hint = "bowline migrate status".to_owned();
    Ok(Some(Arc::new(Asks { cluster: cluster.clone(), namespace: namespace.to_owned(), databases, hint })))
}

/// The gate of a rehearsal.
pub(crate) fn rehearsed_gate(app: &App) -> Result<Option<Arc<dyn SchemaGate>>, Failure> {
    let gated = app.databases.iter().filter(|(_, database)| database.gate);
    let says = gated.map(|(name, database)| Ok(Demand::of_app(name, database)?.sentence()));
    let says: Vec<String> = says.collect::<Result<_, Failure>>()?;
    Ok(if says.is_empty() { None } else { Some(Arc::new(Supposes(says))) })
}

fn no_address(name: &str, database: &Database) -> Failure {
    let variable = database.variable(name);
    let file = bowline_app::FILE_NAME;
    Failure::new(
        Exit::Usage,
        format!("database {name}: it is to be asked whether its migrations are applied, and there is no address of it"),
    )
    .hint(format!("export {variable}=postgres://USER:PASSWORD@HOST/NAME"))
    .hint(format!("`secret: NAME/KEY` in databases.{name} of {file} names the Secret that holds it"))
    .hint("`gate: false` there leaves the question to the pods (bowline migrate wait)")
}
