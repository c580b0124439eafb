//! What a definition says, field by field, before anything is made of it. Catalogue and apko files both come to this.

use super::reader::Str;
use super::remark::Remark;

/// One file.
#[derive(Debug, Clone, Default)]
pub struct Definition {
    /// The file as it was given.
    pub file: String,
    /// What the first line says after `# syntax=`.
    pub syntax: Option<String>,
    /// The friendly name.
    pub name: Option<Str>,
    /// The image's name, with its registry.
    pub image: Option<Str>,
    /// `runtime`, `dev` or `helm`.
    pub variant: Option<Str>,
    /// Another kind of the image: `compat`, `fips`.
    pub flavor: Option<Str>,
    /// Tags.
    pub tags: Vec<Str>,
    /// Behind every tag.
    pub suffix: Option<Str>,
    /// Architectures; both where nothing is said.
    pub platforms: Vec<Str>,
    /// Dates by name.
    pub dates: Vec<(Str, Str)>,
    /// Variables.
    pub vars: Vec<(Str, Str)>,
    /// Package repositories.
    pub repositories: Vec<Str>,
    /// Keys of the repositories.
    pub keyring: Vec<Str>,
    /// Packages, those to be left out with a `!` before the name.
    pub packages: Vec<Str>,
    /// Files to download into the image.
    pub files: Vec<File>,
    /// Builds.
    pub builds: Vec<Build>,
    /// Images whose files are taken over.
    pub artifacts: Vec<Artifact>,
    /// Accounts.
    pub accounts: Accounts,
    /// Fields of os-release under their names there.
    pub os_release: Vec<(Str, Str)>,
    /// Working directory.
    pub work_dir: Option<Str>,
    /// Signal that stops the container.
    pub stop_signal: Option<Str>,
    /// Environment.
    pub environment: Vec<(Str, Str)>,
    /// Paths.
    pub paths: Vec<PathEntry>,
    /// Annotations.
    pub annotations: Vec<(Str, Str)>,
    /// Labels.
    pub labels: Vec<(Str, Str)>,
    /// Entry point.
    pub entrypoint: Vec<Str>,
    /// Arguments.
    pub cmd: Vec<Str>,
    /// Ports.
    pub ports: Vec<Str>,
    /// Volumes.
    pub volumes: Vec<Str>,
    /// Tests.
    pub tests: Vec<Test>,
    /// Whether it is a FIPS image, for `${target.fips}`.
    pub fips: bool,
    /// All that it says beside its variables, for whether it repeats their values.
    pub texts: String,
    /// What is left out.
    pub remarks: Vec<Remark>,
}

/// What limits an entry to some variants.
#[derive(Debug, Clone, Default)]
pub struct Only {
    /// A condition.
    pub condition: Option<Str>,
    /// Platforms; all where empty.
    pub platforms: Vec<Str>,
}

/// A file to download.
#[derive(Debug, Clone, Default)]
pub struct File {
    /// Where from.
    pub url: Option<Str>,
    /// Digest, commit, or a URL that has the digest.
    pub checksum: Option<Str>,
    /// Where to.
    pub path: Option<Str>,
    /// Globs taken.
    pub includes: Vec<Str>,
    /// Globs left out.
    pub excludes: Vec<Str>,
    /// When.
    pub only: Only,
    /// Name, version, packages of what it is.
    pub name: Option<Str>,
    /// Package URL.
    pub purl: Option<Str>,
    /// Licence.
    pub license: Option<Str>,
    /// Owner.
    pub owner: Owner,
}

/// Owner and mode.
#[derive(Debug, Clone, Default)]
pub struct Owner {
    /// User id.
    pub uid: Option<(u32, Str)>,
    /// Group id.
    pub gid: Option<(u32, Str)>,
    /// Mode, octal.
    pub mode: Option<Str>,
}

