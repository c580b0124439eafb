//! The tests of images: which a build runs, and a run of nothing but tests.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::Arch;
use serde::Serialize;

use super::graph::{Planned, WholeGraph};
use super::image_command::failure_of;
use super::platform::check_platform;
use super::run::{BuildOptions, Surroundings, keep_local, with_builders};
use super::{BuildFailure, PlatformError};
use crate::evidence::TestOutcome;
use crate::exec::{ExecError, ExecutionError, execute};
use crate::graph::{DerivationId, TestPlan};
use crate::store::Store;

/// What became of the tests of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestState {
    /// All of them passed; how many there are.
    Passed(usize),
    /// They could not be run, and why.
    NotRun(String),
    /// They were left out, as was asked for.
    LeftOut,
}

/// The tests of the images of a graph, by what makes the image.
#[derive(Debug, Default)]
pub(super) struct Tests(BTreeMap<DerivationId, TestState>);

impl Tests {
    /// What is to become of the tests of each image. Whether this machine can run any is asked only where one has to be
    /// run.
    pub fn of(
        whole: &WholeGraph<'_>,
        surroundings: &Surroundings<'_>,
        here: Arch,
    ) -> Result<Self, BuildFailure> {
        let mut unavailable = None;
        let mut states = BTreeMap::new();
        for planned in &whole.images {
            let Some(plan) = planned.plan.tests else { continue };
            let state = match surroundings.tests {
                None => TestState::LeftOut,
                Some(_) if planned.image.arch != here => {
                    let arch = planned.image.arch;
                    let reason =
                        format!("the image is for {arch}, and this host is {here}; run `hbuild test` there");
                    TestState::NotRun(reason)
                }
                Some(_) if surroundings.store.recall(&plan.statement).is_some() => {
                    TestState::Passed(planned.image.tests.len())
                }
                Some(tests) => {
                    if unavailable.is_none() {
                        unavailable = Some(reason_of(tests.runner.available())?);
                    }
                    match unavailable.as_ref().and_then(Option::as_ref) {
                        Some(reason) => TestState::NotRun(reason.clone()),
                        None => TestState::Passed(planned.image.tests.len()),
                    }
                }
            };
            states.insert(planned.plan.image, state);
        }
        Ok(Self(states))
    }

    /// What is to become of those of `planned`; `None` where it has none.
    pub fn state(&self, planned: &Planned<'_>) -> Option<&TestState> {
        self.0.get(&planned.plan.image)
    }

    /// The statement that the tests of `planned` passed, where they are run.
    pub fn statement(&self, planned: &Planned<'_>) -> Option<DerivationId> {
        let run = matches!(self.state(planned), Some(TestState::Passed(_)));
        planned.plan.tests.filter(|_| run).map(|plan| plan.statement)
    }
}

/// Why tests cannot be run here; nothing where they can.
fn reason_of(available: Result<(), ExecutionError>) -> Result<Option<String>, BuildFailure> {
    match available {
        Ok(()) => Ok(None),
        Err(ExecutionError::Executor(error)) => {
            Ok(Some(format!("{error}; `hbuild doctor` says what to do, `--no-tests` leaves the tests out")))
        }
        Err(error) => Err(failure_of(error)),
    }
}

/// An image whose tests were run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestedImage {
    /// Its name.
    pub image: String,
    /// Its variant.
    pub variant: String,
    /// Its architecture.
    pub arch: Arch,
    /// Its tests in the order of the recipe: the name, and whether it passed; what came of it where it was run now.
    pub tests: Vec<(String, Option<bool>, Option<TestOutcome>)>,
}

/// Runs the tests of all images of `whole`: what came of them, and the failure, where there was one. Everything but the
/// layers that they need is made.
pub fn test(
    whole: &WholeGraph<'_>,
    options: &BuildOptions,
    surroundings: &Surroundings<'_>,
) -> Result<(Vec<TestedImage>, Option<BuildFailure>), BuildFailure> {
    let store = surroundings.store;
    let _shared = store.share(&options.cancel)?;
    keep_local(whole, store)?;
    let tested: Vec<(&Planned<'_>, TestPlan)> =
        whole.images.iter().filter_map(|planned| Some((planned, planned.plan.tests?))).collect();
    let wanted: BTreeSet<DerivationId> = tested.iter().map(|(_, plan)| plan.run).collect();
    let wanted: Vec<DerivationId> = wanted.into_iter().collect();
    refuse_what_cannot_run(&tested, options.platform, surroundings)?;
    check_platform(&whole.graph, &wanted, store, options.platform)?;
    let failure = with_builders(options, surroundings, |builders, execution| {
        match execute(&whole.graph, &wanted, store, builders, execution, surroundings.observer) {
            Ok(_) => Ok(None),
            Err(failure @ (ExecError::Failed(_) | ExecError::Several(_))) => Ok(Some(failure.into())),
            Err(failure) => Err(failure.into()),
        }
    })?;
    let images = tested.iter().map(|(planned, plan)| of_image(planned, plan, store, surroundings));
    Ok((images.collect(), failure))
}

/// An error where tests are for another platform, or this machine can run none.
fn refuse_what_cannot_run(
    tested: &[(&Planned<'_>, TestPlan)],
    here: Arch,
    surroundings: &Surroundings<'_>,
) -> Result<(), BuildFailure> {
    let missing = |(_, plan): &&(&Planned<'_>, TestPlan)| surroundings.store.recall(&plan.run).is_none();
    let Some(_) = tested.iter().find(missing) else { return Ok(()) };
    let other = |(planned, _): &&(&Planned<'_>, TestPlan)| planned.image.arch != here;
    if let Some((planned, _)) = tested.iter().filter(missing).find(other) {
        let image = planned.image;
        let label = format!("tests of {} {} {}", image.name, image.variant, image.arch);
        return Err(PlatformError { label, wanted: image.arch, here }.into());
    }
    match surroundings.tests {
        Some(tests) => tests.runner.available().map_err(failure_of),
        None => Ok(()),
    }
}

fn of_image(
    planned: &Planned<'_>,
    plan: &TestPlan,
    store: &Store,
    surroundings: &Surroundings<'_>,
) -> TestedImage {
    let image = planned.image;
    let outcomes = surroundings.tests.and_then(|tests| tests.reports.get(&plan.run));
    let tests = match outcomes {
        Some(outcomes) => {
            let told = |outcome: TestOutcome| {
                (outcome.name.clone(), Some(outcome.problems.is_empty()), Some(outcome))
            };
            outcomes.into_iter().map(told).collect()
        }
        None => {
            // Only tests that all passed have a record.
            let passed = store.recall(&plan.run).map(|_| true);
            image.tests.iter().map(|test| (test.name.clone(), passed, None)).collect()
        }
    };
    TestedImage { image: image.name.clone(), variant: image.variant.clone(), arch: image.arch, tests }
}
