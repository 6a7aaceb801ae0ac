//! Counts and durations of requests, in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Upper bounds of the histogram's buckets, in seconds: Prometheus' usual ones.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[derive(Default)]
struct Durations {
    /// Requests per bucket; the last one has no bound.
    buckets: [u64; BOUNDS.len() + 1],
    sum: f64,
}

#[derive(Default)]
struct Seen {
    requests: BTreeMap<(String, &'static str, u16), u64>,
    durations: BTreeMap<&'static str, Durations>,
}

/// What was seen since the start.
#[derive(Default)]
pub(crate) struct Metrics {
    seen: Mutex<Seen>,
}

impl Metrics {
    /// Counts a finished request. `route` is the pattern, not the path, so that there are few.
    pub(crate) fn record(&self, method: &str, route: &'static str, status: u16, took: Duration) {
        let mut seen = self.lock();
        *seen.requests.entry((method.to_owned(), route, status)).or_default() += 1;
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        let durations = seen.durations.entry(route).or_default();
        if let Some(count) = durations.buckets.get_mut(bucket) {
            *count += 1;
        }
        durations.sum += seconds;
    }

    /// All of it as text.
    pub(crate) fn render(&self) -> String {
        let seen = self.lock();
        let mut text = String::from(
            "# HELP http_requests_total Requests by method, route and status.\n# TYPE http_requests_total counter\n",
        );
        for ((method, route, status), count) in &seen.requests {
            _ = writeln!(
                text,
                "http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} {count}"
            );
        }
        text.push_str("# HELP http_request_duration_seconds Time until the answer began.\n# TYPE http_request_duration_seconds histogram\n");
        for (route, durations) in &seen.durations {
            let mut total = 0;
            for (index, count) in durations.buckets.iter().enumerate() {
                total += count;
                let bound = BOUNDS.get(index).map_or_else(|| "+Inf".to_owned(), f64::to_string);
                _ = writeln!(text, "http_request_duration_seconds_bucket{{route=\"{route}\",le=\"{bound}\"}} {total}");
            }
            _ = writeln!(text, "http_request_duration_seconds_sum{{route=\"{route}\"}} {}", durations.sum);
            _ = writeln!(text, "http_request_duration_seconds_count{{route=\"{route}\"}} {total}");
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative() {
        let metrics = Metrics::default();
        metrics.record("GET", "/api/tasks", 200, Duration::from_millis(7));
        metrics.record("GET", "/api/tasks", 500, Duration::from_secs(60));
        let text = metrics.render();
        for line in [
            "http_requests_total{method=\"GET\",route=\"/api/tasks\",status=\"200\"} 1",
            "http_request_duration_seconds_bucket{route=\"/api/tasks\",le=\"0.005\"} 0",
            "http_request_duration_seconds_bucket{route=\"/api/tasks\",le=\"0.01\"} 1",
            "http_request_duration_seconds_bucket{route=\"/api/tasks\",le=\"10\"} 1",
            "http_request_duration_seconds_bucket{route=\"/api/tasks\",le=\"+Inf\"} 2",
            "http_request_duration_seconds_count{route=\"/api/tasks\"} 2",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}
