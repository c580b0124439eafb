//! A small image of two platforms, built by hbuild's own builders in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use hbuild::digest::Digest;
use hbuild::exec::{BuildContext, Builder, MemoryContext, ObjectRef};
use hbuild::graph::{
    Action, Algorithm, Derivation, DerivationId, ImageConfig, Input, Layer, LayerDescriptor, outputs,
};
use hbuild::image::config::ImageBuilder;
use hbuild::image::layer::{LayerBuilder, compression};
use hbuild::image::layout::{Blob, LayoutImage, OpenBlob, Platform, Subject, Variant, referrer_manifest};
use hbuild::tree::{Entry, EntryKind, Origin, OriginMap, Tree, TreePath};
use hbuild_lang::recipe::Arch;

pub const EPOCH: i64 = 315_532_800;

/// An image with the store its blobs are in.
pub struct Sample {
    pub context: MemoryContext,
    pub image: LayoutImage,
    pub layers: Vec<LayerDescriptor>,
    pub tree: Tree,
}

pub fn path(text: &str) -> TreePath {
    TreePath::new(text.as_bytes()).unwrap()
}

/// The two slices of the sample tree: ordinary files, and all that needs care in a tar.
fn slices(context: &MemoryContext, greeting: &str) -> [Vec<Entry>; 2] {
    let file = |name: &str, bytes: &[u8], mode| {
        let digest = context.keep_content(bytes);
        Entry::file(path(name), digest, bytes.len() as u64, mode, 1_700_000_000)
    };
    let link = |name: &str| {
        let mut entry = file(name, b"#!/usr/bin/true\n", 0o755);
        let EntryKind::File { link, .. } = &mut entry.kind else { unreachable!() };
        *link = Some(0);
        entry
    };
    let large: Vec<u8> =
        (0..3_000_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let plain = vec![
        Entry::directory(path("usr"), EPOCH),
        Entry::directory(path("usr/bin"), EPOCH),
        link("usr/bin/one"),
        link("usr/bin/two"),
        file("usr/bin/large", &large, 0o755),
        Entry::symlink(path("bin"), "usr/bin", EPOCH),
    ];
    let mut capable = file("usr/bin/capable", b"x", 0o4755);
    let capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    capable.xattrs.insert(b"security.capability".to_vec(), capability.to_vec());
    let mut owned = Entry::directory(path("data"), EPOCH);
    (owned.uid, owned.gid, owned.mode) = (65532, 65532, 0o1770);
    let long = format!("usr/share/{}", "a-directory-with-a-name/".repeat(5));
    let strange = vec![
        owned,
        capable,
        file("etc/greeting", greeting.as_bytes(), 0o644),
        file(&format!("{long}file é with a name"), b"", 0o600),
        Entry::symlink(path("etc/link"), format!("/{long}{long}target"), -1),
    ];
    [plain, strange]
}

fn derivation(action: Action, names: &[&[String]]) -> Derivation {
    let input =
        |names: &&[String]| Input { derivation: DerivationId(Digest::of(b"")), outputs: names.to_vec() };
    Derivation { label: String::new(), action, inputs: names.iter().map(input).collect() }
}

pub fn sample(algorithm: Algorithm, variants: &[&str], greeting: &str) -> Sample {
    let mut context = MemoryContext::default();
    let slices = slices(&context, greeting);
    let mut layers = Vec::new();
    let mut descriptors: Vec<ObjectRef> = Vec::new();
    for entries in slices.clone() {
        let tree = Tree::new(entries).unwrap();
        let origin = Origin("deb:hello=2.10-3:amd64".into());
        let origins = OriginMap::uniform(tree.entries().iter().map(|entry| entry.path.clone()), &origin);
        let names = ["layer-0.origins".to_owned(), "layer-0.tree".to_owned()];
        let objects = [context.put_origins(origins).unwrap(), context.put_tree(tree).unwrap()];
        context.inputs = vec![names.clone().into_iter().zip(objects).collect()];
        let layer = Layer { compression: compression(algorithm, None), epoch: EPOCH };
        let made = LayerBuilder.build(&derivation(Action::Layer(layer), &[&names]), &context).unwrap();
        let descriptor = made[outputs::DESCRIPTOR];
        layers.push(serde_json::from_slice(&context.bytes(descriptor).unwrap()).unwrap());
        descriptors.push(descriptor);
    }
    let name = [outputs::DESCRIPTOR.to_owned()];
    context.inputs = descriptors.iter().map(|object| BTreeMap::from([(name[0].clone(), *object)])).collect();
    let variants = variants.iter().map(|variant| make_variant(&context, variant, &layers)).collect();
    let entries = slices.into_iter().flatten().collect();
    let tree = hbuild::image::layer::with_parents(&Tree::new(entries).unwrap(), EPOCH);
    Sample { image: LayoutImage { name: "hello".into(), variants }, context, layers, tree }
}

fn make_variant(context: &MemoryContext, name: &str, layers: &[LayerDescriptor]) -> Variant {
    let mut referrers = Vec::new();
    let mut platforms = Vec::new();
    for arch in [Arch::Amd64, Arch::Arm64] {
        let config = config(arch, name);
        let names = [outputs::DESCRIPTOR.to_owned()];
        let action = Action::Image(Box::new(config));
        let made = ImageBuilder.build(&derivation(action, &[&names, &names]), context).unwrap();
        let [config, manifest] =
            [outputs::CONFIG, outputs::MANIFEST].map(|name| context.bytes(made[name]).unwrap());
        let document = Blob::of(format!("{{\"about\":\"{arch}\"}}").as_bytes());
        let annotations = BTreeMap::from([("org.example.kind".to_owned(), "sbom".to_owned())]);
        let kind = "application/spdx+json";
        referrers.push(referrer_manifest(Subject::manifest(&manifest), kind, kind, document, annotations));
        platforms.push(Platform { arch, manifest, config, layers: layers.to_vec() });
    }
    let annotations = BTreeMap::from([("org.opencontainers.image.version".to_owned(), name.to_owned())]);
    Variant { name: name.to_owned(), tags: vec![format!("tag-{name}")], annotations, platforms, referrers }
}

fn config(arch: Arch, variant: &str) -> ImageConfig {
    ImageConfig {
        arch,
        created: "2026-01-10T10:12:52Z".into(),
        user: "65532:65532".into(),
        env: BTreeMap::new(),
        entrypoint: vec!["/usr/bin/one".into()],
        cmd: vec!["x".into()],
        work_dir: "/data".into(),
        ports: vec!["6379/tcp".into()],
        volumes: vec!["/data".into()],
        stop_signal: None,
        labels: BTreeMap::from([("org.opencontainers.image.version".into(), variant.into())]),
        annotations: BTreeMap::from([("org.opencontainers.image.version".into(), variant.into())]),
    }
}

impl Sample {
    /// Runs `act` with a way to open the blobs of the layers.
    pub fn with_blobs<T>(&self, act: impl FnOnce(&OpenBlob<'_>) -> T) -> T {
        let sizes: Arc<BTreeMap<Digest, u64>> =
            Arc::new(self.layers.iter().map(|layer| (layer.blob, layer.size)).collect());
        act(&move |digest| self.context.open(ObjectRef { digest, size: sizes[&digest] }))
    }
}

/// The output of a program, or `None` where it is not installed.
#[allow(dead_code, reason = "each test binary uses its own part of this module")]
pub fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<String> {
    match Command::new(program).args(arguments).current_dir(folder).env("LC_ALL", "C.UTF-8").output() {
        Err(_) => None,
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{program} {arguments:?}: {text}{errors}");
            Some(text)
        }
    }
}
