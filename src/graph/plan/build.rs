//! The derivations of builds: root, sources, execution.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::slice::from_ref;

use hbuild_lang::recipe::{
    Arch, Build, Content, ContentKind, Family, Flavor, Group, Located, PathRule, Source, Step, User,
};

use super::inputs::{base_name, input, merge_content};
use super::locked::Locked;
use super::{PlanError, Planner};
use crate::graph::{
    Action, Derivation, DerivationId, Exec, ExecStep, Graph, Input, Merge, MergeInput, environment, outputs,
    paths,
};
use crate::lock::{LockedRoot, check_build, check_git};
use crate::tree::Origin;

/// The user that commands run as.
const BUILDER: (&str, u32) = ("build", 1000);
/// Name of the steps that apply patches.
const PATCH: &str = "patch";

/// The derivations of one build.
#[derive(Debug, Clone)]
pub struct BuildPlan {
    /// The execution.
    pub exec: DerivationId,
    /// Number of packages in its root.
    pub packages: usize,
}

/// A build that was planned.
pub(super) struct Planned<'a> {
    /// The build.
    pub build: &'a Build,
    /// Its execution.
    pub exec: DerivationId,
    /// The packages of its root.
    pub locked: Rc<Locked<'a>>,
}

/// A root that was planned, with what makes it the same as another's.
pub(super) struct PlannedRoot<'a> {
    of: &'a Build,
    tree: Input,
    locked: Rc<Locked<'a>>,
}

impl PlannedRoot<'_> {
    /// Whether `build`, whose packages are the same, has this root.
    fn fits(&self, build: &Build) -> bool {
        let (own, others) = (self.of.contents.iter(), build.contents.iter());
        std::ptr::eq(self.of, build)
            || (self.of.epoch == build.epoch
                && self.of.default_paths == build.default_paths
                && self.of.effects == build.effects
                && own.map(|content| &content.value).eq(others.map(|content| &content.value)))
    }
}

impl<'a> Planner<'a> {
    /// The source as it is unpacked, which the lock has where it is from git.
    fn unpacked(
        &mut self,
        graph: &mut Graph,
        source: &'a Source,
        at: (Arch, i64),
    ) -> Result<(DerivationId, Origin), PlanError> {
        check_git(self.file, from_ref(source), self.lock)?;
        self.inputs.source(graph, source, at, self.options)
    }

    /// Adds the derivations of `build` to `graph`, and those of all builds that it needs.
    pub fn build(&mut self, graph: &mut Graph, build: &'a Build) -> Result<BuildPlan, PlanError> {
        let planned = self.planned(graph, build)?;
        Ok(BuildPlan { exec: planned.exec, packages: planned.locked.packages.len() })
    }

