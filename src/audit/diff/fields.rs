//! JSON documents compared value by value.

use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::report::FieldDifference;

/// More than this many differences of one document are not listed: nobody reads them.
const MOST: usize = 10_000;
/// Longer lists are compared element by element, whatever moved.
const LONGEST: usize = 2_000;

/// Where `left` and `right` differ. `document` names both.
pub(super) fn compare(document: &str, left: &Value, right: &Value, found: &mut Vec<FieldDifference>) {
    let mut walk = Walk { document, found, start: 0 };
    walk.start = walk.found.len();
    walk.values(&mut String::new(), Some(left), Some(right));
}

struct Walk<'a> {
    document: &'a str,
    found: &'a mut Vec<FieldDifference>,
    start: usize,
}

impl Walk<'_> {
    fn values(&mut self, path: &mut String, left: Option<&Value>, right: Option<&Value>) {
        if left == right || self.found.len() - self.start >= MOST {
            return;
        }
        match (left, right) {
            (Some(Value::Object(one)), Some(Value::Object(other))) => {
                let mut keys: Vec<&String> = one.keys().chain(other.keys()).collect();
                keys.sort();
                keys.dedup();
                for key in keys {
                    self.below(path, &escaped(key), one.get(key), other.get(key));
                }
            }
            (Some(Value::Array(one)), Some(Value::Array(other))) => self.lists(path, one, other),
            _ => self.found.push(FieldDifference {
                document: self.document.to_owned(),
                path: path.clone(),
                left: left.cloned(),
                right: right.cloned(),
            }),
        }
    }

    /// Elements that one list has and the other has not; those that stand for each other are compared themselves.
    fn lists(&mut self, path: &mut String, left: &[Value], right: &[Value]) {
        let texts = |list: &[Value]| list.iter().map(Value::to_string).collect::<Vec<_>>();
        let ops = match left.len().max(right.len()) <= LONGEST {
            true => capture_diff_slices(Algorithm::Myers, &texts(left), &texts(right)),
            false => {
                vec![DiffOp::Replace {
                    old_index: 0,
                    old_len: left.len(),
                    new_index: 0,
                    new_len: right.len(),
                }]
            }
        };
        for op in ops {
            if let DiffOp::Equal { .. } = op {
                continue;
            }
            let (old, new) = (op.old_range(), op.new_range());
            for offset in 0..old.len().max(new.len()) {
                let (one, other) = (old.start + offset, new.start + offset);
                let (one_value, other_value) =
                    (left[old.clone()].get(offset), right[new.clone()].get(offset));
                let at = if one_value.is_some() { one } else { other };
                self.below(path, &at.to_string(), one_value, other_value);
            }
        }
    }

    fn below(&mut self, path: &mut String, key: &str, left: Option<&Value>, right: Option<&Value>) {
        let length = path.len();
        path.push('/');
        path.push_str(key);
        self.values(path, left, right);
        path.truncate(length);
    }
}

/// A key as a JSON pointer has it.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_value_that_differs_is_named() {
        let mut found = Vec::new();
        let left = json!({"a": 1, "b": {"c/d": [1, 2]}, "e": [1, 3, 2], "same": {}});
        let right = json!({"a": 1, "b": {"c/d": [1, 3]}, "e": [0, 1, 3], "f": null, "same": {}});
        compare("config", &left, &right, &mut found);
        let found: Vec<_> = found.into_iter().map(|field| (field.path, field.left, field.right)).collect();
        let expected = [
            ("/b/c~1d/1".to_owned(), Some(json!(2)), Some(json!(3))),
            ("/e/0".to_owned(), None, Some(json!(0))),
            ("/e/2".to_owned(), Some(json!(2)), None),
            ("/f".to_owned(), None, Some(json!(null))),
        ];
        assert_eq!(found, expected);
    }
}
