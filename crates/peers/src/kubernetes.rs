//! The real control plane on loopback: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, and kwok, which
//! plays one node. Started once for a test program and gone with it, however it ends.

use std::fs::{self, File};
use std::io;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

use crate::find;

/// A pod with this label does not simply become ready; see the values in [`ControlPlane`].
pub const OUTCOME_LABEL: &str = "bowline.test/outcome";
/// With the outcome `waiting`: the reason its containers wait for, `CreateContainerConfigError`.
pub const REASON_ANNOTATION: &str = "bowline.test/reason";
/// With the outcomes `waiting`, `crash` and `fail`: the message beside the reason.
pub const MESSAGE_ANNOTATION: &str = "bowline.test/message";
/// What every container's log says here.
pub const LOG_LINES: [&str; 3] =
    ["connecting to the database", "applying 0002_add_column", "ERROR: column \"priority\" already exists"];

/// A running control plane with one simulated node `node-0`.
///
/// Pods become ready at once, and those of Jobs complete. The label [`OUTCOME_LABEL`] on a pod asks for something else:
/// `fail` (containers end with exit code 1), `hang` (runs and is ready, but never ends), `unready` (runs, and its
/// readiness probe fails), `waiting` (containers cannot be started, for the reason in [`REASON_ANNOTATION`]), `crash`
/// (CrashLoopBackOff after exit code 3).
#[derive(Debug)]
pub struct ControlPlane {
    kubeconfig: PathBuf,
    port: u16,
    ready_after: Duration,
    // In the order in which they are ended.
    programs: Vec<Supervised>,
}

