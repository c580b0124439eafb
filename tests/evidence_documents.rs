//! The SBOMs and statements of an image made of this host's own Debian packages, held against the schemas and
//! against tools that others wrote: check-jsonschema, pyspdxtools, cyclonedx-py's validator, packageurl-python,
//! syft.

mod support;

use std::collections::BTreeMap;
use std::process::Command;

use hbuild::digest::Sha256;
use hbuild::evidence::sbom::{Inventory, Survey, cyclonedx, spdx};
use hbuild::evidence::{PackageFiles, media, origins, provenance, purl};
use hbuild::graph::{Algorithm, Compression};
use hbuild::lock::{BuildDefinition, Components, LockedPackage, RecipePlaces, SourceComponent};
use hbuild::tree::{ContentSink, Entry, MemoryContents, Origin, OriginMap, Tree, TreePath};
use hbuild_lang::recipe::{Arch, Distro, Family, Located, Place};
use serde_json::Value;
use support::oracles::{check_schema, folder, has, run, write};

/// Packages of the host that the image takes, at most.
const PACKAGES: usize = 120;

struct Image {
    components: Components,
    manifest: Sha256,
    tree: Tree,
    origins: OriginMap,
    contents: MemoryContents,
}

impl Image {
    fn inventory(&self) -> Inventory<'_> {
        let origin = |package: &LockedPackage| Origin(format!("deb:{}", package.reference()));
        let packages = self.components.packages.iter();
        let packages: Vec<_> = packages.map(|package| (package.name.clone(), origin(package))).collect();
        let survey = Survey::take(&packages, &self.origins, &self.tree, &self.contents).unwrap();
        Inventory::new(&self.components, self.manifest, survey, PackageFiles::default())
    }
}

fn path(text: &str) -> TreePath {
    TreePath::new(text.as_bytes()).unwrap()
}

/// The installed packages of this host as if the lock named them, with their copyright files.
fn host_image() -> Option<Image> {
    let Ok(status) = std::fs::read_to_string("/var/lib/dpkg/status") else {
        support::skip("this host has no dpkg status");
        return None;
    };
    let mut contents = MemoryContents::default();
    let mut entries = Vec::new();
    let mut map = OriginMap::default();
    let mut packages = Vec::new();
    for paragraph in status.split("\n\n") {
        let Some(package) = locked(paragraph) else { continue };
        let origin = Origin(format!("deb:{}", package.reference()));
        let copyright = format!("usr/share/doc/{}/copyright", package.name);
        if let Ok(bytes) = std::fs::read(format!("/{copyright}")) {
            let digest = contents.keep_bytes(&bytes).unwrap();
            entries.push(Entry::file(path(&copyright), digest, bytes.len() as u64, 0o644, 0));
            map.insert(path(&copyright), origin.clone());
        }
        packages.push(package);
        if packages.len() == PACKAGES {
            break;
        }
    }
    entries.push(Entry::symlink(path("bin"), "usr/bin", 0));
    map.insert(path("bin"), Origin::recipe());
    let source = |name: &str, uri: &str, purl: Option<&str>| SourceComponent {
        name: name.into(),
        uri: uri.into(),
        sha256: Some(Sha256::of(name.as_bytes())),
        license: Some("AGPL-3.0-only".into()),
        purl: purl.map(Into::into),
        layers: Vec::new(),
        cpe: Some("cpe:2.3:a:redis:redis:8.8.2:*:*:*:*:*:*:*".into()),
        patches: Vec::new(),
    };
    let components = Components {
        documents: "test".into(),
        image: "sample".into(),
        variant: "1-debian12".into(),
        version: Some("1".into()),
        license: Some("Apache-2.0 AND MIT".into()),
        description: Some("A sample \"with\" quotes\nand two lines.".into()),
        created: "2026-01-10T10:12:52Z".into(),
        distro: Distro { family: Family::Debian, release: "12".into() },
        arch: Arch::Amd64,
        packages,
        sources: vec![
            source("redis", "https://download.redis.io/redis-8.8.2.tar.gz", Some("pkg:generic/redis@8.8.2")),
            source("conf", "path:conf", None),
        ],
        builds: Vec::new(),
    };
    let tree = Tree::new(entries).unwrap();
    Some(Image { components, manifest: Sha256::of(b"manifest"), tree, origins: map, contents })
}

fn locked(paragraph: &str) -> Option<LockedPackage> {
    let field = |name: &str| {
        paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned)
    };
    let (name, version, arch) = (field("Package")?, field("Version")?, field("Architecture")?);
    let (source, source_version) = match field("Source") {
        None => (name.clone(), None),
        Some(source) => match source.split_once(" (") {
            Some((source, version)) => (source.to_owned(), Some(version.trim_end_matches(')').to_owned())),
            None => (source, None),
        },
    };
    Some(LockedPackage {
        sha256: Some(Sha256::of(name.as_bytes())),
        checksum: None,
        size: 1,
        file: format!("pool/main/{}/{source}/{name}_{arch}.deb", &source[..1]),
        snapshot: "debian/bookworm@2026-01-10T10:12:52Z".into(),
        name,
        version,
        arch,
        source,
        source_version,
    })
}

