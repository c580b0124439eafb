//! The sources of a recipe: downloads, commits, files beside it and images, each once by its name.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::Form;
use hbuild_lang::recipe::Flavor;

use super::block::{Block, Given};
use super::code;
use super::definition::{Artifact, File};
use super::grid::{Axis, Set};
use super::levels::{Levels, Occurrence};
use super::reader::Str;
use super::recipe::{Draft, mentions};

/// A digest that no file has: a build with it fails, and says which one it found.
const UNKNOWN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Fields of a source, in the order they are written.
pub type Fields = Vec<(&'static str, String)>;

/// The sources by name.
#[derive(Default)]
pub struct Sources {
    items: BTreeMap<String, BTreeMap<usize, Fields>>,
    order: Vec<String>,
}

/// What a download is.
pub struct Origin {
    /// The fields that say where it is from.
    pub fields: Fields,
    /// What it may be called.
    pub name: String,
    /// The file's name; `None` for a repository.
    pub file: Option<String>,
}

impl Origin {
    /// Whether it is a folder when unpacked.
    pub fn is_tree(&self) -> bool {
        self.file.as_ref().is_none_or(|file| stem(file).is_some())
    }
}

/// The name of an archive without its endings; `None` where it is no archive.
pub fn stem(file: &str) -> Option<&str> {
    const ENDINGS: [&str; 9] =
        [".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tgz", ".txz", ".tbz2", ".tbz", ".tar"];
    ENDINGS.iter().find_map(|ending| file.strip_suffix(ending)).filter(|stem| !stem.is_empty())
}

impl Sources {
    /// The name under which the fields stand at a variant: the wanted one, or one like it.
    pub fn add(&mut self, variant: usize, wanted: &str, fields: Fields) -> String {
        let fits = |name: &String| {
            self.items.get(name).and_then(|item| item.get(&variant)).is_none_or(|known| *known == fields)
        };
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let name = std::iter::once(wanted.to_owned()).chain(numbered).find(fits).unwrap_or_default();
        if !self.items.contains_key(&name) {
            self.order.push(name.clone());
        }
        self.items.entry(name.clone()).or_default().insert(variant, fields);
        name
    }

    /// The items as comments and code, with the axes that each varies over.
    pub fn items(
        &self,
        draft: &Draft<'_>,
        levels: &Levels<'_>,
    ) -> Vec<(String, String, BTreeSet<&'static str>)> {
        let item = |name: &String| {
            let occurrences = &self.items[name];
            let variants: Set = occurrences.keys().copied().collect();
            let mut block = Block::new(levels, variants.clone());
            const ORDER: [&str; 10] =
                ["git", "commit", "url", "sha256", "strip", "path", "oci", "patches", "license", "purl"];
            for field in ORDER {
                let value = |(variant, fields): (&usize, &Fields)| -> Option<Occurrence> {
                    let (_, code) = fields.iter().find(|(known, _)| *known == field)?;
                    Some((*variant, code.clone()))
                };
                let values: Vec<Occurrence> = occurrences.iter().filter_map(value).collect();
                let hint = if field == "sha256" || field == "commit" {
                    hint(name, field, self.order.len())
                } else {
                    format!("{name}-{field}")
                };
                block.scalar(field, &values, &|_| Given::default(), &hint);
            }
            let body = block.text();
            let axes = axes_of(draft, levels, &body);
            let header = header(draft, &axes, &variants);
            let comments = draft.comments(&format!("source {name}"));
            (comments, format!("source {name} {{\n{header}{body}}}\n"), axes)
        };
        self.order.iter().map(item).collect()
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.order.iter()
    }
}

fn hint(name: &str, field: &str, count: usize) -> String {
    if count == 1 { field.to_owned() } else { format!("{}-{field}", name.trim_end_matches("-src")) }
}

/// The axes that a body of code depends on.
pub fn axes_of(draft: &Draft<'_>, levels: &Levels<'_>, body: &str) -> BTreeSet<&'static str> {
    let names = super::recipe::names_of(draft, levels);
    let mut mentioned = mentions(&code::finish(body, draft.lets, &names));
    for variable in &levels.variables {
        if mentioned.contains(&variable.name) {
            let values = variable.values.iter().map(|(at, value)| (*at, code::string(value))).collect();
            mentioned.extend(mentions(&draft.grid.value(&values, "\"\"", &variable.name)));
        }
    }
    let over_arch = (0..0x200).map_while(|index| draft.lets.get(char::from_u32(0xe100 + index)?));
    if over_arch.into_iter().any(|(name, _)| mentioned.contains(&name)) {
        mentioned.insert("arch".to_owned());
    }
    let all = ["release", "distro", "profile", "flavor", "arch"];
    all.into_iter().filter(|axis| mentioned.contains(*axis)).collect()
}

