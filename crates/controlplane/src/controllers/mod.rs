//! The controllers, one module each.
//!
//! | module | makes live | not served yet |
//! |---|---|---|
//! | `deployment` | Deployment: rolling updates, recreation, scaling, pause, history, deadline | the removed `rollbackTo` |
//! | `replica_set` | ReplicaSet | – |
//! | `stateful_set` | StatefulSet: order, partition, revisions, claims | claim retention other than `Retain` |
//! | `job` | Job: completions, back-off, deadline, suspension, indexes, time to live | failure and success policies, limits per index |
//! | `endpoints` | EndpointSlice and Endpoints of Services with a selector | topology hints, mirroring, trigger times |
//! | `scheduler` | pods without a node | preemption, pod affinity, topology spread, volumes |
//! | `garbage` | owner references: background, foreground, orphan | – |
//! | `namespace`, `namespace_content` | deletion of namespaces; default ServiceAccount, `kube-root-ca.crt` | – |

mod deployment;
mod endpoints;
mod garbage;
mod job;
mod namespace;
mod namespace_content;
mod pods;
mod ranking;
mod replica_set;
mod scheduler;
mod stateful_set;

use crate::control_loop::Controller;

/// All controllers. One works only when those before it have nothing to do: first those that work on pods.
pub(crate) fn all(root_ca: &str) -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(namespace_content::NamespaceContent::new(root_ca)),
        Box::new(scheduler::Scheduler::default()),
        Box::new(replica_set::ReplicaSetController),
        Box::new(job::JobController::default()),
        Box::new(stateful_set::StatefulSetController),
        Box::new(deployment::DeploymentController),
        Box::new(endpoints::EndpointSliceController),
        Box::new(endpoints::EndpointsController),
        Box::new(garbage::GarbageCollector::default()),
        Box::new(namespace::NamespaceController),
    ]
}