    /// The same, remembered.
    pub(super) fn planned(
        &mut self,
        graph: &mut Graph,
        build: &'a Build,
    ) -> Result<Rc<Planned<'a>>, PlanError> {
        let key = (build.name.as_str(), &build.point);
        if let Some(known) = self.planned.get(&key) {
            return Ok(known.clone());
        }
        let (root, locked) = self.root(graph, build)?;
        let mut inputs = vec![root];
        let mut folders = Vec::new();
        let mut steps = Vec::new();
        for (folder, used) in &build.sources {
            let source = self.source_at(&used.value.source, &used.value.point);
            let (unpack, _) = self.unpacked(graph, source, (build.arch, build.epoch))?;
            inputs.push(self.inputs.projected(graph, unpack, build.epoch)?);
            folders.push(below_sources(folder));
        }
        for (folder, used) in &build.sources {
            for patch in &self.source_at(&used.value.source, &used.value.point).patches {
                let place = format!("{}/{:04}", paths::PATCHES, steps.len() + 1);
                inputs.push(self.inputs.patch(graph, &patch.value, build.epoch, self.options)?);
                steps.push(patch_step(&below_sources(folder), &place, &patch.value));
                folders.push(place);
            }
        }
        steps.extend(build.steps.iter().chain(&build.check).map(|step| exec_step(build, step)));
        let mut env = environment(build.epoch, &build.outputs);
        env.extend(BTreeMap::clone(&build.env));
        let exec = graph.add(Derivation {
            label: label("build", build),
            action: Action::Exec(Box::new(Exec {
                arch: build.arch,
                shell: build.shell.clone(),
                steps,
                env,
                sources: folders,
                outputs: build.outputs.clone(),
                epoch: build.epoch,
                loopback: build.loopback,
            })),
            inputs,
        })?;
        let planned = Rc::new(Planned { build, exec, locked });
        self.planned.insert(key, planned.clone());
        Ok(planned)
    }

    /// The exec tree of the build's root, and the packages in it.
    fn root(&mut self, graph: &mut Graph, build: &'a Build) -> Result<(Input, Rc<Locked<'a>>), PlanError> {
        let root = self.locked_root(build)?;
        let key = std::ptr::from_ref(root);
        let known = self.roots.get(&key).into_iter().flatten().find(|root| root.fits(build));
        if let Some(known) = known {
            return Ok((known.tree.clone(), known.locked.clone()));
        }
        let locked = self.index.find(&root.packages, &|| format!("build `{}`", build.name))?;
        let mut merge_inputs = Vec::new();
        let mut inputs = Vec::new();
        for package in &locked.packages {
            let (input, kind) = self.inputs.package(graph, package, (&locked, &build.repositories))?;
            inputs.push(input);
            merge_inputs.push(kind);
        }
        let all: Vec<&Content> = build.contents.iter().map(|content| &content.value).collect();
        for content in self.contents(graph, &build.contents, &all, (build.arch, build.epoch))? {
            inputs.push(content.input);
            merge_inputs.push(content.kind);
        }
        // Alpine's packages are merged in an order that begins with what is asked for.
        let alpine = build.distro.family == Family::Alpine;
        let world = if alpine { root.request.packages.clone() } else { Vec::new() };
        let merge = graph.add(Derivation {
            label: format!("root {} {} of {} packages", build.distro, build.arch, locked.packages.len()),
            action: Action::Merge(Box::new(Merge { world, ..root_merge(build, merge_inputs) })),
            inputs,
        })?;
        let tree = self.inputs.projected(graph, merge, build.epoch)?;
        let locked = Rc::new(locked);
        let planned = PlannedRoot { of: build, tree: tree.clone(), locked: locked.clone() };
        self.roots.entry(key).or_default().push(planned);
        Ok((tree, locked))
    }

    /// What the lock says of the build's root.
    fn locked_root(&mut self, build: &'a Build) -> Result<&'a LockedRoot, PlanError> {
        let found = match self.last_root {
            Some((other, root)) if asks_the_same(build, other) => root,
            _ => check_build(self.file, build, self.lock)?,
        };
        self.last_root = Some((build, found));
        Ok(found)
    }

    /// The contents of an image or a root as inputs of its merge, in order. `all` are those that are named apart.
    pub(super) fn contents(
        &mut self,
        graph: &mut Graph,
        contents: &'a [Located<Content>],
        all: &[&Content],
        (arch, epoch): (Arch, i64),
    ) -> Result<Vec<PlannedContent>, PlanError> {
        let mut made = Vec::with_capacity(contents.len());
        for Located { value: content, .. } in contents {
            let (input, origin) = match content.kind {
                ContentKind::Source => {
                    let source = self.source_at(&content.source, &content.point);
                    let (unpack, origin) = self.unpacked(graph, source, (arch, epoch))?;
                    (input(unpack, &[outputs::ORIGINS, outputs::TREE]), origin)
                }
                ContentKind::Build => {
                    let build = self.build_at(&content.source, &content.point);
                    let planned = self.planned(graph, build)?;
                    let output = match &content.output {
                        Some(name) => outputs::further(name),
                        None => outputs::TREE.to_owned(),
                    };
                    (input(planned.exec, &[&output]), build_origin(build, all))
                }
            };
            let kind = merge_content(content, origin.clone());
            made.push(PlannedContent { input, kind, origin });
        }
        Ok(made)
    }
}

