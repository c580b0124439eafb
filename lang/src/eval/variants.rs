//! What holds across the variants of an image: no tag is on two of them, and what names one does not depend on the
//! architecture, since the architectures of a variant share one image index.

use std::collections::BTreeMap;

use super::machine::Machine;
use crate::modules::Site;
use crate::recipe::Image;

/// An image with what is checked across images.
pub struct Placed {
    /// The image.
    pub image: Image,
    /// Its tags with their places.
    pub tags: Vec<(String, Site)>,
    /// The image's name in the recipe.
    pub site: Site,
    /// Where `version`, `tags` and `dates` are set; the image's name where they are not.
    pub fields: [(&'static str, Site); 3],
}

/// An image's name, and its point without its architecture.
type Variant<'a> = (&'a str, Vec<(&'a str, &'a str)>);

impl Machine<'_> {
    /// Reports a tag or a variant's name that two variants of one image have; architectures share theirs.
    pub fn distinct_tags(&mut self, placed: &[Placed]) {
        let mut owners: BTreeMap<(&str, &str), (&Placed, Site)> = BTreeMap::new();
        for one in placed {
            let own = std::iter::once((&one.image.variant, one.site));
            for (tag, site) in own.chain(one.tags.iter().map(|(tag, site)| (tag, *site))) {
                let (first, first_site) = *owners.entry((&one.image.name, tag)).or_insert((one, site));
                if variant(first) == variant(one) {
                    continue;
                }
                let message = format!(
                    "the tag `{tag}` of image `{}` is on two variants: {} and {}",
                    one.image.name,
                    point_text(first),
                    point_text(one)
                );
                self.reports
                    .error("hbuild::lang::duplicate_tag", site, message)
                    .related(first_site, "first given here")
                    .help("put a version, the distro or a label into the tag, or give it in a `when`");
            }
        }
    }

    /// Reports a version, tags or dates that differ between the architectures of one variant.
    pub fn one_for_every_arch(&mut self, placed: &[Placed]) {
        let mut variants: BTreeMap<Variant<'_>, &Placed> = BTreeMap::new();
        for one in placed {
            let first = *variants.entry(variant(one)).or_insert(one);
            for ((field, site), (_, first_site)) in one.fields.iter().zip(&first.fields) {
                if same(&one.image, &first.image, field) {
                    continue;
                }
                let (here, there) = (shown(&one.image, field), shown(&first.image, field));
                let message = format!(
                    "`{field}` of image `{}` depends on the architecture: {there} on {}, {here} on {}",
                    one.image.name, first.image.arch, one.image.arch
                );
                let report = self.reports.error("hbuild::lang::depends_on_arch", *site, message);
                if first_site != site {
                    report.related(*first_site, format!("for {}", first.image.arch));
                }
                report.help("the architectures of a variant share one image index: write one value for all");
                break;
            }
        }
    }
}

fn variant(placed: &Placed) -> Variant<'_> {
    let labels = placed.image.point.iter().map(|(axis, label)| (axis.as_str(), label.as_str()));
    (&placed.image.name, labels.filter(|(axis, _)| *axis != "arch").collect())
}

fn point_text(placed: &Placed) -> String {
    let (_, labels) = variant(placed);
    labels.into_iter().map(|(axis, label)| format!("{axis} {label}")).collect::<Vec<_>>().join(", ")
}

/// Whether the field is the same in two images.
fn same(one: &Image, other: &Image, field: &str) -> bool {
    match field {
        "version" => one.version == other.version,
        "tags" => one.tags == other.tags,
        _ => one.dates == other.dates,
    }
}

/// The value of a field for messages.
fn shown(image: &Image, field: &str) -> String {
    let all = |texts: Vec<String>| if texts.is_empty() { "none".to_owned() } else { texts.join(", ") };
    match field {
        "version" => image.version.as_ref().map_or("none".to_owned(), |version| format!("`{version}`")),
        "tags" => all(image.tags.iter().map(|tag| format!("`{tag}`")).collect()),
        _ => all(image.dates.iter().map(|(name, date)| format!("{name} `{date}`")).collect()),
    }
}
