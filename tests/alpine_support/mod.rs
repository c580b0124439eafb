//! Alpine's packages of `../shared` for tests, and the real apk of its minirootfs, which runs in a folder of its own.

#![allow(dead_code, reason = "each test binary uses its own part of this module")]

pub mod made;
pub mod oracle;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hbuild::distro::alpine::index::Index;
use hbuild::exec::{BuildContext, Builder, MemoryContext, ObjectRef, UnpackBuilder};
use hbuild::graph::{Action, ApkEntry, ArchiveFormat, Derivation, Merge, MergeInput, Unpack, outputs};
use hbuild::image::merge::MergeBuilder;
use hbuild::tree::{Origin, Tree};
use hbuild_lang::recipe::{Arch, Family, Flavor, RepositoryKey};

pub const EPOCH: i64 = 315_532_800;

/// Every package of the mirror of 3.20, in the order of their names.
pub const ALL: [&str; 15] = [
    "alpine-baselayout",
    "alpine-baselayout-data",
    "alpine-keys",
    "alpine-release",
    "apk-tools",
    "busybox",
    "busybox-binsh",
    "ca-certificates-bundle",
    "libcrypto3",
    "libssl3",
    "musl",
    "musl-utils",
    "scanelf",
    "ssl_client",
    "zlib",
];

/// The folder of Alpine's packages; the error says why it cannot be had here.
pub fn shared() -> Result<PathBuf, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/alpine");
    if path.is_dir() { Ok(path) } else { Err("no ../shared/alpine beside the project".to_owned()) }
}

/// A package with what its index says of it.
#[derive(Debug, Clone)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub entry: ApkEntry,
    pub file: PathBuf,
}

impl Package {
    pub fn origin(&self) -> Origin {
        Origin(format!("apk:{}={}:x86_64", self.name, self.version))
    }

    pub fn input(&self) -> MergeInput {
        let (name, origin) = (self.name.clone(), self.origin());
        MergeInput::Package { name, origin, apk: Some(self.entry.clone()) }
    }
}

/// The packages `names` of a repository such as `v3.20/main/x86_64`, in the order of the names.
pub fn packages(repository: &str, names: &[&str]) -> Result<Vec<Package>, String> {
    let folder = shared()?.join(repository);
    let bytes = std::fs::read(folder.join("APKINDEX.tar.gz")).map_err(|error| error.to_string())?;
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(bytes.as_slice()));
    archive.set_ignore_zeros(true);
    let mut text = Vec::new();
    for entry in archive.entries().map_err(|error| error.to_string())? {
        let mut entry = entry.map_err(|error| error.to_string())?;
        if *entry.path_bytes() == *b"APKINDEX" {
            entry.read_to_end(&mut text).map_err(|error| error.to_string())?;
        }
    }
    let index = Index::parse(text).map_err(|error| error.to_string())?;
    let found = |name: &&str| {
        let package = index.packages().find(|package| package.name() == *name);
        let package = package.ok_or_else(|| format!("no package {name} in {repository}"))?;
        Ok(Package {
            name: (*name).to_owned(),
            version: package.version().to_owned(),
            entry: ApkEntry { checksum: package.checksum(), size: package.size(), tag: None },
            file: folder.join(format!("{name}-{}.apk", package.version())),
        })
    };
    names.iter().map(found).collect()
}

/// All keys of the folder.
pub fn keys() -> Vec<RepositoryKey> {
    let files = std::fs::read_dir(shared().unwrap().join("keys")).unwrap();
    let mut keys: Vec<RepositoryKey> = files
        .map(|file| {
            let file = file.unwrap();
            let text = std::fs::read_to_string(file.path()).unwrap();
            RepositoryKey { name: file.file_name().into_string().unwrap(), text: Arc::from(text) }
        })
        .collect();
    keys.sort_by(|a, b| a.name.cmp(&b.name));
    keys
}

/// The outputs of unpacking `package`, in `context`.
pub fn unpack(context: &mut MemoryContext, package: &Package) -> BTreeMap<String, ObjectRef> {
    let bytes = std::fs::read(&package.file).unwrap();
    let object = context.put(&bytes).unwrap();
    let inputs = vec![BTreeMap::from([(outputs::FILE.to_owned(), object)])];
    let before = std::mem::replace(&mut context.inputs, inputs);
    let format = ArchiveFormat::Apk { checksum: package.entry.checksum, keys: keys().into() };
    let derivation = Derivation {
        label: String::new(),
        action: Action::Unpack(Unpack { format, origin: package.origin() }),
        inputs: vec![],
    };
    let made = UnpackBuilder.build(&derivation, context).unwrap_or_else(|error| panic!("{error}"));
    context.inputs = before;
    made
}

/// A merge of `packages` as `std` would have it, all of them asked for.
pub fn parameters(packages: &[Package], flavor: Flavor) -> Merge {
    let effects = [
        ("alpine-baselayout", "no-effect"),
        ("alpine-baselayout-data", "accounts"),
        ("busybox", "applets"),
        ("ca-certificates", "ca-bundle"),
    ];
    let effects = effects.map(|(package, effect)| (package.to_owned(), vec![effect.to_owned()]));
    Merge {
        family: Family::Alpine,
        release: "3.20".to_owned(),
        arch: Arch::Amd64,
        flavor,
        epoch: EPOCH,
        inputs: packages.iter().map(Package::input).collect(),
        rules: BTreeMap::new(),
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        effects: BTreeMap::from(effects),
        os_release: BTreeMap::new(),
        layers: packages.iter().map(|package| vec![package.origin()]).collect(),
        world: packages.iter().map(|package| package.name.clone()).collect(),
        apk_repositories: vec![],
        apk_keys: BTreeMap::new(),
    }
}

/// A merged image.
pub struct Image {
    pub context: MemoryContext,
    pub made: BTreeMap<String, ObjectRef>,
    pub tree: Tree,
}

/// The image of `packages`.
pub fn merge(packages: &[Package], parameters: Merge) -> Image {
    merge_all(packages, &[], parameters).unwrap_or_else(|error| panic!("{error}"))
}

/// The image of packages made for a test, all of them asked for; else what the error says.
pub fn merge_made(packages: &[made::Made]) -> Result<Image, String> {
    merge_all(&[], packages, parameters(&[], Flavor::Dev))
}

/// The image of `packages` and of others made for the test.
pub fn merge_all(packages: &[Package], made: &[made::Made], mut parameters: Merge) -> Result<Image, String> {
    let mut context = MemoryContext::default();
    let mut inputs: Vec<_> = packages.iter().map(|package| unpack(&mut context, package)).collect();
    for package in made {
        let (input, outputs) = package.unpack(&mut context);
        parameters.inputs.push(input);
        parameters.world.push(package.name.to_owned());
        inputs.push(outputs);
    }
    parameters.world.sort();
    context.inputs = inputs;
    let derivation =
        Derivation { label: String::new(), action: Action::Merge(Box::new(parameters)), inputs: vec![] };
    let made = MergeBuilder.build(&derivation, &context).map_err(|error| format!("{error:?}"))?;
    let tree = context.decode_tree(made[outputs::TREE]).unwrap();
    Ok(Image { context, made, tree })
}
