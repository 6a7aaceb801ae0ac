//! What Bowline makes of `databases`: the Job that migrates each one, and the init containers of pods that wait for it.

use serde_json::{Value, json};

use crate::{App, Database, SecretKey};

/// Time a migration may take where the file says none, in seconds.
const DEADLINE: u32 = 1800;

/// User and group of the container: nobody in particular, as in Bowline's own image.
const USER: u32 = 65532;

/// Longest name of a Job: its pods carry it as a label.
const LONGEST: usize = 63;

/// Who runs the Jobs before everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookStyle {
    /// Helm, and Bowline: `pre-install,pre-upgrade`, the wave as the hook's weight.
    Helm,
    /// Argo CD: `PreSync`, the wave as the sync wave.
    Argo,
}

/// Why nothing can be made of a database.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// There is no such database.
    #[error("there is no database {name}; there are: {}", if .known.is_empty() { "none".to_owned() } else { .known.join(", ") })]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Nothing says with which image.
    #[error("database {name}: no image has its migrations")]
    NoImage {
        /// The database.
        name: String,
    },
    /// Nothing says where its address is.
    #[error("database {name}: no Secret holds its address")]
    NoSecret {
        /// The database.
        name: String,
    },
}

impl GenerateError {
    /// What to write into `bowline.yaml`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { .. } => None,
            Self::NoImage { name } => Some(format!("`image: REGISTRY/NAME:TAG` in databases.{name} of bowline.yaml")),
            Self::NoSecret { name } => Some(format!("`secret: NAME/KEY` in databases.{name} of bowline.yaml")),
        }
    }
}

impl App {
    /// The Jobs that migrate these databases, by wave and then by name; one for each, with a name of its own.
    ///
    /// # Errors
    /// Where a database is not there, or it is not said what a Job needs.
    pub fn migration_jobs(
        &self,
        release: &str,
        names: &[String],
        style: HookStyle,
    ) -> Result<Vec<Value>, GenerateError> {
        let mut found = self.chosen(names)?;
        found.sort_by_key(|(name, database)| (database.wave, *name));
        found.into_iter().map(|(name, database)| job(release, name, database, style)).collect()
    }

    /// The init containers that hold a pod until these databases have what the application needs.
    ///
    /// # Errors
    /// As [`App::migration_jobs`].
    pub fn wait_containers(&self, names: &[String]) -> Result<Vec<Value>, GenerateError> {
        self.chosen(names)?.into_iter().map(|(name, database)| wait(name, database)).collect()
    }

    /// Those with names; without names, all that say with which image.
    fn chosen(&self, names: &[String]) -> Result<Vec<(&String, &Database)>, GenerateError> {
        if names.is_empty() {
            return Ok(self.databases.iter().filter(|(_, database)| database.image.is_some()).collect());
        }
        let unknown = |name: &String| GenerateError::Unknown {
            name: name.clone(),
            known: self.databases.keys().cloned().collect(),
        };
        names.iter().map(|name| self.databases.get_key_value(name).ok_or_else(|| unknown(name))).collect()
    }
}

fn job(release: &str, name: &str, database: &Database, style: HookStyle) -> Result<Value, GenerateError> {
    let wave = database.wave.to_string();
    let mut annotations = match style {
        HookStyle::Helm => json!({
            "helm.sh/hook": "pre-install,pre-upgrade",
            "helm.sh/hook-weight": wave,
            // What failed is there to be looked at, and does not block the next one by its name.
            "helm.sh/hook-delete-policy": "before-hook-creation",
        }),
        HookStyle::Argo => json!({
            "argocd.argoproj.io/hook": "PreSync",
            "argocd.argoproj.io/sync-wave": wave,
            "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
        }),
    };
    annotations["bowline.dev/migration"] = json!(name);
    let labels = json!({"app.kubernetes.io/instance": release, "app.kubernetes.io/component": "migrate"});
    let mut container = container("migrate", name, database)?;
    container["args"] = json!(["migrate", "up"]);
    Ok(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job_name(release, name), "labels": labels, "annotations": annotations},
        "spec": {
            // The runner waits for locks and servers by itself; a migration that failed is for a person to look at.
            "backoffLimit": 0,
            "activeDeadlineSeconds": database.deadline.unwrap_or(DEADLINE),
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": false,
                    "enableServiceLinks": false,
                    "securityContext": {
                        "runAsNonRoot": true,
                        "runAsUser": USER,
                        "runAsGroup": USER,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [container],
                },
            },
        },
    }))
}

