use serde::Serialize;
use serde_json::Value;

/// The annotation that says of a Job that it migrates a database, and which; `"false"` says that it does not.
const DECLARED: &str = "bowline.dev/migration";

/// A Job, or a Pod, that migrates a database: told by its annotation, its command or its image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MigrationJob {
    /// The tool: `goose`, `alembic`, …; `declared` where only the annotation says that it is one.
    pub tool: &'static str,
    /// Which database: the annotation's word, else where its address comes from, else the Job's name.
    pub database: String,
    /// The container that does it.
    pub container: String,
}

/// Words of a command that only migrations have; in order, other words may stand between them.
const COMMANDS: [(&str, &[&str]); 21] = [
    ("bowline", &["bowline", "migrate", "up"]),
    ("goose", &["goose", "up"]),
    ("alembic", &["alembic", "upgrade"]),
    ("prisma", &["prisma", "migrate", "deploy"]),
    ("django", &["manage.py", "migrate"]),
    ("rails", &["rails", "db:migrate"]),
    ("rails", &["rake", "db:migrate"]),
    ("diesel", &["diesel", "migration", "run"]),
    ("sqlx", &["sqlx", "migrate", "run"]),
    ("refinery", &["refinery", "migrate"]),
    ("flyway", &["flyway", "migrate"]),
    ("dbmate", &["dbmate", "up"]),
    ("dbmate", &["dbmate", "migrate"]),
    ("ecto", &["mix", "ecto.migrate"]),
    ("golang-migrate", &["migrate", "-path", "up"]),
    ("golang-migrate", &["migrate", "-source", "up"]),
    ("liquibase", &["liquibase", "update"]),
    ("atlas", &["atlas", "migrate", "apply"]),
    ("sequelize", &["sequelize", "db:migrate"]),
    ("knex", &["knex", "migrate:latest"]),
    ("typeorm", &["typeorm", "migration:run"]),
];

/// Images that do nothing else, by the end of their repository's name.
const IMAGES: [(&str, &str); 7] = [
    ("golang-migrate", "migrate/migrate"),
    ("flyway", "flyway/flyway"),
    ("liquibase", "liquibase/liquibase"),
    ("dbmate", "amacneil/dbmate"),
    ("goose", "goose-docker"),
    ("atlas", "arigaio/atlas"),
    ("goose", "pressly/goose"),
];

/// Variables that say which database, most telling first.
const ADDRESSES: [&str; 10] = [
    "DATABASE_URL",
    "GOOSE_DBSTRING",
    "DB_URL",
    "DB_DSN",
    "FLYWAY_URL",
    "SQLALCHEMY_DATABASE_URI",
    "POSTGRES_URL",
    "PGDATABASE",
    "POSTGRES_DB",
    "DB_NAME",
];

impl MigrationJob {
    /// Of an object; `None` where it is no migration that can be told.
    pub fn of(object: &Value) -> Option<Self> {
        let spec = match object["kind"].as_str()? {
            "Job" => &object["spec"]["template"]["spec"],
            "Pod" => &object["spec"],
            _ => return None,
        };
        let declared = object["metadata"]["annotations"][DECLARED].as_str().map(str::trim);
        if declared == Some("false") {
            return None;
        }
        let containers = spec["containers"].as_array()?;
        let told = containers.iter().find_map(|container| Some((container, tool_of(container)?)));
        let (container, tool) = match (told, declared) {
            (Some(told), _) => told,
            (None, Some(_)) => (containers.first()?, "declared"),
            (None, None) => return None,
        };
        let database = match declared {
            Some(name) if !matches!(name, "" | "true") => name.to_owned(),
            _ => database_of(container)
                .unwrap_or_else(|| object["metadata"]["name"].as_str().unwrap_or_default().to_owned()),
        };
        Some(Self { tool, database, container: container["name"].as_str().unwrap_or_default().to_owned() })
    }
}

fn tool_of(container: &Value) -> Option<&'static str> {
    let lists = ["command", "args"].into_iter().flat_map(|list| container[list].as_array().into_iter().flatten());
    let text = lists.filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
    // A shell's script is one argument; a program may be named by its path.
    let is_break = |c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '"' | '\'');
    let words: Vec<&str> = text.split(is_break).filter(|word| !word.is_empty()).collect();
    let runs = |wanted: &[&str]| {
        let mut words = words.iter();
        let mut wanted = wanted.iter();
        let program = |word: &str, name: &str| word == name || word.rsplit('/').next() == Some(name);
        let first = wanted.next().is_some_and(|name| words.any(|word| program(word, name)));
        first && wanted.all(|next| words.any(|word| word == next || word.starts_with(&format!("{next}="))))
    };
    let by_command = COMMANDS.iter().find(|(_, wanted)| runs(wanted)).map(|(tool, _)| *tool);
    let image = container["image"].as_str().unwrap_or_default();
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    let repository = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    };
    by_command.or_else(|| IMAGES.iter().find(|(_, name)| repository.ends_with(name)).map(|(tool, _)| *tool))
}

