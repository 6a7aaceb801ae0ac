//! Rules for `crds/`.

use std::fs;

use super::Linter;
use super::Severity::Error;
use super::object::{Head, documents};
use crate::chart::load_plain;

const FOLDER: &str = "crds/";

pub(super) fn check(linter: &mut Linter<'_>) {
    let Ok(found) = fs::metadata(linter.folder.join("crds")) else { return };
    let is_folder = if found.is_dir() { Ok(()) } else { Err("not a directory".to_owned()) };
    if !linter.check(Error, FOLDER, is_folder) {
        return;
    }
    let chart = match load_plain(linter.folder, linter.compat) {
        Ok(chart) => chart,
        Err(failure) => {
            linter.check(Error, FOLDER, Err(failure.message));
            return;
        }
    };
    for crd in chart.crds(chart.name()) {
        let file = crd.file.name.to_string();
        for document in documents(&crd.file.text()) {
            let head = document.and_then(Head::read).map_err(|reason| format!("unable to parse YAML: {reason}"));
            let head = match head {
                Ok(head) => head,
                Err(reason) => {
                    linter.check(Error, file.as_str(), Err(reason));
                    return;
                }
            };
            let Some(head) = head else { continue };
            let version = head.api_version.starts_with("apiextensions.k8s.io");
            let version = if version { Ok(()) } else { Err("apiVersion is not in 'apiextensions.k8s.io'".to_owned()) };
            linter.check(Error, file.as_str(), version);
            let kind = head.kind == "CustomResourceDefinition";
            let kind = if kind { Ok(()) } else { Err("object kind is not 'CustomResourceDefinition'".to_owned()) };
            linter.check(Error, file.as_str(), kind);
        }
    }
}
