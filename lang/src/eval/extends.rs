//! What is known of images when all of them are evaluated: whether one that another extends is for the same distro
//! and architecture, whether one extends itself.

use super::machine::Machine;
use crate::modules::Site;
use crate::recipe::{Image, ImageUse, Recipe};

impl Machine<'_> {
    /// Reports images that extend one of another platform, and circles among them.
    pub fn finish_images(&mut self, recipe: &Recipe) {
        let mut circles: Vec<Vec<&ImageUse>> = Vec::new();
        for image in recipe.images.iter().chain(&recipe.bases) {
            let Some(base) = image.extends.as_ref().and_then(|base| recipe.base(&base.value)) else {
                continue;
            };
            self.same_platform(image, base);
            let circle = circle(recipe, image);
            let known = |known: &Vec<&ImageUse>| circle.first().is_some_and(|one| known.contains(one));
            if !circle.is_empty() && !circles.iter().any(known) {
                circles.push(circle);
            }
        }
        for circle in circles {
            let names: Vec<String> =
                circle.iter().chain(circle.first()).map(|base| format!("`{}`", base.image)).collect();
            let site = self.extended_at(circle[0]);
            let message = format!("image `{}` extends itself", circle[0].image);
            self.error("hbuild::lang::image_cycle", site, message)
                .label(format!("the circle is {}", names.join(" → ")))
                .help("let one of them extend nothing");
        }
    }

    fn extended_at(&self, base: &ImageUse) -> Site {
        self.extended.get(base).copied().unwrap_or_default()
    }

    fn same_platform(&mut self, image: &Image, base: &Image) {
        if (&image.distro, image.arch) == (&base.distro, base.arch) {
            return;
        }
        let Some(site) = image.extends.as_ref().map(|base| self.extended_at(&base.value)) else { return };
        let message = format!(
            "image `{}` for {} {} extends `{}` for {} {}",
            image.name, image.distro, image.arch, base.name, base.distro, base.arch
        );
        let help = "images that share layers are for one distro and one architecture";
        self.error("hbuild::lang::extends_platform", site, message).help(help);
    }
}

/// The circle that `image` is part of, from it on; empty where it is part of none.
fn circle<'r>(recipe: &'r Recipe, image: &'r Image) -> Vec<&'r ImageUse> {
    let mut found: Vec<&ImageUse> = Vec::new();
    let mut at = image;
    while let Some(base) = &at.extends {
        let Some(next) = recipe.base(&base.value) else { break };
        if found.contains(&&base.value) {
            break;
        }
        found.push(&base.value);
        if std::ptr::eq(next, image) {
            found.rotate_right(1);
            return found;
        }
        at = next;
    }
    Vec::new()
}
