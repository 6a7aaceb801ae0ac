//! The drop-in is reached as `bowline helm`, and by calling the program `helm`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::process::Command;

const BOWLINE: &str = env!("CARGO_BIN_EXE_bowline");

fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn helms_arguments_are_helms() {
    assert_eq!(stdout(Command::new(BOWLINE).args(["helm", "version", "--short"])), "v4.3.1\n");
    // `--help` is Helm's here, and `-q` before it is Bowline's.
    assert!(stdout(Command::new(BOWLINE).args(["helm", "lint", "--help"])).contains("helm lint PATH [flags]"));
    assert_eq!(stdout(Command::new(BOWLINE).args(["-q", "helm", "version", "--short"])), "v4.3.1\n");
}

#[test]
fn a_program_called_helm_is_helm() {
    let folder = tempfile::tempdir().unwrap();
    let helm = folder.path().join("helm");
    std::os::unix::fs::symlink(BOWLINE, &helm).unwrap();
    assert_eq!(stdout(Command::new(&helm).args(["version", "--short"])), "v4.3.1\n");
    let refused = Command::new(&helm).arg("up").output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).starts_with("Error: unknown command \"up\" for \"helm\""));
}

/// One chart, by which both ways to render as Helm 3 can be told from Helm 4.
#[test]
fn charts_are_rendered_as_helm_3_where_that_is_said() {
    let (Some(helm3), Some(helm)) = (bowline_peers::find("helm3"), bowline_peers::find("helm")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
    write("web/values.yaml", "nothing: null\n---\nnothing: 1\n");
    write("web/templates/a.yaml", "kind: A\nx: {{ .Chart | toJson }}\n\n---\nkind: ValidatingWebhookConfiguration\n");
    write("web/templates/b.yaml", "kind: B\nx: {{ .Values | toJson }}\ny: {{ .Capabilities.HelmVersion.Version }}\n");
    write("bowline.yaml", "name: web\nchart: web\nnamespace: default\ncompat: 3\n");
    write("wrong/bowline.yaml", "name: web\nchart: ../web\ncompat: 5\n");
    let run = |program: &std::path::Path, arguments: &[&str], compat: Option<&str>| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder.path()).env_remove("BOWLINE_HELM_COMPAT");
        command.envs(compat.map(|compat| ("BOWLINE_HELM_COMPAT", compat)));
        command.output().unwrap()
    };
    let printed = |program: &std::path::Path, arguments: &[&str], compat: Option<&str>| {
        let output = run(program, arguments, compat);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let bowline = std::path::Path::new(BOWLINE);
    let wanted = printed(&helm3, &["template", "web", "web"], None);
    assert_ne!(wanted, printed(&helm, &["template", "web", "web"], None));
    assert_eq!(printed(bowline, &["helm", "template", "web", "web"], Some("3")), wanted);
    let native = ["template", "web", "--name", "web", "--namespace", "default"];
    assert_eq!(printed(bowline, &[&native[..], &["--compat", "3"]].concat(), None), wanted);
    assert_eq!(printed(bowline, &native, Some("3")), wanted);
    assert_eq!(printed(bowline, &["template", "."], None), wanted);
    assert_ne!(printed(bowline, &["template", ".", "--compat", "4"], None), wanted);
    assert_eq!(printed(bowline, &["helm", "version", "--short"], Some("3")), "v3.22.0\n");
    for (arguments, compat, said) in [
        (
            &["helm", "version"][..],
            Some("5"),
            "BOWLINE_HELM_COMPAT: there is no Helm \"5\" to be compatible with: 3 or 4",
        ),
        (&["template", "web", "--compat", "2"], None, "there is no Helm \"2\" to be compatible with: 3 or 4"),
        (&["template", "wrong"], None, "there is no Helm \"5\" to be compatible with: 3 or 4"),
    ] {
        let output = run(bowline, arguments, compat);
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{output:?}");
    }
}
