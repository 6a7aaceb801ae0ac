//! What a deployment knows of its databases' migrations: recorded with each revision, run by its Job on a real PostgreSQL,
//! and asked again by a rollback.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::bowline::{Home, Run};
use crate::faults::says;

const BOWLINE: &str = env!("CARGO_BIN_EXE_bowline");

const JOB: &str = r#"
apiVersion: batch/v1
kind: Job
metadata:
  name: shop-migrate
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
    bowline.dev/migration: shop
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: migrate
          image: "migrate:1"
          command: [sh, -c, 'sleep {{ .Values.pause }}; exec bowline migrate up --dir "$FOLDER" {{ .Values.flags }}']
          env:
            - { name: DATABASE_URL, value: {{ .Values.databaseUrl | quote }} }
            - { name: FOLDER, value: {{ .Values.folder | quote }} }
"#;

const WEB: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - { name: web, image: "migrate:1", command: [sh, -c, "{{ .Values.script }}"] }
"#;

/// A shop with one database, a Job that migrates it with Bowline, and a program that only runs.
struct Shop {
    folder: tempfile::TempDir,
    home: Home,
}

impl Shop {
    /// `more` goes to the end of its `bowline.yaml`.
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir_all(path.join("chart/templates")).unwrap();
        fs::create_dir(path.join("migrations")).unwrap();
        let tools = Path::new(BOWLINE).parent().unwrap().display();
        let write = |name: &str, text: &str| fs::write(path.join(name), text).unwrap();
        write("chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 0.1.0\n");
        write("chart/values.yaml", "pause: 0\nflags: ''\nscript: sleep 1000\n");
        write("chart/templates/job.yaml", JOB);
        write("chart/templates/web.yaml", WEB);
        let folder_value = path.join("migrations").display().to_string();
        write(
            "bowline.yaml",
            &format!(
                "name: shop\nchart: chart\nset: {{ folder: {folder_value} }}\nlocal:\n  images:\n    migrate: {{ command: [sh], \
                 path: [{tools}] }}\n  set: {{ databaseUrl: \"${{stores.db.url}}\" }}\n  stores:\n    db: {{ kind: postgres \
                 }}\n{more}"
            ),
        );
        Self { folder, home: Home::new() }
    }

    fn path(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    fn migration(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("migrations").join(name), text).unwrap();
    }

    fn forget(&self, name: &str) {
        fs::remove_file(self.folder.path().join("migrations").join(name)).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.home.run(arguments)
    }

    fn deploy(&self, more: &[&str]) -> Run {
        let migrations = format!("shop={}/migrations", self.path());
        self.run(&[&["deploy", self.path(), "--migrations", &migrations], more].concat())
    }

    /// The address of its database, which only its owner may read.
    fn url(&self) -> String {
        let state = fs::read_to_string(self.home.path().join("clusters/default/state.json")).unwrap();
        let state: Value = serde_json::from_str(&state).unwrap();
        state["placeholders"]["stores.db.url"].as_str().unwrap().to_owned()
    }

    /// What psql says.
    fn sql(&self, statement: &str) -> String {
        let output = Command::new("psql").args(["-XAtq", "-c", statement, &self.url()]).output().unwrap();
        Run::of(&output).expect(0).stdout.trim().to_owned()
    }

    fn columns(&self) -> String {
        self.sql("SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped")
    }
}

const USERS: &str =
    "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, name text);\n-- +goose Down\nDROP TABLE users;\n";
const MAIL: &str =
    "-- +goose Up\nALTER TABLE users ADD COLUMN mail text;\n-- +goose Down\nALTER TABLE users DROP COLUMN mail;\n";
const FULL_NAME: &str = "-- +goose Up\nALTER TABLE users ADD COLUMN full_name text;\n-- +goose Down\nALTER TABLE users DROP COLUMN \
    full_name;\n";
