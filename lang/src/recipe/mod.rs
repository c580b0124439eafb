//! The evaluated recipe: plain values, one [`Image`] for every point of the axes. This is what the rest of
//! hbuild receives; no expression, variable or span arithmetic is left in it.

mod build;
mod image;
mod source;

pub use build::*;
pub use image::*;
pub use source::*;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A recipe file after evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The path the recipe was loaded by, as the caller gave it.
    pub file: String,
    /// All axes of the file's `for`, in the order written, each with its labels in order.
    pub axes: Vec<Axis>,
    /// Every image at every point, ordered by place of the item, then by point (axis order, label order).
    pub images: Vec<Image>,
    /// The images of imported files that an image extends, at the points that are extended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<Image>,
    /// Every source at every point that it varies over, ordered likewise.
    pub sources: Vec<Source>,
    /// Every build at every point that it varies over, ordered likewise; imported ones that are referred to
    /// included.
    #[serde(default)]
    pub builds: Vec<Build>,
}

impl Recipe {
    /// The image that `base` means, its own or that of an imported file.
    pub fn base(&self, base: &ImageUse) -> Option<&Image> {
        let mut images = self.images.iter().chain(&self.bases);
        images.find(|image| image.name == base.image && image.point == base.point)
    }

    /// The images that `image` extends, the nearest first.
    pub fn bases_of<'a>(&'a self, image: &'a Image) -> Vec<&'a Image> {
        chain(image, &|base| self.base(base))
    }
}

/// The images that `image` extends, the nearest first, each found by `find`. A circle ends where it began.
pub fn chain<'a>(image: &'a Image, find: &dyn Fn(&ImageUse) -> Option<&'a Image>) -> Vec<&'a Image> {
    let mut found: Vec<&Image> = Vec::new();
    let mut next = image.extends.as_ref();
    while let Some(base) = next.and_then(|base| find(&base.value)) {
        if found.iter().any(|known| std::ptr::eq(*known, base)) {
            break;
        }
        found.push(base);
        next = base.extends.as_ref();
    }
    found
}

/// One axis of variation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// Its name: `distro`, `flavor`, `arch`, or one of the author's.
    pub name: String,
    /// Its labels in the order written: `debian13`, `dev`, `amd64`, a map key.
    pub labels: Vec<String>,
}

/// A point of the axes: axis name to label. The map's own order is not the axes' order.
pub type Point = BTreeMap<String, String>;

/// A place in a recipe file, for messages and for `why`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The file as it was loaded (`std/base` for a module of the standard library).
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A value with the place that wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where the recipe, or the module it uses, says so.
    pub place: Place,
}

/// A distribution with its release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Distro {
    /// Which one.
    pub family: Family,
    /// The release as the recipe wrote it: `13`, `3.23`.
    pub release: String,
}

/// The distributions hbuild speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Alpine: musl, apk.
    Alpine,
    /// Debian: glibc, deb.
    Debian,
}

/// The closed set of flavors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavor {
    /// Distroless: no shell, no package manager, no setuid file.
    Runtime,
    /// With a shell, a package manager, and root.
    Dev,
}

/// The closed set of architectures, by their OCI names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// x86-64: `amd64` to Debian, `x86_64` to Alpine.
    Amd64,
    /// 64-bit Arm: `arm64` to Debian, `aarch64` to Alpine.
    Arm64,
}

macro_rules! text_form {
    ($type:ty { $($variant:ident = $text:literal),* }) => {
        impl $type {
            /// The name in recipes, file names and OCI documents.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.as_str())
            }
        }
    };
}

text_form!(Family { Alpine = "alpine", Debian = "debian" });
text_form!(Flavor { Runtime = "runtime", Dev = "dev" });
text_form!(Arch { Amd64 = "amd64", Arm64 = "arm64" });

impl fmt::Display for Distro {
    /// The label: `debian13`, `alpine3.23`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.family, self.release)
    }
}
