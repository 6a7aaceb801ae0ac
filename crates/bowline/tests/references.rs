//! Charts that lie elsewhere, given to Bowline's own commands by what they are called there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn bowline(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bowline"));
    command.args(arguments).current_dir(home).env_clear().env("HOME", home).output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Serves a folder until the test's process ends; says where.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut lines = BufReader::new(socket.try_clone().unwrap()).lines().map_while(Result::ok);
            let path = lines.next().and_then(|line| Some(line.split(' ').nth(1)?.trim_start_matches('/').to_owned()));
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let (status, body) = match fs::read(folder.join(path.unwrap_or_default())) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = socket.write_all(head.as_bytes()).and_then(|()| socket.write_all(&body));
        }
    });
    format!("http://{address}")
}

#[test]
fn a_chart_is_fetched_from_where_its_name_leads() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    fs::create_dir_all(home.join("web/templates")).unwrap();
    fs::write(
        home.join("web/templates/a.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n",
    )
    .unwrap();
    for version in ["0.1.0", "0.2.0"] {
        fs::write(home.join("web/Chart.yaml"), format!("apiVersion: v2\nname: web\nversion: {version}\n")).unwrap();
        fs::write(home.join("web/values.yaml"), "").unwrap();
        fs::write(home.join("web/templates/b.yaml"), format!("# {version}\nv: '{version}'\nkind: B\napiVersion: v1\n"))
            .unwrap();
        text(&bowline(home, &["helm", "package", "web", "-d", "charts"]));
    }
    let here = text(&bowline(home, &["template", "web"]));
    fs::remove_dir_all(home.join("web")).unwrap();
    text(&bowline(home, &["helm", "repo", "index", "charts"]));
    let url = serve(home.join("charts"));
    text(&bowline(home, &["helm", "repo", "add", "one", &url]));
    let archive = format!("{url}/web-0.2.0.tgz");
    for reference in [&["one/web"][..], &["web", "--repo", &url], &[&archive], &["one/web", "--version", "^0.2"]] {
        let fetched = text(&bowline(home, &[&["template"], reference].concat()));
        assert_eq!(fetched, here, "{reference:?}");
    }
    let old = text(&bowline(home, &["template", "one/web", "--version", "0.1.0"]));
    assert!(old.contains("v: '0.1.0'"), "{old}");
    let missing = bowline(home, &["template", "one/none"]);
    let said = String::from_utf8_lossy(&missing.stderr);
    assert!(missing.status.code() == Some(2) && said.contains("fetch the chart one/none"), "{said}");
    assert!(said.contains("no chart name found"), "{said}");
}