fn wait(name: &str, database: &Database) -> Result<Value, GenerateError> {
    let mut container = container(&format!("wait-for-{}", word(name)), name, database)?;
    let mut arguments = vec!["migrate".to_owned(), "wait".to_owned()];
    if !database.require.is_empty() {
        arguments.extend(["--require".to_owned(), database.require.join(",")]);
    }
    container["args"] = json!(arguments);
    container["securityContext"]["runAsNonRoot"] = json!(true);
    container["securityContext"]["runAsUser"] = json!(USER);
    Ok(container)
}

/// What both have in common: the image with the migrations, the address, and as few rights as can be.
fn container(title: &str, name: &str, database: &Database) -> Result<Value, GenerateError> {
    let image = database.image.as_ref().ok_or_else(|| GenerateError::NoImage { name: name.to_owned() })?;
    let secret = database.secret.as_ref().ok_or_else(|| GenerateError::NoSecret { name: name.to_owned() })?;
    let SecretKey { name: secret, key } = secret;
    let mut env = vec![json!({"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})];
    if let Some(table) = &database.table {
        env.push(json!({"name": "GOOSE_TABLE", "value": table}));
    }
    Ok(json!({
        "name": title,
        "image": image,
        "env": env,
        "resources": {"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }))
}

/// `RELEASE-migrate-DATABASE`; one that is too long keeps its beginning and is told apart by a number made of all of it.
fn job_name(release: &str, name: &str) -> String {
    let full = format!("{release}-migrate-{}", word(name));
    if full.len() <= LONGEST {
        return full;
    }
    // FNV-1a
    let hash = full.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let beginning: String = full.chars().take(LONGEST - 9).collect();
    format!("{}-{hash:08x}", beginning.trim_end_matches('-'))
}

/// A name as names of objects are.
fn word(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(letter).collect::<String>().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const APP: &str = "name: policy\ndatabases:\n  legal: { migrations: l, wave: -3, image: 'legal:1', secret: legal-db/URL, \
        table: legal_version, require: [7], deadline: 60 }\n  who_is: { migrations: w, wave: -5, image: 'who:1', secret: db/W }\n  \
        bare: { migrations: b }\n";

    fn app() -> App {
        App::parse(APP, Path::new("/x/bowline.yaml")).unwrap()
    }

    #[test]
    fn each_database_has_a_job_of_its_own_in_its_wave() {
        let jobs = app().migration_jobs("policy", &[], HookStyle::Helm).unwrap();
        let told: Vec<(&str, &str)> = jobs
            .iter()
            .map(|job| {
                let metadata = &job["metadata"];
                (metadata["name"].as_str().unwrap(), metadata["annotations"]["helm.sh/hook-weight"].as_str().unwrap())
            })
            .collect();
        assert_eq!(told, [("policy-migrate-who-is", "-5"), ("policy-migrate-legal", "-3")]);
        let spec = &jobs[1]["spec"];
        assert_eq!((&spec["backoffLimit"], &spec["activeDeadlineSeconds"]), (&json!(0), &json!(60)));
        let container = &spec["template"]["spec"]["containers"][0];
        assert_eq!(container["env"][0]["valueFrom"]["secretKeyRef"], json!({"name": "legal-db", "key": "URL"}));
        assert_eq!(container["env"][1], json!({"name": "GOOSE_TABLE", "value": "legal_version"}));
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        let argo = app().migration_jobs("policy", &["legal".into()], HookStyle::Argo).unwrap();
        let annotations = &argo[0]["metadata"]["annotations"];
        assert_eq!(annotations["argocd.argoproj.io/hook"], "PreSync");
        assert_eq!(annotations["argocd.argoproj.io/sync-wave"], "-3");
        assert!(annotations.get("helm.sh/hook").is_none());
    }

    #[test]
    fn pods_wait_for_what_is_required() {
        let waits = app().wait_containers(&["legal".into(), "who_is".into()]).unwrap();
        assert_eq!(waits[0]["args"], json!(["migrate", "wait", "--require", "7"]));
        assert_eq!((&waits[1]["name"], &waits[1]["args"]), (&json!("wait-for-who-is"), &json!(["migrate", "wait"])));
        assert_eq!(waits[1]["securityContext"]["runAsNonRoot"], true);
    }

    #[test]
    fn what_is_not_said_is_told() {
        let error = app().migration_jobs("policy", &["bare".into()], HookStyle::Helm).unwrap_err();
        assert_eq!(error.to_string(), "database bare: no image has its migrations");
        assert!(error.hint().unwrap().contains("databases.bare"));
        let error = app().wait_containers(&["lgeal".into()]).unwrap_err();
        assert_eq!(error.to_string(), "there is no database lgeal; there are: bare, legal, who_is");
    }

    #[test]
    fn long_names_stay_apart() {
        let one = job_name(&"a".repeat(60), "identity");
        let two = job_name(&"a".repeat(60), "legal");
        assert!(one.len() <= LONGEST && two.len() <= LONGEST && one != two, "{one} {two}");
    }
}
