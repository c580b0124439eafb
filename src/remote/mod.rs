//! Registries as places that images are pushed to and pulled from, by the OCI distribution specification (1.1).
//!
//! What a registry says is believed by digest alone.
