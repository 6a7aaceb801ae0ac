//! What the tests with real programs share: our server on loopback, and the real API server without controllers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code, unreachable_pub)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use bowline_apiserver::{Api, Identity, Server};
use bowline_clock::{Clock, Random};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// Our server, and a home of its own for the clients' caches.
pub struct Ours {
    pub api: Api,
    pub home: TempDir,
    _server: Server,
}

impl Ours {
    pub async fn start() -> Self {
        let api = Api::new(Clock::system(), Random::seeded(1));
        let identity = Identity::generate(&[]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = api.serve(listener, &identity).unwrap();
        let home = tempfile::tempdir().unwrap();
        let kubeconfig = identity.kubeconfig(server.address(), "default");
        std::fs::write(home.path().join("kubeconfig"), kubeconfig).unwrap();
        Self { api, home, _server: server }
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.home.path().join("kubeconfig")
    }

    /// Runs a program against it. `input` goes to its standard input.
    pub async fn run(&self, program: &Path, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).env("KUBECONFIG", self.kubeconfig()).env("HOME", self.home.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, mut stdin) = (input.to_owned(), child.stdin.take().unwrap());
        let work = tokio::task::spawn_blocking(move || {
            let _ = stdin.write_all(input.as_bytes());
            drop(stdin);
            child.wait_with_output().unwrap()
        });
        work.await.unwrap()
    }

    /// As [`Ours::run`]: standard output of a run that must succeed.
    pub async fn ok(&self, program: &Path, arguments: &[&str], input: &str) -> String {
        let output = self.run(program, arguments, input).await;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?} failed:\n{out}{err}");
        out.into_owned()
    }
}

/// The kubectls there are: the machine's own and the one of the real Kubernetes. Arguments go behind those given.
pub fn kubectls() -> Vec<(PathBuf, Vec<&'static str>)> {
    let mut found = Vec::new();
    if let Some(kubernetes) = bowline_peers::find("kubernetes") {
        found.push((kubernetes, vec!["kubectl"]));
    }
    if let Some(kubectl) = bowline_peers::find("kubectl") {
        found.push((kubectl, Vec::new()));
    }
    found
}

/// The real etcd and kube-apiserver, without controllers: nothing changes but what is asked for.
pub struct Real {
    pub url: String,
    pub token: String,
    _programs: Vec<Supervised>,
    _dir: TempDir,
}

/// A program that ends with the test, however that ends: a shell waits for the end of its input, which we hold.
pub struct Supervised(Child);

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

pub fn supervise(program: &Path, arguments: &[String], log: &Path) -> Supervised {
    let log = std::fs::File::create(log).unwrap();
    let script = "\"$@\" </dev/null & child=$!; cat >/dev/null; kill -KILL $child; wait $child";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(program).args(arguments);
    shell.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
    Supervised(shell.spawn().unwrap())
}

impl Real {
    pub async fn start(kubernetes: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        // Listeners that are closed again give ports that are free now.
        let held: Vec<_> = (0..3).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = held.iter().map(|l| l.local_addr().unwrap().port()).collect();
        drop(held);
        let [etcd, peer, api] = ports.as_slice() else { panic!("three ports") };
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        std::fs::write(path("key.pem"), key.serialize_pem()).unwrap();
        std::fs::write(path("public.pem"), key.public_key_pem()).unwrap();
        let token = "differential";
        std::fs::write(path("tokens"), format!("{token},admin,admin,system:masters\n")).unwrap();
        let shown = |name: &str| path(name).display().to_string();
        let etcd_arguments = [
            "etcd".to_owned(),
            format!("--data-dir={}", shown("etcd")),
            "--unsafe-no-fsync".to_owned(),
            format!("--listen-client-urls=http://127.0.0.1:{etcd}"),
            format!("--advertise-client-urls=http://127.0.0.1:{etcd}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-cluster=default=http://127.0.0.1:{peer}"),
        ];
        let api_arguments = [
            "kube-apiserver".to_owned(),
            format!("--etcd-servers=http://127.0.0.1:{etcd}"),
            format!("--cert-dir={}", shown("certs")),
            format!("--secure-port={api}"),
            "--bind-address=127.0.0.1".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", shown("public.pem")),
            format!("--service-account-signing-key-file={}", shown("key.pem")),
            format!("--token-auth-file={}", shown("tokens")),
            "--authorization-mode=RBAC".to_owned(),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
        ];
        let programs = vec![
            supervise(kubernetes, &etcd_arguments, &path("etcd.log")),
            supervise(kubernetes, &api_arguments, &path("api.log")),
        ];
        let real =
            Self { url: format!("https://127.0.0.1:{api}"), token: token.to_owned(), _programs: programs, _dir: dir };
        let client = real.client();
        // A real program starts in real time.
        for _ in 0..600 {
            let request = http::Request::get("/readyz").body(Vec::new()).unwrap();
            if client.request_text(request).await.is_ok_and(|text| text == "ok") {
                return real;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let log = std::fs::read_to_string(real._dir.path().join("api.log")).unwrap_or_default();
        panic!("the real API server did not become ready:\n{log}");
    }

    pub fn client(&self) -> kube::Client {
        let mut config = kube::Config::new(self.url.parse().unwrap());
        config.accept_invalid_certs = true;
        config.auth_info.token = Some(self.token.clone().into());
        kube::Client::try_from(config).unwrap()
    }
}
