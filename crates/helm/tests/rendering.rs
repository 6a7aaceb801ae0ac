//! `template`, `show`, `create`: hundreds of lines, side by side with the real helm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use support::{Bench, charts};

#[test]
fn template_takes_every_flag() {
    let Some(mut bench) = Bench::new() else { return };
    charts::write(&bench);
    for line in [
        "app",
        "./app",
        "app/",
        "name app",
        "name ./app -n space",
        "name app --namespace=space",
        "--generate-name app",
        "-g name app",
        "a b c d",
        "app --name-template fixed",
        "name app --name-template fixed",
        "app --name-template '{{ \"UP\" | lower }}-{{ add 1 2 }}'",
        "app --name-template '{{ nosuch }}'",
        "app --name-template '{{'",
        "app --name-template '{{ include \"x\" . }}'",
        "app --name-template '{{ fail \"x\" }}'",
        "Bad_Name app",
        "name- app",
        "a..b app",
        "a.b-c.9 app",
        "'' app",
        "a123456789012345678901234567890123456789012345678901 app",
        "a1234567890123456789012345678901234567890123456789012345 app",
        "app --is-upgrade",
        "app --include-crds",
        "app --include-crds --skip-crds",
        "app --skip-crds",
        "app --no-hooks",
        "app --skip-tests",
        "app --no-hooks --skip-tests --include-crds",
        "app --kube-version 1.30",
        "app --kube-version v1.29.3",
        "app --kube-version 1.28.4-gke.1",
        "app --kube-version 1",
        "app --kube-version x.y",
        "app --kube-version 1.01",
        "app --kube-version 1.19",
        "app -a example.com/v1",
        "app --api-versions example.com/v1,other.io/v2",
        "app -a example.com/v1 -a other.io/v2",
        "app --set replicas=5",
        "app --set replicas=5 --set image.tag=x,big=7",
        "app --set items[0].port=1 --set list={x,y}",
        "app --set image.tag=null",
        "app --set-string replicas=5",
        "app --set-json 'image={\"tag\":\"j\"}'",
        "app --set-json '{\"image\":{\"tag\":\"j\"}}'",
        "app --set-json '{'",
        "app --set-json a=b=c",
        "app --set-file image.tag=text.txt",
        "app --set-file image.tag=nosuch",
        "app --set-literal image.tag=a,b=c",
        "app --set a",
        "app --set a[x]=1",
        "app --set a[99999999]=1",
        "app --set =1",
        "app --set-string a",
        "app -f a.yaml",
        "app -f a.yaml -f b.yaml",
        "app -f a.yaml,b.yaml",
        "app -f b.yaml,a.yaml --set image.tag=z",
        "app -f nosuch.yaml",
        "app -f bad.yaml",
        "app -f app",
        "app -f text.txt",
        "app -s templates/config.yaml",
        "app -s templates/config.yaml -s templates/two.yaml",
        "app -s templates/two.yaml -s templates/config.yaml",
        "app -s templates/*.yaml",
        "app -s templates/tests/*",
        "app -s charts/db/templates/config.yaml",
        "app -s charts/*/templates/*",
        "app -s templates/nosuch.yaml",
        "app -s templates/_helpers.tpl",
        "app -s templates/NOTES.txt",
        "app -s crds/things.yaml --include-crds",
        "app -s templates/[.yaml",
        "app -s ''",
        "app --show-only templates/hook.yaml --no-hooks",
        "app --dry-run",
        "app --dry-run=client",
        "app --dry-run=true",
        "app --dry-run=false",
        "app --dry-run=none",
        "app --dry-run=nosuch",
        "app --enable-dns",
        "app --hide-notes",
        "app --render-subchart-notes",
        "app --labels a=b",
        "app --labels a=b,owner=me",
        "app -l name=x",
        "app --description text --create-namespace --disable-openapi-validation --replace --take-ownership",
        "app --force",
        "app --atomic --wait --wait-for-jobs --timeout 10s --rollback-on-failure --server-side=false",
        "app --wait=true",
        "app --wait=legacy --wait=false",
        "app --force-replace",
        "app --force-conflicts --devel --dependency-update",
        "app --version 1.0.0",
        "app --skip-schema-validation",
        "app --ca-file nosuch.pem",
        "app --cert-file nosuch.pem --key-file nosuch.key",
        "fails",
        "nil",
        "parse",
        "badyaml",
        "library",
        "oldkind",
        "deprecated",
        "incomplete",
        "tooold",
        "tooold --kube-version 100.1",
        "noname",
        "noversion",
        "badversion",
        "v9",
        "notyaml",
        "empty",
        "unknownhook",
        "aliens",
        "bare",
        "nochart",
        "./nosuch",
        "/nosuch",
        "nosuch",
        "app/Chart.yaml",
        "text.txt",
        "app --set db=1",
        "app --set image=1",
        "app --set db.port=null",
    ] {
        bench.compare(&format!("template {line}"));
    }
    bench.set("HELM_NAMESPACE", "from-environment");
    bench.compare("template app -s templates/config.yaml");
    bench.compare("template app -s templates/config.yaml -n flag");
    bench.finish();
}

