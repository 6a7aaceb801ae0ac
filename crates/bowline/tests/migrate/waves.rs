//! System C: identity in wave −5, auth in −4, legal in −3.

use bowline_peers::postgres::Postgres;
use serde_json::json;

use crate::project::{Project, Said};

const APP: &str = "name: policy\nchart: chart\ndatabases:\n  legal: { migrations: legal, env: LEGAL, wave: -3 }\n  auth: { \
    migrations: auth, env: AUTH, wave: -4 }\n  audit: { migrations: auth, env: AUDIT, wave: -4 }\n  identity: { migrations: \
    identity, env: IDENTITY, wave: -5 }\n";

const GOOD: &str = "-- +goose Up\nCREATE TABLE one (id int);\n-- +goose Down\nDROP TABLE one;\n";
const MORE: &str = "-- +goose Up\nCREATE TABLE two (id int);\n-- +goose Down\nDROP TABLE two;\n";
const BAD: &str = "-- +goose Up\nCREATE TABLE two (id nope);\n-- +goose Down\nDROP TABLE two;\n";

struct System {
    postgres: Postgres,
    project: Project,
    addresses: Vec<(&'static str, String)>,
}

impl System {
    fn new() -> Option<Self> {
        let postgres = Postgres::start()?;
        let project = Project::new(&[("bowline.yaml", APP)]);
        for folder in ["identity", "auth", "legal"] {
            std::fs::create_dir(project.path().join(folder)).unwrap();
            project.write(&format!("{folder}/1_one.sql"), GOOD);
        }
        let addresses = ["IDENTITY", "AUTH", "AUDIT", "LEGAL"];
        let addresses = addresses.map(|name| (name, postgres.database(&name.to_lowercase()))).into();
        Some(Self { postgres, project, addresses })
    }

    fn up(&self, more: &[&str]) -> Said {
        let app = self.project.path().display().to_string();
        let mut command = self.project.command(("", ""), &[&["up", "--app", &app], more].concat());
        command.env_remove("GOOSE_DRIVER").env_remove("GOOSE_DBSTRING").envs(self.addresses.iter().cloned());
        Said::of(&command.output().unwrap())
    }