/// The `for` of an item over the axes, narrowed to the variants it has.
pub fn header(draft: &Draft<'_>, axes: &BTreeSet<&'static str>, variants: &Set) -> String {
    let grid = draft.grid;
    let narrowed = |axis: &'static str| {
        let (place, label): (Axis, &dyn Fn(usize) -> String) = match axis {
            "release" => (Axis::Release, &|at| code::string(&grid.rows[at].label)),
            "distro" => (Axis::Distro, &|at| grid.distro(at)),
            "profile" => (Axis::Profile, &|at| code::string(&grid.profiles[at])),
            "flavor" => {
                (Axis::Flavor, &|at| if at == Flavor::Dev as usize { "dev".into() } else { "runtime".into() })
            }
            _ => return axis.to_owned(),
        };
        let own: BTreeSet<usize> = variants.iter().map(|variant| grid.at(*variant, place)).collect();
        let all: BTreeSet<usize> = grid.all().iter().map(|variant| grid.at(*variant, place)).collect();
        if own == all {
            return axis.to_owned();
        }
        format!("{axis} in {}", code::list(&own.into_iter().map(label).collect::<Vec<_>>()))
    };
    let order = ["release", "distro", "profile", "flavor", "arch"];
    let list: Vec<String> = order.into_iter().filter(|axis| axes.contains(axis)).map(narrowed).collect();
    if list.is_empty() { String::new() } else { format!("  for {}\n", list.join(", ")) }
}

/// Where a download is from; `None` where it cannot be a source, which is said.
pub fn origin(draft: &Draft<'_>, variant: usize, file: &File) -> Option<Origin> {
    let symbols = &draft.symbols[variant];
    let Some(text) = file.url.as_ref() else {
        draft.all_left_out(variant, file.texts(), "nothing says where it is from");
        return None;
    };
    let url = symbols.resolve(&text.value);
    let mut origin = match url.strip_prefix("git+") {
        Some(git) => git_origin(draft, variant, file, text, git)?,
        None => url_origin(draft, variant, file, text, url)?,
    };
    if let Some(name) = &file.name {
        origin.name = code::name(&name.value);
    }
    for (field, value, form) in [("license", &file.license, Form::License), ("purl", &file.purl, Form::Purl)]
    {
        let Some(text) = value else { continue };
        let value = symbols.resolve(&text.value);
        match form.problem(&draft.sample(&value)) {
            None => origin.fields.push((field, code::string(&value))),
            Some(problem) => draft.left_out(variant, text, &problem.message),
        }
    }
    Some(origin)
}

fn git_origin(draft: &Draft<'_>, variant: usize, file: &File, text: &Str, git: &str) -> Option<Origin> {
    let (url, reference) = git.split_once('#').unwrap_or((git, ""));
    if let Some(problem) = Form::GitUrl.problem(&draft.sample(url)) {
        draft.all_left_out(variant, file.texts(), &problem.message);
        return None;
    }
    let (reference, folder) = reference.split_once(':').unwrap_or((reference, ""));
    if !folder.is_empty() {
        draft.to_do(variant, text, "the whole repository is the source, not one folder of it");
    }
    let given = file.checksum.as_ref().map(|text| draft.symbols[variant].resolve(&text.value));
    let candidates = [given.as_deref().unwrap_or(""), reference];
    let commit = candidates.into_iter().find(|commit| Form::Commit.problem(&draft.sample(commit)).is_none());
    if commit.is_none() {
        let place = file.checksum.as_ref().unwrap_or(text);
        draft.to_do(variant, place, "write the whole commit: the one in the recipe is made up of zeros");
    }
    let fields = vec![("git", code::string(url)), ("commit", code::string(commit.unwrap_or(&UNKNOWN[..40])))];
    let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or("source").trim_end_matches(".git");
    Some(Origin { fields, name: code::name(name), file: None })
}