impl ControlPlane {
    /// The one that all tests of this program share, started by the first; `None` after the skip was reported.
    ///
    /// # Panics
    /// Where it cannot be started although its programs are there.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<ControlPlane>> = OnceLock::new();
        let shared = SHARED.get_or_init(Self::start).as_ref();
        if shared.is_none() {
            // Reports the skip for this test too.
            find("kubernetes").and(find("kwok"));
        }
        shared
    }

    /// Starts one; `None` after the skip was reported.
    ///
    /// # Panics
    /// Where it cannot be started although its programs are there.
    #[allow(clippy::expect_used)]
    pub fn start() -> Option<Self> {
        let (kubernetes, kwok) = (find("kubernetes")?, find("kwok")?);
        Some(Self::start_with(&kubernetes, &kwok).expect("start the real control plane"))
    }

    /// A kubeconfig of an administrator.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The API server's port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Time from the start of etcd to `/readyz` ok; controllers and scheduler come after that.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Process ids of etcd, API server, controllers and scheduler.
    pub fn process_ids(&self) -> Vec<u32> {
        let kubernetes = self.programs.iter().filter(|program| program.name != "kwok");
        kubernetes.filter_map(|program| child_of(program.shell.id())).collect()
    }

    // A real program is measured, in real time.
    #[allow(clippy::disallowed_methods)]
    fn start_with(kubernetes: &Path, kwok: &Path) -> io::Result<Self> {
        let start = Instant::now();
        let dir = tempfile::Builder::new().prefix("bowline-kubernetes-").tempdir()?.keep();
        let [etcd, etcd_peer, api, manager, scheduler, node] = free_ports()?;
        let pki = Pki::write(&dir).map_err(io::Error::other)?;
        let kubeconfig = pki.write_kubeconfig(&dir, api)?;
        let path = |name: &str| dir.join(name).display().to_string();

        let mut etcd_command = Command::new(kubernetes);
        etcd_command.args([
            "etcd".to_owned(),
            format!("--data-dir={}", path("etcd")),
            format!("--listen-client-urls=http://127.0.0.1:{etcd}"),
            format!("--advertise-client-urls=http://127.0.0.1:{etcd}"),
            format!("--listen-peer-urls=http://127.0.0.1:{etcd_peer}"),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=error".to_owned(),
        ]);
        let mut api_command = Command::new(kubernetes);
        api_command.args([
            "kube-apiserver".to_owned(),
            format!("--etcd-servers=http://127.0.0.1:{etcd}"),
            format!("--secure-port={api}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--cert-dir={}", path("certs")),
            format!("--tls-cert-file={}", path("server.crt")),
            format!("--tls-private-key-file={}", path("server.key")),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", path("tokens.pub")),
            format!("--service-account-signing-key-file={}", path("tokens.key")),
            format!("--token-auth-file={}", path("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
        ]);
        // The last of the programs to end removes the folder.
        let mut programs = vec![
            Supervised::start(&mut etcd_command, &dir, "etcd", true)?,
            Supervised::start(&mut api_command, &dir, "kube-apiserver", false)?,
        ];
        let kubectl = |arguments: &[&str]| {
            let mut command = Command::new(kubernetes);
            command.arg("kubectl").arg("--kubeconfig").arg(&kubeconfig).args(arguments);
            let output = command.stdin(Stdio::null()).output()?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() { Ok(()) } else { Err(io::Error::other(said)) }
        };
        wait_until(|| TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], api))).map(drop))
            .and_then(|()| wait_until(|| kubectl(&["get", "--raw=/readyz"])))
            .map_err(|e| pki.explain(&dir, "kube-apiserver", &e))?;
        let ready_after = start.elapsed();

        let mut manager_command = Command::new(kubernetes);
        manager_command.args([
            "kube-controller-manager".to_owned(),
            format!("--kubeconfig={}", kubeconfig.display()),
            "--leader-elect=false".to_owned(),
            // kwok renews its nodes more rarely than the default of 50 seconds asks for.
            "--node-monitor-grace-period=10m".to_owned(),
            format!("--secure-port={manager}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--cert-dir={}", path("manager-certs")),
            format!("--service-account-private-key-file={}", path("tokens.key")),
            format!("--root-ca-file={}", path("ca.crt")),
            format!("--cluster-signing-cert-file={}", path("ca.crt")),
            format!("--cluster-signing-key-file={}", path("ca.key")),
        ]);
        let mut scheduler_command = Command::new(kubernetes);
        scheduler_command.args([
            "kube-scheduler".to_owned(),
            format!("--kubeconfig={}", kubeconfig.display()),
            "--leader-elect=false".to_owned(),
            format!("--secure-port={scheduler}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--cert-dir={}", path("scheduler-certs")),
        ]);
        fs::write(dir.join("kwok.yaml"), kwok_config(&dir)?)?;
        let mut kwok_command = Command::new(kwok);
        kwok_command.args([
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--config={}", path("kwok.yaml")),
            "--manage-all-nodes=true".to_owned(),
            format!("--server-address=127.0.0.1:{node}"),
            "--node-ip=127.0.0.1".to_owned(),
            format!("--node-port={node}"),
            format!("--tls-cert-file={}", path("server.crt")),
            format!("--tls-private-key-file={}", path("server.key")),
        ]);
        programs.push(Supervised::start(&mut manager_command, &dir, "kube-controller-manager", false)?);
        programs.push(Supervised::start(&mut scheduler_command, &dir, "kube-scheduler", false)?);
        programs.push(Supervised::start(&mut kwok_command, &dir, "kwok", false)?);
        programs.reverse();

        fs::write(dir.join("node.json"), NODE)?;
        kubectl(&["create", "-f", &path("node.json")])?;
        kubectl(&["wait", "node/node-0", "--for=condition=Ready", "--timeout=60s"])?;
        // Pods are refused in a namespace until its service account is there.
        kubectl(&["wait", "serviceaccount/default", "-n", "default", "--for=create", "--timeout=60s"])?;
        Ok(Self { kubeconfig, port: api, ready_after, programs })
    }
}

/// A program that ends when this is dropped or when the test program is gone, even by SIGKILL: a shell waits for the end
/// of a pipe that only the test program holds.
#[derive(Debug)]
struct Supervised {
    name: String,
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Supervised {
    fn start(program: &mut Command, dir: &Path, name: &str, removes_dir: bool) -> io::Result<Self> {
        let log = File::create(dir.join(format!("{name}.log")))?;
        let cleanup = if removes_dir { "sleep 1; rm -rf \"$0\"" } else { "" };
        let script = format!(
            "\"$@\" </dev/null & child=$!; read -r _; kill -9 $child 2>/dev/null; wait $child 2>/dev/null; {cleanup}"
        );
        let mut shell = Command::new("sh")
            .arg("-c")
            .arg(script)
            .arg(dir)
            .arg(program.get_program())
            .args(program.get_args())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let pipe = shell.stdin.take();
        Ok(Self { name: name.to_owned(), shell, pipe })
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.shell.wait();
    }
}

/// The first process whose parent is `parent` (`/proc/PID/stat`, fourth field).
fn child_of(parent: u32) -> Option<u32> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).find(|process| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // The command's name, in parentheses, may hold blanks.
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        after_name.split(' ').nth(1).and_then(|field| field.parse().ok()) == Some(parent)
    })
}

