//! Alpine's packages: what a merge must know of them, the order in which apk would install them, its rules for files
//! that two of them have, and the database that it leaves behind.

mod apk;
mod database;
mod layering;
mod order;
mod owners;
mod scripts;

pub use apk::Apk;
pub use database::{fill_installed, write_database};
pub use layering::Layering;
pub use order::installation_order;
pub use owners::set_owners;
