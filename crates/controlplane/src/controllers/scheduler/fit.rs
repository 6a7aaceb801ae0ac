//! Whether a pod may run on a node, and if not, in the scheduler's words.

use serde_json::Value;

use super::load::{Load, requests};
use crate::object::{Fields, millis, pod};

/// Why a node is out of the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// As counted in the message.
    pub(super) reasons: Vec<String>,
    /// Would the pod fit if others went?
    pub(super) curable: bool,
}

/// `None` where the pod fits on the node beside what runs there.
pub(super) fn misfit(pod: &Value, node: &Value, load: &Load) -> Option<Misfit> {
    let hopeless = |reason: &str| Some(Misfit { reasons: vec![reason.to_owned()], curable: false });
    let unschedulable = node.flag("/spec/unschedulable");
    if unschedulable && !tolerates(pod, "node.kubernetes.io/unschedulable", "", "NoSchedule") {
        return hopeless("node(s) were unschedulable");
    }
    if !taints(node).all(|(key, value, effect)| tolerates(pod, key, value, effect)) {
        return hopeless("node(s) had untolerated taint(s)");
    }
    if !matches_selector(pod, node) || !matches_affinity(pod, node) {
        return hopeless("node(s) didn't match Pod's node affinity/selector");
    }
    let (reasons, curable) = shortages(pod, node, load);
    (!reasons.is_empty()).then_some(Misfit { reasons, curable })
}

/// The taints that keep pods away; a node that is not ready counts as tainted so.
fn taints(node: &Value) -> impl Iterator<Item = (&str, &str, &str)> {
    let written = node.items("/spec/taints").iter().map(|t| (t.text("/key"), t.text("/value"), t.text("/effect")));
    let ready = pod::condition(node, "Ready").is_none_or(|c| c.text("/status") == "True");
    let unready = (!ready).then_some(("node.kubernetes.io/not-ready", "", "NoSchedule"));
    written.filter(|(_, _, effect)| matches!(*effect, "NoSchedule" | "NoExecute")).chain(unready)
}

fn tolerates(pod: &Value, key: &str, value: &str, effect: &str) -> bool {
    pod.items("/spec/tolerations").iter().any(|toleration| {
        let effects = toleration.text("/effect").is_empty() || toleration.text("/effect") == effect;
        let exists = toleration.text("/operator") == "Exists";
        let keys = toleration.text("/key") == key || (toleration.text("/key").is_empty() && exists);
        effects && keys && (exists || toleration.text("/value") == value)
    })
}

fn matches_selector(pod: &Value, node: &Value) -> bool {
    let wanted = pod.pointer("/spec/nodeSelector").and_then(Value::as_object);
    wanted.into_iter().flatten().all(|(key, value)| node.label(key) == value.as_str())
}

fn matches_affinity(pod: &Value, node: &Value) -> bool {
    let required = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    if !pod.has(required) {
        return true;
    }
    let terms = pod.items(&format!("{required}/nodeSelectorTerms"));
    terms.iter().any(|term| {
        let labels = term.items("/matchExpressions").iter().map(|e| (e, node.label(e.text("/key"))));
        let fields = term.items("/matchFields").iter().map(|e| (e, Some(node.name())));
        let (expressions, fields): (Vec<_>, Vec<_>) = (labels.collect(), fields.collect());
        // A term without any requirement matches nothing.
        !(expressions.is_empty() && fields.is_empty())
            && expressions.into_iter().chain(fields).all(|(e, v)| holds(e, v))
    })
}

fn holds(expression: &Value, value: Option<&str>) -> bool {
    let values = || expression.items("/values").iter().filter_map(Value::as_str);
    let number = |text: &str| text.parse::<i64>().ok();
    match expression.text("/operator") {
        "In" => value.is_some_and(|v| values().any(|w| w == v)),
        "NotIn" => value.is_none_or(|v| values().all(|w| w != v)),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => value.and_then(number).zip(values().next().and_then(number)).is_some_and(|(v, w)| v > w),
        "Lt" => value.and_then(number).zip(values().next().and_then(number)).is_some_and(|(v, w)| v < w),
        _ => false,
    }
}