/// Ports that nobody listens on now. They may be taken before they are used; a start that fails for it says so.
fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let mut ports = [0; N];
    let listeners: Vec<TcpListener> =
        (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<io::Result<Vec<_>>>()?;
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

/// Tries until it succeeds, for a minute.
#[allow(clippy::disallowed_methods)] // A real program is waited for, in real time.
fn wait_until(attempt: impl Fn() -> io::Result<()>) -> io::Result<()> {
    let mut tries = 0;
    loop {
        match attempt() {
            Err(_) if tries < 200 => std::thread::sleep(Duration::from_millis(100)),
            result => return result,
        }
        tries += 1;
    }
}

struct Pki {
    ca_pem: String,
    token: String,
}

impl Pki {
    fn write(dir: &Path) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.distinguished_name.push(DnType::CommonName, "bowline-test-ca");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let names = ["127.0.0.1", "localhost", "kubernetes", "kubernetes.default.svc"].map(str::to_owned);
        let server_key = KeyPair::generate()?;
        let server = CertificateParams::new(names)?.signed_by(&server_key, &authority)?;
        let write = |name: &str, text: String| write_private(&dir.join(name), &text);
        write("ca.crt", authority.pem())?;
        write("ca.key", authority.key().serialize_pem())?;
        write("server.crt", server.pem())?;
        write("server.key", server_key.serialize_pem())?;
        let tokens = KeyPair::generate()?;
        write("tokens.key", tokens.serialize_pem())?;
        write("tokens.pub", tokens.public_key_pem())?;
        // A fresh key's fingerprint is as good a random word as any.
        let token: String =
            KeyPair::generate()?.public_key_raw().iter().skip(1).take(16).map(|b| format!("{b:02x}")).collect();
        write("tokens.csv", format!("{token},admin,admin,system:masters\n"))?;
        Ok(Self { ca_pem: authority.pem(), token })
    }

    fn write_kubeconfig(&self, dir: &Path, port: u16) -> io::Result<PathBuf> {
        fs::write(dir.join("ca.crt"), &self.ca_pem)?;
        let path = dir.join("kubeconfig");
        let text = format!(
            r#"{{"apiVersion": "v1", "kind": "Config", "current-context": "test",
"clusters": [{{"name": "test", "cluster": {{"server": "https://127.0.0.1:{port}", "certificate-authority": "{}"}}}}],
"users": [{{"name": "admin", "user": {{"token": "{}"}}}}],
"contexts": [{{"name": "test", "context": {{"cluster": "test", "user": "admin"}}}}]}}
"#,
            dir.join("ca.crt").display(),
            self.token
        );
        write_private(&path, &text)?;
        Ok(path)
    }

    fn explain(&self, dir: &Path, program: &str, error: &io::Error) -> io::Error {
        let mut log = String::new();
        let _ = File::open(dir.join(format!("{program}.log"))).and_then(|mut f| f.read_to_string(&mut log));
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(10)..].join("\n");
        io::Error::other(format!("{program} does not answer: {error}\n{tail}").replace(&self.token, "***"))
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

const NODE: &str = r#"{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-0", "labels":
{"kubernetes.io/hostname": "node-0", "kubernetes.io/os": "linux"}}}"#;

