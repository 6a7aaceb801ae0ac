use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::{Fields, millis, owner, pod};

/// What runs on a node, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// How many pods.
    pub(super) pods: i128,
    /// What they ask for, by resource, in thousandths.
    pub(super) used: BTreeMap<String, i128>,
    /// How many of them each controller has, by its uid.
    by_controller: BTreeMap<String, usize>,
}

impl Load {
    /// How many pods of the same controller are there.
    pub(super) fn siblings(&self, pod: &Value) -> usize {
        owner::controller_of(pod).and_then(|r| self.by_controller.get(r.text("/uid"))).copied().unwrap_or(0)
    }

    fn change(&mut self, pod: &Value, by: i128) {
        self.pods += by;
        for (resource, amount) in requests(pod) {
            *self.used.entry(resource).or_default() += amount * by;
        }
        if let Some(reference) = owner::controller_of(pod) {
            let count = self.by_controller.entry(reference.text("/uid").to_owned()).or_default();
            *count = if by > 0 { *count + 1 } else { count.saturating_sub(1) };
            if *count == 0 {
                self.by_controller.remove(reference.text("/uid"));
            }
        }
    }
}

/// The loads of all nodes, kept as pods come and go.
#[derive(Debug, Default)]
pub(super) struct Loads {
    by_node: BTreeMap<String, Load>,
    none: Load,
}

impl Loads {
    /// Takes in a pod's change.
    pub(super) fn change(&mut self, old: Option<&Value>, new: Option<&Value>) {
        let counted = |p: &&Value| !p.text("/spec/nodeName").is_empty() && !pod::is_finished(p);
        let (old, new) = (old.filter(counted), new.filter(counted));
        if let (Some(old), Some(new)) = (old, new)
            && old["spec"] == new["spec"]
            && owner::controller_of(old) == owner::controller_of(new)
        {
            return;
        }
        for (pod, by) in old.map(|p| (p, -1)).into_iter().chain(new.map(|p| (p, 1))) {
            self.by_node.entry(pod.text("/spec/nodeName").to_owned()).or_default().change(pod, by);
        }
        if let Some(node) = old.map(|p| p.text("/spec/nodeName"))
            && self.by_node.get(node).is_some_and(|load| load.pods == 0)
        {
            self.by_node.remove(node);
        }
    }

    /// The load of a node.
    pub(super) fn of(&self, node: &str) -> &Load {
        self.by_node.get(node).unwrap_or(&self.none)
    }
}

/// What a pod asks for: all containers and sidecars together, or what an init container needs beside the sidecars before it,
/// whichever is more.
pub(super) fn requests(pod: &Value) -> BTreeMap<String, i128> {
    let mut steady: BTreeMap<String, i128> = BTreeMap::new();
    let mut peak: BTreeMap<String, i128> = BTreeMap::new();
    let of = |container: &Value| -> Vec<(String, i128)> {
        let requests = container.pointer("/resources/requests").and_then(Value::as_object);
        let amount = |v: &Value| millis(&v.as_str().map_or_else(|| v.to_string(), str::to_owned)).unwrap_or(0);
        requests.into_iter().flatten().map(|(resource, value)| (resource.clone(), amount(value))).collect()
    };
    for container in pod.items("/spec/initContainers") {
        for (resource, amount) in of(container) {
            if pod::is_sidecar(container) {
                *steady.entry(resource).or_default() += amount;
            } else {
                let total = amount + steady.get(&resource).copied().unwrap_or(0);
                let peak = peak.entry(resource).or_default();
                *peak = total.max(*peak);
            }
        }
    }
    for container in pod.items("/spec/containers") {
        for (resource, amount) in of(container) {
            *steady.entry(resource).or_default() += amount;
        }
    }
    for (resource, amount) in peak {
        let steady = steady.entry(resource).or_default();
        *steady = amount.max(*steady);
    }
    steady
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn loads_follow_pods() {
        let pod = |node: &str, cpu: &str, phase: &str| {
            json!({"metadata": {"ownerReferences": [{"uid": "set", "controller": true}]},
                   "spec": {"nodeName": node, "containers": [{"resources": {"requests": {"cpu": cpu}}}]},
                   "status": {"phase": phase}})
        };
        let mut loads = Loads::default();
        let (unbound, bound, done) = (pod("", "1", "Pending"), pod("n", "1", "Running"), pod("n", "1", "Succeeded"));
        loads.change(None, Some(&unbound));
        assert_eq!(loads.of("n"), &Load::default());
        loads.change(Some(&unbound), Some(&bound));
        loads.change(Some(&bound), Some(&bound));
        loads.change(None, Some(&pod("n", "250m", "Pending")));
        assert_eq!((loads.of("n").pods, loads.of("n").used["cpu"], loads.of("n").siblings(&bound)), (2, 1250, 2));
        loads.change(Some(&bound), Some(&done));
        loads.change(Some(&pod("n", "250m", "Running")), None);
        assert_eq!(loads.of("n"), &Load::default());
    }
}
