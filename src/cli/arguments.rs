//! The command line's grammar.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::keygen::KeygenArguments;
pub use super::limits::SandboxArguments;
use super::pull::PullArguments;
use super::push::PushArguments;
use super::registry::RegistryArguments;
use super::run::RunArguments;
use super::sign::SignArguments;
use super::signer::SignerArguments;
use super::test::{TestArguments, TestTime};
use super::verify::VerifyArguments;

/// Builds hardened OCI images from recipes, bit for bit reproducible.
#[derive(Debug, Parser)]
#[command(name = "hbuild", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 done; 1 the recipe, the policy or a comparison failed; 2 wrong usage;\n\
    3 an input could not be had; 4 a build step failed; 70 a defect in hbuild."
)]
pub struct Arguments {
    /// How errors and warnings are reported
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = ErrorFormat::Human)]
    pub error_format: ErrorFormat,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How errors and warnings are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ErrorFormat {
    /// Text with the lines of the recipe
    Human,
    /// One JSON object a line
    Json,
    /// One SARIF 2.1.0 document
    Sarif,
}

impl Command {
    /// Whether errors and warnings are what it was asked for.
    pub fn reports(&self) -> bool {
        match self {
            Command::Check(_) => true,
            Command::Fmt(arguments) => arguments.check,
            _ => false,
        }
    }

