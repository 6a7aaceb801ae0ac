//! What a deployment knows of its databases' migrations: recorded with each revision, run by its Job on a real PostgreSQL,
//! and asked again by a rollback.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

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
          command: [sh, -c, 'sleep {{ .Values.pause }}; exec bowline migrate --dir "$FOLDER" {{ .Values.command }}']
          env:
            - { name: DATABASE_URL, value: {{ .Values.databaseUrl | quote }} }
            - { name: FOLDER, value: {{ .Values.folder | quote }} }
"#;

/// The address, where a pod and whoever deploys find it.
const SECRET: &str = r#"
apiVersion: v1
kind: Secret
metadata:
  name: shop-db
  annotations: { helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-weight: "-10" }
stringData: { URL: {{ .Values.databaseUrl | quote }} }
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
        write("chart/values.yaml", "pause: 0\ncommand: up\nscript: sleep 1000\n");
        write("chart/templates/job.yaml", JOB);
        write("chart/templates/secret.yaml", SECRET);
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

    fn template(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("chart/templates").join(name), text).unwrap();
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

    // As a hook of Argo CD, gone with its pod as soon as it has ended: what it said is kept all the same.
    let of_argo = JOB.replace("helm.sh/hook: pre-install,pre-upgrade", "argocd.argoproj.io/hook: PreSync");
    shop.template("job.yaml", &of_argo.replace("backoffLimit: 0", "ttlSecondsAfterFinished: 0"));
    let argo = shop.deploy(&[]).expect(0);
    says(&argo, &["pre-upgrade hook Job/shop-migrate started", "Job/shop-migrate | bowline: no migrations to run"]);
    let history = shop.run(&["history", "--migrations"]).expect(0).stdout;
    let argo = history.split("revision 3: ").nth(1).unwrap_or_else(|| panic!("{history}"));
    assert!(argo.contains("migrates shop: succeeded") && argo.contains("exit code 0"), "{history}");
    assert!(argo.contains("no migrations to run"), "{history}");
    shop.template("job.yaml", JOB);

    // Before revision 2 nothing is recorded, and nobody guesses. Nothing is taken back either.
    let back = shop.run(&["rollback", "1"]).expect(0);
    says(&back, &["it is not recorded which migrations revision 1 was built with"]);
    assert_eq!(shop.columns(), "id,name,mail");
    shop.deploy(&[]).expect(0);

    // A file that the server refuses: the deployment fails with its place, and what it said stays.
    shop.migration("3_bad.sql", "-- +goose Up\nALTER TABLE users ADD COLUMN age nope;\n-- +goose Down\nSELECT 1;\n");
    let failed = shop.deploy(&[]).expect(1);
    says(&failed, &["pre-upgrade hook Job/shop-migrate", "3_bad.sql:2", "type \"nope\" does not exist"]);
    says(&failed, &["rolled back to revision 5"]);
    let history = shop.run(&["history", "--migrations"]).expect(0).stdout;
    assert!(history.contains("revision 6: Job/shop-migrate (bowline) migrates shop: failed after"), "{history}");
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
    says(&refused, &["hint: bowline rollback shop 7 --accept-schema"]);
    shop.run(&["rollback", "--accept-schema"]).expect(0);
    assert_eq!(shop.columns(), "id,mail,full_name");
}

