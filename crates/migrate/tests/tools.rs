//! The gate beside the real tools: what they leave in a real PostgreSQL is read as they mean it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use bowline_migrate::tree::{Layout, MigrationTree};
use bowline_migrate::{Required, Target, Verdict, VerifyOptions, verify};
use bowline_peers::postgres::Postgres;

async fn ask(url: &str, folder: &Path, layout: Layout) -> Verdict {
    let tree = MigrationTree::read(folder, Some(layout)).unwrap();
    verify(&Target::from_url(url).unwrap(), &Required::folder(&tree), &VerifyOptions::default()).await.unwrap()
}

fn run(program: &Path, folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    if output.status.success() { Ok(said) } else { Err(said) }
}

#[tokio::test]
async fn golang_migrate() {
    let (Some(server), Some(migrate)) = (Postgres::start(), bowline_peers::find("golang-migrate")) else { return };
    let url = server.database("tool");
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("1_a.up.sql", "CREATE TABLE a (id int);"),
        ("1_a.down.sql", "DROP TABLE a;"),
        ("2_b.up.sql", "CREATE TABLE b (id int);"),
        ("2_b.down.sql", "DROP TABLE b;"),
        ("3_c.up.sql", "SELEKT;"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let tool =
        |arguments: &[&str]| run(&migrate, folder.path(), &[&["-path", ".", "-database", &url], arguments].concat());
    let ask = async || ask(&url, folder.path(), Layout::GolangMigrate).await;
    tool(&["up", "1"]).unwrap();
    assert_eq!(ask().await.missing, ["2", "3"]);
    assert!(tool(&["up"]).unwrap_err().contains("SELEKT"));
    let verdict = ask().await;
    assert_eq!((verdict.dirty[0].version.as_str(), verdict.missing.len()), ("3", 0), "{verdict:?}");
    tool(&["force", "2"]).unwrap();
    std::fs::remove_file(folder.path().join("3_c.up.sql")).unwrap();
    assert!(ask().await.is_satisfied());
    tool(&["down", "1"]).unwrap();
    assert_eq!(ask().await.missing, ["2"]);
}

#[tokio::test]
async fn alembic() {
    let (Some(server), Some(alembic)) = (Postgres::start(), bowline_peers::python("alembic")) else { return };
    let url = server.database("tool");
    let project = tempfile::tempdir().unwrap();
    let tool = |arguments: &[&str]| run(&alembic, project.path(), arguments).unwrap();
    tool(&["init", "migrations"]);
    let settings = project.path().join("alembic.ini");
    let text = std::fs::read_to_string(&settings).unwrap();
    let lines = text.lines().map(|line| match line.starts_with("sqlalchemy.url") {
        true => format!("sqlalchemy.url = postgresql+psycopg://todo@127.0.0.1:{}/tool\n", server.port()),
        false => format!("{line}\n"),
    });
    std::fs::write(&settings, lines.collect::<String>()).unwrap();
    let folder = project.path().join("migrations");
    let ask = async || ask(&url, &folder, Layout::Alembic).await;
    tool(&["revision", "-m", "one", "--rev-id", "a1"]);
    tool(&["revision", "-m", "two", "--rev-id", "b2"]);
    tool(&["upgrade", "+1"]);
    assert_eq!(ask().await.missing, ["b2"]);
    tool(&["upgrade", "head"]);
    assert!(ask().await.is_satisfied());
    // Two heads, and the revision that joins them.
    tool(&["revision", "-m", "side", "--rev-id", "c3", "--head", "a1", "--splice"]);
    assert_eq!(ask().await.missing, ["c3"]);
    tool(&["upgrade", "heads"]);
    assert!(ask().await.is_satisfied());
    tool(&["merge", "heads", "-m", "joined", "--rev-id", "d4"]);
    assert_eq!(ask().await.missing, ["d4"]);
    tool(&["upgrade", "head"]);
    assert!(ask().await.is_satisfied());
    tool(&["downgrade", "a1"]);
    assert_eq!(ask().await.missing.len(), 3);
}

#[tokio::test]
async fn django() {
    let (Some(server), Some(python)) = (Postgres::start(), bowline_peers::python("python")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let settings = |database: &str| {
        let text = format!(
            "SECRET_KEY = 'x'\nINSTALLED_APPS = ['shop']\nDEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\nDATABASES = \
             {{'default': {{'ENGINE': 'django.db.backends.postgresql', 'NAME': '{database}', 'USER': 'todo', \
             'HOST': '127.0.0.1', 'PORT': '{}'}}}}\n",
            server.port()
        );
        write("settings.py", &text);
    };
    let models = |fields: usize| {
        let names = ["name", "price", "size"].iter().take(fields);
        let fields = names.map(|name| format!("    {name} = models.IntegerField(default=0)\n")).collect::<String>();
        write("shop/models.py", &format!("from django.db import models\nclass Item(models.Model):\n{fields}"));
    };
    let tool = |arguments: &[&str]| {
        let manage = ["-m", "django", "--settings", "settings", "--pythonpath", "."];
        run(&python, folder.path(), &[&manage[..2], arguments, &manage[2..]].concat()).unwrap()
    };
    let (first, second) = (server.database("first"), server.database("second"));
    settings("first");
    write("shop/__init__.py", "");
    write("shop/migrations/__init__.py", "");
    for fields in 1..=3 {
        models(fields);
        tool(&["makemigrations", "shop", "-n", ["one", "two", "three"][fields - 1]]);
    }
    let ask = async |url: &str| ask(url, folder.path(), Layout::Django).await;
    tool(&["migrate", "shop", "0001"]);
    assert_eq!(ask(&first).await.missing, ["shop.0002_two", "shop.0003_three"]);
    tool(&["migrate"]);
    assert!(ask(&first).await.is_satisfied());
    // What is squashed is applied where all that it stands for is, before Django has noted it.
    tool(&["squashmigrations", "--noinput", "shop", "0001", "0002"]);
    assert!(ask(&first).await.is_satisfied(), "{:?}", ask(&first).await);
    let empty = ask(&second).await;
    assert_eq!(empty.missing.len(), 4, "no table, nothing known: {empty:?}");
    settings("second");
    tool(&["migrate"]);
    tool(&["migrate", "shop", "zero"]);
    let none = ask(&second).await;
    assert_eq!(none.missing, ["shop.0001_one_squashed_0002_two", "shop.0003_three"], "{none:?}");
    tool(&["migrate"]);
    assert!(ask(&second).await.is_satisfied());
    // What it stands for may be forgotten.
    server.psql_at(&second, "DELETE FROM django_migrations WHERE name IN ('0001_one', '0002_two')").unwrap();
    assert!(ask(&second).await.is_satisfied());
}
