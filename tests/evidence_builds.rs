//! What was built from source, in every document about an image and in the file inside it, held against schemas,
//! validators and scanners that others wrote: check-jsonschema, pyspdxtools, cyclonedx-py, in-toto, syft, trivy.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use hbuild::digest::{Digest, Sha256};
use hbuild::evidence::sbom::{Inventory, Survey, cyclonedx, spdx};
use hbuild::evidence::why::{Cause, ImageEvidence, why};
use hbuild::evidence::{PackageFiles, origins, provenance};
use hbuild::graph::{Algorithm, Compression, embedded};
use hbuild::lock::{
    BuildComponent, BuildDefinition, Components, ExecutionDefinition, LockedPackage, RecipePlaces,
    SourceComponent,
};
use hbuild::tree::{Entry, Origin, OriginMap, Tree, TreePath};
use hbuild_lang::recipe::{Arch, Distro, Family, PathRule, Place};
use serde_json::Value;
use support::oracles::{check_schema, folder, has, run, write};

const INDEX: &str = "debian/bookworm@2026-01-10T10:12:52Z";
const REDIS_PURL: &str = "pkg:generic/redis@8.0.2";
const REDIS_CPE: &str = "cpe:2.3:a:redis:redis:8.0.2:*:*:*:*:*:*:*";
const HIREDIS_COMMIT: &str = "60e5075d4ac77424809f855ba3e398df7aacefe8";

fn place(line: u32) -> Place {
    Place { file: "redis.hb".into(), line, column: 1 }
}

fn package(name: &str, source: &str) -> LockedPackage {
    LockedPackage {
        name: name.into(),
        version: "12.2.0-14".into(),
        arch: "amd64".into(),
        sha256: Some(Sha256::of(name.as_bytes())),
        checksum: None,
        size: 1,
        file: format!("pool/main/{}/{source}/{name}_12.2.0-14_amd64.deb", &source[..1]),
        source: source.into(),
        source_version: None,
        snapshot: INDEX.into(),
    }
}

fn redis() -> BuildComponent {
    let source = |name: &str, uri: &str| SourceComponent {
        name: name.into(),
        uri: uri.into(),
        sha256: Some(Sha256::of(name.as_bytes())),
        license: Some("AGPL-3.0-only".into()),
        purl: None,
        layers: Vec::new(),
        cpe: None,
        patches: Vec::new(),
    };
    let patched = SourceComponent {
        purl: Some(REDIS_PURL.into()),
        layers: Vec::new(),
        cpe: Some(REDIS_CPE.into()),
        patches: vec![
            ("patches/no build date.patch".into(), Sha256::of(b"first")),
            ("patches/second.patch".into(), Sha256::of(b"second")),
        ],
        ..source("redis-src", "https://download.redis.io/releases/redis-8.0.2.tar.gz")
    };
    let hiredis = source("hiredis", &format!("git+https://github.com/redis/hiredis.git@{HIREDIS_COMMIT}"));
    BuildComponent {
        name: "redis-server".into(),
        point: BTreeMap::from([("arch".into(), "amd64".into()), ("distro".into(), "debian12".into())]),
        derivation: Digest::of(b"derivation"),
        description: Some("Redis, an in-memory data store.".into()),
        version: Some("8.0.2".into()),
        license: Some("AGPL-3.0-only".into()),
        purl: Some(REDIS_PURL.into()),
        cpe: Some(REDIS_CPE.into()),
        sources: BTreeMap::from([(String::new(), patched), ("deps/hiredis".into(), hiredis)]),
        tools: vec![package("gcc-12", "gcc-12"), package("libc6", "glibc")],
        origin: Origin("build:redis-server".into()),
        place: place(12),
    }
}

/// A build of which the recipe says next to nothing.
fn conf() -> BuildComponent {
    let local = SourceComponent {
        name: "conf-src".into(),
        uri: "path:conf".into(),
        sha256: None,
        license: None,
        purl: None,
        layers: Vec::new(),
        cpe: None,
        patches: Vec::new(),
    };
    BuildComponent {
        name: "conf".into(),
        derivation: Digest::of(b"other"),
        description: None,
        version: None,
        license: Some("LicenseRef-ours".into()),
        purl: None,
        cpe: None,
        sources: BTreeMap::from([(String::new(), local)]),
        tools: vec![package("gcc-12", "gcc-12"), package("mawk", "mawk")],
        origin: Origin("build:conf".into()),
        place: place(30),
        ..redis()
    }
}

