//! Containers as processes of this machine, each under a shim.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bowline_clock::{Clock, Random};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::sync::watch;

use super::events::{About, Events, Severity};
use super::images::{ImageMap, LocalImage};
use super::launch::{Launched, Launcher, Supervised};
use super::logs::{Channel, ContainerLog};
use super::namespace::Capabilities;
use super::network::{Network, PodLink};
use super::pod::Pod;
use super::proxy::ServiceProxy;
use super::runtime::{
    ContainerSpec, ExecOutput, Exit, HttpCheck, ImageError, Running, Runtime, RuntimeError, Sandbox, SandboxSpec,
    StopSignal,
};
use super::shim::{Mount, Order, Unshare};
use super::{http_client, rewrite, volumes};

/// Variables of Bowline's own environment that programs on a laptop rely on.
const INHERITED: &[&str] = &["HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "USER"];
/// How much of a probe command's output is kept, as the kubelet does.
const EXEC_OUTPUT: usize = 10 << 10;
/// Longer lines are cut into pieces, as container runtimes do.
const LONGEST_LINE: u64 = 16 << 10;
/// How long the output of an ended container is waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs containers as processes.
pub(crate) struct ProcessRuntime {
    shared: Arc<Shared>,
}

/// What all pods of the runtime share.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) images: ImageMap,
    pub(crate) launcher: Launcher,
    pub(crate) directory: PathBuf,
    pub(crate) capabilities: Capabilities,
    pub(crate) network: Arc<Network>,
    pub(crate) proxy: ServiceProxy,
    pub(crate) events: Events,
}

impl ProcessRuntime {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }
}

impl Runtime for ProcessRuntime {
    fn name(&self) -> &'static str {
        "process"
    }

    fn probes_eagerly(&self) -> bool {
        true
    }

    fn image(&self, image: &str) -> Result<String, ImageError> {
        let found = self.shared.images.find(image)?;
        Ok(format!("local://{}", found.command.first().map_or(image, String::as_str)))
    }

    fn log(&self, pod: &Pod, container: &str, attempt: u32) -> Result<ContainerLog, RuntimeError> {
        let path = self.shared.pod_directory(pod).join("logs").join(container).join(format!("{attempt}.log"));
        ContainerLog::in_file(self.shared.clock.clone(), &path)
            .map_err(|e| RuntimeError::new(format!("creating the log {}: {e}", path.display())))
    }

    fn forget(&self, pod: &Pod) {
        let directory = self.shared.pod_directory(pod);
        if let Err(error) = std::fs::remove_dir_all(&directory)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %directory.display(), "could not remove a pod's directory");
        }
    }

    fn sandbox(&self, spec: SandboxSpec) -> BoxFuture<'_, Result<Arc<dyn Sandbox>, RuntimeError>> {
        async move {
            let shared = self.shared.clone();
            let root = shared.pod_directory(&spec.pod).join("volumes");
            let mut volumes = BTreeMap::new();
            for (name, content) in &spec.volumes {
                let path = volumes::write(&root.join(name), content)
                    .map_err(|e| RuntimeError::new(format!("writing volume {name:?}: {e}")))?;
                volumes.insert(name.clone(), path);
            }
            let link = shared.network.connect(&spec.pod, spec.ip).await?;
            Ok(Arc::new(ProcessSandbox { shared, pod: spec.pod, volumes, link }) as Arc<dyn Sandbox>)
        }
        .boxed()
    }
}

impl Shared {
    fn pod_directory(&self, pod: &Pod) -> PathBuf {
        let Pod { metadata, .. } = pod;
        self.directory.join("pods").join(format!("{}_{}_{}", metadata.namespace, metadata.name, metadata.uid))
    }
}

struct ProcessSandbox {
    shared: Arc<Shared>,
    pod: Arc<Pod>,
    volumes: BTreeMap<String, PathBuf>,
    link: Arc<PodLink>,
}

