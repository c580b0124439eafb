//! Recipe and lock to graph: the derivations of one image at one point of its axes.

mod config;
mod definition;
mod inputs;

use std::collections::BTreeMap;

use hbuild_lang::recipe::{Family, Image, PathRule, Recipe};

use self::config::image_config;
use self::definition::{build_definition, components};
pub use self::inputs::package_origin;
use self::inputs::{content_input, find_source, input, package_input};
use super::layers::{DEFAULT_BUDGET, assign_layers};
use super::{
    Action, Compression, Derivation, DerivationId, Evidence, Graph, GraphError, ImageConfig, Input, Layer,
    Merge, MergeInput, ReportKind, SbomFormat, outputs,
};
use crate::digest::Sha256;
use crate::lock::{Components, Lock, LockedPackage, LockedVariant, Snapshot};
use crate::tree::Origin;

/// Everything besides recipe and lock that decides the graph.
#[derive(Debug, Clone)]
pub struct PlanOptions {
    /// The compressor of all layers.
    pub compression: Compression,
    /// The builder id of the provenance.
    pub builder: String,
    /// SHA-256 of each recipe file, by its path relative to the lock's folder.
    pub recipe_files: BTreeMap<String, Sha256>,
    /// The digests of git sources from the lock, by URL, commit, and whether submodules are there.
    pub git: BTreeMap<(String, String, bool), Sha256>,
    /// The local sources and patches, by their path as the recipe wrote it.
    pub local: BTreeMap<String, LocalSource>,
}

/// A source beside the recipe, as it is now.
#[derive(Debug, Clone)]
pub struct LocalSource {
    /// SHA-256 of the file, or of the tar archive made of the folder.
    pub sha256: Sha256,
    /// Whether it is a folder.
    pub folder: bool,
}

/// The derivations of one image, by what they make.
#[derive(Debug, Clone)]
pub struct ImagePlan {
    /// The merged tree.
    pub merge: DerivationId,
    /// The layers, lowest first.
    pub layers: Vec<DerivationId>,
    /// Config and manifest.
    pub image: DerivationId,
    /// Config as it will be.
    pub config: ImageConfig,
    /// The statement with the ELF report.
    pub elf: DerivationId,
    /// The statement with the policy report.
    pub policy: DerivationId,
    /// SPDX.
    pub spdx: DerivationId,
    /// CycloneDX.
    pub cyclonedx: DerivationId,
    /// Provenance.
    pub provenance: DerivationId,
    /// Where each path came from.
    pub origins: DerivationId,
}

impl ImagePlan {
    /// What has to be built for the image: its layers, its config and manifest, and all its evidence.
    pub fn roots(&self) -> Vec<DerivationId> {
        let mut roots = self.layers.clone();
        roots.extend([self.image, self.policy, self.elf, self.spdx, self.cyclonedx, self.provenance]);
        roots.push(self.origins);
        roots
    }
}

/// Why an image has no graph.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PlanError {
    /// The lock names a package that it does not describe.
    #[error("the lock is damaged: `{reference}` of image `{image}` is not among its packages")]
    #[diagnostic(
        code(hbuild::graph::lock_incomplete),
        help("restore hbuild.lock from version control, or run `hbuild lock`")
    )]
    LockIncomplete {
        /// The image.
        image: String,
        /// What the variant refers to.
        reference: String,
    },
    /// `run-as` names nobody.
    #[error("{place}: `run-as` names the account `{name}`, which the recipe does not define")]
    #[diagnostic(
        code(hbuild::graph::unknown_account),
        help("add it to `users`, or write the numeric `uid:gid`: Config.User is always numeric")
    )]
    UnknownAccount {
        /// The name.
        name: String,
        /// Where.
        place: String,
    },
    /// A derivation takes from one that is not there.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Graph(#[from] GraphError),
    /// The distro has no implementation yet.
    #[error("image `{image}` is for {family}, which this version does not build")]
    #[diagnostic(code(hbuild::graph::family_not_supported), help("narrow the build with `--distro debian`"))]
    FamilyNotSupported {
        /// The image.
        image: String,
        /// Its distro.
        family: Family,
    },
}