fn components() -> Components {
    Components {
        documents: "test".into(),
        image: "redis".into(),
        variant: "8.0.2-debian12".into(),
        version: Some("8.0.2".into()),
        license: None,
        description: None,
        created: "2026-01-10T10:12:52Z".into(),
        distro: Distro { family: Family::Debian, release: "12".into() },
        arch: Arch::Amd64,
        packages: vec![package("libc6", "glibc")],
        sources: Vec::new(),
        builds: vec![conf(), redis()],
    }
}

fn manifest() -> Sha256 {
    Sha256::of(b"manifest")
}

fn bill(make: impl Fn(&Inventory<'_>) -> Vec<u8>) -> Vec<u8> {
    let components = components();
    let inventory = || Inventory::new(&components, manifest(), Survey::default(), PackageFiles::default());
    assert_eq!(make(&inventory()), make(&inventory()));
    make(&inventory())
}

fn parsed(document: &[u8]) -> Value {
    serde_json::from_slice(document).unwrap()
}

fn items<'a>(document: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    document[field].as_array().unwrap().iter()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

#[test]
fn spdx_tells_what_each_build_was_made_from_and_with() {
    let document = bill(spdx);
    let folder = folder();
    let file = write(&folder, "image.spdx.json", &document);
    check_schema("spdx-2.3/spdx-schema.json", &[&file]);
    if has("pyspdxtools") {
        run(Command::new("pyspdxtools").arg("-i").arg(&file));
    }
    let document = parsed(&document);
    let names: BTreeMap<&str, &str> =
        items(&document, "packages").map(|one| (text(one, "SPDXID"), text(one, "name"))).collect();
    let relations: BTreeSet<(&str, &str, &str)> = items(&document, "relationships")
        .filter_map(|one| {
            let name = |field| names.get(text(one, field)).copied();
            Some((name("spdxElementId")?, text(one, "relationshipType"), name("relatedSpdxElement")?))
        })
        .collect();
    let expected = [
        ("conf", "GENERATED_FROM", "conf-src"),
        ("gcc-12", "BUILD_TOOL_OF", "conf"),
        ("gcc-12", "BUILD_TOOL_OF", "redis"),
        ("libc6", "BUILD_TOOL_OF", "redis"),
        ("libc6", "GENERATED_FROM", "glibc"),
        ("mawk", "BUILD_TOOL_OF", "conf"),
        ("patches/no build date.patch", "PATCH_APPLIED", "redis-src"),
        ("patches/second.patch", "PATCH_APPLIED", "redis-src"),
        ("redis", "CONTAINS", "conf"),
        ("redis", "CONTAINS", "debian"),
        ("redis", "CONTAINS", "libc6"),
        ("redis", "CONTAINS", "redis"),
        ("redis", "GENERATED_FROM", "hiredis"),
        ("redis", "GENERATED_FROM", "redis-src"),
    ];
    assert_eq!(relations, BTreeSet::from(expected));
    assert_eq!(relations.len() + 1, items(&document, "relationships").count(), "each once, and DESCRIBES");
    let with_purl: BTreeSet<&str> = items(&document, "packages")
        .filter(|one| one["externalRefs"].to_string().contains("pkg:"))
        .map(|one| text(one, "name"))
        .collect();
    assert_eq!(with_purl, BTreeSet::from(["libc6", "redis"]), "only what is in the image");
    let named = |id: &str| items(&document, "packages").find(|one| text(one, "SPDXID").starts_with(id));
    let redis = named("SPDXRef-Build-redis-server").unwrap();
    assert_eq!((text(redis, "versionInfo"), text(redis, "licenseDeclared")), ("8.0.2", "AGPL-3.0-only"));
    assert_eq!(text(&redis["externalRefs"][0], "referenceLocator"), REDIS_PURL);
    assert_eq!(text(&redis["externalRefs"][1], "referenceLocator"), REDIS_CPE);
    let archive = named("SPDXRef-BuildSource-redis-src").unwrap();
    assert!(text(archive, "downloadLocation").ends_with("redis-8.0.2.tar.gz"));
    let checksum = Sha256::of(b"redis-src").to_string();
    assert_eq!(text(&archive["checksums"][0], "checksumValue"), checksum);
}

#[test]
fn cyclonedx_has_pedigree_and_no_tool() {
    let document = bill(cyclonedx);
    let folder = folder();
    let file = write(&folder, "image.cdx.json", &document);
    check_schema("cyclonedx/bom-1.6.schema.json", &[&file]);
    if has("cyclonedx-validate") {
        run(Command::new("cyclonedx-validate").arg(&file));
    }
    let whole = String::from_utf8(document.clone()).unwrap();
    assert!(!whole.contains("gcc-12") && !whole.contains("mawk"), "tools are not in the image");
    let document = parsed(&document);
    let redis = items(&document, "components").find(|one| one["purl"] == REDIS_PURL).unwrap();
    assert_eq!((text(redis, "name"), text(redis, "version")), ("redis", "8.0.2"));
    assert_eq!((text(redis, "cpe"), text(&redis["licenses"][0], "expression")), (REDIS_CPE, "AGPL-3.0-only"));
    let patches: Vec<_> = items(&redis["pedigree"], "patches").map(|one| text(&one["diff"], "url")).collect();
    assert_eq!(patches, ["recipe:patches/no%20build%20date.patch", "recipe:patches/second.patch"]);
    let sources: Vec<_> = items(&redis["pedigree"], "ancestors")
        .map(|one| (text(one, "name"), text(&one["externalReferences"][0], "type")))
        .collect();
    assert_eq!(sources, [("redis-src", "source-distribution"), ("hiredis", "vcs")]);
    let depends = &document["dependencies"][0]["dependsOn"];
    let reference = "build:redis-server?arch=amd64&distro=debian12";
    assert!(depends.as_array().unwrap().contains(&Value::from(reference)), "{depends}");
}

/// An image's folder with `/etc/os-release` and the SPDX files of `builds`.
fn root(builds: &[BuildComponent]) -> tempfile::TempDir {
    let root = folder();
    std::fs::create_dir_all(root.path().join("usr/share/sbom")).unwrap();
    std::fs::create_dir_all(root.path().join("etc")).unwrap();
    write(&root, "etc/os-release", b"ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n");
    for (path, rule) in embedded(builds) {
        let PathRule::File { text, .. } = rule else { panic!("{rule:?}") };
        write(&root, path.trim_start_matches('/'), text.as_bytes());
    }
    root
}

#[test]
fn the_file_in_the_image_is_valid_and_says_nothing_that_changes() {
    let (once, again) = (embedded(&[conf(), redis()]), embedded(&[redis(), conf()]));
    assert_eq!(once, again);
    let paths: Vec<_> = once.keys().map(String::as_str).collect();
    assert_eq!(paths, ["/usr/share/sbom/conf.spdx.json", "/usr/share/sbom/redis-server.spdx.json"]);
    let other = BuildComponent { derivation: Digest::of(b"x"), tools: Vec::new(), ..redis() };
    assert_eq!(embedded(&[other]), embedded(&[redis()]), "only what it describes changes it");
    let root = root(&[conf(), redis()]);
    for path in paths {
        let file = root.path().join(path.trim_start_matches('/'));
        check_schema("spdx-2.3/spdx-schema.json", &[&file]);
        if has("pyspdxtools") {
            run(Command::new("pyspdxtools").arg("-i").arg(&file));
        }
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(env!("CARGO_PKG_VERSION")) && !text.contains("2026"), "{text}");
    }
}