#[test]
fn spdx_is_valid() {
    let Some(image) = host_image() else { return };
    let document = spdx(&image.inventory());
    assert_eq!(document, spdx(&image.inventory()));
    let folder = folder();
    let file = write(&folder, "image.spdx.json", &document);
    check_schema("spdx-2.3/spdx-schema.json", &[&file]);
    if has("pyspdxtools") {
        run(Command::new("pyspdxtools").arg("-i").arg(&file));
    }
    let value: Value = serde_json::from_slice(&document).unwrap();
    let declared = value["packages"].as_array().unwrap().iter();
    let known = declared.filter(|package| package["licenseDeclared"] != "NOASSERTION").count();
    assert!(known > 3, "only {known} licences found");
}

#[test]
fn cyclonedx_is_valid() {
    let Some(image) = host_image() else { return };
    let document = cyclonedx(&image.inventory());
    assert_eq!(document, cyclonedx(&image.inventory()));
    let folder = folder();
    let file = write(&folder, "image.cdx.json", &document);
    check_schema("cyclonedx/bom-1.6.schema.json", &[&file]);
    if has("cyclonedx-validate") {
        run(Command::new("cyclonedx-validate").arg(&file));
    }
}

#[test]
fn syft_reads_every_package_from_either_bill() {
    let Some(image) = host_image() else { return };
    if !has("syft") {
        return;
    }
    let folder = folder();
    let inventory = image.inventory();
    for (name, document) in [("a.spdx.json", spdx(&inventory)), ("a.cdx.json", cyclonedx(&inventory))] {
        let file = write(&folder, name, &document);
        let text = run(Command::new("syft")
            .args(["convert".as_ref(), file.as_os_str()])
            .args(["-o", "syft-json"])
            .env("SYFT_CHECK_FOR_APP_UPDATE", "false"));
        let read: Value = serde_json::from_str(&text).unwrap();
        let mut found: Vec<&str> = read["artifacts"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|artifact| artifact["type"] == "deb")
            .map(|artifact| artifact["purl"].as_str().unwrap())
            .collect();
        found.sort_unstable();
        let mut expected: Vec<&str> = inventory.items.iter().map(|item| item.purl.as_str()).collect();
        expected.sort_unstable();
        let differing: Vec<_> =
            found.iter().zip(&expected).filter(|(found, expected)| found != expected).collect();
        assert!(found.len() == expected.len() && differing.is_empty(), "{name}: {differing:#?}");
    }
}

#[test]
fn purls_are_canonical() {
    let Some(image) = host_image() else { return };
    if !has("purl-canonical") {
        return;
    }
    let purls: Vec<String> = image
        .components
        .packages
        .iter()
        .flat_map(|package| {
            let distro = &image.components.distro;
            [purl::package(distro, package), purl::source_package(distro, package)]
        })
        .collect();
    let folder = folder();
    let file = write(&folder, "purls", purls.join("\n").as_bytes());
    let parsed = run(Command::new("purl-canonical").arg(&file));
    let differing: Vec<_> = parsed.lines().zip(&purls).filter(|(theirs, ours)| theirs != ours).collect();
    assert!(differing.is_empty() && parsed.lines().count() == purls.len(), "{differing:#?}");
}

#[test]
fn statements_are_deterministic_and_name_the_manifest() {
    let Some(image) = host_image() else { return };
    let place = |line| Place { file: "sample.hb".into(), line, column: 3 };
    let definition = BuildDefinition {
        components: image.components.clone(),
        recipe: "sample.hb".into(),
        recipe_files: BTreeMap::from([
            ("sample.hb".to_owned(), Sha256::of(b"recipe")),
            ("std/base".to_owned(), Sha256::of(b"std")),
        ]),
        requested: vec![("libc6".to_owned(), place(4))],
        lock_digest: Sha256::of(b"lock"),
        point: BTreeMap::from([("arch".to_owned(), "amd64".to_owned())]),
        snapshots: Vec::new(),
        compression: Compression { algorithm: Algorithm::Zstd, level: 3, library: "libzstd 1.5.7".into() },
        builder: "https://example.org/builder".into(),
        certificates: BTreeMap::new(),
        executions: Vec::new(),
        places: RecipePlaces {
            image: place(1),
            contents: vec![Located { value: "redis".into(), place: place(5) }],
            paths: BTreeMap::new(),
        },
    };
    let statement =
        provenance(&definition, (image.manifest, Sha256::of(b"report")), &PackageFiles::default());
    assert_eq!(
        statement.to_json(),
        provenance(&definition, (image.manifest, Sha256::of(b"report")), &PackageFiles::default()).to_json()
    );
    let value: Value = serde_json::from_slice(&statement.to_json()).unwrap();
    assert_eq!(value["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(value["predicateType"], media::PREDICATE_PROVENANCE);
    assert_eq!(value["subject"][0]["digest"]["sha256"], image.manifest.to_string());
    assert_eq!(value["predicate"]["runDetails"]["builder"]["id"], "https://example.org/builder");
    assert!(value["predicate"]["runDetails"]["metadata"].is_null());
    let listed = origins(&image.components, image.manifest, &image.origins, &image.tree);
    assert_eq!(listed.predicate.links[&path("bin")], "usr/bin");
    let folder = folder();
    let files = [
        write(&folder, "provenance.json", &statement.to_json()),
        write(&folder, "origins.json", &listed.to_json()),
    ];
    if has("in-toto-validate") {
        run(Command::new("in-toto-validate").args(files));
    }
}
