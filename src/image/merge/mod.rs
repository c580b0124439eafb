//! Packages, contents and the recipe's own paths to one image tree, with an origin for every path.
//!
//! In order: packages (base-files first, the others by name), contents, effects, deletions, what the recipe
//! makes, effects that read the finished root, attributes. Deletions happen here and not in a layer, so no image
//! has whiteouts but one that extends another and drops what that has. Only metadata moves; an effect reads the few files it needs.

mod alpine;
mod base;
mod builder;
mod content;
mod database;
mod deletion;
mod error;
mod layering;
mod os_release;
mod package;
mod pattern;
mod root;
mod rules;
mod slices;
mod suggest;
pub mod usrmerge;
mod workspace;

use std::sync::Arc;

use base::Base;
pub use builder::MergeBuilder;
pub use error::MergeError;
pub use package::Package;
pub use pattern::{Pattern, Patterns, Specificity};
pub use root::{Node, Root};
pub use slices::Merged;
pub use suggest::did_you_mean;
pub use workspace::{Ownership, Workspace};

use super::effects;
use crate::graph::{Merge, MergeInput};
use crate::tree::{ContentSink, Contents, OriginMap, Tree, TreePath};
use hbuild_lang::recipe::Family;

#[cfg(test)]
mod tests;

/// One input of a merge.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// What it is.
    pub input: &'a MergeInput,
    /// Its files.
    pub tree: Arc<Tree>,
    /// The control members of a package.
    pub control: Option<Arc<Tree>>,
    /// The origins of what an image extends.
    pub origins: Option<Arc<OriginMap>>,
}

/// The image of `sources`, which are `parameters.inputs` with their trees, and warnings for people. Generated
/// files are kept in `sink`, those of the inputs are read from `contents`.
pub fn merge(
    parameters: &Merge,
    sources: &[Source<'_>],
    contents: &dyn Contents,
    sink: &mut dyn ContentSink,
) -> Result<(Merged, Vec<String>), MergeError> {
    let merged = parameters.family == Family::Debian && usrmerge::is_merged(&parameters.release);
    let (packages, trees) = packages_in_order(parameters, sources, contents)?;
    let scripts = effects::read_scripts(&packages, contents)?;
    let mut root = Root::new(parameters.epoch);
    let diversions = lay_packages(&mut root, parameters.family, (&packages, &trees), &scripts, merged)?;
    if merged {
        usrmerge::make_links(&mut root);
    }
    for source in sources {
        if matches!(source.input, MergeInput::Content { .. }) {
            content::add_content(&mut root, source.input, &source.tree, merged)?;
        }
    }
    if merged {
        // Contents may have brought folders that the packages had not.
        usrmerge::make_links(&mut root);
    }
    let base = Base::of(sources);
    if let Some(base) = &base {
        base.apply(&mut root, &diversions);
    }
    let mut workspace = Workspace::new(root, parameters, packages, contents, sink);
    workspace.left_out = base.as_ref().map(|base| base.accounts.clone()).unwrap_or_default();
    finish(&mut workspace, &scripts, &trees, merged)?;
    let empty = base.is_some().then(|| workspace.keep(Vec::new())).transpose()?.map(|(digest, _)| digest);
    let Workspace { root, warnings, .. } = workspace;
    Ok((slices::finish(root, &parameters.layers, base.as_ref().zip(empty))?, warnings))
}

/// Lays the packages into `root`; returns the diversions among them.
fn lay_packages(
    root: &mut Root,
    family: Family,
    (packages, trees): (&[Package], &[Arc<Tree>]),
    scripts: &[effects::PackageScript],
    merged: bool,
) -> Result<Vec<effects::Diversion>, MergeError> {
    if family == Family::Alpine {
        let mut layering = alpine::Layering::new(root, packages);
        for (number, tree) in trees.iter().enumerate() {
            layering.add(number, tree)?;
        }
        return Ok(Vec::new());
    }
    let diversions = effects::read_diversions(scripts, packages, merged);
    let mut layering = layering::Layering::new(root, packages, &diversions, merged);
    for (number, tree) in trees.iter().enumerate() {
        layering.add(number, tree)?;
    }
    Ok(diversions)
}

/// Everything that is not laid down by an input.
fn finish(
    workspace: &mut Workspace<'_>,
    scripts: &[effects::PackageScript],
    trees: &[Arc<Tree>],
    merged: bool,
) -> Result<(), MergeError> {
    let rules = rules::read_rules(workspace.parameters, merged)?;
    workspace.reserved = rules::made_paths(workspace, &rules).into_iter().collect();
    effects::report_unknown(workspace, scripts);
    let accounts = effects::make_accounts(workspace, scripts)?;
    let alpine = workspace.parameters.family == Family::Alpine;
    let owned = if alpine { alpine::set_owners(workspace, trees, &accounts)? } else { Vec::new() };
    effects::make_effects(workspace, &accounts)?;
    if alpine {
        effects::add_shells(workspace, scripts)?;
    }
    deletion::delete(&mut workspace.root, &rules);
    rules::make_paths(workspace, &rules, &accounts)?;
    effects::set_alternatives(workspace, &effects::read_alternatives(scripts))?;
    effects::make_applets(workspace)?;
    effects::make_ld_so_cache(workspace)?;
    os_release::set_os_release(workspace)?;
    if !workspace.packages.is_empty() {
        write_database(workspace, trees, merged)?;
    }
    // What the effects have made since is the recipe's to drop as well.
    deletion::delete(&mut workspace.root, &rules);
    if merged {
        usrmerge::drop_dangling(&mut workspace.root);
    }
    rules::set_attributes(workspace, &rules, &accounts)?;
    if alpine { alpine::fill_installed(workspace, &owned) } else { Ok(()) }
}

/// The distro's own record of what is installed.
fn write_database(
    workspace: &mut Workspace<'_>,
    trees: &[Arc<Tree>],
    merged: bool,
) -> Result<(), MergeError> {
    if workspace.parameters.family == Family::Alpine {
        return alpine::write_database(workspace);
    }
    let shipped = |tree: &Arc<Tree>| tree.entries().iter().map(|entry| entry.path.clone()).collect();
    let shipped: Vec<Vec<TreePath>> = trees.iter().map(shipped).collect();
    database::write_database(workspace, &shipped, merged)
}

/// The packages with their trees: on Debian base-files first and the others by name, on Alpine as apk installs them.
fn packages_in_order(
    parameters: &Merge,
    sources: &[Source<'_>],
    contents: &dyn Contents,
) -> Result<(Vec<Package>, Vec<Arc<Tree>>), MergeError> {
    let mut packages = Vec::new();
    for source in sources {
        if let (MergeInput::Package { name, origin, apk }, Some(control)) = (source.input, &source.control) {
            let package = Package::read(name, origin, control.clone(), apk.as_ref(), contents)?;
            packages.push((package, source.tree.clone()));
        }
    }
    if parameters.family == Family::Alpine {
        let (packages, trees): (Vec<Package>, Vec<Arc<Tree>>) = packages.into_iter().unzip();
        let order = alpine::installation_order(&packages, &parameters.world);
        let mut packages: Vec<_> = packages.into_iter().map(Some).collect();
        let ordered =
            order.iter().filter_map(|&number| Some((packages[number].take()?, trees[number].clone())));
        return Ok(ordered.unzip());
    }
    packages.sort_by(|(a, _), (b, _)| {
        let rank = |package: &Package| package.name != "base-files";
        rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name)).then_with(|| a.origin.cmp(&b.origin))
    });
    Ok(packages.into_iter().unzip())
}
