//! A pod's status out of the states of its containers: phase, conditions and container statuses as the kubelet computes
//! them (`pkg/kubelet/kubelet_pods.go`, `pkg/kubelet/status/generate.go`).

use serde_json::{Map, Value, json};

use super::pod::{Container, Pod, RestartPolicy};

/// State of a container.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    /// Not running yet, or not again yet.
    Waiting {
        /// CamelCase reason.
        reason: String,
        /// May be empty.
        message: String,
    },
    /// Running.
    Running {
        /// RFC 3339.
        started_at: String,
    },
    /// Ended.
    Terminated(Ended),
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub(crate) struct Ended {
    pub(crate) exit_code: i32,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) started_at: String,
    pub(crate) finished_at: String,
    pub(crate) container_id: String,
}

impl Ended {
    fn to_value(&self) -> Value {
        let mut value = json!({"exitCode": self.exit_code, "reason": self.reason,
            "startedAt": self.started_at, "finishedAt": self.finished_at});
        set(&mut value, "message", &self.message);
        set(&mut value, "containerID", &self.container_id);
        value
    }
}

/// A container as its status shows it.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub(crate) struct ContainerView {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) image_id: String,
    pub(crate) container_id: String,
    pub(crate) state: State,
    pub(crate) last: Option<Ended>,
    pub(crate) restart_count: u32,
    pub(crate) ready: bool,
    pub(crate) started: bool,
}

impl ContainerView {
    /// A container that has not been started.
    pub(crate) fn new(container: &Container, reason: &str) -> Self {
        Self {
            name: container.name.clone(),
            image: container.image.clone(),
            image_id: String::new(),
            container_id: String::new(),
            state: State::Waiting { reason: reason.to_owned(), message: String::new() },
            last: None,
            restart_count: 0,
            ready: false,
            started: false,
        }
    }

    fn to_value(&self) -> Value {
        let state = match &self.state {
            State::Waiting { reason, message } => {
                let mut waiting = json!({"reason": reason});
                set(&mut waiting, "message", message);
                json!({"waiting": waiting})
            }
            State::Running { started_at } => json!({"running": {"startedAt": started_at}}),
            State::Terminated(ended) => json!({"terminated": ended.to_value()}),
        };
        let mut value = json!({"name": self.name, "image": self.image, "imageID": self.image_id, "state": state,
            "lastState": {}, "restartCount": self.restart_count, "ready": self.ready, "started": self.started});
        set(&mut value, "containerID", &self.container_id);
        if let Some(last) = &self.last {
            value["lastState"] = json!({"terminated": last.to_value()});
        }
        value
    }
}

fn set(value: &mut Value, key: &str, text: &str) {
    if !text.is_empty() {
        value[key] = Value::from(text);
    }
}

/// All that a status is computed from.
pub(crate) struct PodView<'a> {
    /// The pod, with the status as stored.
    pub(crate) pod: &'a Pod,
    /// Its init containers, in order.
    pub(crate) init: &'a [ContainerView],
    /// Its containers, in order.
    pub(crate) containers: &'a [ContainerView],
    /// Whether the pod's network and volumes are there.
    pub(crate) sandboxed: bool,
    /// The pod's address, once it has one.
    pub(crate) ip: &'a str,
    /// The node's address.
    pub(crate) host_ip: &'a str,
    /// When the node first saw the pod.
    pub(crate) start_time: &'a str,
    /// Phase, reason and message that are decided already (deadline exceeded).
    pub(crate) verdict: Option<(&'static str, &'static str, &'static str)>,
    /// Whether no container will be started again: the pod is deleted or was stopped.
    pub(crate) terminal: bool,
    /// The present time.
    pub(crate) now: &'a str,
}

