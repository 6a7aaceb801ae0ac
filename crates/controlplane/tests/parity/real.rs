//! The scenario on the real control plane.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bowline_peers::kubernetes::ControlPlane;
use serde_json::Value;

use crate::{Seen, deployment, huge_pod, job};

struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
    dir: PathBuf,
}

impl Kubectl {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("kubectl").arg("--kubeconfig").arg(&self.kubeconfig).args(arguments).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn create(&self, object: &Value) {
        let file = self.dir.join("object.json");
        fs::write(&file, object.to_string()).unwrap();
        self.run(&["create", "-f", file.to_str().unwrap()]);
    }

    fn watch(&self, resource: &str) -> (Child, PathBuf) {
        let path = self.dir.join(resource);
        let arguments = ["get", resource, "--watch", "--output=json"];
        let child =
            self.command(&arguments).stdout(File::create(&path).unwrap()).stderr(Stdio::null()).spawn().unwrap();
        (child, path)
    }
}

/// Plays it; `None` after the skip was reported.
pub(crate) fn run() -> Option<Seen> {
    let real = ControlPlane::start()?;
    let dir = tempfile::tempdir().unwrap();
    let kubectl = Kubectl {
        program: bowline_peers::find("kubernetes")?,
        kubeconfig: real.kubeconfig().to_owned(),
        dir: dir.path().to_owned(),
    };
    let mut watches: Vec<(&str, Child, PathBuf)> = Vec::new();
    for (kind, resource) in [("Deployment", "deployments"), ("ReplicaSet", "replicasets"), ("Job", "jobs")] {
        let (child, path) = kubectl.watch(resource);
        watches.push((kind, child, path));
    }
    // The watches have to be there before what they are to see.
    std::thread::sleep(Duration::from_secs(1));
    kubectl.create(&deployment("web:1"));
    let rolled_out = || drop(kubectl.run(&["rollout", "status", "deployment/web", "--timeout=60s"]));
    rolled_out();
    kubectl.run(&["set", "image", "deployment/web", "main=web:2"]);
    rolled_out();
    kubectl.create(&job("good", false));
    kubectl.run(&["wait", "job/good", "--for=condition=Complete", "--timeout=60s"]);
    kubectl.create(&job("bad", true));
    kubectl.run(&["wait", "job/bad", "--for=condition=Failed", "--timeout=60s"]);
    kubectl.create(&huge_pod());
    // Events are written after what they tell; and the last pod of the rollout has to be gone.
    std::thread::sleep(Duration::from_secs(1));
    let mut seen = Seen::default();
    for (kind, mut child, path) in watches {
        child.kill().unwrap();
        child.wait().unwrap();
        let text = fs::read_to_string(path).unwrap();
        let states = serde_json::Deserializer::from_str(&text).into_iter::<Value>().map_while(Result::ok);
        seen.states.insert(kind.to_owned(), states.collect());
    }
    let events: Value = serde_json::from_str(&kubectl.run(&["get", "events", "--output=json"])).unwrap();
    seen.events = events["items"].as_array().unwrap().clone();
    // An event's name ends in the time at which it was recorded.
    let time = |event: &Value| event["metadata"]["name"].as_str().unwrap().rsplit_once('.').unwrap().1.to_owned();
    seen.events.sort_by_key(time);
    Some(seen)
}
