//! Comparing what cannot be the same twice: lines in which runs of Helm itself differ do not count.

use std::path::Path;

use crate::support::{Case, Said, difference, normal_faults};

/// How often Helm is asked again. What it makes up differs at once; the order of a Go map may not.
const RUNS: usize = 6;

/// What Helm said, or how we differ from it.
pub(crate) fn compare(case: &Case, helm: &Path) -> Result<Said, String> {
    let theirs = case.helm(helm);
    let ours = case.ours();
    if theirs == ours {
        return Ok(theirs);
    }
    if let (Err(a), Err(b)) = (&theirs, &ours)
        && normal_faults(a) == normal_faults(b)
    {
        return Ok(theirs);
    }
    let mut runs = vec![theirs];
    for _ in 1..RUNS {
        let again = case.helm(helm);
        if again == ours {
            return Ok(again);
        }
        runs.push(again);
        if masked(&runs, &ours) {
            return Ok(runs.swap_remove(0));
        }
    }
    let theirs = &runs[0];
    let differing = runs.iter().filter(|run| *run != theirs).count();
    Err(format!(
        "{}\n({differing} of {} further runs of helm differ from its first)",
        difference(theirs, &ours),
        RUNS - 1
    ))
}

/// Whether ours is the same as all of Helm's but for lines in which those differ from each other.
fn masked(runs: &[Said], ours: &Said) -> bool {
    let text = |said: &'_ Said| match said {
        Ok(text) => (true, text.clone()),
        Err(text) => (false, text.clone()),
    };
    let (fine, ours) = text(ours);
    let ours: Vec<&str> = ours.lines().collect();
    let runs: Vec<(bool, String)> = runs.iter().map(text).collect();
    if runs.iter().any(|(theirs, _)| *theirs != fine) {
        return false;
    }
    let runs: Vec<Vec<&str>> = runs.iter().map(|(_, text)| text.lines().collect()).collect();
    if runs.iter().any(|run| run.len() != ours.len()) {
        return false;
    }
    (0..ours.len()).all(|at| runs.iter().any(|run| run[at] != runs[0][at]) || ours[at] == runs[0][at])
}