#[test]
fn builds_of_one_name_share_a_file() {
    let point = BTreeMap::from([("release".to_owned(), "7.4".to_owned())]);
    let old = BuildComponent { point, version: Some("7.4.11".into()), purl: None, cpe: None, ..redis() };
    let files = embedded(&[redis(), old]);
    let PathRule::File { text: document, .. } = &files["/usr/share/sbom/redis-server.spdx.json"] else {
        panic!("{files:?}")
    };
    let document = parsed(document.as_bytes());
    let versions: Vec<_> = items(&document, "packages").map(|one| text(one, "versionInfo")).collect();
    assert_eq!(versions, ["8.0.2", "7.4.11"]);
}

#[test]
fn syft_lists_the_build_by_its_purl() {
    if !has("syft") {
        return;
    }
    let root = root(&[redis()]);
    // syft reads no SPDX file inside an image unless told to.
    let text = run(Command::new("syft")
        .args(["scan", "--quiet", &format!("dir:{}", root.path().display()), "-o", "syft-json"])
        .args(["--select-catalogers", "+sbom-cataloger"])
        .env("SYFT_CHECK_FOR_APP_UPDATE", "false"));
    let report = parsed(text.as_bytes());
    let found: Vec<_> = items(&report, "artifacts").collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let found = found[0];
    assert_eq!(found["purl"], REDIS_PURL);
    assert_eq!((&found["name"], &found["version"]), (&"redis".into(), &"8.0.2".into()));
    assert_eq!(found["cpes"][0]["cpe"], REDIS_CPE);
    assert_eq!(found["licenses"][0]["value"], "AGPL-3.0-only");
}

