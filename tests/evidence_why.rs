//! `why` over documents that the builders made: every kind of origin, and the chain checked again from verbatim
//! indexes, whole, partly at hand, and forged.

mod support;

use std::collections::BTreeMap;

use hbuild::digest::Sha256;
use hbuild::distro::cache::{IndexCache, MemoryCache};
use hbuild::evidence::EvidenceBuilder;
use hbuild::evidence::why::{
    Cause, Check, ImageEvidence, Recheck, RecheckFailure, RequestedBy, SignedIndex, VerbatimIndexes,
    Verified, WhyError, why,
};
use hbuild::exec::{BuildContext, Builder, MemoryContext};
use hbuild::graph::{Action, Algorithm, Compression, Derivation, Evidence, ReportKind, outputs};
use hbuild::lock::{
    BuildDefinition, Components, LockedPackage, RecipePlaces, Snapshot, SnapshotIndex, SourceComponent,
};
use hbuild::tree::{Entry, Origin, OriginMap, Tree, TreePath};
use hbuild_lang::recipe::{Arch, Distro, Family, Located, Place, Repository, RepositoryKey};
use support::archive::{Signer, gzip};

const INDEX: &str = "debian/bookworm@2026-01-10T10:12:52Z";
const KEY: &str = "4CB50190207B4758A3F73A796ED0E7B82643E131";
const PACKAGES_PATH: &str = "main/binary-amd64/Packages.xz";

fn path(text: &str) -> TreePath {
    TreePath::new(text.as_bytes()).unwrap()
}

fn place(line: u32) -> Place {
    Place { file: "hello.hb".into(), line, column: 3 }
}

fn package(name: &str) -> LockedPackage {
    LockedPackage {
        name: name.into(),
        version: "1:2.36-9".into(),
        arch: "amd64".into(),
        sha256: Some(Sha256::of(name.as_bytes())),
        checksum: None,
        size: 3,
        file: format!("pool/main/g/glibc/{name}_2.36-9_amd64.deb"),
        source: "glibc".into(),
        source_version: None,
        snapshot: INDEX.into(),
    }
}

fn packages_text() -> String {
    let paragraph = |package: LockedPackage| {
        format!(
            "Package: {}\nVersion: {}\nArchitecture: amd64\nFilename: {}\nSHA256: {}\n",
            package.name,
            package.version,
            package.file,
            package.sha256.unwrap()
        )
    };
    format!("{}\n{}", paragraph(package("libc6")), paragraph(package("libc-bin")))
}

fn in_release(packages: &str) -> String {
    let digest = Sha256::of(packages.as_bytes());
    format!("Origin: Debian\nSHA256:\n {digest} {} {PACKAGES_PATH}\nAcquire-By-Hash: yes\n", packages.len())
}

fn definition() -> BuildDefinition {
    let packages = packages_text();
    let index = SnapshotIndex {
        component: "main".into(),
        arch: "amd64".into(),
        path: PACKAGES_PATH.into(),
        sha256: Sha256::of(packages.as_bytes()),
        size: packages.len() as u64,
    };
    let in_release = in_release(&packages);
    BuildDefinition {
        components: Components {
            documents: "test".into(),
            image: "hello".into(),
            variant: "debian12".into(),
            version: None,
            license: None,
            description: None,
            created: "2026-01-10T10:12:52Z".into(),
            distro: Distro { family: Family::Debian, release: "12".into() },
            arch: Arch::Amd64,
            packages: vec![package("libc-bin"), package("libc6")],
            sources: vec![SourceComponent {
                name: "conf".into(),
                uri: "path:conf".into(),
                sha256: None,
                license: None,
                purl: None,
                layers: Vec::new(),
                cpe: None,
                patches: Vec::new(),
            }],
            builds: Vec::new(),
        },
        recipe: "hello.hb".into(),
        recipe_files: BTreeMap::from([("hello.hb".to_owned(), Sha256::of(b"recipe"))]),
        requested: vec![("libc6=1:2.36-9".to_owned(), place(7))],
        lock_digest: Sha256::of(b"lock"),
        point: BTreeMap::new(),
        snapshots: vec![Snapshot {
            id: INDEX.into(),
            repository: "debian".into(),
            url: None,
            suite: "bookworm".into(),
            codename: Some("bookworm".into()),
            date: "2026-01-10T10:12:52Z".into(),
            valid_until: None,
            in_release: Some(Sha256::of(in_release.as_bytes())),
            in_release_size: Some(in_release.len() as u64),
            signed_by: vec![KEY.into()],
            indexes: vec![index],
        }],
        compression: Compression { algorithm: Algorithm::Zstd, level: 3, library: "libzstd 1.5.7".into() },
        builder: "https://example.org/builder".into(),
        certificates: BTreeMap::new(),
        executions: Vec::new(),
        places: RecipePlaces {
            image: place(4),
            contents: vec![Located { value: "conf".into(), place: place(8) }],
            paths: BTreeMap::from([("/etc/motd".to_owned(), place(9)), ("/srv/**".to_owned(), place(10))]),
        },
    }
}

