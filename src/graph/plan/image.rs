//! The derivations of one image at one point of its axes.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use hbuild_lang::recipe::{Content, Family, Flavor, Image, PathRule, Repository};

use super::build::Planned;
use super::config::image_config;
use super::definition::{build_components, build_definition, components};
use super::embedded::embedded;
use super::indexes::{SignedIndexes, signed_indexes};
use super::inputs::{input, package_origin};
use super::locked::{Locked, newest};
use super::{PlanError, PlanOptions, Planner};
use crate::distro::alpine::repository::PRIMARY_MIRROR;
use crate::graph::layers::{DEFAULT_BUDGET, assign_layers};
use crate::graph::{
    Action, DOCUMENTS, Derivation, DerivationId, Evidence, Graph, GraphError, ImageConfig, ImageTest,
    ImageTests, Input, Layer, Merge, MergeInput, ReportKind, SbomFormat, outputs,
};
use crate::lock::{
    BuildComponent, Components, LockedPackage, LockedVariant, Snapshot, check, repositories_of,
};
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
    /// The policy report.
    pub policy_report: DerivationId,
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
    /// What its packages were chosen from.
    pub indexes: SignedIndexes,
    /// Its tests, where it has any.
    pub tests: Option<TestPlan>,
}

/// The derivations of the tests of an image. They are no roots of it: not every machine can run them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestPlan {
    /// Runs them.
    pub run: DerivationId,
    /// The statement that they passed.
    pub statement: DerivationId,
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

/// An image whose tree and layers were planned.
pub(super) struct MergedImage<'a> {
    /// What it extends, the farthest first, then itself.
    pub chain: Vec<&'a Image>,
    /// Its packages.
    pub locked: Locked<'a>,
    /// The origins of its packages and contents, those of what it extends included.
    origins: Vec<Origin>,
    merge: DerivationId,
    /// Its layers, those of what it extends first.
    layers: Vec<DerivationId>,
    /// The repositories of its packages.
    pub repositories: Vec<Repository>,
}

impl<'a> MergedImage<'a> {
    /// All contents, in the order in which they are merged.
    pub fn contents(&self) -> Vec<&'a Content> {
        contents_of(&self.chain)
    }
}

fn contents_of<'a>(chain: &[&'a Image]) -> Vec<&'a Content> {
    chain.iter().flat_map(|image| &image.contents).map(|content| &content.value).collect()
}

impl<'a> Planner<'a> {
    /// Adds the derivations of `image` to `graph`; `variant` is what the lock says of it.
    pub fn image(
        &mut self,
        graph: &mut Graph,
        image: &'a Image,
        variant: &'a LockedVariant,
    ) -> Result<ImagePlan, PlanError> {
        let merged = self.merged_image(graph, image, variant)?;
        let builds = self.closure(&merged.contents());
        let snapshots = snapshots(&merged.locked, &builds);
        let created = newest(snapshots.iter().copied());
        let components = components(self, image, &merged, created);
        let parts = Parts { image, variant, merged: &merged, components, builds, snapshots };
        evidence_and_image(graph, self, parts)
    }

    /// Tree and layers of `image`, and of all that it extends.
    fn merged_image(
        &mut self,
        graph: &mut Graph,
        image: &'a Image,
        variant: &'a LockedVariant,
    ) -> Result<Rc<MergedImage<'a>>, PlanError> {
        let key = (image.name.as_str(), &image.point);
        if let Some(known) = self.merged.get(&key) {
            return Ok(known.clone());
        }
        let bases = self.recipe.bases_of(image);
        let base = match bases.split_first() {
            Some((base, further)) => {
                let variant = check(self.file, (base, further), self.lock)?;
                Some(self.merged_image(graph, base, variant)?)
            }
            None => None,
        };
        let whose = || format!("image `{}`", image.name);
        let locked = self.index.find(&variant.packages, &whose)?;
        let repositories = repositories_of(image, &bases);
        let (mut inputs, mut kinds) = (Vec::new(), Vec::new());
        let mut origins: Vec<Origin> = Vec::new();
        for package in &locked.packages {
            let (input, kind) = self.inputs.package(graph, package, (&locked, &repositories))?;
            inputs.push(input);
            kinds.push(kind);
            origins.push(package_origin(package));
        }
        let mut own_contents: Vec<Origin> = Vec::new();
        let chain: Vec<&'a Image> = bases.into_iter().rev().chain([image]).collect();
        for (at, member) in (1..).zip(&chain) {
            let all = contents_of(&chain[..at]);
            for content in self.contents(graph, &member.contents, &all, (image.arch, member.epoch))? {
                inputs.push(content.input);
                kinds.push(content.kind);
                if !origins.contains(&content.origin) {
                    origins.push(content.origin.clone());
                }
                if at == chain.len() && !own_contents.contains(&content.origin) {
                    own_contents.push(content.origin);
                }
            }
        }
        let known = |package: &&&LockedPackage| {
            base.as_ref().is_none_or(|base| !base.origins.contains(&package_origin(package)))
        };
        let own: Vec<&LockedPackage> = locked.packages.iter().filter(known).copied().collect();
        if let Some(base) = &base {
            inputs.push(input(base.merge, &[outputs::ORIGINS, outputs::TREE]));
            kinds.push(base_input(base));
        }
        let own_layers = layers_of(&own, &own_contents);
        let count = own_layers.len() + 1;
        let builds = build_components(self, &chain);
        let mut merge = merge_action(image, &builds, kinds, own_layers);
        if image.distro.family == Family::Alpine {
            merge.world.clone_from(&variant.request.packages);
            merge.apk_repositories = apk_repositories(&repositories);
            merge.apk_keys = apk_keys(&repositories, image.flavor);
        }
        let merge = graph.add(Derivation {
            label: format!("merge {} {} {}", image.name, image.variant, image.arch),
            action: Action::Merge(Box::new(merge)),
            inputs,
        })?;
        let mut layers = base.map(|base| base.layers.clone()).unwrap_or_default();
        for at in 0..count {
            layers.push(layer(graph, image, merge, at, self.options)?);
        }
        let merged = Rc::new(MergedImage { chain, locked, origins, merge, layers, repositories });
        self.merged.insert(key, merged.clone());
        Ok(merged)
    }
}

