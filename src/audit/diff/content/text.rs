//! Lines against lines.

use std::borrow::Cow;

use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

use super::cause;
use crate::audit::diff::escape::text_of;
use crate::audit::diff::report::{Cause, Part, TextDifference};

/// Lines of each side that are compared, from the first that differs on.
const WINDOW: usize = 4_000;
/// Lines of a diff that are kept.
const MOST_LINES: usize = 200;
/// Pairs of lines whose cause is looked for.
const MOST_PAIRS: usize = 200;
/// Characters of a line that are kept.
const MOST_CHARS: usize = 240;
/// Characters before the first difference that are kept of long lines.
const BEFORE: usize = 60;
/// Lines shown around each change.
const CONTEXT: usize = 2;

/// Says in `part` in which lines the texts differ, and why.
pub fn compare(part: &mut Part, left: &[u8], right: &[u8]) {
    let texts = [left, right].map(|bytes| match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(text_of(bytes)),
    });
    let [left, right] = [&texts[0], &texts[1]].map(|text| lines(text));
    compare_lines(part, &left, &right);
}

/// The lines of `text`; where the last one has no end, that is told as a line.
fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    match lines.last() {
        Some(&"") => drop(lines.pop()),
        _ => lines.push("\\ no line end"),
    }
    lines
}

/// The same of lines that were split.
pub fn compare_lines(part: &mut Part, left: &[&str], right: &[&str]) {
    if left == right {
        return;
    }
    // Some of what is the same around is shown.
    let same = left.iter().zip(right).take_while(|(one, other)| one == other).count();
    let end = left[same..].iter().rev().zip(right[same..].iter().rev());
    let end = end.take_while(|(one, other)| one == other).count().saturating_sub(CONTEXT);
    let same = same.saturating_sub(CONTEXT);
    let (left, right) = (&left[same..left.len() - end], &right[same..right.len() - end]);
    note_order(part, left, right);
    let whole = left.len().max(right.len()) <= WINDOW;
    let (left, right) = (&left[..left.len().min(WINDOW)], &right[..right.len().min(WINDOW)]);
    if !whole {
        part.note = Some(format!("only {WINDOW} lines were compared, from the first that differs on"));
    }
    let ops = capture_diff_slices(Algorithm::Patience, left, right);
    let mut diff = TextDifference { lines: Vec::new(), removed: 0, added: 0, more: 0 };
    let mut pairs = 0;
    for group in group_diff_ops(ops, CONTEXT) {
        let ends = |op: &DiffOp| (op.old_range(), op.new_range());
        let (Some(first), Some(last)) = (group.first().map(ends), group.last().map(ends)) else { continue };
        let span = |from: usize, to: usize| format!("{},{}", from + same + 1, to - from);
        push(&mut diff, || {
            let old = span(first.0.start, last.0.end);
            format!("@@ -{old} +{} @@", span(first.1.start, last.1.end))
        });
        for op in &group {
            let (old, new) = (&left[op.old_range()], &right[op.new_range()]);
            if let DiffOp::Equal { .. } = op {
                old.iter().for_each(|line| push(&mut diff, || format!(" {}", cut(line, 0))));
                continue;
            }
            diff.removed += old.len();
            diff.added += new.len();
            let starts: Vec<usize> = old.iter().zip(new).map(|(one, other)| start(one, other)).collect();
            let from = |at: usize| starts.get(at).copied().unwrap_or(0);
            let lines = old.iter().enumerate();
            lines.for_each(|(at, line)| push(&mut diff, || format!("-{}", cut(line, from(at)))));
            let lines = new.iter().enumerate();
            lines.for_each(|(at, line)| push(&mut diff, || format!("+{}", cut(line, from(at)))));
            for (one, other) in old.iter().zip(new).take(MOST_PAIRS.saturating_sub(pairs)) {
                pairs += 1;
                cause::explain(one, other).into_iter().for_each(|cause| part.cause(cause));
            }
        }
    }
    part.text = Some(diff);
}

/// Notes where the lines are the same but for their order or blanks.
fn note_order(part: &mut Part, left: &[&str], right: &[&str]) {
    let blanks = |lines: &[&str]| lines.iter().flat_map(|line| line.split_whitespace()).collect::<String>();
    if left.len() == right.len() && left.len() > 1 {
        let sorted = |lines: &[&str]| {
            let mut lines = lines.to_vec();
            lines.sort_unstable();
            lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()
        };
        if left != right && sorted(left) == sorted(right) {
            return part.cause(Cause::LineOrder);
        }
    }
    if left.len().max(right.len()) <= WINDOW && blanks(left) == blanks(right) {
        part.cause(Cause::Blanks);
    }
}

fn push(diff: &mut TextDifference, line: impl FnOnce() -> String) {
    if diff.lines.len() < MOST_LINES {
        diff.lines.push(line());
    } else {
        diff.more += 1;
    }
}

/// From which character on two lines are shown: from a few before the first that differs, where they are long.
fn start(one: &str, other: &str) -> usize {
    let longest = one.len().max(other.len());
    if longest <= MOST_CHARS {
        return 0;
    }
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    same.saturating_sub(BEFORE)
}

fn cut(line: &str, from: usize) -> String {
    let mut text = String::new();
    if from > 0 {
        text.push('…');
    }
    let mut chars = line.chars().skip(from);
    text.extend(chars.by_ref().take(MOST_CHARS));
    if chars.next().is_some() {
        text.push('…');
    }
    text
}
