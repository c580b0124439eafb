//! Sources and repositories: their settled fields as values of the evaluated recipe.

use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use super::fields::FieldSet;
use super::machine::{Eval, Machine, Scope, Stop};
use super::point::Point;
use super::take::Fields;
use super::value::{Kind, Value};
use crate::check::definitions::Node;
use crate::check::form::oci_reference;
use crate::check::schema;
use crate::modules::Site;
use crate::recipe::{Repository, RepositoryKey, Source, SourceFrom};
use crate::syntax::ast;

impl Machine<'_> {
    /// The source at one of its points.
    pub fn source(&mut self, node: Node, point: &Rc<Point>) -> Eval<Source> {
        let (file, item) = node;
        let program = self.program;
        let declaration = program.file(file).declaration(item).ok_or(Stop)?;
        let site = file.site(declaration.name.span);
        let set = self.item_fields(node, declaration, point);
        let name = self.item_name(file, &declaration.name.text);
        let mut fields = Fields::new(self, set, schema::SOURCE, &format!("source `{name}`"));
        let from = from(&mut fields, &name, site);
        let (license, purl, cpe) = (fields.text("license"), fields.text("purl"), fields.text("cpe"));
        let patches = fields.texts("patches");
        let failed = fields.failed;
        let patches = super::packages::located(&fields, patches);
        let from = from.filter(|_| !failed).ok_or(Stop)?;
        let place = self.program.place(site);
        let description = declaration.doc.clone();
        Ok(Source { name, point: point.labels(), from, license, purl, cpe, patches, description, place })
    }

    /// The settled fields of an item at a point.
    pub fn item_fields(&mut self, node: Node, declaration: &ast::Declaration, point: &Rc<Point>) -> FieldSet {
        let subject = format!("{} `{}`", declaration.kind.as_str(), declaration.name.text);
        self.block(&declaration.block, &Scope::new(node.0, point.clone(), subject))
    }

    /// The repository at one of its points, as a value written at `site`.
    pub fn repository(&mut self, node: Node, point: &Rc<Point>, site: Site) -> Eval<Value> {
        let (file, item) = node;
        let program = self.program;
        let declaration = program.file(file).declaration(item).ok_or(Stop)?;
        let set = self.item_fields(node, declaration, point);
        let name = self.item_name(file, &declaration.name.text);
        let item_site = file.site(declaration.name.span);
        let mut fields = Fields::new(self, set, schema::REPOSITORY, &format!("repository `{name}`"));
        for required in ["url", "suite", "key"] {
            if !fields.has(required) && !fields.failed {
                missing(&mut fields, &format!("repository `{name}`"), required, item_site);
            }
        }
        let (url, suite) = (fields.text("url"), fields.text("suite"));
        let (components, tag) = (fields.plain("components"), fields.text("tag"));
        let (key, sha256) = (fields.placed("key"), fields.placed("sha256"));
        if fields.failed {
            return Err(Stop);
        }
        let (key, suite) = (key.ok_or(Stop)?, suite.ok_or(Stop)?);
        let keys = vec![self.key_file(file, &key, sha256.as_ref())?];
        let repository = Repository { name, url, suite, components, keys, tag };
        Ok(Value { kind: Kind::Repository(Rc::new(repository)), site })
    }

    /// The key beside the recipe.
    fn key_file(
        &mut self,
        file: crate::modules::FileId,
        key: &(String, Site),
        sha256: Option<&(String, Site)>,
    ) -> Eval<RepositoryKey> {
        let (path, site) = key;
        let folder = self.program.file(file).name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let full = if folder.is_empty() { path.clone() } else { format!("{folder}/{path}") };
        let bytes = match self.files.read(&full) {
            Ok(bytes) => bytes,
            Err(error) => {
                let help = "the key's path is relative to the recipe's folder";
                return self.stop("hbuild::lang::key_unreadable", *site, error.to_string(), help);
            }
        };
        if let Some((wanted, site)) = sha256 {
            let found = hexadecimal(&Sha256::digest(&bytes));
            if found != *wanted {
                let message =
                    format!("the key `{path}` has the SHA-256 {found}, and the recipe says {wanted}");
                let help =
                    "find out who changed the key; only if the new one is right, write its digest here";
                return self.stop("hbuild::lang::key_digest", *site, message, help);
            }
        }
        let text = String::from_utf8(bytes).unwrap_or_default();
        if !text.trim_start().starts_with("-----BEGIN P") {
            let message = format!("`{path}` holds no ASCII-armoured certificate and no PEM key");
            let help = "export it with `gpg --armor --export`, or take the `.rsa.pub` file";
            return self.stop("hbuild::lang::key_unreadable", *site, message, help);
        }
        let name = path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name).to_owned();
        Ok(RepositoryKey { name, text: text.into() })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The fields that say where the bytes come from, each with those that go with it alone.
