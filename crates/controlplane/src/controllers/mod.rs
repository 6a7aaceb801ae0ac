//! The controllers, one module each.

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