impl Sandbox for ProcessSandbox {
    fn start(&self, spec: ContainerSpec) -> BoxFuture<'_, Result<Arc<dyn Running>, RuntimeError>> {
        async move {
            let image = self.shared.images.find(&spec.container.image).map_err(|e| RuntimeError::new(e.message))?;
            let order = self.order(&spec, image)?;
            self.link.note_outside(order.env.values().chain(&order.argv));
            self.shared.network.serve(&self.link).await;
            let launched = self.shared.launcher.launch(&order).await?;
            let Launched { process, stdout, stderr } = launched;
            let log = spec.log.clone();
            let pumped = tokio::spawn(async move {
                tokio::join!(pump(stdout, Channel::Stdout, &log), pump(stderr, Channel::Stderr, &log));
                log.close();
            });
            let (ended, exit) = watch::channel(None);
            let mut process_exit = process.exit_watch();
            tokio::spawn(async move {
                let code = process_exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
                // Its last words belong to the log before anybody hears of the end.
                let _ = tokio::time::timeout(LAST_WORDS, pumped).await;
                ended.send_replace(Some(code.unwrap_or(Exit { code: 137 })));
            });
            let id = format!("{:016x}{:016x}", self.shared.random.next_u64(), self.shared.random.next_u64());
            Ok(Arc::new(ProcessContainer {
                id,
                exit,
                process,
                order,
                shared: self.shared.clone(),
                link: self.link.clone(),
            }) as Arc<dyn Running>)
        }
        .boxed()
    }

    fn remove(&self) -> BoxFuture<'_, ()> {
        async move {
            self.shared.network.disconnect(&self.pod);
            let volumes = self.shared.pod_directory(&self.pod).join("volumes");
            if let Err(error) = std::fs::remove_dir_all(&volumes)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(%error, path = %volumes.display(), "could not remove a pod's volumes");
            }
        }
        .boxed()
    }
}

impl ProcessSandbox {
    fn order(&self, spec: &ContainerSpec, image: &LocalImage) -> Result<Order, RuntimeError> {
        // The image's command is its entrypoint: `command` replaces it, `args` are appended to it.
        let program = if spec.command.is_empty() { &image.command } else { &spec.command };
        let mut argv: Vec<String> = program.iter().chain(&spec.args).cloned().collect();
        if argv.is_empty() {
            return Err(RuntimeError::new(format!(
                "image {:?} has no command in local.images of bowline.yaml, and the container gives none",
                spec.container.image
            )));
        }
        let mut env: BTreeMap<String, String> =
            INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
        env.extend(image.env.clone());
        env.insert("HOSTNAME".to_owned(), self.pod.metadata.name.clone());
        env.extend(spec.env.clone());
        self.link.adjust(&spec.container, &mut env);
        if self.link.is_host() {
            rewrite::services(&mut env, &mut argv, &self.shared.proxy.ports_for(&self.pod.metadata.namespace));
        }
        if !image.path.is_empty() {
            let own = env.get("PATH").cloned().unwrap_or_default();
            let folders = image.path.iter().cloned().chain(std::env::split_paths(&own));
            let joined = std::env::join_paths(folders).map_err(|e| RuntimeError::new(format!("joining PATH: {e}")))?;
            env.insert("PATH".to_owned(), joined.to_string_lossy().into_owned());
        }
        let workdir = match spec.container.working_dir.as_str() {
            "" => image.workdir.clone(),
            own if Path::new(own).is_dir() => Some(PathBuf::from(own)),
            _ => image.workdir.clone(),
        };
        let mounts = self.mounts(spec, &mut env, &mut argv);
        Ok(Order { argv, env, workdir, mounts, ..self.link.order(self.unshare()) })
    }

    fn unshare(&self) -> Unshare {
        let allowed = &self.shared.capabilities;
        let any = allowed.pid || allowed.mount;
        Unshare { user: allowed.user && any, pid: allowed.pid, mount: allowed.mount, network: false }
    }