const ORIGINS: [(&str, &[&str]); 4] =
    [("url", &["sha256", "strip"]), ("path", &[]), ("git", &["commit", "submodules"]), ("oci", &[])];

fn from(fields: &mut Fields<'_, '_>, name: &str, site: Site) -> Option<SourceFrom> {
    let item = format!("source `{name}`");
    let mut given = ORIGINS.iter().filter(|(origin, _)| fields.has(origin));
    let (first, second) = (given.next(), given.next());
    let Some((origin, _)) = first else {
        if !fields.failed {
            let message = format!("{item} says nowhere where its bytes come from");
            let help =
                "write `url = …` with `sha256 = …`, `git = …` with `commit = …`, `path = …` or `oci = …`";
            fields.machine.error("hbuild::lang::missing_field", site, message).help(help);
            fields.failed = true;
        }
        return None;
    };
    if let Some((other, _)) = second {
        let message = format!("{item} has both `{origin}` and `{other}`");
        conflict(fields, other, site, message, "keep one of them");
        return None;
    }
    for (of, field) in ORIGINS.iter().flat_map(|(of, fields)| fields.iter().map(move |field| (of, field))) {
        if of != origin && fields.has(field) {
            let message = format!("`{field}` goes with `{of}`, not with `{origin}`");
            conflict(fields, field, site, message, "leave it out");
        }
    }
    match *origin {
        "path" => fields.text("path").map(|path| SourceFrom::Path { path }),
        "oci" => fields.text("oci").as_deref().and_then(oci_reference).map(|reference| SourceFrom::Oci {
            name: reference.name.to_owned(),
            tag: reference.tag.map(str::to_owned),
            digest: reference.digest.to_owned(),
        }),
        "git" => {
            if !fields.has("commit") {
                missing(fields, &item, "commit", site);
            }
            let (url, commit) = (fields.text("git"), fields.text("commit"));
            let submodules = fields.bool("submodules").unwrap_or(false);
            url.zip(commit).map(|(url, commit)| SourceFrom::Git { url, commit, submodules })
        }
        _ => {
            if !fields.has("sha256") {
                missing(fields, &item, "sha256", site);
            }
            let urls = fields.plain("url");
            let sha256 = fields.text("sha256");
            let strip = fields.int("strip").and_then(|strip| u32::try_from(strip).ok()).unwrap_or(1);
            sha256.filter(|_| !urls.is_empty()).map(|sha256| SourceFrom::Url { urls, sha256, strip })
        }
    }
}

/// Reports that a field of a source does not go with another.
fn conflict(fields: &mut Fields<'_, '_>, field: &str, site: Site, message: String, help: &str) {
    let at = fields.site(field, site);
    fields.machine.error("hbuild::lang::source_conflict", at, message).help(help);
    fields.failed = true;
}

/// Reports that a field is missing, unless it may be one of those with mistakes.
pub fn missing(fields: &mut Fields<'_, '_>, item: &str, field: &str, site: Site) {
    if fields.incomplete {
        return;
    }
    let message = format!("{item} has no `{field}`");
    fields.machine.error("hbuild::lang::missing_field", site, message).help(format!("write `{field} = …`"));
    fields.failed = true;
}