    fn versions(&self) -> Vec<String> {
        let version = |(_, url): &(&str, String)| {
            self.postgres
                .psql_at(url, "SELECT max(version_id) FROM goose_db_version")
                .unwrap_or_else(|_| "none".to_owned())
        };
        self.addresses.iter().map(version).collect()
    }
}

#[test]
fn waves_in_order_and_an_exact_report_of_what_a_failure_leaves() {
    let Some(system) = System::new() else { return };
    let said = system.up(&["-o", "json"]).ok();
    let states = |said: &Said| {
        let report = said.json();
        let rows = report["databases"].as_array().unwrap().clone();
        rows.iter().map(|row| json!([row["wave"], row["name"], row["state"]])).collect::<Vec<_>>()
    };
    assert_eq!(
        states(&said),
        [
            json!([-5, "identity", "migrated"]),
            json!([-4, "audit", "migrated"]),
            json!([-4, "auth", "migrated"]),
            json!([-3, "legal", "migrated"])
        ]
    );
    let at = |text: &str| said.err.find(text).unwrap_or_else(|| panic!("{text}: {}", said.err));
    assert!(at("[identity] OK   1_one.sql") < at("[auth] OK   1_one.sql") && at("[auth] OK") < at("[legal] OK"));

    // The second wave fails: the first stays, the third is not reached.
    system.project.write("identity/2_two.sql", MORE);
    system.project.write("auth/2_two.sql", MORE);
    system.project.write("auth/3_bad.sql", BAD.replace("two", "three").as_str());
    system.project.write("legal/2_two.sql", MORE);
    let failed = system.up(&[]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    let rows: Vec<String> =
        failed.out.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        rows,
        [
            "-5 identity migrated 1 applied, version 2",
            "-4 audit FAILED this run left 2",
            "-4 auth FAILED this run left 2",
            "-3 legal not reached"
        ]
    );
    assert!(failed.err.contains("auth/3_bad.sql:2:24: type \"nope\" does not exist"), "{}", failed.err);
    assert_eq!(system.versions(), ["2", "2", "2", "1"]);
}

#[test]
fn what_was_applied_is_taken_back_in_reverse_order_where_asked() {
    let Some(system) = System::new() else { return };
    system.up(&[]).ok();
    system.project.write("identity/2_two.sql", MORE);
    system.project.write("auth/2_two.sql", MORE);
    system.project.write("legal/2_two.sql", MORE);
    system.project.write("legal/3_bad.sql", BAD.replace("two", "three").as_str());
    let failed = system.up(&["--take-back"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert_eq!(system.versions(), ["1", "1", "1", "1"]);
    let rows: Vec<String> =
        failed.out.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        rows,
        [
            "-5 identity taken back version 1",
            "-4 audit taken back version 1",
            "-4 auth taken back version 1",
            "-3 legal FAILED nothing of this run is left"
        ]
    );
    // legal first, identity last
    let back: Vec<&str> = failed.err.lines().filter(|line| line.ends_with("down)")).collect();
    let names: Vec<&str> = back.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["[legal]", "[auth]", "[audit]", "[identity]"], "{}", failed.err);
}

#[test]
fn a_database_without_an_address_is_named_before_anything_is_changed() {
    let Some(mut system) = System::new() else { return };
    system.addresses.retain(|(name, _)| *name != "LEGAL");
    let said = system.up(&[]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("database legal: the environment variable LEGAL"), "{}", said.err);
    assert_eq!(system.versions(), ["none", "none", "none"]);
}

#[test]
fn databases_may_be_named_by_flags_too() {
    let Some(system) = System::new() else { return };
    let folder = |name: &str| system.project.path().join(name).display().to_string();
    let run = |flags: &[String]| {
        let flags: Vec<&str> = flags.iter().flat_map(|flag| ["--each", flag]).collect();
        let mut command = system.project.command(("", ""), &[&["up"], flags.as_slice()].concat());
        command.env_remove("GOOSE_DRIVER").env_remove("GOOSE_DBSTRING").envs(system.addresses.iter().cloned());
        Said::of(&command.output().unwrap())
    };
    let address = |name: &str| system.addresses.iter().find(|(known, _)| *known == name).unwrap().1.clone();
    let flags = [
        format!("legal={},wave=-3,url={}", folder("legal"), address("LEGAL")),
        format!("identity={},env=IDENTITY,wave=-5", folder("identity")),
        format!("auth={},wave=-4,table=auth_version,env=AUTH", folder("auth")),
    ];
    let said = run(&flags).ok();
    let rows: Vec<String> =
        said.out.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let migrated = |wave: i32, name: &str| format!("{wave} {name} migrated 1 applied, version 1");
    assert_eq!(rows, [migrated(-5, "identity"), migrated(-4, "auth"), migrated(-3, "legal")]);
    assert_eq!(system.versions(), ["1", "none", "none", "1"], "auth has a table of its own");
    assert_eq!(system.postgres.psql_at(&address("AUTH"), "SELECT max(version_id) FROM auth_version").unwrap(), "1");

    // With a bowline.yaml a flag stands in for the entry of its name. That one has auth in goose's own table, so that its
    // first file fails there: what the flag's database got is taken back.
    let said = system.up(&["--each", &format!("audit={},wave=-9,env=AUDIT", folder("auth")), "--take-back"]);
    let rows: Vec<String> =
        said.out.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "-9 audit taken back version 0",
        "-5 identity migrated 0 applied, version 1",
        "-4 auth FAILED nothing of this run is left",
        "-3 legal not reached",
    ];
    assert_eq!((said.code, rows), (Some(1), expected.map(str::to_owned).to_vec()), "{said:?}");
    let wrong = [
        ("identity", "it has to begin with NAME=FOLDER"),
        ("identity=x,wave=early", "wave=early is no whole number"),
        ("identity=x,wvae=1", "is none of wave=NUMBER"),
        ("identity=x,env=NOT_SET_ANYWHERE", "the environment variable NOT_SET_ANYWHERE"),
    ];
    for (flag, expected) in wrong {
        let said = run(&[flag.to_owned()]);
        assert!(said.code == Some(2) && said.err.contains(expected), "{flag}: {said:?}");
    }
    for secret in ["identity=x,url=nonsense://u:hunter2@h/d", "identity=x,wave=early,url=postgres://u:hunter2@h/d"] {
        let said = run(&[secret.to_owned()]);
        assert!(said.code == Some(2) && !said.err.contains("hunter2"), "{said:?}");
    }
    assert!(run(&[flags[1].clone(), flags[1].clone()]).err.contains("database identity: it is named twice"));
}