    /// The container's mounts; where they cannot be made, paths in its environment and arguments are replaced, and an
    /// event says so.
    fn mounts(&self, spec: &ContainerSpec, env: &mut BTreeMap<String, String>, argv: &mut [String]) -> Vec<Mount> {
        let mut mounts = Vec::new();
        for wanted in &spec.container.volume_mounts {
            let Some(source) = self.volumes.get(&wanted.name) else { continue };
            let source = if wanted.sub_path.is_empty() { source.clone() } else { source.join(&wanted.sub_path) };
            let target = PathBuf::from(&wanted.mount_path);
            if self.shared.capabilities.mount {
                mounts.push(Mount { source, target, read_only: wanted.read_only });
                continue;
            }
            let replace = |text: &mut String| {
                if let Some(rest) = text.strip_prefix(&wanted.mount_path)
                    && (rest.is_empty() || rest.starts_with('/'))
                {
                    *text = format!("{}{rest}", source.display());
                }
            };
            env.values_mut().chain(argv.iter_mut()).for_each(replace);
            let message = format!(
                "volume {:?} is at {} and not at {}, because this machine allows no mount namespaces ({}); paths that \
                 are values of variables or arguments were replaced",
                wanted.name,
                source.display(),
                wanted.mount_path,
                self.shared.capabilities.why.join("; ")
            );
            let about = About::container(&self.pod, &spec.container.name);
            self.shared.events.record(&about, Severity::Warning, "VolumeNotMounted", &message);
        }
        mounts
    }
}

async fn pump(from: impl AsyncRead + Unpin, channel: Channel, log: &ContainerLog) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                let text = text.strip_suffix('\n').unwrap_or(&text);
                log.append(channel, text.strip_suffix('\r').unwrap_or(text));
            }
        }
    }
}

struct ProcessContainer {
    id: String,
    exit: watch::Receiver<Option<Exit>>,
    process: Supervised,
    order: Order,
    shared: Arc<Shared>,
    link: Arc<PodLink>,
}

impl Running for ProcessContainer {
    fn id(&self) -> &str {
        &self.id
    }

    fn exited(&self) -> BoxFuture<'static, Exit> {
        let mut exit = self.exit.clone();
        async move { exit.wait_for(Option::is_some).await.ok().and_then(|e| *e).unwrap_or(Exit { code: 137 }) }.boxed()
    }

    fn signal(&self, signal: StopSignal) {
        self.process.signal(match signal {
            StopSignal::Terminate => nix::libc::SIGTERM,
            StopSignal::Kill => nix::libc::SIGKILL,
        });
    }

    fn exec(&self, command: Vec<String>) -> BoxFuture<'static, Result<ExecOutput, RuntimeError>> {
        let order = Order { argv: command, ..self.order.clone() };
        let launcher = self.shared.launcher.clone();
        async move {
            // Dropping this future (a timeout) drops the process, and so kills it.
            let Launched { process, stdout, stderr } = launcher.launch(&order).await?;
            let (out, err) = tokio::join!(head(stdout), head(stderr));
            let Exit { code } = process.exited().await;
            Ok(ExecOutput { code, output: String::from_utf8_lossy(&[out, err].concat()).into_owned() })
        }
        .boxed()
    }

    fn http(&self, request: HttpCheck) -> BoxFuture<'static, Result<u16, String>> {
        let link = self.link.clone();
        async move { http_client::get(&link, &request).await }.boxed()
    }

    fn tcp(&self, host: String, port: u16) -> BoxFuture<'static, Result<(), String>> {
        let link = self.link.clone();
        async move {
            match link.dial(&host, port).await {
                Ok(_) => Ok(()),
                Err(error) => Err(super::network::go_dial_error(&host, port, &error)),
            }
        }
        .boxed()
    }
}

async fn head(mut from: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let room = EXEC_OUTPUT - kept.len().min(EXEC_OUTPUT);
        kept.extend(&buffer[..count.min(room)]);
    }
    kept
}
