//! Names that a person may have meant.

use std::collections::BTreeSet;

/// At most this many names are suggested.
const SUGGESTIONS: usize = 3;

/// The candidates nearest to `name` by edits, best first, then by name; none that is too far away.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<String> {
    let limit = (name.chars().count() / 3).clamp(1, 3);
    let mut found = BTreeSet::new();
    for candidate in candidates {
        if let Some(distance) = edits(name, candidate, limit) {
            found.insert((distance, candidate));
        }
    }
    found.into_iter().take(SUGGESTIONS).map(|(_, candidate)| candidate.to_owned()).collect()
}

/// Insertions, deletions, substitutions and exchanges of neighbours that turn one text into the other, if there
/// are at most `limit`.
fn edits(left: &str, right: &str, limit: usize) -> Option<usize> {
    if left.len().abs_diff(right.len()) > limit {
        return None;
    }
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut before_last = vec![0; right.len() + 1];
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for row in 1..=left.len() {
        let mut current = vec![row; right.len() + 1];
        for column in 1..=right.len() {
            let substitution = last[column - 1] + usize::from(left[row - 1] != right[column - 1]);
            let mut best = substitution.min(last[column] + 1).min(current[column - 1] + 1);
            let exchanged = row > 1
                && column > 1
                && left[row - 1] == right[column - 2]
                && left[row - 2] == right[column - 1];
            if exchanged {
                best = best.min(before_last[column - 2] + 1);
            }
            current[column] = best;
        }
        if current.iter().min().is_some_and(|least| *least > limit) {
            return None;
        }
        before_last = std::mem::replace(&mut last, current);
    }
    Some(last[right.len()]).filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::edits;

    #[test]
    fn distances() {
        assert_eq!(edits("nginx", "nginx", 2), Some(0));
        assert_eq!(edits("ngnix", "nginx", 2), Some(1));
        assert_eq!(edits("pyhton3", "python3", 2), Some(1));
        assert_eq!(edits("libssl", "libssl3", 2), Some(1));
        assert_eq!(edits("redis", "nginx", 2), None);
    }
}