/// Runs the evidence builder over a small merge; returns the image's evidence.
fn evidence() -> ImageEvidence {
    let mut map = OriginMap::default();
    let mut entries = Vec::new();
    let mut add = |entry: Entry, origin: &str| {
        map.insert(entry.path.clone(), Origin(origin.into()));
        entries.push(entry);
    };
    let content = hbuild::digest::Digest::of(b"x");
    let file = |at: &str| Entry::file(path(at), content, 1, 0o644, 0);
    add(Entry::symlink(path("lib"), "usr/lib", 0), "recipe");
    add(Entry::directory(path("usr/lib"), 0), "deb:libc6=1:2.36-9:amd64");
    add(file("usr/lib/libc.so.6"), "deb:libc6=1:2.36-9:amd64");
    add(file("usr/bin/ldd"), "deb:libc-bin=1:2.36-9:amd64");
    add(file("etc/conf"), "source:conf");
    add(file("etc/ld.so.cache"), "effect:ld.so.cache");
    add(file("etc/motd"), "recipe");
    add(file("srv/a/b"), "recipe");
    let mut context = MemoryContext::default();
    let manifest = context.put(b"manifest").unwrap();
    let merged = BTreeMap::from([
        (outputs::TREE.to_owned(), context.put_tree(Tree::new(entries).unwrap()).unwrap()),
        (outputs::ORIGINS.to_owned(), context.put_origins(map).unwrap()),
        (outputs::DOCUMENT.to_owned(), context.put(b"{\"broken\":[]}").unwrap()),
    ]);
    context.inputs = vec![BTreeMap::from([(outputs::MANIFEST.to_owned(), manifest)]), merged];
    let made = |evidence: Evidence| {
        let action = Action::Evidence(Box::new(evidence));
        let derivation = Derivation { label: "evidence".into(), action, inputs: Vec::new() };
        let made = EvidenceBuilder.build(&derivation, &context).unwrap();
        context.bytes(made[outputs::DOCUMENT]).unwrap()
    };
    let definition = definition();
    let components = definition.components.clone();
    let report = made(Evidence::Report { report: ReportKind::Policy, components: components.clone() });
    assert!(String::from_utf8(report).unwrap().contains("\"predicate\":{\"broken\":[]}"));
    let origins = made(Evidence::Origins { components });
    let provenance = made(Evidence::Provenance(Box::new(definition)));
    ImageEvidence::read(Sha256::of(b"manifest"), &origins, &provenance).unwrap()
}

/// Verbatim files by digest; the "signature" holds unless `forged`.
#[derive(Default)]
struct Verbatim {
    files: Vec<String>,
    forged: bool,
}

impl Recheck for Verbatim {
    fn verbatim(&self, digest: Sha256) -> Option<Vec<u8>> {
        self.files.iter().map(String::as_bytes).find(|file| Sha256::of(file) == digest).map(<[u8]>::to_vec)
    }

    fn verify(&self, index: &SignedIndex, in_release: &[u8]) -> Result<Option<Verified>, RecheckFailure> {
        if self.forged {
            return Err("no key of the keyring made this signature".into());
        }
        let text = String::from_utf8(in_release.to_vec())?;
        Ok(Some(Verified { text, signed_by: index.signed_by.clone() }))
    }

