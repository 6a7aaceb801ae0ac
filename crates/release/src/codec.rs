use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::Release;

const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// How many bytes a record may unpack to. A Secret holds a megabyte, which real records fill some ten-fold.
const MAX_UNPACKED: u64 = 128 * 1024 * 1024;

/// A record as Helm stores it under `data.release`: JSON, gzip, base64 (the API adds base64 of its own to that).
///
/// # Errors
/// In words, where a value cannot be written as JSON.
pub fn encode(release: &Release) -> Result<String, String> {
    let json = serde_json::to_vec(release).map_err(|e| e.to_string())?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&json).map_err(|e| e.to_string())?;
    Ok(STANDARD.encode(gzip.finish().map_err(|e| e.to_string())?))
}

/// The reverse of [`encode`]. Records from before Helm compressed are read too.
///
/// # Errors
/// In words, what is wrong with the text.
pub fn decode(text: &str) -> Result<Release, String> {
    let bytes = STANDARD.decode(text).map_err(|e| format!("not base64: {e}"))?;
    let json = if bytes.starts_with(&GZIP_MAGIC) {
        let mut json = Vec::new();
        let mut unpacked = GzDecoder::new(bytes.as_slice()).take(MAX_UNPACKED + 1);
        unpacked.read_to_end(&mut json).map_err(|e| format!("not gzip: {e}"))?;
        if json.len() as u64 > MAX_UNPACKED {
            return Err(format!("unpacks to a record that is larger than {MAX_UNPACKED} bytes"));
        }
        json
    } else {
        bytes
    };
    serde_json::from_slice(&json).map_err(|e| format!("not a release: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ApplyMethod, HookPhase, Status};
    use serde_json::json;

    #[test]
    fn reads_what_helm_3_wrote_and_keeps_what_it_does_not_know() {
        let record = json!({
            "name": "web", "version": 3, "namespace": "demo", "manifest": "---\n# Source: web/templates/a.yaml\n", "future": 1,
            "info": {"first_deployed": "2024-05-06T07:08:09.123456789+02:00", "last_deployed": "2024-05-06T07:08:09Z",
                "deleted": "", "status": "superseded", "description": "Upgrade complete", "notes": "hi", "later": {"x": []}},
            "chart": {"metadata": {"name": "web", "version": "1.2.3", "appVersion": "9"}, "lock": null, "templates": []},
            "config": null,
            "hooks": [{"name": "m", "kind": "Job", "path": "p", "manifest": "", "events": ["pre-install"],
                "last_run": {"started_at": "", "completed_at": "0001-01-01T00:00:00Z", "phase": ""}, "delete_policies": null}],
        });
        let release = decode(&STANDARD.encode(record.to_string())).unwrap();
        assert_eq!(release.info.first_deployed, Some("2024-05-06T05:08:09.123456789Z".parse().unwrap()));
        assert_eq!((release.info.deleted, release.info.status), (None, Status::Superseded));
        assert_eq!((release.chart.title().as_str(), release.chart.app_version()), ("web-1.2.3", "9"));
        assert_eq!(release.apply_method, None);
        let run = &release.hooks[0].last_run;
        assert_eq!((run.started_at, run.completed_at, run.phase), (None, None, HookPhase::Never));

        let again = decode(&encode(&release).unwrap()).unwrap();
        assert_eq!(again, release);
        assert_eq!((&again.other["future"], &again.info.other["later"]), (&json!(1), &json!({"x": []})));
    }

    #[test]
    fn writes_the_names_that_helm_reads() {
        let mut release = Release { name: "web".into(), version: 1, ..Release::default() };
        release.apply_method = Some(ApplyMethod::ServerSide);
        release.set_status(Status::PendingInstall, "Initial install underway");
        release.hooks.push(crate::HookRecord { name: "m".into(), ..Default::default() });
        let json = serde_json::to_value(&release).unwrap();
        assert_eq!(json["info"], json!({"status": "pending-install", "description": "Initial install underway"}));
        assert_eq!((&json["apply_method"], json.get("config")), (&json!("ssa"), None));
        assert_eq!(json["hooks"][0]["last_run"], json!({"phase": ""}));
    }

    #[test]
    fn says_what_is_wrong_with_a_record() {
        assert!(decode("%").unwrap_err().starts_with("not base64"));
        assert!(decode(&STANDARD.encode("{")).unwrap_err().starts_with("not a release"));
        assert!(decode(&STANDARD.encode([0x1f, 0x8b, 8, 1])).unwrap_err().starts_with("not gzip"));
    }
}