/// The purls that trivy reports of the image in `root`.
fn trivy(root: &Path) -> BTreeSet<String> {
    let cache = folder();
    let text = run(Command::new("trivy")
        .args(["rootfs", "--quiet", "--offline-scan", "--skip-db-update", "--format", "cyclonedx"])
        .arg("--cache-dir")
        .arg(cache.path())
        .arg(root));
    let report = parsed(text.as_bytes());
    items(&report, "components").filter_map(|one| one["purl"].as_str().map(str::to_owned)).collect()
}

#[test]
fn trivy_lists_the_build_by_its_purl() {
    if !has("trivy") {
        return;
    }
    // Whether trivy lists a package URL goes by its type: it leaves out those that it has no advisories for.
    let listed = |purl: &str| {
        let build = BuildComponent { purl: Some(purl.into()), ..redis() };
        trivy(root(&[build, conf()]).path())
    };
    for purl in ["pkg:bitnami/redis@8.0.2", "pkg:conan/redis@8.0.2"] {
        assert_eq!(listed(purl), BTreeSet::from([purl.to_owned()]));
    }
    assert!(listed(REDIS_PURL).is_subset(&BTreeSet::from([REDIS_PURL.to_owned()])));
}

fn definition() -> BuildDefinition {
    BuildDefinition {
        components: components(),
        recipe: "redis.hb".into(),
        recipe_files: BTreeMap::from([("redis.hb".to_owned(), Sha256::of(b"recipe"))]),
        requested: Vec::new(),
        lock_digest: Sha256::of(b"lock"),
        point: BTreeMap::new(),
        snapshots: Vec::new(),
        compression: Compression { algorithm: Algorithm::Zstd, level: 3, library: "libzstd 1.5.7".into() },
        builder: "https://example.org/builder".into(),
        places: RecipePlaces { image: place(40), contents: Vec::new(), paths: BTreeMap::new() },
        certificates: BTreeMap::new(),
        executions: vec![execution(conf()), execution(zlib()), execution(redis())],
    }
}

fn execution(build: BuildComponent) -> ExecutionDefinition {
    let BuildComponent { name, point, derivation, sources, tools, place, .. } = build;
    let distro = Distro { family: Family::Debian, release: "13".into() };
    ExecutionDefinition { name, point, derivation, distro, arch: Arch::Amd64, place, sources, tools }
}

/// A build that only the root of another holds.
fn zlib() -> BuildComponent {
    let mut build = redis();
    build.name = "zlib".into();
    build.derivation = Digest::of(b"zlib");
    build.sources.remove("deps/hiredis");
    let source = build.sources.get_mut("").unwrap();
    source.name = "zlib-src".into();
    source.uri = "https://zlib.net/zlib-1.3.1.tar.xz".into();
    source.patches.clear();
    build
}

#[test]
fn provenance_names_the_sandbox_and_every_input_of_each_build() {
    let made =
        || provenance(&definition(), (manifest(), Sha256::of(b"report")), &PackageFiles::default()).to_json();
    let document = made();
    assert_eq!(document, made());
    let folder = folder();
    if has("in-toto-validate") {
        run(Command::new("in-toto-validate").arg(write(&folder, "provenance.json", &document)));
    }
    let statement = parsed(&document);
    let definition = &statement["predicate"]["buildDefinition"];
    let dependency = |kind: &str, name: &str| {
        let mut all = items(definition, "resolvedDependencies");
        let found = all.find(|one| one["annotations"]["kind"] == kind && one["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}")).clone()
    };
    let source = dependency("source", "redis-src");
    assert_eq!(source["uri"], "https://download.redis.io/releases/redis-8.0.2.tar.gz");
    assert_eq!(source["digest"]["sha256"], Sha256::of(b"redis-src").to_string());
    assert_eq!(source["annotations"]["patches"][1]["path"], "patches/second.patch");
    let git = dependency("source", "hiredis");
    assert_eq!(git["digest"]["gitCommit"], HIREDIS_COMMIT);
    assert_eq!(git["digest"]["sha256"], Sha256::of(b"hiredis").to_string());
    let patch = dependency("patch", "patches/second.patch");
    assert_eq!(patch["digest"]["sha256"], Sha256::of(b"second").to_string());
    let tool = dependency("package", "gcc-12=12.2.0-14:amd64");
    assert_eq!(tool["uri"], "pkg:deb/debian/gcc-12@12.2.0-14?arch=amd64&distro=debian-13");
    assert_eq!(tool["digest"]["sha256"], Sha256::of(b"gcc-12").to_string());
    assert_eq!(tool["annotations"]["for"], "build");
    assert!(
        dependency("package", "libc6=12.2.0-14:amd64")["annotations"]["for"].is_null(),
        "it is in the image"
    );
    let names: Vec<String> = items(definition, "resolvedDependencies")
        .map(|one| format!("{} {}", one["name"], one["digest"]))
        .collect();
    assert_eq!(names.len(), BTreeSet::from_iter(&names).len(), "each once: {names:#?}");
    let internal = &definition["internalParameters"];
    assert_eq!(internal["sandbox"]["namespaces"].as_array().unwrap().len(), 7);
    assert_eq!(internal["sandbox"]["writable"], serde_json::json!(["/build", "/out", "/tmp"]));
    let build = items(internal, "builds").find(|one| one["name"] == "redis-server").unwrap();
    assert_eq!(build["derivation"], Digest::of(b"derivation").to_string());
    assert_eq!(build["tools"], serde_json::json!(["gcc-12=12.2.0-14:amd64", "libc6=12.2.0-14:amd64"]));
    assert_eq!(build["sources"]["deps/hiredis"]["name"], "hiredis");
    assert_eq!(build["origin"], "build:redis-server");
    assert_eq!(build["platform"], "linux/amd64");
    let zlib = items(internal, "builds").find(|one| one["name"] == "zlib").unwrap();
    assert!(zlib["origin"].is_null(), "it is not in the image");
    dependency("source", "zlib-src");
    let without = BuildDefinition {
        executions: Vec::new(),
        components: Components { builds: Vec::new(), ..components() },
        ..self::definition()
    };
    let without =
        provenance(&without, (manifest(), Sha256::of(b"report")), &PackageFiles::default()).to_json();
    assert!(!String::from_utf8(without).unwrap().contains("sandbox"), "nothing is executed for packages");
}

