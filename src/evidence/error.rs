//! What can go wrong while a document is made.

/// Why a document could not be made.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum EvidenceError {
    /// The report that should become a statement is not JSON.
    #[error("the report for `{label}` is not JSON")]
    #[diagnostic(
        code(hbuild::evidence::bad_report),
        help("the store holds a damaged document: run `hbuild store verify --repair`, then build again")
    )]
    BadReport {
        /// The derivation.
        label: String,
        /// Where it stops being JSON.
        #[source]
        source: serde_json::Error,
    },
    /// The derivation is none that makes a document of this module.
    #[error("`{label}` makes no SBOM, no statement and no origin list")]
    #[diagnostic(
        code(hbuild::evidence::wrong_action),
        help("this is a defect in hbuild: report it with the output of `hbuild graph`")
    )]
    WrongAction {
        /// The derivation.
        label: String,
    },
}