/// The lines of `etc/apk/repositories`; the distribution's own repositories are those of its primary mirror.
fn apk_repositories(repositories: &[Repository]) -> Vec<String> {
    let lines = repositories.iter().flat_map(|repository| {
        let base = repository.url.as_deref().unwrap_or(PRIMARY_MIRROR).trim_end_matches('/');
        let tag = repository.tag.as_ref().map(|tag| format!("@{tag} ")).unwrap_or_default();
        let branch = format!("{tag}{base}/{}", repository.suite);
        let whole = repository.components.is_empty().then(|| branch.clone());
        let parts = repository.components.iter().map(move |component| format!("{branch}/{component}"));
        whole.into_iter().chain(parts)
    });
    lines.collect()
}

/// The keys of the recipe's own repositories, for apk in the image; a package of Alpine brings Alpine's.
fn apk_keys(repositories: &[Repository], flavor: Flavor) -> BTreeMap<String, String> {
    let own = repositories.iter().filter(|repository| repository.url.is_some() && flavor == Flavor::Dev);
    let keys = own.flat_map(|repository| &repository.keys);
    keys.map(|key| (key.name.clone(), key.text.to_string())).collect()
}

/// What is extended, as an input of a merge.
fn base_input(base: &MergedImage<'_>) -> MergeInput {
    let accounts = base.chain.iter().flat_map(|image| image.users.keys().chain(image.groups.keys()));
    MergeInput::Base { origins: base.origins.clone(), accounts: accounts.cloned().collect() }
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
    builds: &[BuildComponent],
    inputs: Vec<MergeInput>,
    layers: Vec<Vec<Origin>>,
) -> Merge {
    let mut rules: BTreeMap<String, PathRule> = (*image.default_paths).clone();
    rules.extend(embedded(builds));
    rules.extend(image.paths.iter().map(|(path, rule)| (path.clone(), rule.value.clone())));
    Merge {
        family: image.distro.family,
        release: image.distro.release.clone(),
        arch: image.arch,
        flavor: image.flavor,
        epoch: image.epoch,
        inputs,
        rules,
        users: BTreeMap::clone(&image.users),
        groups: BTreeMap::clone(&image.groups),
        effects: (*image.effects).clone(),
        os_release: BTreeMap::clone(&image.os_release),
        layers,
        world: Vec::new(),
        apk_repositories: Vec::new(),
        apk_keys: BTreeMap::new(),
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
    pub merged: &'a MergedImage<'a>,
    pub components: Components,
    /// The builds that its contents come from, each behind those that it needs.
    pub builds: Vec<Rc<Planned<'a>>>,
    /// All signed indexes used.
    pub snapshots: Vec<&'a Snapshot>,
}

fn evidence_and_image(
    graph: &mut Graph,
    planner: &Planner<'_>,
    parts: Parts<'_>,
) -> Result<ImagePlan, PlanError> {
    let image = parts.image;
    let config =
        image_config(image, parts.merged.chain.iter().rev().nth(1).copied(), &parts.components.created)?;
    let named = format!("{} {} {}", image.name, image.variant, image.arch);
    let document = |graph: &mut Graph, what: &str, evidence: Evidence, inputs: Vec<Input>| {
        let action = Action::Evidence(Box::new(evidence));
        graph.add(Derivation { label: format!("{what} of {named}"), action, inputs })
    };
    let tree = input(parts.merged.merge, &[outputs::ORIGINS, outputs::TREE]);
    let elf = Evidence::Elf { arch: image.arch, family: image.distro.family };
    let elf = document(graph, "ELF closure", elf, vec![input(parts.merged.merge, &[outputs::TREE])])?;
    let policy = Evidence::Policy {
        flavor: image.flavor,
        user: config.user.clone(),
        waivers: Vec::clone(&image.waivers),
    };
    let elf_document = input(elf, &[outputs::DOCUMENT]);
    let policy_report = document(graph, "policy", policy, vec![tree.clone(), elf_document.clone()])?;
    let policy_document = input(policy_report, &[outputs::DOCUMENT]);
    let mut inputs: Vec<_> =
        parts.merged.layers.iter().map(|&layer| input(layer, &[outputs::DESCRIPTOR])).collect();
    inputs.push(policy_document.clone());
    let built = graph.add(Derivation {
        label: format!("image {named}"),
        action: Action::Image(Box::new(config.clone())),
        inputs,
    })?;
    let manifest = input(built, &[outputs::MANIFEST]);
    let components = || parts.components.clone();
    let packages = parts
        .merged
        .locked
        .packages
        .iter()
        .map(|package| (package.name.clone(), package_origin(package)))
        .collect();
    let survey =
        document(graph, "survey", Evidence::Survey { documents: DOCUMENTS, packages }, vec![tree.clone()])?;
    let files = package_files(graph, planner, &parts, &named)?;
    let with_files = |mut inputs: Vec<Input>| {
        inputs.extend(files.clone());
        inputs
    };
    let about_packages = with_files(vec![manifest.clone(), input(survey, &[outputs::DOCUMENT])]);
    let about_tree = vec![manifest.clone(), tree];
    let sbom = |format| Evidence::Sbom { format, components: components() };
    let report = |report| Evidence::Report { report, components: components() };
    let definition = Evidence::Provenance(Box::new(build_definition(planner, &parts, planner.options)));
    let origins = Evidence::Origins { components: components() };
    let tests = plan_tests(graph, &parts, &config, (&manifest, &named))?;
    Ok(ImagePlan {
        spdx: document(graph, "SPDX", sbom(SbomFormat::Spdx), about_packages.clone())?,
        cyclonedx: document(graph, "CycloneDX", sbom(SbomFormat::CycloneDx), about_packages)?,
        origins: document(graph, "origins", origins, about_tree)?,
        elf: document(graph, "ELF statement", report(ReportKind::Elf), vec![manifest.clone(), elf_document])?,
        policy_report,
        policy: document(
            graph,
            "policy statement",
            report(ReportKind::Policy),
            vec![manifest.clone(), policy_document.clone()],
        )?,
        provenance: document(graph, "provenance", definition, with_files(vec![manifest, policy_document]))?,
        indexes: signed_indexes(&parts.snapshots, &parts.merged.repositories, &parts.builds),
        merge: parts.merged.merge,
        layers: parts.merged.layers.clone(),
        image: built,
        tests,
        config,
    })
}

/// The derivations of the image's tests, to be run as its config says; none where it has none.
fn plan_tests(
    graph: &mut Graph,
    parts: &Parts<'_>,
    config: &ImageConfig,
    (manifest, named): (&Input, &str),
) -> Result<Option<TestPlan>, GraphError> {
    if parts.image.tests.is_empty() {
        return Ok(None);
    }
    let tests = ImageTests {
        arch: config.arch,
        user: config.user.clone(),
        env: config.env.clone(),
        work_dir: config.work_dir.clone(),
        volumes: config.volumes.clone(),
        tests: parts.image.tests.iter().map(ImageTest::from).collect(),
    };
    let run = graph.add(Derivation {
        label: format!("tests of {named}"),
        action: Action::Test(Box::new(tests)),
        inputs: vec![input(parts.merged.merge, &[outputs::TREE])],
    })?;
    let report = Evidence::Report { report: ReportKind::Tests, components: parts.components.clone() };
    let statement = graph.add(Derivation {
        label: format!("test statement of {named}"),
        action: Action::Evidence(Box::new(report)),
        inputs: vec![manifest.clone(), input(run, &[outputs::DOCUMENT])],
    })?;
    Ok(Some(TestPlan { run, statement }))
}

/// The digests of the files that the lock knows by checksum alone, of the image and of the roots of its builds; none
/// where there are none.
fn package_files(
    graph: &mut Graph,
    planner: &Planner<'_>,
    parts: &Parts<'_>,
    named: &str,
) -> Result<Option<Input>, GraphError> {
    let roots = parts.builds.iter().flat_map(|planned| &planned.locked.packages);
    let all = parts.merged.locked.packages.iter().chain(roots);
    let packages: BTreeSet<String> =
        all.filter(|package| package.checksum.is_some()).map(|package| package.reference()).collect();
    if packages.is_empty() {
        return Ok(None);
    }
    let inputs = packages.iter().map(|reference| planner.inputs.fetched(graph, reference)).collect();
    let evidence = Evidence::PackageFiles { packages: packages.into_iter().collect() };
    let action = Action::Evidence(Box::new(evidence));
    let made = graph.add(Derivation { label: format!("package files of {named}"), action, inputs })?;
    Ok(Some(input(made, &[outputs::DOCUMENT])))
}
