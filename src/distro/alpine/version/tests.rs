use std::cmp::Ordering;

use proptest::prelude::*;

use super::{compare, compare_fuzzily, is_valid};

#[test]
fn versions_ascend() {
    let ascending = [
        "0.9",
        "1_alpha",
        "1_alpha2",
        "1_beta",
        "1_pre3",
        "1_rc",
        "1_rc1",
        "1",
        "1-r1",
        "1-r10",
        "1_cvs",
        "1_svn",
        "1_git20230717",
        "1_git20230717-r4",
        "1_hg",
        "1_p",
        "1_p1",
        "1a",
        "1b",
        "1.001",
        "1.01",
        "1.1",
        "1.2",
        "1.10",
        "2",
        "10",
    ];
    for pair in ascending.windows(2) {
        assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
    }
}

#[test]
fn a_fuzzy_comparison_looks_at_what_both_have() {
    for (version, wanted) in [("1.26.3-r0", "1.26"), ("1.26", "1.26"), ("2_rc1", "2"), ("1.26", "1.26.3")] {
        assert_eq!(compare_fuzzily(version, wanted), Ordering::Equal, "{version} {wanted}");
    }
    assert_eq!(compare_fuzzily("1.26.3-r0", "1.2"), Ordering::Greater);
    assert_eq!(compare_fuzzily("1.26.3-r0", "1.26.4"), Ordering::Less);
}

#[test]
fn what_apk_takes_for_a_version() {
    for version in
        ["1", "1.2.3a_rc1_p2-r0", "01.0", "", "1..2", "a1", "1_alpha1_p2", "1-r", "99999999999999999"]
    {
        assert!(is_valid(version), "{version}");
    }
    for version in ["1ab", "1_foo", "1-1", "1a.1", "1_p1.1", "1~2", "1:2", "ä", "100000000000000000"] {
        assert!(!is_valid(version), "{version}");
    }
}

proptest! {
    #[test]
    fn order_is_antisymmetric_and_nothing_panics(left in "[0-9a-z._r~ä-]{0,16}", right in "[0-9a-z._r-]{0,16}") {
        prop_assert_eq!(compare(&left, &left), Ordering::Equal);
        prop_assert_eq!(compare(&left, &right), compare(&right, &left).reverse());
        is_valid(&left);
    }
}