    fn alpine(
        &self,
        _: &SignedIndex,
        _: &[u8],
    ) -> Result<Option<(hbuild::distro::alpine::index::Index, Vec<String>)>, RecheckFailure> {
        Ok(None)
    }

    fn decompress(&self, _path: &str, bytes: &[u8]) -> Result<Vec<u8>, RecheckFailure> {
        Ok(bytes.to_vec())
    }
}

#[test]
fn a_requested_package_leads_to_its_line() {
    let answer = why(&evidence(), "/lib/libc.so.6", None).unwrap();
    assert_eq!(answer.path, "/usr/lib/libc.so.6");
    assert_eq!(answer.links[0].target, "usr/lib");
    let Cause::Package(package) = &answer.cause else { panic!("{answer:?}") };
    assert_eq!(package.index.signed_by, [KEY]);
    assert_eq!(package.requested, RequestedBy::Recipe { request: "libc6=1:2.36-9".into(), place: place(7) });
    let text = answer.to_string();
    for part in ["/usr/lib/libc.so.6 in hello:debian12-amd64", "libc6 1:2.36-9 amd64", "hello.hb:7:3", KEY] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(text.contains("asserted by the lock, not rechecked"), "{text}");
    serde_json::to_string(&answer).unwrap();
}

#[test]
fn every_other_origin_has_its_answer() {
    let evidence = evidence();
    let cause = |path: &str| why(&evidence, path, None).unwrap().cause;
    let Cause::Package(package) = cause("/usr/bin/ldd") else { panic!() };
    assert_eq!(package.requested, RequestedBy::Dependency { recipe: "hello.hb".into() });
    let Cause::Source(source) = cause("/etc/conf") else { panic!() };
    assert_eq!((source.uri.as_deref(), source.place), (Some("path:conf"), place(8)));
    assert_eq!(cause("/etc/ld.so.cache"), Cause::Effect { name: "ld.so.cache".into() });
    assert_eq!(cause("/etc/motd"), Cause::Recipe { rule: Some("/etc/motd".into()), place: place(9) });
    assert_eq!(cause("/srv/a/b"), Cause::Recipe { rule: Some("/srv/**".into()), place: place(10) });
    assert_eq!(cause("/lib"), Cause::Recipe { rule: None, place: place(4) });
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let evidence = evidence();
    for (path, part) in [("/lib/none", "`/lib` is there"), ("etc", "absolute"), ("/x/y", "no folder")] {
        match why(&evidence, path, None) {
            Err(WhyError::UnknownPath { help, .. }) => assert!(help.contains(part), "{help}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn verbatim_indexes_are_checked_again() {
    let evidence = evidence();
    let check = |verbatim: &Verbatim| {
        why(&evidence, "/usr/lib/libc.so.6", Some(verbatim)).map(|answer| match answer.cause {
            Cause::Package(package) => package.check,
            other => panic!("{other:?}"),
        })
    };
    let packages = packages_text();
    let whole = Verbatim { files: vec![in_release(&packages), packages.clone()], forged: false };
    let expected = Check::Rechecked { signed_by: vec![KEY.into()], listed_in: PACKAGES_PATH.into() };
    assert_eq!(check(&whole).unwrap(), expected);
    let part = Verbatim { files: vec![in_release(&packages)], forged: false };
    assert_eq!(check(&part).unwrap(), Check::Asserted { missing: vec![PACKAGES_PATH.into()] });
    let none = Verbatim::default();
    assert_eq!(check(&none).unwrap(), Check::Asserted { missing: vec!["InRelease".into()] });
    let forged = Verbatim { forged: true, ..whole };
    assert!(matches!(check(&forged), Err(WhyError::Signature { .. })));
}

#[test]
fn an_index_that_does_not_vouch_is_an_error() {
    let mut evidence = evidence();
    let other = in_release("other");
    let dependencies = &mut evidence.provenance.predicate.build_definition.resolved_dependencies;
    dependencies[0].digest.insert("sha256".into(), Sha256::of(other.as_bytes()).to_string());
    let verbatim = Verbatim { files: vec![other], forged: false };
    let answer = why(&evidence, "/usr/lib/libc.so.6", Some(&verbatim));
    assert!(matches!(answer, Err(WhyError::NotVouched { .. })), "{answer:?}");
}

#[test]
fn documents_of_another_image_are_refused() {
    let evidence = evidence();
    let (origins, provenance) = (evidence.origins.to_json(), evidence.provenance.to_json());
    let read = |manifest, origins: &[u8], provenance: &[u8]| {
        ImageEvidence::read(manifest, origins, provenance).unwrap_err()
    };
    let error = read(Sha256::of(b"other"), &origins, &provenance);
    assert!(matches!(error, WhyError::OtherSubject { document: "origins", .. }));
    let error = read(evidence.manifest, &provenance, &origins);
    assert!(matches!(error, WhyError::OtherPredicate { document: "origins", .. }));
    let error = read(evidence.manifest, &origins[1..], &provenance);
    assert!(matches!(error, WhyError::DamagedStatement { .. }));
}

#[test]
fn real_signatures_are_verified_at_the_date_of_the_index() {
    let mut evidence = evidence();
    let signer = Signer::new("Archive <archive@example.org>");
    let packages = gzip(packages_text().as_bytes());
    let path = "main/binary-amd64/Packages.gz";
    let text = |date: &str| {
        let digest = Sha256::of(&packages);
        let length = packages.len();
        format!(
            "Suite: stable\nCodename: bookworm\nDate: {date}\nArchitectures: amd64\nComponents: main\nSHA256:\n {digest} {length} {path}\n"
        )
    };
    // The key is made now, so the index must not be older.
    let (date, stated) = ("Sat, 10 Jan 2099 10:12:52 UTC", "2099-01-10T10:12:52Z");
    let in_release = signer.sign(&text(date));
    let dependencies = &mut evidence.provenance.predicate.build_definition.resolved_dependencies;
    dependencies[0].digest.insert("sha256".into(), Sha256::of(in_release.as_bytes()).to_string());
    dependencies[0].annotations.insert("date".into(), stated.into());
    dependencies[1].name = Some(path.into());
    dependencies[1].digest.insert("sha256".into(), Sha256::of(&packages).to_string());
    let cache = MemoryCache::default();
    cache.keep_file(Sha256::of(in_release.as_bytes()), in_release.as_bytes()).unwrap();
    cache.keep_file(Sha256::of(&packages), &packages).unwrap();
    let repository = |suite: &str, signer: &Signer| Repository {
        name: "debian".into(),
        url: None,
        suite: suite.into(),
        components: vec!["main".into()],
        keys: vec![RepositoryKey { name: "test".into(), text: signer.certificate().into() }],
        tag: None,
    };
    let ask = |evidence: &ImageEvidence, repositories: &[Repository]| {
        let verbatim = VerbatimIndexes { cache: &cache, repositories };
        why(evidence, "/usr/lib/libc.so.6", Some(&verbatim)).map(|answer| match answer.cause {
            Cause::Package(package) => package.check,
            other => panic!("{other:?}"),
        })
    };
    let good = ask(&evidence, &[repository("bookworm", &signer)]).unwrap();
    assert!(matches!(good, Check::Rechecked { listed_in, .. } if listed_in == path));
    let unknown = ask(&evidence, &[repository("trixie", &signer)]).unwrap();
    assert_eq!(unknown, Check::Asserted { missing: vec!["the keys of debian".into()] });
    let other = ask(&evidence, &[repository("bookworm", &Signer::new("Other <other@example.org>"))]);
    assert!(matches!(other, Err(WhyError::Signature { .. })), "{other:?}");
    let dependencies = &mut evidence.provenance.predicate.build_definition.resolved_dependencies;
    dependencies[0].annotations.insert("date".into(), "2099-01-11T10:12:52Z".into());
    let dated = ask(&evidence, &[repository("bookworm", &signer)]);
    assert!(matches!(dated, Err(WhyError::Signature { .. })), "{dated:?}");
}
