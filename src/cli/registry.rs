//! What every command that may reach a registry takes.

use std::path::PathBuf;

use clap::Args;

/// How registries are reached.
#[derive(Debug, Clone, Default, Args)]
pub struct RegistryArguments {
    /// Authorities that registries are checked against instead of the system's, PEM
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}