/// Adds the derivations of `image` to `graph`. `variant` is the lock's answer to its request.
pub fn plan(
    graph: &mut Graph,
    (recipe, image): (&Recipe, &Image),
    (lock, variant): (&Lock, &LockedVariant),
    options: &PlanOptions,
) -> Result<ImagePlan, PlanError> {
    if image.distro.family != Family::Debian {
        return Err(PlanError::FamilyNotSupported { image: image.name.clone(), family: image.distro.family });
    }
    let locked = Locked::find(lock, variant, image)?;
    let mut merge_inputs = Vec::new();
    let mut inputs = Vec::new();
    for package in &locked.packages {
        let (input, kind) = package_input(graph, package, &locked)?;
        inputs.push(input);
        merge_inputs.push(kind);
    }
    let mut content_origins = Vec::new();
    for content in &image.contents {
        let source = find_source(recipe, &content.value);
        let (input, kind, origin) = content_input(graph, source, &content.value, image.epoch, options)?;
        inputs.push(input);
        merge_inputs.push(kind);
        content_origins.push(origin);
    }
    let layers = layers_of(&locked.packages, &content_origins);
    let layer_count = layers.len() + 1;
    let merge = graph.add(Derivation {
        label: format!("merge {} {} {}", image.name, image.variant, image.arch),
        action: Action::Merge(Box::new(merge_action(image, merge_inputs, layers))),
        inputs,
    })?;
    let layers =
        (0..layer_count).map(|at| layer(graph, image, merge, at, options)).collect::<Result<Vec<_>, _>>()?;
    let components = components(recipe, image, &locked);
    evidence_and_image(graph, Parts { image, variant, locked, merge, layers, components }, options)
}

/// The lock's entries for one variant.
struct Locked<'a> {
    packages: Vec<&'a LockedPackage>,
    snapshots: Vec<&'a Snapshot>,
}

impl<'a> Locked<'a> {
    fn find(lock: &'a Lock, variant: &LockedVariant, image: &Image) -> Result<Self, PlanError> {
        let by_reference: BTreeMap<String, &LockedPackage> =
            lock.packages.iter().map(|package| (package.reference(), package)).collect();
        let missing = |reference: &str| PlanError::LockIncomplete {
            image: image.name.clone(),
            reference: reference.to_owned(),
        };
        let packages = variant
            .packages
            .iter()
            .map(|reference| by_reference.get(reference).copied().ok_or_else(|| missing(reference)))
            .collect::<Result<Vec<_>, _>>()?;
        let mut snapshots = Vec::new();
        for snapshot in &lock.snapshots {
            if packages.iter().any(|package| package.snapshot == snapshot.id) {
                snapshots.push(snapshot);
            }
        }
        if let Some(package) =
            packages.iter().find(|package| !snapshots.iter().any(|snapshot| snapshot.id == package.snapshot))
        {
            return Err(missing(&package.snapshot));
        }
        let mut locked = Self { packages, snapshots };
        locked.packages.sort_by_key(|package| (package.name != "base-files", package.reference()));
        Ok(locked)
    }

    fn snapshot(&self, package: &LockedPackage) -> &'a Snapshot {
        self.snapshots
            .iter()
            .find(|snapshot| snapshot.id == package.snapshot)
            .expect("find() checked every package's snapshot")
    }

    /// The date of the newest signed index; the epoch of hbuild where no index was needed.
    fn created(&self) -> String {
        let newest = self.snapshots.iter().map(|snapshot| snapshot.date.as_str()).max();
        newest.unwrap_or("1980-01-01T00:00:00Z").to_owned()
    }
}

fn layers_of(packages: &[&LockedPackage], contents: &[Origin]) -> Vec<Vec<Origin>> {
    let named: Vec<_> =
        packages.iter().map(|package| (package.source.clone(), package_origin(package))).collect();
    assign_layers(&named, contents, DEFAULT_BUDGET)
}

