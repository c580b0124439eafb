//! Performs image derivations.

use std::collections::BTreeMap;

use super::{image_documents, numeric_user};
use crate::exec::{BuildContext, BuildError, BuildOutputs, Builder};
use crate::graph::{Action, Derivation, LayerDescriptor, outputs};
use crate::tree::{ContentError, Contents, EntryKind, Tree, TreePath};

const MOST_ACCOUNT_BYTES: u64 = 4 << 20;

/// Makes `config` and `manifest`. Inputs with the output `descriptor` are the layers, in order; one with the
/// output `tree`, if there is any, is the merge by whose `/etc/passwd` and `/etc/group` an account's name
/// becomes numbers; others (the policy report) only have to exist.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImageBuilder;

impl Builder for ImageBuilder {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let Action::Image(config) = &derivation.action else {
            unreachable!("the scheduler hands image derivations to this builder");
        };
        let mut layers = Vec::new();
        let mut accounts = [String::new(), String::new()];
        for (number, input) in derivation.inputs.iter().enumerate() {
            if input.outputs.iter().any(|name| name == outputs::DESCRIPTOR) {
                let object = context.input(number, outputs::DESCRIPTOR)?;
                let layer: LayerDescriptor = serde_json::from_slice(&context.bytes(object)?)
                    .map_err(|_| ContentError::Damaged(object.digest))?;
                layers.push(layer);
            }
            if input.outputs.iter().any(|name| name == outputs::TREE) {
                let tree = context.tree(number, outputs::TREE)?;
                let text = |path| text(&tree, path, context.contents());
                accounts = [text("etc/passwd")?, text("etc/group")?];
            }
        }
        let [passwd, group] = &accounts;
        let user = numeric_user(&config.user, passwd, group).map_err(BuildError::action)?;
        let documents = image_documents(config, &user, &layers).map_err(BuildError::action)?;
        Ok(BTreeMap::from([
            (outputs::CONFIG.to_owned(), context.put(&documents.config)?),
            (outputs::MANIFEST.to_owned(), context.put(&documents.manifest)?),
        ]))
    }
}

/// The text of a regular file, empty where there is none.
pub(crate) fn text(tree: &Tree, path: &str, contents: &dyn Contents) -> Result<String, ContentError> {
    let path = TreePath::new(path.as_bytes()).expect("a constant plain path");
    match tree.get(&path).map(|entry| &entry.kind) {
        Some(EntryKind::File { digest, size, .. }) if *size <= MOST_ACCOUNT_BYTES => {
            Ok(String::from_utf8_lossy(&contents.read(digest)?).into_owned())
        }
        _ => Ok(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Digest, Sha256};
    use crate::exec::MemoryContext;
    use crate::graph::{DerivationId, ImageConfig, Input};
    use hbuild_lang::recipe::Arch;

    fn config() -> ImageConfig {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
        };
        ImageConfig {
            arch: Arch::Arm64,
            created: "2026-01-10T10:12:52Z".into(),
            user: "65532:65532".into(),
            env: map(&[("LANG", "C.UTF-8"), ("A", "b=c")]),
            entrypoint: vec!["/usr/bin/hello".into()],
            cmd: vec![],
            work_dir: "/".into(),
            ports: vec!["80".into(), "53/udp".into()],
            volumes: vec!["/data".into()],
            stop_signal: Some("SIGQUIT".into()),
            labels: map(&[("z", "1"), ("a", "2")]),
            annotations: map(&[("org.opencontainers.image.version", "1")]),
        }
    }

    fn layer(size: u64) -> LayerDescriptor {
        LayerDescriptor {
            media_type: "application/vnd.oci.image.layer.v1.tar+zstd".into(),
            digest: Sha256::of(b"layer"),
            size: 9,
            diff_id: Sha256::of(b"tar"),
            uncompressed_size: size,
            blob: Digest::of(b"layer"),
            created_by: "hbuild: hello 1".into(),
        }
    }

    fn build(config: ImageConfig) -> Result<(String, String), BuildError> {
        let mut context = MemoryContext::default();
        let object = |layer: &LayerDescriptor| context.put(&serde_json::to_vec(layer).unwrap()).unwrap();
        let objects = [object(&layer(10_240)), object(&layer(1024))];
        let name = outputs::DESCRIPTOR.to_owned();
        context.inputs = objects.map(|object| BTreeMap::from([(name.clone(), object)])).to_vec();
        let input = Input { derivation: DerivationId(Digest::of(b"")), outputs: vec![name] };
        let derivation = Derivation {
            label: "image".into(),
            action: Action::Image(Box::new(config)),
            inputs: vec![input.clone(), input],
        };
        let made = ImageBuilder.build(&derivation, &context)?;
        let text = |name: &str| String::from_utf8(context.bytes(made[name]).unwrap()).unwrap();
        Ok((text(outputs::CONFIG), text(outputs::MANIFEST)))
    }

    #[test]
    fn the_documents_are_canonical_and_pinned() {
        let (config, manifest) = build(config()).unwrap();
        assert_eq!(
            config,
            format!(
                concat!(
                    r#"{{"architecture":"arm64","config":{{"Entrypoint":["/usr/bin/hello"],"#,
                    r#""Env":["A=b=c","LANG=C.UTF-8","PATH={}"],"ExposedPorts":{{"53/udp":{{}},"80/tcp":{{}}}},"#,
                    r#""Labels":{{"a":"2","z":"1"}},"StopSignal":"SIGQUIT","User":"65532:65532","#,
                    r#""Volumes":{{"/data":{{}}}},"WorkingDir":"/"}},"created":"2026-01-10T10:12:52Z","#,
                    r#""history":[{{"created":"2026-01-10T10:12:52Z","created_by":"hbuild: hello 1"}}],"#,
                    r#""os":"linux","rootfs":{{"diff_ids":["{}"],"type":"layers"}}}}"#
                ),
                super::super::DEFAULT_PATH,
                Sha256::of(b"tar").to_oci(),
            )
        );
        assert_eq!(
            manifest,
            format!(
                concat!(
                    r#"{{"annotations":{{"org.opencontainers.image.version":"1"}},"config":{{"digest":"{}","#,
                    r#""mediaType":"application/vnd.oci.image.config.v1+json","size":{}}},"layers":[{{"digest":"{}","#,
                    r#""mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","size":9}}],"#,
                    r#""mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}}"#
                ),
                Sha256::of(config.as_bytes()).to_oci(),
                config.len(),
                Sha256::of(b"layer").to_oci(),
            )
        );
    }

    #[test]
    fn what_no_config_can_hold_is_refused() {
        let broken: [fn(&mut ImageConfig); 5] = [
            |config| config.user = "nobody".into(),
            |config| config.ports = vec!["70000/tcp".into()],
            |config| config.volumes = vec!["data".into()],
            |config| config.work_dir = "data".into(),
            |config| drop(config.env.insert("A=".into(), String::new())),
        ];
        for change in broken {
            let mut config = config();
            change(&mut config);
            assert!(matches!(build(config), Err(BuildError::Action(_))));
        }
    }
}