/// Where the address of the database comes from, never the address itself: that has a password.
fn database_of(container: &Value) -> Option<String> {
    let variables = container["env"].as_array()?;
    let of_name = |name: &str| variables.iter().find(|variable| variable["name"] == name);
    let variable = ADDRESSES.iter().find_map(|name| of_name(name))?;
    for reference in ["secretKeyRef", "configMapKeyRef"] {
        let reference = &variable["valueFrom"][reference];
        if let (Some(name), Some(key)) = (reference["name"].as_str(), reference["key"].as_str()) {
            return Some(format!("{name}/{key}"));
        }
    }
    let value = variable["value"].as_str()?;
    let name = match value.split_once("://") {
        // What comes after the host, without options.
        Some((_, rest)) => rest.split_once('/').map(|(_, path)| path.split('?').next().unwrap_or_default())?,
        None if value.contains(['=', ' ']) => value.split_whitespace().find_map(|pair| pair.strip_prefix("dbname="))?,
        None => value,
    };
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn job(container: Value, annotations: &Value) -> Option<MigrationJob> {
        let mut container = container;
        container["name"] = json!("main");
        MigrationJob::of(&json!({"kind": "Job", "metadata": {"name": "identity-migrate", "annotations": annotations},
            "spec": {"template": {"spec": {"containers": [{"name": "proxy", "image": "proxy:1"}, container]}}}}))
    }

    #[test]
    fn the_tool_is_told_by_command_or_image() {
        let cases = [
            (json!({"command": ["alembic", "upgrade", "head"]}), "alembic"),
            (
                json!({"command": ["/bin/sh", "-c"], "args": ["cd /app && /usr/bin/goose -dir m postgres \"$DSN\" up; ls"]}),
                "goose",
            ),
            (json!({"command": ["python", "manage.py", "migrate", "--noinput"]}), "django"),
            (
                json!({"args": ["-path=/migrations", "-database", "$(URL)", "up"], "image": "migrate/migrate:v4.17"}),
                "golang-migrate",
            ),
            (json!({"image": "reg:5000/flyway/flyway@sha256:ab"}), "flyway"),
            (json!({"command": ["npx", "prisma", "migrate", "deploy"]}), "prisma"),
            (json!({"command": ["/bowline", "migrate", "up"]}), "bowline"),
        ];
        for (container, tool) in cases {
            let found = job(container.clone(), &json!({})).unwrap_or_else(|| panic!("{container}"));
            assert_eq!((found.tool, found.container.as_str()), (tool, "main"), "{container}");
        }
        assert_eq!(job(json!({"command": ["goose", "down"]}), &json!({})), None);
        assert_eq!(job(json!({"command": ["alembic", "upgrade"]}), &json!({"bowline.dev/migration": "false"})), None);
        assert_eq!(
            job(json!({"command": ["./up.sh"]}), &json!({"bowline.dev/migration": "true"})).unwrap().tool,
            "declared"
        );
    }

    #[test]
    fn the_database_has_a_name_and_never_a_password() {
        let of = |env: Value, annotations: &Value| {
            job(json!({"command": ["goose", "up"], "env": [env]}), annotations).unwrap().database
        };
        let none = json!({});
        let secret =
            json!({"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "identity-db", "key": "URL"}}});
        assert_eq!(of(secret.clone(), &none), "identity-db/URL");
        assert_eq!(of(secret, &json!({"bowline.dev/migration": "identity"})), "identity");
        let plain = json!({"name": "GOOSE_DBSTRING", "value": "postgres://u:hidden@db:5432/legal?sslmode=disable"});
        assert_eq!(of(plain, &none), "legal");
        assert_eq!(of(json!({"name": "DB_DSN", "value": "host=db password=hidden dbname=auth"}), &none), "auth");
        assert_eq!(of(json!({"name": "PGDATABASE", "value": "shop"}), &none), "shop");
        assert_eq!(of(json!({"name": "X", "value": "y"}), &none), "identity-migrate");
    }
}