fn url_origin(draft: &Draft<'_>, variant: usize, file: &File, text: &Str, url: String) -> Option<Origin> {
    if let Some(problem) = Form::Url.problem(&draft.sample(&url)) {
        draft.all_left_out(variant, file.texts(), &problem.message);
        return None;
    }
    let digest = file.checksum.as_ref().map(|text| draft.symbols[variant].resolve(&text.value));
    let digest = digest.as_deref().and_then(|text| sha256(draft, text));
    if digest.is_none() {
        let place = file.checksum.as_ref().unwrap_or(text);
        draft.to_do(variant, place, "write the file's SHA-256: the one in the recipe is made up of zeros");
    }
    let fields =
        vec![("url", code::string(&url)), ("sha256", code::string(digest.as_deref().unwrap_or(UNKNOWN)))];
    let path = url.split(['?', '#']).next().unwrap_or(&url);
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or("file").to_owned();
    let plain = stem(&name).unwrap_or(&name);
    let words = plain.split('-').take_while(|word| !word.starts_with(|first: char| first.is_ascii_digit()));
    let short = words.collect::<Vec<_>>().join("-");
    let short = if short.is_empty() { plain.to_owned() } else { short };
    let short: String = short.chars().filter(|letter| !code::is_sign(*letter)).collect();
    Some(Origin { fields, name: code::name(&short), file: Some(name) })
}

/// The digest without `sha256:`, on each architecture.
fn sha256(draft: &Draft<'_>, text: &str) -> Option<String> {
    let plain = |text: &str| {
        let digest = text.strip_prefix("sha256:").unwrap_or(text).to_owned();
        Form::Sha256.problem(&digest).is_none().then_some(digest)
    };
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(sign), None) => {
            let (name, [one, two]) = draft.lets.get(sign)?;
            draft.lets.pair(&name, [plain(&one)?, plain(&two)?])
        }
        _ => plain(text),
    }
}

/// The source of an image of a registry, as code with what is taken of it; `None` where it has no digest.
pub fn artifact(
    draft: &Draft<'_>,
    sources: &mut Sources,
    variant: usize,
    artifact: &Artifact,
) -> Option<String> {
    let Some(mut code) = oci(draft, sources, variant, &artifact.name) else {
        draft.all_left_out(variant, artifact.texts(), "the image it is about cannot be had");
        return None;
    };
    for (method, globs) in [("only", &artifact.includes), ("without", &artifact.excludes)] {
        let mut list = Vec::new();
        for glob in globs {
            let value = draft.symbols[variant].resolve(&glob.value);
            let value = value.trim_matches('/');
            match Form::RelativeGlob.problem(&draft.sample(value)) {
                None => list.push(code::string(value)),
                Some(problem) => draft.left_out(variant, glob, &problem.message),
            }
        }
        if !list.is_empty() {
            code.push_str(&format!(".{method}({})", code::list(&list)));
        }
    }
    draft.all_left_out(variant, artifact.owner.ids(), "set owners with `attrs(…)` in `paths`");
    Some(code)
}

/// The name of the source for a reference with a digest.
pub fn oci(draft: &Draft<'_>, sources: &mut Sources, variant: usize, text: &Str) -> Option<String> {
    let reference = draft.symbols[variant].resolve(&text.value);
    let whole = reference.split_once("@sha256:").is_some_and(|(name, digest)| {
        name.contains('/')
            && name.split('/').next().is_some_and(|host| host.contains('.') || host.contains(':'))
            && digest.len() == 64
    });
    if !whole {
        draft.left_out(variant, text, "an image is named with its registry and its digest");
        return None;
    }
    let path = reference.split('@').next().unwrap_or(&reference);
    let name = path.rsplit('/').next().unwrap_or(path).split(':').next().unwrap_or(path);
    let mut name = code::name(name);
    if name == draft.name {
        name.push_str("-image");
    }
    Some(sources.add(variant, &name, vec![("oci", code::string(&reference))]))
}