fn merge_action(image: &Image, inputs: Vec<MergeInput>, layers: Vec<Vec<Origin>>) -> Merge {
    let mut rules: BTreeMap<String, PathRule> = image.default_paths.clone();
    rules.extend(image.paths.iter().map(|(path, rule)| (path.clone(), rule.value.clone())));
    Merge {
        family: image.distro.family,
        release: image.distro.release.clone(),
        arch: image.arch,
        flavor: image.flavor,
        epoch: image.epoch,
        inputs,
        rules,
        users: image.users.clone(),
        groups: image.groups.clone(),
        effects: image.effects.clone(),
        os_release: image.os_release.clone(),
        layers,
    }
}

fn layer(
    graph: &mut Graph,
    image: &Image,
    merge: DerivationId,
    number: usize,
    options: &PlanOptions,
) -> Result<DerivationId, GraphError> {
    let [tree, origins] = outputs::slice(number);
    graph.add(Derivation {
        label: format!("layer {number} of {} {} {}", image.name, image.variant, image.arch),
        action: Action::Layer(Layer { compression: options.compression.clone(), epoch: image.epoch }),
        inputs: vec![input(merge, &[&origins, &tree])],
    })
}

/// What `evidence_and_image` works on.
struct Parts<'a> {
    image: &'a Image,
    variant: &'a LockedVariant,
    locked: Locked<'a>,
    merge: DerivationId,
    layers: Vec<DerivationId>,
    components: Components,
}

fn evidence_and_image(
    graph: &mut Graph,
    parts: Parts<'_>,
    options: &PlanOptions,
) -> Result<ImagePlan, PlanError> {
    let image = parts.image;
    let config = image_config(image, &parts.locked)?;
    let named = format!("{} {} {}", image.name, image.variant, image.arch);
    let document = |graph: &mut Graph, what: &str, evidence: Evidence, inputs: Vec<Input>| {
        let action = Action::Evidence(Box::new(evidence));
        graph.add(Derivation { label: format!("{what} of {named}"), action, inputs })
    };
    let tree = input(parts.merge, &[outputs::ORIGINS, outputs::TREE]);
    let elf = Evidence::Elf { arch: image.arch, family: image.distro.family };
    let elf = document(graph, "ELF closure", elf, vec![input(parts.merge, &[outputs::TREE])])?;
    let policy =
        Evidence::Policy { flavor: image.flavor, user: config.user.clone(), waivers: image.waivers.clone() };
    let elf_document = input(elf, &[outputs::DOCUMENT]);
    let policy = document(graph, "policy", policy, vec![tree.clone(), elf_document.clone()])?;
    let policy_document = input(policy, &[outputs::DOCUMENT]);
    let mut inputs: Vec<_> = parts.layers.iter().map(|&layer| input(layer, &[outputs::DESCRIPTOR])).collect();
    inputs.push(policy_document.clone());
    let built = graph.add(Derivation {
        label: format!("image {named}"),
        action: Action::Image(Box::new(config.clone())),
        inputs,
    })?;
    let manifest = input(built, &[outputs::MANIFEST]);
    let components = || parts.components.clone();
    let packages =
        parts.locked.packages.iter().map(|package| (package.name.clone(), package_origin(package))).collect();
    let survey = document(graph, "survey", Evidence::Survey { packages }, vec![tree.clone()])?;
    let about_packages = vec![manifest.clone(), input(survey, &[outputs::DOCUMENT])];
    let about_tree = vec![manifest.clone(), tree];
    let sbom = |format| Evidence::Sbom { format, components: components() };
    let report = |report| Evidence::Report { report, components: components() };
    let definition = Evidence::Provenance(Box::new(build_definition(&parts, options)));
    let origins = Evidence::Origins { components: components() };
    Ok(ImagePlan {
        spdx: document(graph, "SPDX", sbom(SbomFormat::Spdx), about_packages.clone())?,
        cyclonedx: document(graph, "CycloneDX", sbom(SbomFormat::CycloneDx), about_packages)?,
        origins: document(graph, "origins", origins, about_tree)?,
        elf: document(graph, "ELF statement", report(ReportKind::Elf), vec![manifest.clone(), elf_document])?,
        policy: document(
            graph,
            "policy statement",
            report(ReportKind::Policy),
            vec![manifest.clone(), policy_document.clone()],
        )?,
        provenance: document(graph, "provenance", definition, vec![manifest, policy_document])?,
        merge: parts.merge,
        layers: parts.layers,
        image: built,
        config,
    })
}