#[test]
fn nothing_is_promoted_before_the_database_has_what_it_needs() {
    let shop =
        Shop::new("  databases: { shop: \"${stores.db.url}\" }\ndatabases:\n  shop: { migrations: migrations }\n");
    shop.migration("1_users.sql", USERS);
    let rehearsed = shop.run(&["rehearse", shop.path()]).expect(0).stdout;
    assert!(rehearsed.contains("schema gate: database shop: migration 1 is required (not asked"), "{rehearsed}");
    let up = shop.run(&["up", shop.path(), "--detach"]).expect(0);
    assert!(up.stderr.contains("all 1 required migrations are applied"), "{}", up.stderr);

    // The Job succeeds, and does not do what it should.
    shop.migration("2_mail.sql", MAIL);
    let deploy = |more: &[&str]| shop.run(&[&["deploy", shop.path(), "--set", "command=version"], more].concat());
    let refused = deploy(&["--set", "script=sleep 2000"]).expect(1);
    says(&refused, &["database shop: 2 migrations up to 2 are required before anything is promoted"]);
    says(&refused, &["2 hooks, schema gate", "pre-upgrade hook Job/shop-migrate succeeded"]);
    says(&refused, &["the release is not promoted: database shop at postgres://"]);
    says(&refused, &["1 of 2 required migrations are not applied: 2"]);
    says(&refused, &[&format!("hint: bowline migrate up --app {}", shop.path())]);
    let manifest = shop.run(&["history"]).expect(0).stdout;
    assert!(manifest.contains("failed"), "{manifest}");
    assert!(!refused.stderr.contains("Deployment/web configured"), "{}", refused.stderr);

    // The versions that are needed are not always all that are there.
    let app = shop.folder.path().join("bowline.yaml");
    let text = fs::read_to_string(&app).unwrap();
    fs::write(&app, text.replace("{ migrations: migrations }", "{ migrations: migrations, require: [1] }")).unwrap();
    deploy(&[]).expect(0);
    fs::write(&app, &text).unwrap();
    deploy(&["--skip-schema-gate"]).expect(0);

    // An address of a Secret, which a hook of the release brings.
    let of_secret = text.replace("  databases: { shop: \"${stores.db.url}\" }\n", "");
    fs::write(&app, &of_secret).unwrap();
    let refused = deploy(&[]).expect(2);
    says(&refused, &["database shop: it is to be asked", "hint: export SHOP_DATABASE_URL=", "`secret: NAME/KEY`"]);
    fs::write(&app, of_secret.replace("{ migrations: migrations }", "{ migrations: migrations, secret: shop-db/URI }"))
        .unwrap();
    says(&deploy(&[]).expect(1), &["database shop cannot be asked: Secret shop-db has no key URI"]);
    fs::write(&app, of_secret.replace("{ migrations: migrations }", "{ migrations: migrations, secret: shop-db/URL }"))
        .unwrap();
    says(&deploy(&[]).expect(1), &["1 of 2 required migrations are not applied: 2"]);
    let done = shop.run(&["deploy", shop.path()]).expect(0);
    says(&done, &["all 2 required migrations are applied"]);
}

/// Runs the binary on a terminal, with somebody there who answers.
fn on_a_terminal(shop: &Shop, arguments: &[&str], answer: &str) -> Run {
    let words: Vec<String> = arguments.iter().map(|word| format!("'{word}'")).collect();
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &format!("{BOWLINE} {}", words.join(" ")), "/dev/null"]);
    command.env("BOWLINE_HOME", shop.home.path()).env_remove("KUBECONFIG").current_dir(shop.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{answer}").unwrap();
    Run::of(&child.wait_with_output().unwrap())
}