/// Files of an image.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Reference with its digest.
    pub name: Str,
    /// Paths taken; all where empty.
    pub includes: Vec<Str>,
    /// Paths left out.
    pub excludes: Vec<Str>,
    /// When.
    pub only: Only,
    /// Owner.
    pub owner: Owner,
}

/// A build.
#[derive(Debug, Clone, Default)]
pub struct Build {
    /// Its name.
    pub name: Option<Str>,
    /// When.
    pub only: Only,
    /// The image that it runs in.
    pub uses: Option<Str>,
    /// Working directory.
    pub work_dir: Option<Str>,
    /// Shell.
    pub shell: Option<Str>,
    /// Environment.
    pub environment: Vec<(Str, Str)>,
    /// Package repositories.
    pub repositories: Vec<Str>,
    /// Packages.
    pub packages: Vec<Str>,
    /// Downloads.
    pub files: Vec<File>,
    /// Files of images.
    pub artifacts: Vec<Artifact>,
    /// Paths in the build's root.
    pub paths: Vec<PathEntry>,
    /// Steps.
    pub steps: Vec<Step>,
    /// What goes into the image.
    pub outputs: Vec<Output>,
    /// The axes of a matrix: name, and the items with their values.
    pub matrix: Vec<MatrixAxis>,
}

/// One axis of a build's matrix.
#[derive(Debug, Clone)]
pub struct MatrixAxis {
    /// Its name.
    pub name: String,
    /// Where it stands, with all of it.
    pub text: Str,
    /// Items: name, and what stands for `${matrix.<axis>}` and `${matrix.<axis>.<field>}`.
    pub items: Vec<(String, Vec<(String, String)>)>,
}

/// A step of a build.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// Its name.
    pub name: Option<Str>,
    /// When.
    pub condition: Option<Str>,
    /// The action that it calls.
    pub uses: Option<Str>,
    /// What the action is told, as YAML on lines.
    pub with: Vec<(Str, String)>,
    /// Patches of `patch@v1`, with its options.
    pub patches: Vec<Str>,
    /// Options of `patch@v1`.
    pub options: Option<Str>,
    /// Working directory.
    pub work_dir: Option<Str>,
    /// Shell.
    pub shell: Option<Str>,
    /// Environment.
    pub environment: Vec<(Str, Str)>,
    /// Script.
    pub runs: Option<Str>,
}

/// What of a build goes where in the image.
#[derive(Debug, Clone)]
pub struct Output {
    /// Path in the build.
    pub source: Str,
    /// Path in the image.
    pub target: Str,
    /// When.
    pub condition: Option<Str>,
    /// Owner.
    pub owner: Owner,
}

/// Accounts.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    /// Whether root is an account.
    pub root: bool,
    /// Who runs the image.
    pub run_as: Option<Str>,
    /// Users.
    pub users: Vec<User>,
    /// Groups.
    pub groups: Vec<Group>,
}

/// An account.
#[derive(Debug, Clone)]
pub struct User {
    /// Name.
    pub name: Str,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Home directory.
    pub home: Option<Str>,
    /// Shell.
    pub shell: Option<Str>,
}

/// A group.
#[derive(Debug, Clone)]
pub struct Group {
    /// Name.
    pub name: Str,
    /// Group id.
    pub gid: u32,
    /// Members.
    pub members: Vec<Str>,
}

/// A path to be made or changed.
#[derive(Debug, Clone)]
pub struct PathEntry {
    /// What is done.
    pub action: PathAction,
    /// The path.
    pub path: Str,
    /// When.
    pub only: Only,
    /// Owner and mode.
    pub owner: Owner,
}

/// What is done at a path.
#[derive(Debug, Clone)]
pub enum PathAction {
    /// A directory, `true` where owner and mode hold below it, too; with the files of a folder beside the catalogue.
    Directory(bool, Option<Str>),
    /// A file with a text.
    Text(Str),
    /// A file beside the catalogue.
    Beside(Str),
    /// An empty file.
    Empty,
    /// A symbolic link.
    Symlink(Str),
    /// It is deleted, `true` where all below it is.
    Delete(bool),
    /// Owner and mode are set, `true` below it, too.
    Attrs(bool),
}

