//! Config and manifest as bytes.

use std::collections::BTreeMap;
use std::str::FromStr;

use oci_spec::image::{
    Arch as OciArch, Config, ConfigBuilder, Descriptor, DescriptorBuilder, History, HistoryBuilder,
    ImageConfigurationBuilder, ImageManifestBuilder, MediaType, Os, RootFsBuilder, Sha256Digest,
};
use serde::Serialize;

use super::ConfigError;
use crate::digest::Sha256;
use crate::graph::{ImageConfig, LayerDescriptor};
use crate::image::layer::EMPTY_ARCHIVE_SIZE;
use crate::image::media_type;

/// `PATH` where the recipe sets none.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The bytes of an image's two documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDocuments {
    /// The OCI image config.
    pub config: Vec<u8>,
    /// The OCI image manifest that names it.
    pub manifest: Vec<u8>,
}

/// RFC 8785 canonical JSON: keys sorted, no white space.
pub fn to_canonical(value: &impl Serialize) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("OCI documents have text keys and finite numbers")
}

/// Config and manifest of the image that `config` describes, with the layers given, lowest first. `user` is
/// `uid:gid` in numbers. An archive without a member is no layer of it, unless there is no other.
pub fn image_documents(
    config: &ImageConfig,
    user: &str,
    layers: &[LayerDescriptor],
) -> Result<ImageDocuments, ConfigError> {
    let mut kept: Vec<&LayerDescriptor> =
        layers.iter().filter(|layer| layer.uncompressed_size > EMPTY_ARCHIVE_SIZE).collect();
    if kept.is_empty() {
        kept.extend(layers.last());
    }
    let rootfs = RootFsBuilder::default()
        .typ("layers")
        .diff_ids(kept.iter().map(|layer| layer.diff_id.to_oci()).collect::<Vec<_>>())
        .build()
        .expect("all fields are set");
    let document = ImageConfigurationBuilder::default()
        .created(config.created.clone())
        .architecture(OciArch::from(config.arch.as_str()))
        .os(Os::Linux)
        .config(execution(config, user)?)
        .rootfs(rootfs)
        .history(history(config, &kept))
        .build()
        .expect("all fields are set");
    let document = to_canonical(&document);
    let manifest = ImageManifestBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageManifest)
        .config(descriptor(media_type::CONFIG, Sha256::of(&document), document.len() as u64))
        .layers(
            kept.iter()
                .map(|layer| descriptor(&layer.media_type, layer.digest, layer.size))
                .collect::<Vec<_>>(),
        );
    let manifest = match config.annotations.is_empty() {
        true => manifest,
        false => manifest
            .annotations(config.annotations.clone().into_iter().collect::<std::collections::HashMap<_, _>>()),
    };
    let manifest = to_canonical(&manifest.build().expect("all fields are set"));
    Ok(ImageDocuments { config: document, manifest })
}

/// A descriptor without annotations.
pub(crate) fn descriptor(media_type: &str, digest: Sha256, size: u64) -> Descriptor {
    let digest = Sha256Digest::from_str(&digest.to_string()).expect("64 hexadecimal digits");
    DescriptorBuilder::default()
        .media_type(MediaType::from(media_type))
        .digest(digest)
        .size(size)
        .build()
        .expect("all fields are set")
}

fn history(config: &ImageConfig, layers: &[&LayerDescriptor]) -> Vec<History> {
    let entry = |layer: &&LayerDescriptor| {
        HistoryBuilder::default()
            .created(config.created.clone())
            .created_by(layer.created_by.clone())
            .build()
            .expect("all fields are set")
    };
    layers.iter().map(entry).collect()
}

fn execution(config: &ImageConfig, user: &str) -> Result<Config, ConfigError> {
    let mut built = ConfigBuilder::default()
        .user(user)
        .env(environment(&config.env)?)
        .working_dir(absolute("work-dir", &config.work_dir)?);
    if !config.entrypoint.is_empty() {
        built = built.entrypoint(config.entrypoint.clone());
    }
    if !config.cmd.is_empty() {
        built = built.cmd(config.cmd.clone());
    }
    if !config.ports.is_empty() {
        let ports = config.ports.iter().map(|port| checked_port(port));
        built = built.exposed_ports(ports.collect::<Result<Vec<_>, _>>()?);
    }
    if !config.volumes.is_empty() {
        let volumes = config.volumes.iter().map(|path| absolute("volumes", path));
        built = built.volumes(volumes.collect::<Result<Vec<_>, _>>()?);
    }
    if let Some(signal) = &config.stop_signal {
        built = built.stop_signal(signal.clone());
    }
    if !config.labels.is_empty() {
        built = built.labels(config.labels.clone().into_iter().collect::<std::collections::HashMap<_, _>>());
    }
    Ok(built.build().expect("no field is required"))
}

fn environment(env: &BTreeMap<String, String>) -> Result<Vec<String>, ConfigError> {
    let mut lines = Vec::with_capacity(env.len() + 1);
    if !env.contains_key("PATH") {
        lines.push(format!("PATH={DEFAULT_PATH}"));
    }
    for (name, value) in env {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(ConfigError::EnvName { name: name.clone() });
        }
        lines.push(format!("{name}={value}"));
    }
    lines.sort();
    Ok(lines)
}

fn absolute(field: &'static str, path: &str) -> Result<String, ConfigError> {
    match path {
        "" => Ok("/".to_owned()),
        _ if path.starts_with('/') => Ok(path.to_owned()),
        _ => Err(ConfigError::RelativePath { field, path: path.to_owned() }),
    }
}

fn checked_port(port: &str) -> Result<String, ConfigError> {
    let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    let valid = number.parse::<u16>().is_ok_and(|number| number > 0);
    match (valid, protocol) {
        (true, "tcp" | "udp" | "sctp") => Ok(format!("{number}/{protocol}")),
        _ => Err(ConfigError::Port { port: port.to_owned() }),
    }
}
