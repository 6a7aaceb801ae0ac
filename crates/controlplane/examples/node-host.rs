//! A node in a process of its own, for the test that kills it: runs the shell command given as argument in a pod, until
//! somebody ends it.

use std::collections::BTreeMap;
use std::process::ExitCode;

use bowline_apiserver::{Api, WriteOptions, resources};
use bowline_clock::{Clock, Random};
use bowline_controlplane::node::{ImageMap, LocalImage, Node, NodeConfig, Pods, ProcessConfig, shim};
use serde_json::json;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|first| first == shim::ARGUMENT) {
        return shim::run(std::env::args_os().skip(2));
    }
    match tokio::runtime::Runtime::new().map(|runtime| runtime.block_on(run(&arguments[1], &arguments[2]))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

async fn run(directory: &str, script: &str) -> Result<(), Box<dyn std::error::Error>> {
    let (clock, random) = (Clock::system(), Random::from_entropy());
    let api = Api::new(clock.clone(), random.fork("api"));
    let command = ["sh", "-c", script].map(str::to_owned).to_vec();
    let images = BTreeMap::from([("script".to_owned(), LocalImage { command, ..LocalImage::default() })]);
    let pods = Pods::Process(ProcessConfig {
        shim: std::env::current_exe()?,
        images: ImageMap { images },
        directory: directory.into(),
        network: None,
        local_ports: BTreeMap::new(),
        host_ports: Vec::new(),
    });
    let node = Node::start(api.clone(), clock, random, NodeConfig { name: "node".to_owned(), pods }).await?;
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"nodeName": "node", "containers": [{"name": "c", "image": "script"}]}});
    api.create(&resources::PODS, "default", pod, &WriteOptions::default())?;
    std::future::pending::<()>().await;
    node.shutdown(std::time::Duration::ZERO).await;
    Ok(())
}
