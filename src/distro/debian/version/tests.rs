use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::*;

#[test]
fn known_orders() {
    let ascending =
        "0~~ 0~ 0 0a 0.1 1.0~rc1 1.0 1.0-0.1 1.0-1~bpo1+1 1.0-1 1.0a 1.0+b1 1.9 1.10 1:0.1 2:0 10:0";
    let ascending: Vec<_> = ascending.split(' ').collect();
    for pair in ascending.windows(2) {
        assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
    }
}

#[test]
fn equal_versions_may_differ_as_texts() {
    for (left, right) in [("1.0", "1.0-0"), ("0:1", "1"), ("1.00", "1.0"), ("007", "7"), ("1-", "1")] {
        assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
    }
}

/// What dpkg says, or none where it refuses a version or is not there.
fn dpkg(left: &str, right: &str) -> Option<Ordering> {
    let says = |relation: &str| {
        let output =
            Command::new("dpkg").args(["--compare-versions", left, relation, right]).output().ok()?;
        output.stderr.is_empty().then_some(output.status.success())
    };
    Some(match (says("lt")?, says("gt")?) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ => Ordering::Equal,
    })
}

#[test]
fn agrees_with_dpkg() {
    if dpkg("1", "2").is_none() {
        let required = std::env::var("HBUILD_TEST_REQUIRE").is_ok_and(|value| value == "all");
        eprintln!("SKIP agrees_with_dpkg: no dpkg here");
        assert!(!required, "dpkg is required");
        return;
    }
    let version = "([0-9]:)?[0-9][0-9a-z.+~]{0,6}(-[0-9a-z.+~]{1,4})?";
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    runner
        .run(&(version, version), |(left, right)| {
            let Some(expected) = dpkg(&left, &right) else {
                return Err(TestCaseError::reject("refused by dpkg"));
            };
            prop_assert_eq!(compare(&left, &right), expected, "{} {}", left, right);
            prop_assert_eq!(compare(&right, &left), expected.reverse());
            Ok(())
        })
        .unwrap();
}

proptest! {
    #[test]
    fn the_order_is_total(left in "\\PC{0,12}", right in "\\PC{0,12}") {
        prop_assert_eq!(compare(&left, &right), compare(&right, &left).reverse());
        prop_assert_eq!(compare(&left, &left), Ordering::Equal);
    }
}