#[test]
fn a_rollback_takes_migrations_back_where_it_is_asked_to_and_told_yes() {
    let shop =
        Shop::new("  databases: { shop: \"${stores.db.url}\" }\ndatabases:\n  shop: { migrations: migrations }\n");
    shop.migration("1_users.sql", USERS);
    shop.run(&["up", shop.path(), "--detach"]).expect(0);
    shop.migration("2_mail.sql", MAIL);
    let deploy = |more: &[&str]| shop.run(&[&["deploy", shop.path()], more].concat());
    deploy(&[]).expect(0);
    shop.migration("3_full_name.sql", FULL_NAME);
    shop.migration("4_no_name.sql", NO_NAME);
    // What bowline.yaml names is linted and recorded without a flag.
    says(&deploy(&[]).expect(3), &["database shop: the migrations take what a live revision needs"]);
    deploy(&["--accept-schema"]).expect(0);
    assert_eq!(shop.columns(), "id,mail,full_name");

    let refused = shop.run(&["rollback"]).expect(3);
    says(&refused, &["hint: bowline rollback shop 2 --downs", "hint: bowline rollback shop 2 --accept-schema"]);
    let lost = "shop: 4_no_name.sql   LOST: it drops column users.name, and its data does not come back";
    let unasked = shop.run(&["rollback", "--downs"]).expect(2);
    says(&unasked, &["the rollback takes 1 migration back, and nobody is there to ask", lost, "hint: --yes"]);
    says(&unasked, &["taken back before revision 2 comes:"]);
    let no = on_a_terminal(&shop, &["rollback", "--downs"], "no").expect(1);
    assert!(no.stdout.contains("Take 1 migration back? Type yes:") && no.stdout.contains(lost), "{no:?}");
    assert!(no.stdout.contains("not confirmed; nothing is changed"), "{no:?}");
    assert_eq!(shop.columns(), "id,mail,full_name");
    assert!(!shop.run(&["history"]).expect(0).stdout.contains("Rollback"), "no revision was made");

    // What is needed goes before the earlier revision comes, and only that.
    let yes = on_a_terminal(&shop, &["rollback", "--downs"], "yes").expect(0).stdout;
    let at = |text: &str| yes.find(text).unwrap_or_else(|| panic!("{text:?} is not in\n{yes}"));
    assert!(at("database shop: 4_no_name.sql is taken back") < at("all 2 required migrations are applied"), "{yes}");
    at("shop is deployed as revision 4: Rollback to 2");
    assert_eq!(shop.columns(), "id,mail,full_name,name");

    // All of it: what only the later revision needed goes when it is gone.
    deploy(&["--accept-schema"]).expect(0);
    assert_eq!(shop.columns(), "id,mail,full_name");
    let events = shop.run(&["rollback", "2", "--downs=all", "--yes", "--output", "ndjson"]).expect(0);
    let events: Vec<Value> = events.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let place = |name: &str, text: &str| {
        let found = events.iter().position(|event| event["event"] == name && event.to_string().contains(text));
        found.unwrap_or_else(|| panic!("no {name} with {text} in {events:#?}"))
    };
    let order = [
        place("revision-recorded", "pending-rollback"),
        place("schema-taken-back", "4_no_name.sql"),
        place("schema-checked", "all 2 required"),
        place("revision-recorded", "\"deployed\""),
        place("schema-taken-back", "3_full_name.sql"),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(shop.columns(), "id,mail,name");
    says(&shop.run(&["rollback", "1", "--downs", "--yes"]).expect(0), &["no migration has to be taken back"]);

    // A way back that fails stops the rollback before anything of it is promoted; one that is missing, before anything.
    deploy(&["--accept-schema"]).expect(0);
    shop.migration("4_no_name.sql", &NO_NAME.replace("ADD COLUMN name text", "ADD COLUMN name nope"));
    let failed = shop.run(&["rollback", "2", "--downs", "--yes"]).expect(1);
    says(&failed, &["take migrations back: database shop: ", "4_no_name.sql", "type \"nope\" does not exist"]);
    assert!(!failed.stderr.contains("Deployment/web"), "{}", failed.stderr);
    shop.migration("4_no_name.sql", NO_NAME.split("-- +goose Down").next().unwrap());
    let failed = shop.run(&["rollback", "2", "--downs", "--yes"]).expect(1);
    says(&failed, &["database shop: there is no way back from 4_no_name.sql"]);
    shop.forget("4_no_name.sql");
    let failed = shop.run(&["rollback", "2", "--downs", "--yes"]).expect(1);
    says(&failed, &["database shop: version 4 is applied, and its file is not in"]);
    assert_eq!(shop.columns(), "id,mail,full_name");
}

/// Two databases in two waves whose Jobs and gates Bowline makes itself.
const MADE: &str = r#"name: shop
chart: chart
databases:
  identity: { migrations: identity, wave: -5, image: "identity-migrations:1", secret: shop-db/IDENTITY, pods: [web] }
  legal: { migrations: migrations, wave: -3, image: "legal-migrations:1", secret: shop-db/LEGAL, pods: [web] }
local:
  set: { identity: "${stores.identity.url}", legal: "${stores.db.url}" }
  databases: { identity: "${stores.identity.url}", legal: "${stores.db.url}" }
  stores: { identity: { kind: postgres }, db: { kind: postgres } }
  images:
    migrate: { command: [sh] }
    identity-migrations: { command: ["${bowline}"], env: { GOOSE_MIGRATION_DIR: identity } }
    legal-migrations: { command: ["${bowline}"], env: { GOOSE_MIGRATION_DIR: migrations } }
"#;

#[test]
fn jobs_and_gates_that_bowline_makes() {
    let Some(kubernetes) = bowline_peers::find("kubernetes") else { return };
    let shop = Shop::new("");
    let write = |name: &str, text: &str| fs::write(shop.folder.path().join(name), text).unwrap();
    fs::remove_file(shop.folder.path().join("chart/templates/job.yaml")).unwrap();
    fs::create_dir(shop.folder.path().join("identity")).unwrap();
    let urls = "{ IDENTITY: {{ .Values.identity | quote }}, LEGAL: {{ .Values.legal | quote }} }";
    shop.template("secret.yaml", &SECRET.replace("{ URL: {{ .Values.databaseUrl | quote }} }", urls));
    write("identity/1_users.sql", USERS);
    shop.migration("1_users.sql", USERS);
    write("bowline.yaml", &MADE.replace("pods: [web]", "pods: [wbe]"));
    says(
        &shop.run(&["rehearse", shop.path()]).expect(2),
        &["pods of wbe are to wait for it", "hint: did you mean web?"],
    );
    write("bowline.yaml", &MADE.replace(", secret: shop-db/LEGAL", ""));
    let refused = shop.run(&["migrate", "job", "--app", shop.path()]).expect(2);
    says(&refused, &["database legal: no Secret holds its address", "hint: `secret: NAME/KEY` in databases.legal"]);
    write("bowline.yaml", MADE);

    // In a deployment: one Job after the other, by wave, before the databases are asked.
    let up = shop.run(&["up", shop.path(), "--detach"]).expect(0).stderr;
    let at = |text: &str| up.find(text).unwrap_or_else(|| panic!("{text:?} is not in\n{up}"));
    let order = [
        at("Job/shop-migrate-identity migrates identity"),
        at("Job/shop-migrate-identity: identity migrated"),
        at("Job/shop-migrate-legal migrates legal"),
        at("Job/shop-migrate-legal: legal migrated"),
        at("database identity at postgres://"),
        at("Deployment/web created"),
    ];
    assert!(order.is_sorted(), "{order:?}\n{up}");
    assert_eq!(shop.columns(), "id,name");
    let web = shop.home.kubectl(&kubernetes, &["-n", "shop", "get", "deploy", "web", "-o", "json"]).expect(0).stdout;
    let web: Value = serde_json::from_str(&web).unwrap();
    let init = &web["spec"]["template"]["spec"]["initContainers"];
    let names: Vec<&str> = init.as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["wait-for-identity", "wait-for-legal"]);

    // Printed, for clusters where Bowline does not deploy: kubectl takes them, and they do what they should.
    shop.migration("2_mail.sql", MAIL);
    let printed = shop.run(&["migrate", "job", "legal", "--app", shop.path()]).expect(0).stdout;
    write("job.yaml", &printed);
    let file = shop.folder.path().join("job.yaml").display().to_string();
    let kubectl = |arguments: &[&str]| shop.home.kubectl(&kubernetes, &[&["-n", "shop"], arguments].concat()).expect(0);
    kubectl(&["delete", "-f", &file]);
    kubectl(&["apply", "-f", &file]);
    kubectl(&["wait", "--for=condition=complete", "--timeout=30s", "job/shop-migrate-legal"]);
    assert_eq!(shop.columns(), "id,name,mail");
    let argo = shop.run(&["migrate", "job", "--argo", "--app", shop.path()]).expect(0).stdout;
    assert!(argo.contains("argocd.argoproj.io/hook: PreSync") && argo.contains("sync-wave: \"-5\""), "{argo}");
    let gate = shop.run(&["migrate", "gate", "legal", "--app", shop.path()]).expect(0).stdout;
    assert!(gate.starts_with("initContainers:\n- args:\n  - migrate\n  - wait\n"), "{gate}");

    // Pods wait for what is not there, and say so, where the deployment itself does not ask.
    let legal = "secret: shop-db/LEGAL, pods: [web] }";
    write("bowline.yaml", &MADE.replace(legal, "secret: shop-db/LEGAL, pods: [web], require: [9], gate: false }"));
    let hangs = shop.run(&["deploy", shop.path(), "--timeout", "8s", "--no-rollback"]).expect(4);
    says(&hangs, &["Deployment/web", "container wait-for-legal", "1 of 1 required migrations are not applied: 9"]);
}