/// A test.
#[derive(Debug, Clone)]
pub struct Test {
    /// What it shows.
    pub name: Option<Str>,
    /// Commands in order.
    pub commands: Vec<Str>,
    /// Status of the last.
    pub status: (u32, Str),
    /// What the last prints.
    pub output: Option<Str>,
}

impl Build {
    /// Calls `change` with every text of the build.
    pub fn each_text(&mut self, change: &mut dyn FnMut(&mut Str)) {
        let pairs = |pairs: &mut Vec<(Str, Str)>, change: &mut dyn FnMut(&mut Str)| {
            pairs.iter_mut().for_each(|(_, value)| change(value));
        };
        for text in [&mut self.name, &mut self.uses, &mut self.work_dir, &mut self.shell] {
            text.iter_mut().for_each(&mut *change);
        }
        pairs(&mut self.environment, change);
        self.packages.iter_mut().for_each(&mut *change);
        for file in &mut self.files {
            for text in [&mut file.url, &mut file.checksum, &mut file.path, &mut file.name, &mut file.purl] {
                text.iter_mut().for_each(&mut *change);
            }
        }
        self.artifacts.iter_mut().for_each(|artifact| change(&mut artifact.name));
        for entry in &mut self.paths {
            change(&mut entry.path);
            if let PathAction::Text(text) | PathAction::Beside(text) | PathAction::Symlink(text) =
                &mut entry.action
            {
                change(text);
            }
        }
        for step in &mut self.steps {
            for text in [&mut step.name, &mut step.uses, &mut step.work_dir, &mut step.runs] {
                text.iter_mut().for_each(&mut *change);
            }
            pairs(&mut step.environment, change);
            step.patches.iter_mut().for_each(&mut *change);
        }
        for output in &mut self.outputs {
            change(&mut output.source);
            change(&mut output.target);
        }
    }
}

impl Only {
    fn texts(&self) -> impl Iterator<Item = &Str> {
        self.condition.iter().chain(&self.platforms)
    }
}

impl Owner {
    /// Every text of it.
    pub fn texts(&self) -> impl Iterator<Item = &Str> {
        let ids = [&self.uid, &self.gid].into_iter().flatten().map(|(_, text)| text);
        ids.chain(&self.mode)
    }

    /// Owner and group where they are not root's.
    pub fn ids(&self) -> impl Iterator<Item = &Str> {
        [&self.uid, &self.gid].into_iter().flatten().filter(|(id, _)| *id != 0).map(|(_, text)| text)
    }
}

impl File {
    /// Every text of it.
    pub fn texts(&self) -> Vec<&Str> {
        let one = [&self.url, &self.checksum, &self.path, &self.name, &self.purl, &self.license]
            .into_iter()
            .flatten();
        let lists = self.includes.iter().chain(&self.excludes);
        one.chain(lists).chain(self.only.texts()).chain(self.owner.texts()).collect()
    }
}

impl Artifact {
    /// Every text of it.
    pub fn texts(&self) -> Vec<&Str> {
        let lists = self.includes.iter().chain(&self.excludes);
        std::iter::once(&self.name).chain(lists).chain(self.only.texts()).chain(self.owner.texts()).collect()
    }
}

impl PathEntry {
    /// Every text of it.
    pub fn texts(&self) -> Vec<&Str> {
        let text = match &self.action {
            PathAction::Text(text) | PathAction::Beside(text) | PathAction::Symlink(text) => Some(text),
            PathAction::Directory(_, source) => source.as_ref(),
            _ => None,
        };
        std::iter::once(&self.path).chain(text).chain(self.only.texts()).chain(self.owner.texts()).collect()
    }
}

impl Output {
    /// Every text of it.
    pub fn texts(&self) -> Vec<&Str> {
        [&self.source, &self.target].into_iter().chain(&self.condition).chain(self.owner.texts()).collect()
    }
}
