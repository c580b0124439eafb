//! The derivations of one image at one point of its axes.

use std::collections::BTreeMap;
use std::rc::Rc;

use hbuild_lang::recipe::{Family, Image, PathRule};

use super::build::Planned;
use super::config::image_config;
use super::definition::{build_definition, components};
use super::embedded::embedded;
use super::inputs::{input, package_origin};
use super::locked::{Locked, newest};
use super::{PlanError, PlanOptions, Planner};
use crate::graph::layers::{DEFAULT_BUDGET, assign_layers};
use crate::graph::{
    Action, Derivation, DerivationId, Evidence, Graph, GraphError, ImageConfig, Input, Layer, Merge,
    MergeInput, ReportKind, SbomFormat, outputs,
};
use crate::lock::{Components, LockedPackage, LockedVariant, Snapshot};
use crate::tree::Origin;

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

impl<'a> Planner<'a> {
    /// Adds the derivations of `image` to `graph`, and those of all builds that it needs. `variant` is the lock's
    /// answer to its request.
    pub fn image(
        &mut self,
        graph: &mut Graph,
        image: &'a Image,
        variant: &'a LockedVariant,
    ) -> Result<ImagePlan, PlanError> {
        if image.distro.family != Family::Debian {
            return Err(PlanError::FamilyNotSupported {
                image: image.name.clone(),
                family: image.distro.family,
            });
        }
        let locked = self.index.find(&variant.packages, &|| format!("image `{}`", image.name))?;
        let mut merge_inputs = Vec::new();
        let mut inputs = Vec::new();
        for package in &locked.packages {
            let (input, kind) = self.inputs.package(graph, package, &locked)?;
            inputs.push(input);
            merge_inputs.push(kind);
        }
        let mut content_origins = Vec::new();
        for content in self.contents(graph, &image.contents, (image.arch, image.epoch))? {
            inputs.push(content.input);
            merge_inputs.push(content.kind);
            if !content_origins.contains(&content.origin) {
                content_origins.push(content.origin);
            }
        }
        let builds = self.closure(&image.contents);
        let snapshots = snapshots(&locked, &builds);
        let created = newest(snapshots.iter().copied());
        let components = components(self, image, &locked, created);
        let layers = layers_of(&locked.packages, &content_origins);
        let layer_count = layers.len() + 1;
        let merge = graph.add(Derivation {
            label: format!("merge {} {} {}", image.name, image.variant, image.arch),
            action: Action::Merge(Box::new(merge_action(image, &components, merge_inputs, layers))),
            inputs,
        })?;
        let layers = (0..layer_count).map(|at| layer(graph, image, merge, at, self.options));
        let layers = layers.collect::<Result<Vec<_>, _>>()?;
        let parts = Parts { image, variant, locked, merge, layers, components, builds, snapshots };
        evidence_and_image(graph, self, parts)
    }
}

/// The signed indexes of the image's packages and of those in the roots of `builds`, sorted.
fn snapshots<'a>(locked: &Locked<'a>, builds: &[Rc<Planned<'a>>]) -> Vec<&'a Snapshot> {
    let mut all = locked.snapshots.clone();
    for build in builds {
        all.extend(build.locked.snapshots.iter().map(|(id, snapshot)| (*id, *snapshot)));
    }
    all.into_values().collect()
}

fn layers_of(packages: &[&LockedPackage], contents: &[Origin]) -> Vec<Vec<Origin>> {
    let named: Vec<_> =
        packages.iter().map(|package| (package.source.clone(), package_origin(package))).collect();
    assign_layers(&named, contents, DEFAULT_BUDGET)
}

fn merge_action(
    image: &Image,
    components: &Components,
    inputs: Vec<MergeInput>,
    layers: Vec<Vec<Origin>>,
) -> Merge {
    let mut rules: BTreeMap<String, PathRule> = (*image.default_paths).clone();
    rules.extend(embedded(&components.builds));
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
        effects: (*image.effects).clone(),
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
pub(super) struct Parts<'a> {
    pub image: &'a Image,
    pub variant: &'a LockedVariant,
    pub locked: Locked<'a>,
    pub components: Components,
    /// The builds that its contents come from, each behind those that it needs.
    pub builds: Vec<Rc<Planned<'a>>>,
    /// All signed indexes used.
    pub snapshots: Vec<&'a Snapshot>,
    merge: DerivationId,
    layers: Vec<DerivationId>,
}

fn evidence_and_image(
    graph: &mut Graph,
    planner: &Planner<'_>,
    parts: Parts<'_>,
) -> Result<ImagePlan, PlanError> {
    let image = parts.image;
    let config = image_config(image, &parts.components.created)?;
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
    let definition = Evidence::Provenance(Box::new(build_definition(planner, &parts, planner.options)));
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
