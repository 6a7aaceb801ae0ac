use futures::io::{AsyncBufRead, AsyncBufReadExt};
use futures::stream::{self, BoxStream, StreamExt};
use http::Request;

use crate::query::Query;
use crate::verbs::malformed;
use crate::{Cluster, ClusterError};

/// Which lines of a container's output are wanted.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// The container; may be empty where the pod has one.
    pub container: String,
    /// Only the last lines, this many.
    pub tail: Option<u32>,
    /// Of the container's run before the present one.
    pub previous: bool,
    /// Go on with new lines until the container ends.
    pub follow: bool,
}

impl Cluster {
    /// The lines a container wrote, at most `options.tail`. Bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// [`ClusterError`]: the container has not started, the node is out of reach, …
    pub async fn logs(&self, namespace: &str, pod: &str, options: &LogOptions) -> Result<Vec<String>, ClusterError> {
        let mut lines = self.follow_logs(namespace, pod, &LogOptions { follow: false, ..options.clone() }).await?;
        let mut found = Vec::new();
        while let Some(line) = lines.next().await {
            found.push(line?);
        }
        Ok(found)
    }

    /// The lines a container writes, as they come; ends with the container where `options.follow` is set.
    ///
    /// # Errors
    /// As [`Cluster::logs`].
    pub async fn follow_logs(
        &self,
        namespace: &str,
        pod: &str,
        options: &LogOptions,
    ) -> Result<BoxStream<'static, Result<String, ClusterError>>, ClusterError> {
        let doing = format!("read the logs of Pod/{pod} in namespace {namespace}");
        let query = Query::default()
            .with("container", &options.container)
            .with("tailLines", &options.tail.map(|n| n.to_string()).unwrap_or_default())
            .with("previous", if options.previous { "true" } else { "" })
            .with("follow", if options.follow { "true" } else { "" });
        let path = query.after(&format!("/api/v1/namespaces/{namespace}/pods/{pod}/log"));
        let request = Request::get(path).body(Vec::new()).map_err(|e| malformed(&doing, &e))?;
        let bytes = self.client.request_stream(request).await.map_err(|e| ClusterError::from_kube(&doing, e))?;
        Ok(lines(Box::pin(bytes), doing))
    }
}

fn lines<R>(reader: R, doing: String) -> BoxStream<'static, Result<String, ClusterError>>
where
    R: AsyncBufRead + Unpin + Send + 'static,
{
    let next = |(mut reader, doing): (R, String)| async move {
        let mut line = Vec::new();
        match reader.read_until(b'\n', &mut line).await {
            Ok(0) => None,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                Some((Ok(text.trim_end_matches(['\n', '\r']).to_owned()), (reader, doing)))
            }
            Err(error) => {
                let error = ClusterError::Unreachable { doing: doing.clone(), cause: error.to_string() };
                Some((Err(error), (reader, doing)))
            }
        }
    };
    // After an error there is nothing more to read.
    stream::unfold((reader, doing), next)
        .scan(false, |failed, line| {
            let ended = *failed;
            *failed = line.is_err();
            std::future::ready((!ended).then_some(line))
        })
        .boxed()
}