#[test]
fn why_leads_from_a_file_to_the_build_and_its_sources() {
    let path = |text: &str| TreePath::new(text.as_bytes()).unwrap();
    let content = Digest::of(b"x");
    let (mut map, mut entries) = (OriginMap::default(), Vec::new());
    for (at, origin) in [
        ("etc/redis.conf", "build:conf"),
        ("usr/local/bin/redis-server", "build:redis-server"),
        ("usr/share/sbom/redis-server.spdx.json", "recipe"),
        ("usr/share/sbom/other.spdx.json", "recipe"),
    ] {
        entries.push(Entry::file(path(at), content, 1, 0o644, 0));
        map.insert(path(at), Origin(origin.into()));
    }
    let statement = origins(&components(), manifest(), &map, &Tree::new(entries).unwrap());
    let groups: BTreeMap<&str, Option<&str>> =
        statement.predicate.origins.iter().map(|group| (&*group.origin.0, group.uri.as_deref())).collect();
    assert_eq!(groups["build:redis-server"], Some(REDIS_PURL));
    assert_eq!(groups["build:conf"], None);
    let provenance =
        provenance(&definition(), (manifest(), Sha256::of(b"report")), &PackageFiles::default()).to_json();
    let evidence = ImageEvidence::read(manifest(), &statement.to_json(), &provenance).unwrap();
    let answer = why(&evidence, "/usr/local/bin/redis-server", None).unwrap();
    let Cause::Build(build) = &answer.cause else { panic!("{answer:?}") };
    assert_eq!((build.name.as_str(), build.tools, &build.place), ("redis-server", 2, &place(12)));
    assert_eq!(build.sources[0].patches[0].sha256, Sha256::of(b"first"));
    let said = answer.to_string();
    for part in [
        format!("  derivation {}", Digest::of(b"derivation")),
        "  from       https://download.redis.io/releases/redis-8.0.2.tar.gz".into(),
        format!("  sha256     {}", Sha256::of(b"redis-src")),
        format!("  patch      patches/second.patch, sha256 {}", Sha256::of(b"second")),
        format!("  from       git+https://github.com/redis/hiredis.git@{HIREDIS_COMMIT}"),
        "  root       2 packages".into(),
        "  recipe     build at redis.hb:12:1".into(),
    ] {
        assert!(said.contains(&part), "{part}\n{said}");
    }
    assert_eq!(serde_json::to_value(&answer).unwrap()["cause"]["kind"], "build");
    let cause = |path: &str| why(&evidence, path, None).unwrap().cause;
    assert!(
        matches!(cause("/usr/share/sbom/redis-server.spdx.json"), Cause::Sbom(build) if build.name == "redis-server")
    );
    assert!(matches!(cause("/usr/share/sbom/other.spdx.json"), Cause::Recipe { rule: None, .. }));
}