const NO_NAME: &str = "-- +goose Up\n-- bowline:phase contract\n-- bowline:after 3\nALTER TABLE users DROP COLUMN name;\n-- +goose Down\nALTER TABLE users ADD COLUMN name text;\n";

#[test]
fn deploy_records_migrations_and_rollback_asks_for_them() {
    let shop = Shop::new("");
    shop.migration("1_users.sql", USERS);
    shop.run(&["up", shop.path(), "--detach"]).expect(0);
    assert_eq!(shop.columns(), "id,name");

    // What the Job writes comes as events while it runs.
    shop.migration("2_mail.sql", MAIL);
    let events = shop.deploy(&["--output", "ndjson", "--set", "pause=1"]).expect(0).stdout;
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let place = |name: &str, text: &str| {
        let found = events.iter().position(|event| event["event"] == name && event.to_string().contains(text));
        found.unwrap_or_else(|| panic!("no {name} with {text} in {events:#?}"))
    };
    let order = [
        place("migration-started", "\"database\":\"shop\""),
        place("migration-log", "OK   2_mail.sql"),
        place("migration-finished", "\"succeeded\":true"),
        place("object-deleted", "Job/shop-migrate"),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(shop.columns(), "id,name,mail");

    // The Job is gone, what it said is not.
    let history = shop.run(&["history", "--migrations"]).expect(0).stdout;
    assert!(history.contains("revision 2: Job/shop-migrate (bowline) migrates shop: succeeded after"), "{history}");
    assert!(history.contains("OK   2_mail.sql") && history.contains("exit code 0"), "{history}");
    let json = shop.run(&["history", "--migrations", "--output", "json"]).expect(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[1]["migration"]["tool"], "bowline", "{json}");
    assert!(!json.to_string().contains(&shop.url()), "addresses are not kept");

    // Before revision 2 nothing is recorded, and nobody guesses. Nothing is taken back either.
    let back = shop.run(&["rollback", "1"]).expect(0);
    says(&back, &["it is not recorded which migrations revision 1 was built with"]);
    assert_eq!(shop.columns(), "id,name,mail");
    shop.deploy(&[]).expect(0);

    // A file that the server refuses: the deployment fails with its place, and what it said stays.
    shop.migration("3_bad.sql", "-- +goose Up\nALTER TABLE users ADD COLUMN age nope;\n-- +goose Down\nSELECT 1;\n");
    let failed = shop.deploy(&[]).expect(1);
    says(&failed, &["pre-upgrade hook Job/shop-migrate", "3_bad.sql:2", "type \"nope\" does not exist"]);
    says(&failed, &["rolled back to revision 4"]);
    let history = shop.run(&["history", "--migrations"]).expect(0).stdout;
    assert!(history.contains("revision 5: Job/shop-migrate (bowline) migrates shop: failed after"), "{history}");
    shop.forget("3_bad.sql");

    // A step that takes what the live revision needs: not without being accepted.
    shop.migration("3_full_name.sql", FULL_NAME);
    shop.migration("4_no_name.sql", NO_NAME);
    let refused = shop.deploy(&[]).expect(3);
    says(&refused, &["database shop: the migrations take what a live revision needs", "4_no_name.sql"]);
    says(&refused, &["hint: --accept-schema"]);
    assert_eq!(shop.columns(), "id,name,mail", "nothing has run");
    shop.deploy(&["--accept-schema"]).expect(0);
    assert_eq!(shop.columns(), "id,mail,full_name");

    // Back over it: not without being accepted either; and no migration is undone by itself.
    let refused = shop.run(&["rollback"]).expect(3);
    says(&refused, &["does not run on the present schema: 4_no_name.sql: it drops column users.name"]);
    says(&refused, &["hint: bowline rollback shop 6 --accept-schema"]);
    shop.run(&["rollback", "--accept-schema"]).expect(0);
    assert_eq!(shop.columns(), "id,mail,full_name");
}
