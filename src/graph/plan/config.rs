//! The image config of a recipe's image.

use std::collections::BTreeMap;

use hbuild_lang::recipe::Image;

use super::PlanError;
use crate::graph::ImageConfig;

/// The config of `image`, which extends `base`.
pub(super) fn image_config(
    image: &Image,
    base: Option<&Image>,
    created: &str,
) -> Result<ImageConfig, PlanError> {
    let mut standard = standard_annotations(image, created);
    if let Some(base) = base {
        standard.insert(
            "org.opencontainers.image.base.name".to_owned(),
            format!("{}:{}", base.name, base.variant),
        );
    }
    let merged = |extra: &BTreeMap<String, String>| {
        let mut all = standard.clone();
        all.extend(extra.iter().map(|(key, value)| (key.clone(), value.clone())));
        all
    };
    Ok(ImageConfig {
        arch: image.arch,
        user: numeric_user(image)?,
        env: BTreeMap::clone(&image.env),
        entrypoint: Vec::clone(&image.entrypoint),
        cmd: Vec::clone(&image.cmd),
        work_dir: image.work_dir.clone(),
        ports: Vec::clone(&image.ports),
        volumes: Vec::clone(&image.volumes),
        stop_signal: image.stop_signal.clone(),
        labels: merged(&image.labels),
        annotations: merged(&image.annotations),
        created: created.to_owned(),
    })
}

/// The annotations that the OCI image specification names, as far as the recipe has them.
fn standard_annotations(image: &Image, created: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            all.insert(format!("org.opencontainers.image.{name}"), value.to_owned());
        }
    };
    put("created", Some(created));
    put("title", Some(&image.title));
    put("description", image.description.as_deref());
    put("version", image.version.as_deref());
    put("licenses", image.license.as_deref());
    put("base.name", Some("scratch"));
    all
}

fn numeric_user(image: &Image) -> Result<String, PlanError> {
    let text = image.run_as.value.as_str();
    let unknown = |name: &str| PlanError::UnknownAccount {
        name: name.to_owned(),
        place: image.run_as.place.to_string(),
    };
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let account = image.users.get(user);
    let uid = match (user.parse::<u32>(), account) {
        (Ok(uid), _) => uid,
        (_, Some(account)) => account.uid,
        (_, None) if user == "root" => 0,
        _ => return Err(unknown(user)),
    };
    let gid = match group {
        None => account.map_or(uid, |account| account.gid),
        Some(group) => match (group.parse::<u32>(), image.groups.get(group)) {
            (Ok(gid), _) => gid,
            (_, Some(group)) => group.gid,
            (_, None) if group == "root" => 0,
            _ => return Err(unknown(group)),
        },
    };
    Ok(format!("{uid}:{gid}"))
}
