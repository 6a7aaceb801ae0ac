//! kill -9 of `bowline deploy`: the next one says whose lock it waits for, goes on after its deadline, and repairs the rest.

use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use crate::bowline::Home;
use crate::faults::{DEPLOYMENT, Sample, says};

/// Without `before-hook-creation`: what the dead run left is in the next one's way, and a Job cannot be changed.
const HOOK: &str = r#"
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: { helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: hook-succeeded }
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers: [{ name: migrate, image: "shell:1", command: [sh, -c, {{ .Values.migrate | quote }}] }]
"#;

#[test]
fn a_deployment_killed_in_a_hook_and_one_killed_in_a_wait_are_in_nobodys_way() {
    let probe = "readinessProbe: { exec: { command: [sh, -c, {{ .Values.probe | quote }}] }, periodSeconds: 1 }";
    let text = DEPLOYMENT.replace("IMAGE", "shell:1").replace("PROBE", probe);
    let values = "script: sleep 1000\nmigrate: 'true'\nprobe: 'true'\n";
    let sample = Sample::new(&[("web.yaml", &text), ("job.yaml", HOOK)], values);
    let path = sample.path().to_str().unwrap();
    let home = Home::new();
    home.run(&["up", path, "--detach"]).expect(0);

    kill_at(&home, &["deploy", path, "--set", "migrate=sleep 1000"], "waiting for Job/migrate");
    let begun = Instant::now();
    // The second is killed too, once it has taken over what the first one left.
    let told = kill_at(&home, &["deploy", path, "--set", "probe=exit 1"], "waiting for Deployment/web");
    assert!(begun.elapsed() < Duration::from_secs(16), "{:?}", begun.elapsed());
    for part in ["waiting for the lock of", "(deploy)", "taken over in", "lock taken over from"] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
    // Nobody has to wait where the lock has run out meanwhile; here its last heartbeat is younger.
    let run = home.run(&["deploy", path]).expect(0);
    says(&run, &["lock taken over from", "revision 3: failed", "revision 4: deployed"]);
    let history = home.run(&["history"]).expect(0).stdout;
    assert!(history.contains("ended without finishing"), "{history}");
}

/// Starts a command, kills it as soon as it says `moment`, and gives what it said.
fn kill_at(home: &Home, arguments: &[&str], moment: &str) -> String {
    let mut child = home.start(arguments);
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains(moment) {
        assert!(errors.read_line(&mut told).unwrap() > 0, "{told}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    told
}
