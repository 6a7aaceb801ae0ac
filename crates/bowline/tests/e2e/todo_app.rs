//! System E from its start to its removal, as a user goes through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::bowline::Home;
use crate::http;

#[test]
fn the_whole_way() {
    let (Some(kubernetes), Some(helm)) = (bowline_peers::find("kubernetes"), bowline_peers::find("helm")) else {
        return;
    };
    let home = Home::new();
    let up = home.run(&["up", "examples/todo-app", "--detach", "--port", "todo-frontend=0"]).expect(0);
    assert!(up.stdout.contains("todo-backend") && up.stdout.contains("1/1"), "{}", up.stdout);

    // The page, through the frontend and the backend, in PostgreSQL.
    let url = home.url("todo-frontend");
    let (code, page) = http::get(&url).unwrap();
    assert!(code == 200 && page.contains("<title>"), "{code} {page}");
    let (code, task) =
        http::request("POST", &format!("{url}/api/tasks"), Some(r#"{"title":"tie a bowline"}"#)).unwrap();
    assert_eq!(code, 201, "{task}");
    let (_, tasks) = http::get(&format!("{url}/api/tasks")).unwrap();
    assert!(tasks.contains("tie a bowline"), "{tasks}");

    // kubectl sees it.
    let pods = home.kubectl(&kubernetes, &["-n", "todo-app", "get", "pods,svc,jobs"]).expect(0).stdout;
    assert!(pods.contains("pod/todo-backend-") && pods.contains("1/1     Running"), "{pods}");
    assert!(pods.contains("service/todo-frontend"), "{pods}");
    let logs = home.kubectl(&kubernetes, &["-n", "todo-app", "logs", "deploy/todo-backend"]).expect(0).stdout;
    assert!(logs.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "JSON logs: {logs}");

    // A rolling update with a client that keeps asking.
    let asking = Asking::start(format!("{url}/api/tasks"));
    home.run(&["deploy", "examples/todo-app", "--set", "backend.replicas=2"]).expect(0);
    home.run(&["deploy", "examples/todo-app", "--set", "backend.replicas=2", "--set", "config.logLevel=debug"])
        .expect(0);
    let (asked, failures) = asking.stop();
    assert!(asked > 20, "the client asked only {asked} times");
    assert_eq!(failures, Vec::<String>::new(), "of {asked} requests");
    let status = home.run(&["status"]).expect(0).stdout;
    assert!(status.contains("2/2"), "{status}");

    // Back again; both programs see the same release.
    home.run(&["rollback"]).expect(0);
    let history = home.run(&["history"]).expect(0).stdout;
    assert!(history.lines().count() == 5 && history.contains("superseded"), "{history}");
    let list = home.helm(&helm, &["-n", "todo-app", "list"]).expect(0).stdout;
    assert!(list.contains("todo-app") && list.contains("deployed"), "{list}");
    let history = home.helm(&helm, &["-n", "todo-app", "history", "todo-app"]).expect(0).stdout;
    assert!(history.contains("superseded") && history.contains("deployed"), "{history}");
    home.helm(&helm, &["-n", "todo-app", "rollback", "todo-app", "1", "--wait"]).expect(0);
    home.run(&["deploy", "examples/todo-app"]).expect(0);

    // The second application of the same name keeps what was added.
    home.run(&["down"]).expect(0);
    home.run(&["up", "examples/todo-app", "--detach", "--port", "todo-frontend=0"]).expect(0);
    let (_, tasks) = http::get(&format!("{}/api/tasks", home.url("todo-frontend"))).unwrap();
    assert!(tasks.contains("tie a bowline"), "{tasks}");

    home.run(&["uninstall", "todo-app"]).expect(0);
    let left = home.kubectl(&kubernetes, &["-n", "todo-app", "get", "deploy,svc,jobs"]).expect(0);
    assert!(left.stderr.contains("No resources found"), "{left:?}");
    // Pods end gently, after their objects.
    home.kubectl(&kubernetes, &["-n", "todo-app", "wait", "pods", "--all", "--for=delete", "--timeout=30s"]).expect(0);
}

/// A client that asks for a page again and again from a thread of its own.
struct Asking {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    thread: std::thread::JoinHandle<Vec<String>>,
}

impl Asking {
    fn start(url: String) -> Self {
        let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stopping, counter) = (Arc::clone(&stop), Arc::clone(&asked));
        let thread = std::thread::spawn(move || {
            let mut failures = Vec::new();
            // Bounded, whatever happens: at most ten minutes at a hundred requests a second.
            for _ in 0..60_000 {
                if stopping.load(Ordering::Relaxed) {
                    break;
                }
                match http::get(&url) {
                    Ok((200, _)) => {}
                    other => failures.push(format!("{other:?}")),
                }
                counter.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            failures
        });
        Self { stop, asked, thread }
    }

    fn stop(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let failures = self.thread.join().unwrap();
        (self.asked.load(Ordering::Relaxed), failures)
    }
}