/// Whether all of two builds that their requests to the lock come from is equal.
fn asks_the_same(one: &Build, other: &Build) -> bool {
    one.arch == other.arch
        && one.distro == other.distro
        && one.tools == other.tools
        && one.inputs == other.inputs
        && one.exclude == other.exclude
        && one.repositories == other.repositories
}

/// A content of an image or a root.
pub(super) struct PlannedContent {
    pub input: Input,
    pub kind: MergeInput,
    pub origin: Origin,
}

/// The origin of a build's files among `contents`: with its point where another point of it is there too.
pub(super) fn build_origin(build: &Build, contents: &[&Content]) -> Origin {
    let twice = contents.iter().any(|other| {
        other.kind == ContentKind::Build && other.source == build.name && other.point != build.point
    });
    if twice {
        let point: Vec<&str> = build.point.values().map(String::as_str).collect();
        Origin(format!("build:{}@{}", build.name, point.join("+")))
    } else {
        Origin(format!("build:{}", build.name))
    }
}

/// `hello debian12 amd64`.
pub(super) fn named(build: &Build) -> String {
    let labels = build.point.values().map(|label| format!(" {label}"));
    labels.fold(build.name.clone(), |name, label| name + &label)
}

fn label(what: &str, build: &Build) -> String {
    format!("{what} {}", named(build))
}

fn root_merge(build: &Build, inputs: Vec<MergeInput>) -> Merge {
    let accounts =
        [("root", 0, "/root"), ("nobody", 65534, "/nonexistent"), (BUILDER.0, BUILDER.1, paths::BUILD)];
    let user = |id: u32, home: &str| User {
        uid: id,
        gid: id,
        home: home.to_owned(),
        shell: "/bin/sh".to_owned(),
        gecos: String::new(),
    };
    let users = accounts.map(|(name, id, home)| (name.to_owned(), user(id, home)));
    let groups = accounts.map(|(name, id, _)| (name.to_owned(), Group { gid: id, members: Vec::new() }));
    let rules: BTreeMap<String, PathRule> = (*build.default_paths).clone();
    Merge {
        family: build.distro.family,
        release: build.distro.release.clone(),
        arch: build.arch,
        flavor: Flavor::Dev,
        epoch: build.epoch,
        inputs,
        rules,
        users: users.into(),
        groups: groups.into(),
        effects: (*build.effects).clone(),
        os_release: BTreeMap::new(),
        layers: Vec::new(),
        world: Vec::new(),
        apk_repositories: Vec::new(),
        apk_keys: BTreeMap::new(),
    }
}

fn below_sources(folder: &str) -> String {
    if folder.is_empty() { paths::SOURCES.to_owned() } else { format!("{}/{folder}", paths::SOURCES) }
}

/// One patch, applied in the source's folder. Nothing is guessed: no fuzz, no patch that is there already.
fn patch_step(folder: &str, place: &str, path: &str) -> ExecStep {
    let file = format!("{place}/{}", base_name(path)).replace('\'', "'\\''");
    ExecStep {
        name: format!("{PATCH} {path}"),
        dir: folder.to_owned(),
        env: BTreeMap::new(),
        script: format!("patch -p1 --forward --fuzz=0 --no-backup-if-mismatch -i '{file}'"),
    }
}

fn exec_step(build: &Build, step: &Step) -> ExecStep {
    let dir = match step.dir.as_ref().or(build.dir.as_ref()) {
        Some(dir) if dir.starts_with('/') => dir.clone(),
        Some(dir) => below_sources(dir),
        None => paths::SOURCES.to_owned(),
    };
    ExecStep { name: step.name.clone(), dir, env: step.env.clone(), script: step.script.clone() }
}
