//! The builder of tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::failure::shown_command;
use super::judge::STREAMS;
use super::{FailedTest, TestOutcome, TestResultV01, TestsFailed, judge};
use crate::evidence::EvidenceError;
use crate::exec::{
    BuildContext, BuildError, BuildOutputs, Builder, ExecutionError, FinishedImage, ImageRunner, Ran,
};
use crate::graph::{Action, Derivation, DerivationId, ImageTests, outputs};
use crate::image::access::{as_seen_by, writable};
use crate::image::config::{account, environment_of, text};

/// The time of directories that a test finds and the image has not.
const EPOCH: i64 = 315_532_800;
/// Bytes of each stream in the log.
const MOST_LOGGED: usize = 1 << 20;

/// Runs the tests of images with `runner`.
#[derive(Clone, Copy)]
pub struct TestBuilder<'a> {
    /// What runs them.
    pub runner: &'a dyn ImageRunner,
    /// Takes what came of each test, whether it passed or not.
    pub reports: &'a TestReports,
}

/// What came of tests that were run, by derivation.
#[derive(Debug, Default)]
pub struct TestReports(Mutex<BTreeMap<DerivationId, Vec<TestOutcome>>>);

impl TestReports {
    /// What came of the tests of `id`, where they were run.
    pub fn get(&self, id: &DerivationId) -> Option<Vec<TestOutcome>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn put(&self, id: DerivationId, outcomes: Vec<TestOutcome>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, outcomes);
    }
}

impl Builder for TestBuilder<'_> {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let Action::Test(tests) = &derivation.action else {
            return Err(BuildError::action(EvidenceError::WrongAction { label: derivation.label.clone() }));
        };
        let (ran, environment) = self.run(tests, context)?;
        let outcomes: Vec<TestOutcome> =
            tests.tests.iter().zip(ran).map(|(test, ran)| judge(test, ran)).collect();
        self.reports.put(context.id(), outcomes.clone());
        let log = log_of(&outcomes);
        context.keep_log(&log)?;
        let total = outcomes.len();
        let failed: Vec<_> =
            outcomes.into_iter().filter(|outcome| !outcome.problems.is_empty()).map(FailedTest).collect();
        if !failed.is_empty() {
            return Err(BuildError::action(TestsFailed { id: context.id(), failed, total }));
        }
        let document = serde_json::to_vec(&TestResultV01::passed(tests, &environment));
        let document = document.expect("texts and lists serialise to JSON");
        Ok(BTreeMap::from([
            (outputs::DOCUMENT.to_owned(), context.put(&document)?),
            (outputs::LOG.to_owned(), context.put(&log)?),
        ]))
    }
}

impl TestBuilder<'_> {
    /// What came of each command, and the environment that all had.
    fn run(
        &self,
        tests: &ImageTests,
        context: &dyn BuildContext,
    ) -> Result<(Vec<Ran>, BTreeMap<String, String>), BuildError> {
        let tree = context.tree(0, outputs::TREE)?;
        let text = |path| text(&tree, path, context.contents());
        let (passwd, group) = (text("etc/passwd")?, text("etc/group")?);
        let account = account(&tests.user, &passwd, &group).map_err(BuildError::action)?;
        let directory = if tests.work_dir.is_empty() { "/" } else { tests.work_dir.as_str() };
        let seen = as_seen_by(&tree, &account, directory, EPOCH);
        let environment = environment_of(&tests.env, &account);
        let image = FinishedImage {
            tree: &seen,
            contents: context.contents(),
            writable: &writable(&seen, &account, &tests.volumes),
            ids: (account.uid, account.gid),
            environment: &environment,
            directory,
            threads: context.spare_threads() + 1,
        };
        let commands: Vec<_> = tests.tests.iter().map(|test| test.run.clone()).collect();
        let ran = self.runner.run(&image, &commands, &|| context.cancelled()).map_err(explain)?;
        Ok((ran, environment))
    }
}

fn explain(error: ExecutionError) -> BuildError {
    match error {
        ExecutionError::Executor(error) => BuildError::Action(error),
        ExecutionError::Output(error) => error,
        ExecutionError::Content(error) => BuildError::Content(error),
        ExecutionError::Step { .. } | ExecutionError::Cancelled => BuildError::Cancelled,
    }
}

/// All that the tests wrote.
fn log_of(outcomes: &[TestOutcome]) -> Vec<u8> {
    let mut log = Vec::new();
    for outcome in outcomes {
        let passed = if outcome.problems.is_empty() { "passed" } else { "failed" };
        let head = format!("test `{}` {passed}\n$ {}\n", outcome.name, shown_command(&outcome.command));
        log.extend_from_slice(head.as_bytes());
        for problem in &outcome.problems {
            log.extend_from_slice(format!("hbuild: {problem}\n").as_bytes());
        }
        for (stream, written) in STREAMS.into_iter().zip([&outcome.ran.stdout, &outcome.ran.stderr]) {
            if written.bytes.is_empty() {
                continue;
            }
            log.extend_from_slice(format!("hbuild: {stream}:\n").as_bytes());
            log.extend_from_slice(&written.bytes[..written.bytes.len().min(MOST_LOGGED)]);
            if written.bytes.len() > MOST_LOGGED {
                log.extend_from_slice(b"\nhbuild: the rest is left out");
            }
            if log.last() != Some(&b'\n') {
                log.push(b'\n');
            }
        }
    }
    log
}
