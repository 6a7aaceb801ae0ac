//! What Helm reads of a document before it knows what it is: kind, name and annotations.

use bowline_chart::Compat;
use bowline_manifest::{DeletePolicy, Hook, HookEvent};
use bowline_yaml::{Decoder, Error, Node, Target};

/// The fields that make up the head of a document, in lower case.
pub(crate) const HEAD: [&str; 3] = ["apiversion", "kind", "metadata"];

/// The head of a document.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Head {
    pub(crate) kind: String,
    annotations: Vec<(String, String)>,
}

/// What a document is to Helm.
#[derive(Debug, PartialEq)]
pub(crate) enum Role {
    /// An ordinary object.
    Object,
    /// A hook.
    Hook(Hook),
    /// Its hook annotation, given here, names something that does not exist: it is dropped.
    UnknownHook(String),
}

impl Head {
    /// # Errors
    /// A field of a wrong type.
    pub(crate) fn read(node: &Node, compat: Compat) -> Result<Self, Error> {
        let mut decoder = Decoder::new();
        let mut head = Self::default();
        for (key, value) in decoder.root(node, compat.either("releaseutil.SimpleHead", "util.SimpleHead")) {
            let at = |path| Target { structure: "SimpleHead", path };
            match key.to_ascii_lowercase().as_str() {
                "apiversion" => _ = decoder.string(value, at("apiVersion")),
                "kind" => head.kind = decoder.string(value, at("kind")),
                "metadata" => head.read_metadata(&mut decoder, value),
                _ => {}
            }
        }
        decoder.finish(head)
    }

    fn read_metadata(&mut self, decoder: &mut Decoder, node: &Node) {
        let go_type =
            "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }";
        for (key, value) in decoder.entries(node, Target { structure: "SimpleHead", path: "metadata" }, go_type) {
            match key.to_ascii_lowercase().as_str() {
                "name" => _ = decoder.string(value, Target { structure: "", path: "metadata.name" }),
                "annotations" if !value.is_null() => {
                    let at = Target { structure: "", path: "metadata.annotations" };
                    self.annotations = decoder.string_map(value, at);
                }
                _ => {}
            }
        }
    }

    fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn role(&self) -> Role {
        let Some(hook_types) = self.annotation("helm.sh/hook") else { return Role::Object };
        let words = |text: &str| text.split(',').map(|word| word.trim().to_lowercase()).collect::<Vec<_>>();
        let events: Option<Vec<HookEvent>> = words(hook_types).iter().map(|word| HookEvent::parse(word)).collect();
        let Some(events) = events else { return Role::UnknownHook(hook_types.to_owned()) };
        let weight = self.annotation("helm.sh/hook-weight").and_then(|text| text.parse().ok()).unwrap_or(0);
        let policies = self.annotation("helm.sh/hook-delete-policy").map(words).unwrap_or_default();
        let delete_policies = policies.iter().filter_map(|word| DeletePolicy::parse(word)).collect();
        Role::Hook(Hook { events, weight, delete_policies })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bowline_yaml::parse_first;

    fn head(text: &str) -> Head {
        Head::read(&parse_first(text).unwrap().unwrap(), Compat::Helm4).unwrap()
    }

    #[test]
    fn one_unknown_event_drops_a_hook() {
        let hook =
            |events: &str| head(&format!("kind: Job\nmetadata: {{annotations: {{helm.sh/hook: {events}}}}}")).role();
        assert!(
            matches!(hook("'pre-install, TEST'"), Role::Hook(hook) if hook.events == [HookEvent::PreInstall, HookEvent::Test])
        );
        assert_eq!(hook("'pre-install,crd-install'"), Role::UnknownHook("pre-install,crd-install".into()));
        assert_eq!(head("kind: Job").role(), Role::Object);
    }

    #[test]
    fn numbers_in_annotations_are_text() {
        let head = head("kind: Job\nmetadata: {annotations: {helm.sh/hook: test, helm.sh/hook-weight: 5}}");
        assert!(matches!(head.role(), Role::Hook(hook) if hook.weight == 5));
    }
}