/// The pod's new status.
pub(crate) fn compute(view: &PodView<'_>) -> Value {
    let phase = view.verdict.map_or_else(|| phase(view), |(phase, _, _)| phase);
    let mut status = json!({
        "phase": phase, "hostIP": view.host_ip, "hostIPs": [{"ip": view.host_ip}], "startTime": view.start_time,
        "qosClass": qos_class(view.pod),
    });
    if let Some(generation) = view.pod.metadata.generation {
        status["observedGeneration"] = Value::from(generation);
    }
    if let Some((_, reason, message)) = view.verdict {
        set(&mut status, "reason", reason);
        set(&mut status, "message", message);
    }
    if !view.ip.is_empty() {
        status["podIP"] = Value::from(view.ip);
        status["podIPs"] = json!([{"ip": view.ip}]);
    }
    status["conditions"] = conditions(view, phase);
    let list = |views: &[ContainerView]| Value::Array(views.iter().map(ContainerView::to_value).collect());
    if !view.init.is_empty() {
        status["initContainerStatuses"] = list(view.init);
    }
    status["containerStatuses"] = list(view.containers);
    status
}

fn phase(view: &PodView<'_>) -> &'static str {
    let policy = view.pod.spec.restart_policy;
    let specs = &view.pod.spec;
    let (mut pending_init, mut pending_sidecar, mut running) = (0, 0, 0);
    for (spec, container) in specs.init_containers.iter().zip(view.init) {
        let failed_for_good = |code: i32| code != 0 && policy == RestartPolicy::Never;
        match (&container.state, &container.last) {
            (State::Running { .. }, _) if spec.is_sidecar() => {
                running += 1;
                pending_sidecar += usize::from(!container.started);
            }
            (State::Terminated(_), _) if spec.is_sidecar() => {}
            (State::Waiting { .. }, last) if spec.is_sidecar() => pending_sidecar += usize::from(last.is_none()),
            (State::Running { .. }, _) | (State::Waiting { .. }, None) => pending_init += 1,
            (State::Terminated(ended), _) | (State::Waiting { .. }, Some(ended)) => {
                if failed_for_good(ended.exit_code) {
                    return "Failed";
                }
            }
        }
    }
    let (mut waiting, mut stopped, mut succeeded, mut done) = (0, 0, 0, 0);
    for container in view.containers {
        match (&container.state, &container.last) {
            (State::Running { .. }, _) => running += 1,
            (State::Waiting { .. }, None) => waiting += 1,
            (State::Waiting { .. }, Some(ended)) => {
                stopped += 1;
                done += usize::from(!policy.restarts(ended.exit_code));
            }
            (State::Terminated(ended), _) => {
                stopped += 1;
                succeeded += usize::from(ended.exit_code == 0);
                done += usize::from(!policy.restarts(ended.exit_code));
            }
        }
    }
    let initialized = view.containers.iter().any(has_started);
    if pending_init > 0 || (pending_sidecar > 0 && !initialized) || waiting > 0 {
        return "Pending";
    }
    if running > 0 {
        return "Running";
    }
    if stopped == 0 {
        return "Pending";
    }
    match (view.terminal || stopped == done, stopped == succeeded) {
        (false, _) => "Running",
        (true, true) => "Succeeded",
        (true, false) => "Failed",
    }
}

fn has_started(container: &ContainerView) -> bool {
    container.last.is_some() || !matches!(container.state, State::Waiting { .. })
}

fn conditions(view: &PodView<'_>, phase: &str) -> Value {
    let old = view.pod.status["conditions"].as_array().cloned().unwrap_or_default();
    let containers_ready = containers_ready(view, phase);
    let ready = match &containers_ready {
        (true, ..) => gates(view, &old),
        other => other.clone(),
    };
    let own = [
        ("PodReadyToStartContainers", (view.sandboxed, "", String::new())),
        ("Initialized", initialized(view, phase)),
        ("Ready", ready),
        ("ContainersReady", containers_ready),
        ("PodScheduled", (true, "", String::new())),
    ];
    let mut conditions: Vec<Value> =
        old.iter().filter(|c| own.iter().all(|(kind, _)| c["type"].as_str() != Some(kind))).cloned().collect();
    for (kind, (holds, reason, message)) in own {
        let status = if holds { "True" } else { "False" };
        let before = old.iter().find(|c| c["type"] == kind);
        let since =
            before.filter(|c| c["status"] == status).and_then(|c| c["lastTransitionTime"].as_str()).unwrap_or(view.now);
        let mut condition = Map::new();
        condition.insert("type".into(), Value::from(kind));
        condition.insert("status".into(), Value::from(status));
        condition.insert("lastProbeTime".into(), Value::Null);
        condition.insert("lastTransitionTime".into(), Value::from(since));
        if let Some(generation) = view.pod.metadata.generation {
            condition.insert("observedGeneration".into(), Value::from(generation));
        }
        let mut condition = Value::Object(condition);
        set(&mut condition, "reason", reason);
        set(&mut condition, "message", &message);
        conditions.push(condition);
    }
    Value::Array(conditions)
}

type Condition = (bool, &'static str, String);

fn containers_ready(view: &PodView<'_>, phase: &str) -> Condition {
    match phase {
        "Succeeded" => return (false, "PodCompleted", String::new()),
        "Failed" => return (false, "PodFailed", String::new()),
        _ => {}
    }
    let sidecars = view.pod.spec.init_containers.iter().zip(view.init).filter(|(spec, _)| spec.is_sidecar());
    let unready: Vec<&str> = sidecars
        .map(|(_, container)| container)
        .chain(view.containers)
        .filter(|c| !c.ready)
        .map(|c| c.name.as_str())
        .collect();
    if unready.is_empty() {
        (true, "", String::new())
    } else {
        (false, "ContainersNotReady", format!("containers with unready status: [{}]", unready.join(" ")))
    }
}

fn gates(view: &PodView<'_>, old: &[Value]) -> Condition {
    let mut messages = Vec::new();
    for gate in &view.pod.spec.readiness_gates {
        let kind = &gate.condition_type;
        match old.iter().find(|c| c["type"] == kind.as_str()) {
            None => messages.push(format!("corresponding condition of pod readiness gate {kind:?} does not exist.")),
            Some(c) if c["status"] != "True" => messages.push(format!(
                "the status of pod readiness gate {kind:?} is not \"True\", but {}",
                c["status"].as_str().unwrap_or_default()
            )),
            Some(_) => {}
        }
    }
    if messages.is_empty() { (true, "", String::new()) } else { (false, "ReadinessGatesNotReady", messages.join(", ")) }
}

fn initialized(view: &PodView<'_>, phase: &str) -> Condition {
    if phase == "Succeeded" {
        return (true, "PodCompleted", String::new());
    }
    if view.containers.iter().any(has_started) {
        return (true, "", String::new());
    }
    let incomplete: Vec<&str> = view
        .pod
        .spec
        .init_containers
        .iter()
        .zip(view.init)
        .filter(|(spec, container)| if spec.is_sidecar() { !container.started } else { !container.ready })
        .map(|(spec, _)| spec.name.as_str())
        .collect();
    if incomplete.is_empty() {
        (true, "", String::new())
    } else {
        (false, "ContainersNotInitialized", format!("containers with incomplete status: [{}]", incomplete.join(" ")))
    }
}

/// `Guaranteed`, `Burstable` or `BestEffort`, from cpu and memory of all containers.
pub(crate) fn qos_class(pod: &Pod) -> &'static str {
    let containers = || pod.spec.init_containers.iter().chain(&pod.spec.containers);
    let named =
        |list: &std::collections::BTreeMap<String, Value>| list.contains_key("cpu") || list.contains_key("memory");
    if !containers().any(|c| named(&c.resources.limits) || named(&c.resources.requests)) {
        return "BestEffort";
    }
    let guaranteed = containers().all(|c| {
        ["cpu", "memory"].iter().all(|name| {
            let limit = c.resources.limits.get(*name);
            limit.is_some() && c.resources.requests.get(*name).is_none_or(|request| Some(request) == limit)
        })
    });
    if guaranteed { "Guaranteed" } else { "Burstable" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(policy: &str, init: usize) -> Pod {
        let container = |name: String| json!({"name": name, "image": "i"});
        Pod::from_value(&json!({
            "metadata": {"name": "p", "namespace": "n", "uid": "u"},
            "spec": {"restartPolicy": policy, "containers": [container("c".into())],
                     "initContainers": (0..init).map(|i| container(format!("i{i}"))).collect::<Vec<_>>()},
            "status": {"conditions": [
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"},
                {"type": "example.com/gate", "status": "True"}]},
        }))
        .unwrap()
    }

    fn ended(exit_code: i32) -> Ended {
        Ended {
            exit_code,
            reason: "Error".into(),
            message: String::new(),
            started_at: "t".into(),
            finished_at: "t".into(),
            container_id: "x://1".into(),
        }
    }

    fn status(pod: &Pod, init: &[ContainerView], containers: &[ContainerView]) -> Value {
        compute(&PodView {
            pod,
            init,
            containers,
            sandboxed: true,
            ip: "10.244.0.2",
            host_ip: "127.0.0.1",
            start_time: "s",
            verdict: None,
            terminal: false,
            now: "2026-01-31T12:00:00Z",
        })
    }

    fn view(pod: &Pod, state: State) -> ContainerView {
        ContainerView { state, ..ContainerView::new(&pod.spec.containers[0], "ContainerCreating") }
    }

    fn condition<'a>(status: &'a Value, kind: &str) -> &'a Value {
        status["conditions"].as_array().unwrap().iter().find(|c| c["type"] == kind).unwrap()
    }

    #[test]
    fn phases_follow_the_restart_policy() {
        for (policy, state, last, phase) in [
            ("Always", State::Running { started_at: "t".into() }, None, "Running"),
            ("Always", State::Terminated(ended(0)), None, "Running"),
            ("OnFailure", State::Terminated(ended(0)), None, "Succeeded"),
            ("OnFailure", State::Terminated(ended(1)), None, "Running"),
            ("Never", State::Terminated(ended(1)), None, "Failed"),
            (
                "Always",
                State::Waiting { reason: "CrashLoopBackOff".into(), message: String::new() },
                Some(ended(1)),
                "Running",
            ),
            ("Always", State::Waiting { reason: "ErrImagePull".into(), message: String::new() }, None, "Pending"),
        ] {
            let pod = pod(policy, 0);
            let container = ContainerView { last, ..view(&pod, state.clone()) };
            assert_eq!(status(&pod, &[], &[container])["phase"], phase, "{policy} {state:?}");
        }
    }

    #[test]
    fn conditions_keep_their_time_and_those_of_others() {
        let pod = pod("Always", 0);
        let running = view(&pod, State::Running { started_at: "t".into() });
        let status = status(&pod, &[], &[running]);
        assert_eq!(condition(&status, "PodScheduled")["lastTransitionTime"], "2026-01-01T00:00:00Z");
        assert_eq!(condition(&status, "example.com/gate")["status"], "True");
        assert_eq!(condition(&status, "Ready")["message"], "containers with unready status: [c]");
        assert_eq!(condition(&status, "Ready")["lastTransitionTime"], "2026-01-31T12:00:00Z");
        assert_eq!(condition(&status, "Initialized")["status"], "True");
    }

    #[test]
    fn init_containers_hold_the_pod_back_or_fail_it() {
        let pod_never = pod("Never", 2);
        let waiting = |pod: &Pod, i: usize| ContainerView::new(&pod.spec.init_containers[i], "PodInitializing");
        let mut first = waiting(&pod_never, 0);
        first.state = State::Terminated(ended(0));
        first.ready = true;
        let containers =
            [view(&pod_never, State::Waiting { reason: "PodInitializing".into(), message: String::new() })];
        let now = status(&pod_never, &[first.clone(), waiting(&pod_never, 1)], &containers);
        assert_eq!(now["phase"], "Pending");
        assert_eq!(condition(&now, "Initialized")["message"], "containers with incomplete status: [i1]");
        let mut second = waiting(&pod_never, 1);
        second.state = State::Terminated(ended(3));
        assert_eq!(status(&pod_never, &[first, second], &containers)["phase"], "Failed");
    }

    #[test]
    fn quality_of_service() {
        let with = |resources: Value| {
            let mut pod = pod("Always", 0);
            pod.spec.containers[0].resources = serde_json::from_value(resources).unwrap();
            qos_class(&pod)
        };
        assert_eq!(with(json!({})), "BestEffort");
        assert_eq!(with(json!({"requests": {"cpu": "1"}})), "Burstable");
        assert_eq!(with(json!({"limits": {"cpu": "1", "memory": "1Gi"}})), "Guaranteed");
    }
}
