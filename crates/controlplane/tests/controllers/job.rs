//! Jobs under virtual time.

use std::sync::Arc;

use crate::cluster::{Cluster, condition};
use bowline_apiserver::resources::{JOBS, PODS};
use bowline_apiserver::{DeleteOptions, Propagation};
use serde_json::{Value, json};

fn job(name: &str, image: &str, spec: Value) -> Value {
    let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {
        "parallelism": 1, "completions": 1, "backoffLimit": 6,
        "template": {"metadata": {"labels": {"app": name}}, "spec": {
            "restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}},
    }});
    for (field, value) in spec.as_object().unwrap() {
        job["spec"][field] = value.clone();
    }
    job
}

async fn ended(cluster: &Cluster, name: &str) -> Arc<Value> {
    cluster
        .until("the job has ended", || {
            let found = cluster.get(&JOBS, name)?;
            let ended = ["Complete", "Failed"].iter().any(|kind| condition(&found, kind).is_some());
            ended.then_some(found)
        })
        .await
}

fn conditions(job: &Value) -> Vec<String> {
    let conditions = job["status"]["conditions"].as_array().unwrap();
    conditions.iter().map(|c| format!("{} {}", c["type"].as_str().unwrap(), c["reason"].as_str().unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_job_completes() {
    let cluster = Cluster::start(1).await;
    cluster.create(job("migrate", "job:exit=0@5", json!({})));
    let done = ended(&cluster, "migrate").await;
    assert_eq!(conditions(&done), ["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"]);
    let status = &done["status"];
    assert_eq!((&status["succeeded"], &status["active"], &status["failed"]), (&json!(1), &Value::Null, &Value::Null));
    assert!(status["startTime"].is_string() && status["completionTime"].is_string());
    assert!((5.0..6.0).contains(&cluster.seconds()), "{}", cluster.seconds());
    let pod = &cluster.list(&PODS)[0];
    assert!(pod["metadata"]["name"].as_str().unwrap().starts_with("migrate-"));
    assert_eq!(pod["metadata"]["labels"]["batch.kubernetes.io/job-name"], "migrate");
    assert_eq!(pod["metadata"]["labels"]["batch.kubernetes.io/controller-uid"], done["metadata"]["uid"]);
    assert!(pod["metadata"]["finalizers"].is_null(), "{pod}");
    let name = pod["metadata"]["name"].as_str().unwrap();
    assert_eq!(
        cluster.events("Job"),
        [format!("SuccessfulCreate: Created pod: {name}"), "Completed: Job completed".to_owned()]
    );
}

#[tokio::test(start_paused = true)]
async fn a_failing_job_backs_off_and_gives_up() {
    let cluster = Cluster::start(2).await;
    cluster.create(job("migrate", "job:exit=1@1", json!({"backoffLimit": 3})));
    let failed = ended(&cluster, "migrate").await;
    assert_eq!(conditions(&failed), ["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"]);
    assert_eq!(failed["status"]["failed"], 4);
    // Four runs of about a second, and 10, 20 and 40 seconds between them.
    assert!((73.0..78.0).contains(&cluster.seconds()), "{}", cluster.seconds());
    assert_eq!(cluster.list(&PODS).len(), 4);
    let events = cluster.events("Job");
    assert_eq!(events.last().unwrap(), "BackoffLimitExceeded: Job has reached the specified backoff limit");
}

#[tokio::test(start_paused = true)]
async fn a_job_past_its_deadline_fails_and_its_pods_go() {
    let cluster = Cluster::start(3).await;
    cluster.create(job(
        "slow",
        "job:ready=1,stop=3",
        json!({"activeDeadlineSeconds": 30, "parallelism": 2, "completions": 2}),
    ));
    let failed = ended(&cluster, "slow").await;
    assert_eq!(conditions(&failed), ["FailureTarget DeadlineExceeded", "Failed DeadlineExceeded"]);
    assert_eq!(failed["status"]["failed"], 2);
    assert!((33.0..36.0).contains(&cluster.seconds()), "{}", cluster.seconds());
    assert!(cluster.list(&PODS).is_empty());
}

#[tokio::test(start_paused = true)]
async fn never_more_pods_at_once_than_allowed() {
    let cluster = Cluster::start(4).await;
    cluster.create(job("many", "job:exit=0@2", json!({"completions": 7, "parallelism": 3})));
    let most = Arc::new(std::sync::Mutex::new(0));
    let seen = Arc::clone(&most);
    tokio::spawn(crate::cluster::check_every_pod_event(cluster.api.clone(), "many", move |pods| {
        let running = pods.values().filter(|p| p["status"]["phase"] != "Succeeded").count();
        let mut most = seen.lock().unwrap();
        *most = running.max(*most);
    }));
    let done = ended(&cluster, "many").await;
    assert_eq!(
        (done["status"]["succeeded"].as_i64(), *most.lock().unwrap(), cluster.list(&PODS).len()),
        (Some(7), 3, 7)
    );
}

#[tokio::test(start_paused = true)]
async fn an_indexed_job_numbers_its_pods() {
    let cluster = Cluster::start(5).await;
    cluster.create(job(
        "sharded",
        "job:exit=0@2",
        json!({"completions": 5, "parallelism": 2, "completionMode": "Indexed"}),
    ));
    let done = ended(&cluster, "sharded").await;
    assert_eq!((done["status"]["succeeded"].as_i64(), &done["status"]["completedIndexes"]), (Some(5), &json!("0-4")));
    let pods = cluster.list(&PODS);
    let index = |p: &Value| {
        p["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"].as_str().unwrap().to_owned()
    };
    let mut indexes: Vec<_> = pods.iter().map(|p| index(p)).collect();
    indexes.sort();
    assert_eq!(indexes, ["0", "1", "2", "3", "4"]);
    assert!(
        pods.iter().all(|p| p["metadata"]["name"].as_str().unwrap().starts_with(&format!("sharded-{}-", index(p))))
    );
}

#[tokio::test(start_paused = true)]
async fn suspended_jobs_rest() {
    let cluster = Cluster::start(6).await;
    cluster.create(job("later", "job:exit=0@2", json!({"suspend": true})));
    let suspended = cluster.until("it is suspended", || {
        let found = cluster.get(&JOBS, "later")?;
        condition(&found, "Suspended").is_some().then_some(found)
    });
    assert!(suspended.await["status"]["startTime"].is_null());
    assert!(cluster.list(&PODS).is_empty());
    cluster.patch(&JOBS, "later", json!({"spec": {"suspend": false}}));
    let done = ended(&cluster, "later").await;
    assert_eq!(condition(&done, "Suspended").unwrap()["reason"], "JobResumed");
}

#[tokio::test(start_paused = true)]
async fn a_job_goes_when_its_time_to_live_has_passed() {
    let cluster = Cluster::start(7).await;
    cluster.create(job("brief", "job:exit=0@1", json!({"ttlSecondsAfterFinished": 300})));
    ended(&cluster, "brief").await;
    let began = cluster.seconds();
    cluster.until("it is gone", || cluster.get(&JOBS, "brief").is_none().then_some(())).await;
    let took = cluster.seconds() - began;
    assert!((298.0..302.0).contains(&took), "after {took} s");
    assert!(cluster.list(&PODS).is_empty());
}

#[tokio::test(start_paused = true)]
async fn deleting_a_running_job_takes_its_pods_along() {
    for propagation in [Propagation::Background, Propagation::Foreground] {
        let cluster = Cluster::start(8).await;
        cluster.create(job("slow", "job:stop=2", json!({})));
        cluster.until("a pod is there", || (!cluster.list(&PODS).is_empty()).then_some(())).await;
        let options = DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() };
        cluster.delete(&JOBS, "slow", &options);
        cluster
            .until("all is gone", || (cluster.list(&PODS).is_empty() && cluster.list(&JOBS).is_empty()).then_some(()))
            .await;
        assert!(cluster.seconds() < 10.0);
    }
}
