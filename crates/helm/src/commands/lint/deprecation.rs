//! Which of Kubernetes' own kinds are out of date, and since when (its API's lifecycle marks).

use bowline_render::KubeVersion;

/// A line for each kind: API version, kind, deprecated since, gone since (or `-`), and what takes its place.
const KINDS: &str = include_str!("deprecations.txt");

/// Refuses a kind that is out of date in that version of Kubernetes.
pub(super) fn check(api_version: &str, kind: &str, kube_version: &KubeVersion) -> Result<(), String> {
    let now = (kube_version.major.parse().unwrap_or(0), kube_version.minor.parse().unwrap_or(0));
    for line in KINDS.lines() {
        let mut words = line.split(' ');
        if words.next() != Some(api_version) || words.next() != Some(kind) {
            continue;
        }
        let since = words.next().unwrap_or_default();
        // Version 0.0 is no version: then all of them count.
        if now != (0, 0) && numbers(since) > now {
            return Ok(());
        }
        let mut text = format!("{api_version} {kind} is deprecated in v{since}+");
        if let Some(gone) = words.next().filter(|gone| *gone != "-") {
            text.push_str(&format!(", unavailable in v{gone}+"));
        }
        if let (Some(version), Some(kind)) = (words.next(), words.next()) {
            text.push_str(&format!("; use {version} {kind}"));
        }
        return Err(text);
    }
    Ok(())
}

fn numbers(version: &str) -> (u32, u32) {
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    (major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_out_of_date_from_a_version_on() {
        let check =
            |version: &str| check("policy/v1beta1", "PodDisruptionBudget", &KubeVersion::parse(version).unwrap());
        assert_eq!(check("1.20"), Ok(()));
        let text = "policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+; use policy/v1 \
                    PodDisruptionBudget";
        assert_eq!(check("1.21"), Err(text.to_owned()));
    }
}