/// What the node lacks, and whether it would not if others went.
fn shortages(pod: &Value, node: &Value, load: &Load) -> (Vec<String>, bool) {
    let mut reasons = Vec::new();
    let mut curable = true;
    let allocatable = |resource: &str| {
        let value = node.pointer("/status/allocatable")?.get(resource)?;
        millis(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    if allocatable("pods").is_some_and(|most| (load.pods + 1) * 1000 > most) {
        reasons.push("Too many pods".to_owned());
    }
    for (resource, amount) in requests(pod).into_iter().filter(|(_, amount)| *amount > 0) {
        let used = load.used.get(&resource).copied().unwrap_or(0);
        // A node that reports nothing at all is not bounded; one that does not name the resource has none of it.
        let room = allocatable(&resource).or_else(|| node.has("/status/allocatable").then_some(0));
        if room.is_some_and(|room| used + amount > room) {
            reasons.push(format!("Insufficient {resource}"));
            curable &= room.is_some_and(|room| amount <= room);
        }
    }
    (reasons, curable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node() -> Value {
        json!({"metadata": {"name": "n1", "labels": {"disk": "ssd"}},
            "status": {"allocatable": {"cpu": "2", "memory": "1Gi", "pods": "3"}}})
    }

    fn pod(cpu: &str) -> Value {
        json!({"spec": {"containers": [{"resources": {"requests": {"cpu": cpu}}}]}})
    }

    fn load(present: &[Value]) -> Load {
        let mut loads = super::super::load::Loads::default();
        for pod in present {
            let mut bound = pod.clone();
            bound.put("/spec/nodeName", "n1");
            loads.change(None, Some(&bound));
        }
        loads.of("n1").clone()
    }

    fn reasons(pod: &Value, node: &Value, present: &[Value]) -> Vec<String> {
        misfit(pod, node, &load(present)).map(|m| m.reasons).unwrap_or_default()
    }

    #[test]
    fn resources_add_up() {
        let present = [pod("1500m")];
        assert_eq!(misfit(&pod("500m"), &node(), &load(&present)), None);
        assert_eq!(reasons(&pod("501m"), &node(), &present), ["Insufficient cpu"]);
        let full = [pod("0"), pod("0"), pod("0")];
        assert_eq!(reasons(&pod("1m"), &node(), &full), ["Too many pods"]);
        assert_eq!(misfit(&pod("2"), &node(), &load(&present)).map(|m| m.curable), Some(true));
        assert_eq!(misfit(&pod("2001m"), &node(), &load(&present)).map(|m| m.curable), Some(false));
        let mut greedy = pod("1");
        greedy.put("/spec/initContainers", json!([{"resources": {"requests": {"cpu": "3"}}}]));
        assert_eq!(reasons(&greedy, &node(), &[]), ["Insufficient cpu"]);
    }

    #[test]
    fn selectors_affinity_and_taints() {
        let mut picky = pod("1m");
        picky.put("/spec/nodeSelector", json!({"disk": "hdd"}));
        assert_eq!(reasons(&picky, &node(), &[]), ["node(s) didn't match Pod's node affinity/selector"]);
        let mut affine = pod("1m");
        affine.put(
            "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
            json!([{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}]),
        );
        assert_eq!(misfit(&affine, &node(), &Load::default()), None);
        let mut tainted = node();
        tainted.put("/spec/taints", json!([{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]));
        assert_eq!(reasons(&pod("1m"), &tainted, &[]), ["node(s) had untolerated taint(s)"]);
        let mut tolerant = pod("1m");
        tolerant.put("/spec/tolerations", json!([{"key": "gpu", "operator": "Exists"}]));
        assert_eq!(misfit(&tolerant, &tainted, &Load::default()), None);
    }
}