    /// What signs, of the commands that sign.
    pub fn signer(&self) -> Option<&SignerArguments> {
        match self {
            Command::Reproduce(arguments) => Some(&arguments.signer),
            Command::Sign(arguments) => Some(&arguments.signer),
            _ => None,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a project: a recipe to edit, a CI file, a .gitignore
    Init(InitArguments),
    /// Check recipes without building or fetching anything
    Check(CheckArguments),
    /// Format recipes
    Fmt(FmtArguments),
    /// Print the evaluated recipe, or what is in an image
    Show(super::show::ShowArguments),
    /// Pin every package and source to a digest in hbuild.lock
    Lock(LockArguments),
    /// Build images
    Build(BuildArguments),
    /// Put recipes, lock and every input into one file, from which the same is built without a network
    Bundle(super::bundle::BundleArguments),
    /// Build an image again from nothing, by its provenance, and compare every byte
    Reproduce(super::reproduce::ReproduceArguments),
    /// Print the graph of derivations
    Graph(super::graph::GraphArguments),
    /// Print what a build wrote when it was last executed
    Log(LogArguments),
    /// Open a shell in the sandbox of a build, as a failed step left it
    Shell(ShellArguments),
    /// Run a command in an image, in the sandbox
    Run(RunArguments),
    /// Run the tests of images
    Test(TestArguments),
    /// Say where a file of an image came from
    Why(WhyArguments),
    /// Say in what two images, trees, recipes or locks differ, down to the cause
    Diff(super::diff::DiffArguments),
    /// Send an image with its evidence to a registry
    Push(PushArguments),
    /// Fetch an image with its evidence from a registry
    Pull(PullArguments),
    /// Print the SBOM that an image carries
    Sbom(super::sbom::SbomArguments),
    /// Write recipes from definitions of the hardened-image catalogue, or from apko's files
    Import(ImportArguments),
    /// Make a pair of keys to sign with
    Keygen(KeygenArguments),
    /// Sign an image and its evidence
    Sign(SignArguments),
    /// Say whether an image is whole, who signed it, and whether a policy allows what its evidence says
    Verify(VerifyArguments),
    /// Look after the store
    Store(StoreArguments),
    /// Say what this machine allows of builds from source, and what to do where it refuses
    Doctor(DoctorArguments),
    /// Say what an error means, by its code
    Explain(ExplainArguments),
    /// Serve an editor over standard input and output (the Language Server Protocol)
    Lsp,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print version, encoding schema and compressors
    Version {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Recipes and the part of their variants that is meant.
#[derive(Debug, Args)]
pub struct Selection {
    /// A recipe FILE, FILE#IMAGE, or a folder (all recipes below it)
    #[arg(value_name = "TARGET", default_value = ".")]
    pub targets: Vec<String>,
    /// Only this distro: `debian`, or with its release `debian12`
    #[arg(long, value_name = "DISTRO")]
    pub distro: Option<String>,
    /// Only this flavor: `runtime` or `dev`
    #[arg(long, value_name = "FLAVOR")]
    pub flavor: Option<String>,
    /// This architecture, `amd64` or `arm64`, or `all`; the host's by default
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,
    /// Only this label of an axis; `--NAME LABEL` is the same
    #[arg(long = "axis", value_name = "NAME=LABEL")]
    pub axes: Vec<String>,
}

/// How mirrors are reached.
#[derive(Debug, Clone, Default, Args)]
pub struct NetworkArguments {
    /// Debian mirrors, tried in order, before those of HBUILD_DEBIAN_MIRROR
    #[arg(long, value_name = "URL")]
    pub debian_mirror: Vec<String>,
    /// Mirrors of Debian's security archive, before those of HBUILD_DEBIAN_SECURITY_MIRROR
    #[arg(long, value_name = "URL")]
    pub debian_security_mirror: Vec<String>,
    /// Alpine mirrors, before those of HBUILD_ALPINE_MIRROR
    #[arg(long, value_name = "URL")]
    pub alpine_mirror: Vec<String>,
    /// Authorities to trust instead of the system's, PEM
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// The project's folder; it is made where it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// Name of the project and its image; by default that of the folder
    #[arg(long)]
    pub name: Option<String>,
    /// The distribution that the image is made of
    #[arg(long, value_enum, default_value_t = DebianArgument::Debian13)]
    pub distro: DebianArgument,
    /// Compile a small program in C, instead of taking one from a package
    #[arg(long)]
    pub from_source: bool,
    /// The service that checks the project; GitHub's, unless the folder is below the top of a git repository
    #[arg(long, value_enum)]
    pub ci: Option<CiArgument>,
}

/// Distributions of a new project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DebianArgument {
    /// Bookworm, whose main suite no longer changes
    Debian12,
    /// Trixie
    #[value(alias = "debian")]
    Debian13,
}

/// Services that check a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CiArgument {
    /// GitHub Actions
    Github,
    /// GitLab CI
    Gitlab,
    /// No CI file
    None,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// A recipe FILE or a folder (all recipes below it); `-` checks standard input
    #[arg(value_name = "TARGET", default_value = ".")]
    pub targets: Vec<String>,
    /// Treat warnings as errors
    #[arg(long)]
    pub strict: bool,
    /// With the target `-`: the recipe that standard input stands for, whose imports are read beside it
    #[arg(long, value_name = "FILE")]
    pub stdin_name: Option<PathBuf>,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// `hbuild::lang::unknown_field`, or a part of it that no other code has; lists all codes by default
    pub code: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `fmt`.
#[derive(Debug, Args)]
pub struct FmtArguments {
    /// Recipe files or folders; `-` formats standard input to standard output
    #[arg(value_name = "TARGET", default_value = ".")]
    pub targets: Vec<String>,
    /// Change nothing; exit with 1 and name the files where formatting would
    #[arg(long)]
    pub check: bool,
    /// Change nothing; exit with 1 and print the unified difference where formatting would change something
    #[arg(long)]
    pub diff: bool,
    /// What messages call standard input
    #[arg(long, value_name = "PATH")]
    pub stdin_name: Option<PathBuf>,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// Definitions, or folders with such files below them
    #[arg(value_name = "FILE|FOLDER", required = true)]
    pub targets: Vec<PathBuf>,
    /// A recipe file, a folder that gets NAME/NAME.hb for each image, or `-` for standard output, the default for one
    #[arg(short, long, value_name = "FILE|DIR|-")]
    pub output: Option<PathBuf>,
    /// Write over files that are there
    #[arg(long)]
    pub force: bool,
    /// The distro of files that name none: `debian13`, `alpine3.24`
    #[arg(long, value_name = "DISTRO")]
    pub distro: Option<String>,
    /// Print what was written, and all that was not carried over, as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `lock`.
#[derive(Debug, Clone, Args)]
pub struct LockArguments {
    /// A recipe FILE or a folder (all recipes below it)
    #[arg(value_name = "TARGET", default_value = ".")]
    pub targets: Vec<String>,
    /// Move these packages to their newest versions, and what must move with them; everything where no name
    /// is given
    #[arg(long, value_name = "PACKAGE", num_args = 0.., value_delimiter = ',')]
    pub update: Option<Vec<String>>,
    /// Write nothing; exit with 1 where the lock would change
    #[arg(long)]
    pub check: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Mirrors
    #[command(flatten)]
    pub network: NetworkArguments,
}

/// Arguments of `build`.
#[derive(Debug, Args)]
pub struct BuildArguments {
    /// Recipes and variants
    #[command(flatten)]
    pub selection: Selection,
    /// Build what a bundle holds, from it alone, in place of targets
    #[arg(long, value_name = "FILE", conflicts_with_all = ["targets", "debian_mirror", "debian_security_mirror", "alpine_mirror", "ca_file"])]
    pub from_bundle: Option<PathBuf>,
    /// Folder for the results; it holds one folder or archive for each image
    #[arg(short, long, value_name = "DIR", default_value = "out")]
    pub output: PathBuf,
    /// Form of the results
    #[arg(long, value_enum, default_value_t = FormatArgument::Oci)]
    pub format: FormatArgument,
    /// Compression of the layers; `docker` archives are never compressed
    #[arg(long, value_enum, default_value_t = CompressionArgument::Zstd)]
    pub compression: CompressionArgument,
    /// Attach this too: evidence that only some readers want
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub evidence: Vec<super::build::EvidenceArgument>,
    /// Threads, and so derivations at once; one a core by default
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,
    /// After a failure go on with everything that does not need what failed
    #[arg(short, long)]
    pub keep_going: bool,
    /// Execute every build again, with one core, another directory order, host path and user, and compare
    #[arg(long)]
    pub check: bool,
    /// Use no network: only the store and `file:` mirrors
    #[arg(long)]
    pub offline: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Mirrors
    #[command(flatten)]
    pub network: NetworkArguments,
    /// Limits
    #[command(flatten)]
    pub sandbox: SandboxArguments,
    /// Leave out the images' tests
    #[arg(long)]
    pub no_tests: bool,
    /// Tests
    #[command(flatten)]
    pub tests: TestTime,
}

/// Arguments of `shell`.
#[derive(Debug, Args)]
pub struct ShellArguments {
    /// A build, or the first digits of a derivation id
    #[command(flatten)]
    pub selection: Selection,
    /// Threads, and so derivations at once; one a core by default
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Use no network: only the store and `file:` mirrors
    #[arg(long)]
    pub offline: bool,
    /// Mirrors
    #[command(flatten)]
    pub network: NetworkArguments,
    /// Limits
    #[command(flatten)]
    pub sandbox: SandboxArguments,
}

/// Forms of a built image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArgument {
    /// An OCI image layout folder
    Oci,
    /// An archive for `docker load`
    Docker,
    /// An OCI image layout in one tar archive
    Tar,
    /// The unpacked root file system
    Dir,
}

/// Compressions of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompressionArgument {
    /// Zstandard
    Zstd,
    /// gzip, for clients that know no zstd
    Gzip,
}

/// Arguments of `log`.
#[derive(Debug, Args)]
pub struct LogArguments {
    /// A build, or the first digits of a derivation id
    #[command(flatten)]
    pub selection: Selection,
    /// Print the build record as JSON instead: outputs, warnings, the sandbox as it was applied
    #[arg(long)]
    pub record: bool,
}

/// Arguments of `why`.
#[derive(Debug, Args)]
pub struct WhyArguments {
    /// A layout folder or an archive, optionally with `:REF`, such as `out/hello:2.10-debian12-amd64`, or a reference
    pub image: String,
    /// Absolute path of a file in the image
    pub path: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Registries
    #[command(flatten)]
    pub registry: RegistryArguments,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `store`.
#[derive(Debug, Args)]
pub struct StoreArguments {
    /// What to do with the store
    #[command(subcommand)]
    pub command: StoreCommand,
}

/// The commands of `store`.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Where it is, how much it holds
    Info {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Read every object and compare it with its digest
    Verify {
        /// Drop what is damaged, so that the next build makes it again
        #[arg(long)]
        repair: bool,
    },
    /// Drop what no root needs
    Gc {
        /// Drop the least recently used until this many bytes are left (suffixes K, M, G)
        #[arg(long, value_name = "SIZE")]
        max_size: Option<String>,
        /// Remove nothing, only say what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// Path of an object by its digest
    Path {
        /// BLAKE3 digest, 64 hexadecimal digits
        digest: String,
    },
}
