//! The files of a new project: what `hbuild init` writes. Templates with a few words filled in; pure.

use std::path::{Path, PathBuf};

use hbuild_lang::{FileError, Files};

/// What a new project is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The name of the project and of its image, as recipes write names.
    pub name: String,
    /// Release of Debian.
    pub debian: String,
    /// Whether the image holds a small program in C that is compiled, instead of a package.
    pub from_source: bool,
    /// Where it is checked.
    pub ci: Option<Ci>,
}

/// Services that check a project whenever it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ci {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
}

/// A file of a new project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Path below the project's folder.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
    /// Whether a project that has such a file already can do without this one.
    pub optional: bool,
}

/// The name that a project in the folder `folder` has: in lower case, with hyphens for what names do not have. None
/// where nothing is left that is a name.
pub fn name_of(folder: &str) -> Option<String> {
    let folder = folder.to_ascii_lowercase();
    let words = folder.split(|character: char| !character.is_ascii_alphanumeric());
    let name = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    is_usable(&name).then_some(name)
}

/// Whether a project may be called so: whether a recipe can have an image of this name, be it compiled or not.
pub fn is_usable(name: &str) -> bool {
    let options = Options { name: name.to_owned(), debian: "13".to_owned(), from_source: true, ci: None };
    // A name with quotes or line ends in it could make another recipe, as good as this one.
    let letters = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    letters && hbuild_lang::check(&Only(recipe(&options)), "recipe.hb").diagnostics.is_empty()
}

/// The files of the project, the recipe first.
pub fn files(options: &Options) -> Vec<NewFile> {
    let file = |path: &str, text: &str, optional| NewFile {
        path: Path::new(path).to_owned(),
        text: fill(text, options),
        optional,
    };
    let mut files = vec![file(&format!("{}.hb", options.name), &recipe(options), false)];
    if options.from_source {
        files.push(file("src/main.c", include_str!("templates/main.c"), false));
        files.push(file("src/Makefile", include_str!("templates/Makefile"), false));
    }
    files.extend(match options.ci {
        Some(Ci::Github) => {
            Some(file(".github/workflows/images.yml", include_str!("templates/github.yml"), false))
        }
        Some(Ci::Gitlab) => Some(file(".gitlab-ci.yml", include_str!("templates/gitlab.yml"), false)),
        None => None,
    });
    files.push(file(".gitignore", include_str!("templates/gitignore"), true));
    files.push(file("README.md", include_str!("templates/README.md"), true));
    files
}

fn recipe(options: &Options) -> String {
    let template = match options.from_source {
        true => include_str!("templates/source.hb"),
        false => include_str!("templates/packages.hb"),
    };
    fill(template, options)
}

/// `template` with its words in capitals replaced.
fn fill(template: &str, options: &Options) -> String {
    let sandbox = match (options.from_source, options.ci) {
        (true, Some(Ci::Github)) => include_str!("templates/github-sandbox.yml"),
        (true, Some(Ci::Gitlab)) => include_str!("templates/gitlab-sandbox.yml"),
        _ => "",
    };
    template
        .replace("@SANDBOX@", sandbox)
        .replace("@CHECK@", if options.from_source { " --check" } else { "" })
        .replace("@DISTRO@", &format!("debian(\"{}\")", options.debian))
        .replace("@LABEL@", &format!("debian{}", options.debian))
        .replace("@NAME@", &options.name)
}

/// A folder with one recipe.
struct Only(String);

impl Files for Only {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        match path {
            "recipe.hb" => Ok(self.0.clone().into_bytes()),
            _ => Err(FileError { path: path.to_owned(), reason: "there is no such file".to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> impl Iterator<Item = Options> {
        let ways = [("web", "13", false), ("web-2", "12", true), ("a", "12", false), ("hello", "13", true)];
        ways.into_iter().flat_map(|(name, debian, from_source)| {
            [None, Some(Ci::Github), Some(Ci::Gitlab)].map(|ci| Options {
                name: name.to_owned(),
                debian: debian.to_owned(),
                from_source,
                ci,
            })
        })
    }

    fn found(text: &str) -> Vec<String> {
        let checked = hbuild_lang::check(&Only(text.to_owned()), "recipe.hb");
        checked.diagnostics.iter().map(|found| format!("{} {}", found.code, found.message)).collect()
    }

    #[test]
    fn recipes_are_formatted_and_have_no_mistake() {
        for options in every() {
            let text = recipe(&options);
            assert_eq!(found(&text), Vec::<String>::new(), "{text}");
            assert_eq!(hbuild_lang::format::format(&text).as_ref(), Ok(&text));
        }
    }

    #[test]
    fn their_examples_can_be_used_as_they_stand() {
        for options in every() {
            let text = recipe(&options);
            let lines = text.lines().map(|line| {
                let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
                rest.strip_prefix("#   ").map_or(line.to_owned(), |example| format!("{indent}{example}"))
            });
            let used = lines.collect::<Vec<_>>().join("\n") + "\n";
            let used = used.replace("flavor in [runtime]", "flavor in [runtime, dev]");
            assert!(used.contains("\n  exclude +=") || options.from_source, "{used}");
            // What is defined for the example alone is not used by anything.
            let rest: Vec<_> =
                found(&used).into_iter().filter(|found| !found.contains("`upstream`")).collect();
            assert_eq!(rest, Vec::<String>::new(), "{used}");
        }
    }

    #[test]
    fn no_word_is_left_unfilled() {
        for file in every().flat_map(|options| files(&options)) {
            let left = ["@NAME@", "@DISTRO@", "@LABEL@", "@CHECK@", "@SANDBOX@"];
            assert!(!left.iter().any(|word| file.text.contains(word)), "{}", file.text);
            assert!(file.text.ends_with('\n') && !file.text.contains(" \n"), "{}", file.text);
        }
    }

    #[test]
    fn names_are_made_of_folders_where_they_can_be() {
        for (folder, name) in [
            ("web", Some("web")),
            ("My_Image 2", Some("my-image-2")),
            ("café", Some("caf")),
            ("2048", None),
            ("for", None),
            ("distro", None),
            ("base", None),
            ("dev", None),
            ("...", None),
            ("", None),
        ] {
            assert_eq!(name_of(folder).as_deref(), name, "{folder}");
        }
        for name in ["Web", "a_b", "-a", "a-", "a--b", "a\n", "a { }\n"] {
            assert!(!is_usable(name), "{name:?}");
        }
    }
}
