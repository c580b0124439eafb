//! What `base.runtime` and `base.dev` of the standard library bring: found out by evaluating a recipe that uses them.

use std::collections::BTreeMap;

use hbuild_lang::recipe::{Distro, Flavor, Image};
use hbuild_lang::{FileError, Files};

/// A recipe in memory, with nothing beside it.
pub struct OneFile<'a>(pub &'a str);

/// The name of a recipe in memory.
pub const ENTRY: &str = "recipe.hb";

impl Files for OneFile<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        if path == ENTRY {
            return Ok(self.0.as_bytes().to_vec());
        }
        Err(FileError { path: path.to_owned(), reason: "there is no such file".to_owned() })
    }
}

/// The images that the standard library alone makes, by distro and flavor.
#[derive(Debug, Default)]
pub struct Base {
    images: BTreeMap<(Distro, Flavor), Image>,
}

impl Base {
    /// Those for the distros.
    pub fn of(distros: &[Distro]) -> Self {
        let list: Vec<String> =
            distros.iter().map(|distro| format!("{}(\"{}\")", distro.family, distro.release)).collect();
        let text = format!(
            "hbuild 1\nimport std/base\nfor distro in [{}], flavor in [runtime, dev], arch in [amd64]\n\
             image probe {{\n  for distro, flavor, arch\n  use base.runtime(distro)\n  \
             when flavor == dev {{ use base.dev(distro) }}\n}}\n",
            list.join(", ")
        );
        let recipe = hbuild_lang::evaluate(&OneFile(&text), ENTRY).map(|found| found.recipe.images);
        let images = recipe.unwrap_or_default();
        Self {
            images: images.into_iter().map(|image| ((image.distro.clone(), image.flavor), image)).collect(),
        }
    }

    /// The image of a distro and a flavor.
    pub fn image(&self, distro: &Distro, flavor: Flavor) -> Option<&Image> {
        self.images.get(&(distro.clone(), flavor))
    }
}
