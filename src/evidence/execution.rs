//! What a provenance says of the commands that were executed: the sandbox as declared, and each build.
//!
//! Declared is what holds on every machine. What one machine applied besides (limits, Landlock, its kernel) is in
//! the build record, never here.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::{Place, Point};
use serde::{Deserialize, Serialize};

use super::ResourceDescriptor;
use crate::digest::Digest;
use crate::graph::paths;
use crate::lock::{BuildComponent, ExecutionDefinition, SourceComponent};
use crate::tree::Origin;

/// The version of [`DeclaredSandbox`]: another one where a build may see or do something else.
const VERSION: u32 = 1;

/// The sandbox that every command of every build is executed in: `docs/src/build-types/recipe-v1.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeclaredSandbox {
    /// Version of the declaration.
    pub version: u32,
    /// Namespaces of its own, sorted.
    pub namespaces: BTreeSet<String>,
    /// What its root is made of, and how it is mounted.
    pub root: String,
    /// The directories on its private writable file system.
    pub writable: Vec<String>,
    /// What of the network is there.
    pub network: String,
    /// Host name.
    pub host_name: String,
    /// User and group.
    pub user: String,
    /// Capabilities.
    pub capabilities: Vec<String>,
    /// Whether no process gains privileges by executing a file.
    pub no_new_privileges: bool,
    /// Whether system calls are filtered.
    pub seccomp: bool,
    /// Umask.
    pub umask: String,
}

impl DeclaredSandbox {
    /// The declaration of this version of hbuild.
    pub fn current() -> Self {
        let namespaces = ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"];
        Self {
            version: VERSION,
            namespaces: namespaces.map(str::to_owned).into(),
            root: "the packages and contents that the build declares, read-only".to_owned(),
            writable: [paths::BUILD, paths::OUT, paths::TEMPORARY].map(str::to_owned).into(),
            network: "none; loopback where the build asks for it".to_owned(),
            host_name: "hbuild".to_owned(),
            user: "1000:1000".to_owned(),
            capabilities: Vec::new(),
            no_new_privileges: true,
            seccomp: true,
            umask: "022".to_owned(),
        }
    }
}

/// A build that the image was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildV1 {
    /// Its name.
    pub name: String,
    /// Its point.
    pub point: Point,
    /// The execution platform: `linux/amd64`.
    pub platform: String,
    /// The origin of its files, where its output is in the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Id of its derivation, which covers commands, environment and all inputs.
    pub derivation: Digest,
    /// Where the recipe defines it.
    pub place: Place,
    /// Its sources by the folder below `$SRC`, each as the resolved dependency of that name has it.
    pub sources: BTreeMap<String, ResourceDescriptor>,
    /// The packages of its root, sorted: names of resolved dependencies.
    pub tools: BTreeSet<String>,
}

impl BuildV1 {
    /// What the provenance says of `execution`, whose output may be one of `contained`.
    pub fn of(execution: &ExecutionDefinition, contained: &[BuildComponent]) -> Self {
        let source = |(folder, source): (&String, &SourceComponent)| (folder.clone(), plain(source));
        let component = contained.iter().find(|build| build.derivation == execution.derivation);
        Self {
            name: execution.name.clone(),
            point: execution.point.clone(),
            platform: format!("linux/{}", execution.arch),
            origin: component.map(|build| build.origin.clone()),
            derivation: execution.derivation,
            place: execution.place.clone(),
            sources: execution.sources.iter().map(source).collect(),
            tools: execution.tools.iter().map(|tool| tool.reference()).collect(),
        }
    }
}

/// The descriptor of `source` with its patches and nothing else.
fn plain(source: &SourceComponent) -> ResourceDescriptor {
    let mut descriptor = super::provenance::source(source);
    descriptor.annotations.retain(|key, _| key == super::annotation::PATCHES);
    descriptor
}