#[test]
fn template_writes_files() {
    let Some(bench) = Bench::new() else { return };
    charts::write(&bench);
    let mut compared = 0;
    let mut check = |line: &str| {
        let arguments: Vec<&str> = std::iter::once("template").chain(line.split(' ')).collect();
        let folder = bench.work().join("out");
        let after = |outcome: support::Outcome| {
            let files = support::files(&folder);
            let _ = std::fs::remove_dir_all(&folder);
            (outcome, files)
        };
        let helm = after(bench.helm(&arguments));
        let ours = after(bench.ours(&arguments));
        assert_eq!(helm, ours, "helm template {line}");
        compared += 1;
    };
    check("app --output-dir out");
    check("app --output-dir out --include-crds");
    check("name app --output-dir out --release-name --include-crds");
    check("app --output-dir out --no-hooks");
    check("app --output-dir out --skip-tests");
    check("app --output-dir ./out/../out/");
    check("app --output-dir out -s templates/config.yaml");
    check("app --output-dir app/Chart.yaml");
    check("badyaml --output-dir out");
    assert_eq!(compared, 9);
}

#[test]
fn show_prints_parts() {
    let Some(mut bench) = Bench::new() else { return };
    charts::write(&bench);
    for chart in [
        "app",
        "./app/",
        "bare",
        "library",
        "incomplete",
        "aliens",
        "notyaml",
        "nochart",
        "./nosuch",
        "/nosuch",
        "empty",
    ] {
        for part in ["all", "chart", "values", "readme", "crds"] {
            bench.compare(&format!("show {part} {chart}"));
        }
    }
    for template in [
        "{.image.tag}",
        "{.image}",
        "{.big}",
        "{.list}",
        "{.list[*]}",
        "{.list[0]}{.list[-1]}",
        "{.list[0:2]}",
        "{.list[0:3:2]}",
        "{.list[7]}",
        "{.items[*].port}",
        "{.items[?(@.name==\"two\")].port}",
        "{.items[?(@.port>100)].name}",
        "{.items[?(@.nosuch)].name}",
        "{range .items[*]}{.name}:{.port}{\"\\n\"}{end}done",
        "{.items[*]['name','port']}",
        "{.items[0]['name']}",
        "{.items..name}",
        "{.nosuch}",
        "{.empty}",
        "plain",
        "{.image.tag",
        "{.list[x]}",
        "{.list[",
        "{\"text}",
        "{%}",
        "{end}",
        "{nosuch}",
        "{....a}",
        "{$.image.repository}{@.replicas}",
        "{1}{2.5}{true}",
    ] {
        bench.compare(&format!("show values app --jsonpath '{template}'"));
    }
    bench.compare("show all app --jsonpath x");
    bench.compare("inspect chart app --version 9 --devel");
    bench.finish();
}

#[test]
fn create_writes_the_starter() {
    let Some(mut bench) = Bench::new() else { return };
    charts::write(&bench);
    bench.write("home-starters/app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 9.9.9\n");
    bench.write("home-starters/app/values.yaml", "# of <CHARTNAME>\nname: <CHARTNAME>\n");
    bench.write("home-starters/app/templates/a.yaml", "kind: {{ include \"<CHARTNAME>.x\" . }}\n");
    bench.write("home-starters/app/README.md", "<CHARTNAME>\n");
    let starter = bench.work().join("home-starters/app");
    let starter = starter.to_str().unwrap();
    for line in [
        "new",
        "new/",
        "Upper_case.1",
        "app",
        "no/such/folder",
        "text.txt",
        "text.txt/inner",
        "'bad name'",
        "a$b",
        "new --starter nosuch",
        "new -p /nosuch",
        &format!("new -p {starter}"),
        &format!("a/b -p {starter}"),
        "new --chart-api-version v2",
        "new --chart-api-version v3",
        "new --chart-api-version v4",
    ] {
        let after = |outcome: support::Outcome| {
            let files = support::files(&bench.work());
            let _ = std::fs::remove_dir_all(bench.work());
            charts::write(&bench);
            bench.write("home-starters/app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 9.9.9\n");
            bench.write("home-starters/app/values.yaml", "# of <CHARTNAME>\nname: <CHARTNAME>\n");
            bench.write("home-starters/app/templates/a.yaml", "kind: {{ include \"<CHARTNAME>.x\" . }}\n");
            bench.write("home-starters/app/README.md", "<CHARTNAME>\n");
            (outcome, files)
        };
        let words = support::words(&format!("create {line}"));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let helm = after(bench.helm(&words));
        let ours = after(bench.ours(&words));
        assert_eq!(helm.1, ours.1, "helm create {line}");
        bench.expect(&format!("create {line}"), &helm.0, &ours.0);
    }
    bench.finish();
}

#[test]
fn links_are_followed_and_told() {
    let Some(mut bench) = Bench::new() else { return };
    for name in ["app", "host"] {
        bench.write(&format!("{name}/Chart.yaml"), &format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n"));
    }
    bench.write("app/templates/a.yaml", "a: {{ .Files.Get \"x.txt\" }}\nb: {{ .Files.Get \"d/y.txt\" }}\n");
    bench.write("app/.helmignore", "ignored.txt\n");
    bench.write("other/x.txt", "x\n");
    bench.write("other/y.txt", "y\n");
    bench.write("host/charts/.keep", "");
    let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, bench.work().join(name)).unwrap();
    link("../other/x.txt", "app/x.txt");
    link("../other/x.txt", "app/ignored.txt");
    link("../other", "app/d");
    link("app", "linked");
    link("../../app", "host/charts/app");
    let lines = [
        "template app",
        "template linked",
        "template host",
        "lint app",
        "show all host",
        "package app -d out",
        "dependency list host",
        "show values linked",
    ];
    for line in lines {
        bench.compare(line);
    }
    std::os::unix::fs::symlink("app/nowhere", bench.work().join("other/z.txt")).unwrap();
    for line in lines {
        bench.compare(line);
    }
    bench.finish();
}
