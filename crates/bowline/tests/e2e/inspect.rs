//! `check`, `rehearse` and `template` on system E, as its team wrote it and corrected.

use crate::bowline::Home;

#[test]
fn check_names_the_defects_of_the_chart_as_written() {
    let home = Home::new();
    let run = home.run(&["check", "examples/todo-app-as-written"]).expect(3);
    let hook = "todo-app/templates/migration-job.yaml:";
    assert!(run.stdout.contains(hook), "{}", run.stdout);
    assert!(run.stdout.contains("Secret"), "{}", run.stdout);
    let json = home.run(&["check", "examples/todo-app-as-written", "--output", "json"]).expect(3).stdout;
    let findings: serde_json::Value = serde_json::from_str(&json).unwrap();
    let rules: Vec<&str> = findings.as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap()).collect();
    assert!(rules.len() >= 3, "{rules:?}");
}

#[test]
fn check_finds_nothing_in_the_corrected_chart() {
    let home = Home::new();
    let run = home.run(&["check", "examples/todo-app"]).expect(0);
    assert!(run.stdout.contains("no findings") || run.stderr.contains("no findings"), "{run:?}");
}

#[test]
fn rehearse_says_that_the_first_install_would_hang_and_why() {
    let home = Home::new();
    let run = home.run(&["rehearse", "examples/todo-app-as-written"]).expect(3);
    for part in ["would hang", "todo-app", "pre-install", "todo-app-migrate", "Secret", "todo-app-secrets"] {
        assert!(run.stdout.contains(part), "{part} is not in\n{}", run.stdout);
    }
}

#[test]
fn rehearse_prints_the_timeline_of_the_corrected_chart() {
    let home = Home::new();
    let run = home.run(&["rehearse", "examples/todo-app"]).expect(0);
    for part in ["todo-app-migrate", "todo-backend", "todo-frontend", "deployed"] {
        assert!(run.stdout.contains(part), "{part} is not in\n{}", run.stdout);
    }
    let again = home.run(&["rehearse", "examples/todo-app"]).expect(0);
    assert_eq!(run.stdout, again.stdout, "the same seed plays the same rehearsal");
}

#[test]
fn the_order_of_the_graph_lets_the_chart_as_written_through() {
    let home = Home::new();
    home.run(&["rehearse", "examples/todo-app-as-written", "--order", "graph"]).expect(0);
}

#[test]
fn template_prints_what_helm_prints() {
    let Some(helm) = bowline_peers::find("helm") else { return };
    let home = Home::new();
    for chart in ["examples/todo-app/chart", "examples/todo-app-as-written/chart"] {
        let ours = home.run(&["template", chart, "--name", "todo-app", "--namespace", "todo-app"]).expect(0).stdout;
        let mut command = std::process::Command::new(&helm);
        command.args(["template", "todo-app", chart, "--namespace", "todo-app"]).current_dir(crate::bowline::root());
        let theirs = command.output().unwrap();
        assert_eq!(ours, String::from_utf8(theirs.stdout).unwrap(), "{chart}");
    }
}
