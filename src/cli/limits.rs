//! The limits of sandboxes, as every command that makes some takes them.

use clap::Args;

use crate::host::limits::{BuildLimits, parse_count, parse_limit, parse_time};

/// What builds in sandboxes may use. Nothing of it can change an output.
#[derive(Debug, Clone, Args)]
pub struct SandboxArguments {
    /// Refuse to build where a limit or another best-effort part of the sandbox is not to be had
    #[arg(long)]
    pub strict: bool,
    /// Memory of one build, its files included (suffixes K, M, G); three quarters of the machine's by default
    #[arg(long, value_name = "SIZE", value_parser = parse_limit)]
    pub build_memory: Option<u64>,
    /// Space for the files that one build writes (suffixes K, M, G); half of the machine's memory by default
    #[arg(long, value_name = "SIZE", value_parser = parse_limit)]
    pub build_space: Option<u64>,
    /// Time of one build in seconds, or with m or h behind it; without end by default
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub build_time: Option<u64>,
    /// Processes and threads of one build at a time, 4096 by default
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub build_processes: Option<u64>,
}

impl SandboxArguments {
    /// The limits that are asked for.
    pub fn limits(&self) -> BuildLimits {
        BuildLimits {
            strict: self.strict,
            memory: self.build_memory,
            space: self.build_space,
            time: self.build_time,
            processes: self.build_processes,
        }
    }
}
