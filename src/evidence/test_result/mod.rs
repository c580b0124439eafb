//! The tests of an image: run in it, judged, and stated.
//!
//! Receives the merged tree, what the config says, and the tests; whoever runs commands is an
//! [`ImageRunner`](crate::exec::ImageRunner). What passed becomes the predicate of a statement; a test that fails is an
//! error, and nothing is stated of it.

mod builder;
mod failure;
mod judge;
mod predicate;

pub use builder::{TestBuilder, TestReports};
pub use failure::{FailedTest, TestsFailed};
pub use judge::{Problem, TestOutcome, judge};
pub use predicate::TestResultV01;
