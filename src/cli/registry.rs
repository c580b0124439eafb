//! What every command that may reach a registry takes.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::context::Context;
use super::report::Failure;
use crate::host::fetch::FetchOptions;
use crate::remote::Client;

/// How registries are reached.
#[derive(Debug, Clone, Default, Args)]
pub struct RegistryArguments {
    /// Authorities that registries are checked against instead of the system's, PEM
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

impl RegistryArguments {
    /// A client of registries with the network and the logins of this user.
    pub fn client(&self, context: &Context) -> Result<Arc<Client>, Failure> {
        let settings = context.network(self.ca_file.clone())?;
        let options = FetchOptions { cancelled: context.cancel(), ..settings.fetch };
        Client::new(options).map_err(Failure::new)
    }
}