/// How kwok plays pods, one stage for each outcome, and what it answers for logs.
fn kwok_config(dir: &Path) -> io::Result<String> {
    let log = dir.join("pod.log");
    let lines: String =
        LOG_LINES.iter().map(|line| format!("2026-01-31T12:00:00.000000000Z stdout F {line}\n")).collect();
    fs::write(&log, lines)?;
    let template = |conditions: &str, containers: &str, phase: &str| {
        format!(
            "{{{{ $now := Now }}}}\n\
             conditions:\n\
             {{{{ range $type, $status := {conditions} }}}}\n\
             - {{lastTransitionTime: {{{{ $now | Quote }}}}, type: {{{{ $type | Quote }}}}, status: {{{{ $status | Quote }}}}}}\n\
             {{{{ end }}}}\n\
             containerStatuses:\n\
             {{{{ $notes := or .metadata.annotations dict }}}}\n\
             {{{{ range .spec.containers }}}}\n\
             - {{image: {{{{ .image | Quote }}}}, name: {{{{ .name | Quote }}}}, {containers}}}\n\
             {{{{ end }}}}\n\
             hostIP: {{{{ NodeIPWith .spec.nodeName | Quote }}}}\n\
             podIP: {{{{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid \"\" ) \
             ( or .metadata.name \"\" ) ( or .metadata.namespace \"\" ) | Quote }}}}\n\
             phase: {phase}\n\
             startTime: {{{{ $now | Quote }}}}\n"
        )
    };
    let message = format!("{{{{ or (index $notes \"{MESSAGE_ANNOTATION}\") \"\" | Quote }}}}");
    let reason = format!("{{{{ index $notes \"{REASON_ANNOTATION}\" | Quote }}}}");
    let ready = "dict \"Initialized\" \"True\" \"Ready\" \"True\" \"ContainersReady\" \"True\"";
    let unready = "dict \"Initialized\" \"True\" \"Ready\" \"False\" \"ContainersReady\" \"False\"";
    let running = "ready: true, started: true, restartCount: 0, state: {running: {startedAt: {{ $now | Quote }}}}";
    let probing = "ready: false, started: true, restartCount: 0, state: {running: {startedAt: {{ $now | Quote }}}}";
    let waiting = format!(
        "ready: false, started: false, restartCount: 0, state: {{waiting: {{reason: {reason}, message: {message}}}}}"
    );
    let ended = |code: u8, reason: &str| {
        format!(
            "{{terminated: {{exitCode: {code}, reason: {reason}, message: {message}, startedAt: {{{{ $now | Quote }}}}, \
             finishedAt: {{{{ $now | Quote }}}}}}}}"
        )
    };
    let finished = |code: u8, reason: &str| {
        format!("ready: false, started: false, restartCount: 0, state: {}", ended(code, reason))
    };
    let crashing = format!(
        "ready: false, started: false, restartCount: 4, state: {{waiting: {{reason: CrashLoopBackOff, message: \
         \"back-off 1m20s restarting failed container\"}}}}, lastState: {}",
        ended(3, "Error")
    );

    // Selectors, in the order of a pod's life: not begun, and (for Jobs) running.
    let fresh =
        "[{key: .metadata.deletionTimestamp, operator: DoesNotExist}, {key: .status.podIP, operator: DoesNotExist}";
    let outcome = |value: &str| {
        let key = format!("'.metadata.labels.\"{OUTCOME_LABEL}\"'");
        if value.is_empty() {
            format!("{{key: {key}, operator: DoesNotExist}}")
        } else {
            format!("{{key: {key}, operator: In, values: [{value}]}}")
        }
    };
    let stages = [
        ("ready", format!("{fresh}, {}]", outcome("")), template(ready, running, "Running")),
        ("hang", format!("{fresh}, {}]", outcome("hang")), template(ready, running, "Running")),
        ("unready", format!("{fresh}, {}]", outcome("unready")), template(unready, probing, "Running")),
        ("waiting", format!("{fresh}, {}]", outcome("waiting")), template(unready, &waiting, "Pending")),
        ("crash", format!("{fresh}, {}]", outcome("crash")), template(unready, &crashing, "Running")),
        ("fail", format!("{fresh}, {}]", outcome("fail")), template(unready, &finished(1, "Error"), "Failed")),
        (
            "complete",
            format!(
                "[{{key: .metadata.deletionTimestamp, operator: DoesNotExist}}, \
                 {{key: .status.phase, operator: In, values: [Running]}}, \
                 {{key: '.metadata.ownerReferences.[].kind', operator: In, values: [Job]}}, {}]",
                outcome("")
            ),
            template(unready, &finished(0, "Completed"), "Succeeded"),
        ),
    ];
    let stage = |name: &str, expressions: &str, next: &str| {
        format!(
            "apiVersion: kwok.x-k8s.io/v1alpha1\nkind: Stage\nmetadata: {{name: {name}}}\nspec:\n  \
             resourceRef: {{apiGroup: v1, kind: Pod}}\n  selector:\n    matchExpressions: {expressions}\n  next:\n{next}---\n"
        )
    };
    let mut text = String::new();
    for (name, expressions, status) in &stages {
        let indented: String = status.lines().map(|line| format!("      {line}\n")).collect();
        text += &stage(name, expressions, &format!("    statusTemplate: |\n{indented}"));
    }
    text += &stage(
        "delete",
        "[{key: .metadata.deletionTimestamp, operator: Exists}]",
        "    finalizers: {empty: true}\n    delete: true\n",
    );
    text += &format!(
        "apiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterLogs\nmetadata: {{name: all}}\nspec:\n  logs:\n  - logsFile: {}\n    \
         follow: false\n",
        log.display()
    );
    Ok(text)
}
