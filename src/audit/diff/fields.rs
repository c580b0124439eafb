//! JSON documents compared value by value.

use serde_json::Value;

use super::report::FieldDifference;

/// More than this many differences of one document are not listed: nobody reads them.
const MOST: usize = 10_000;

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
            // Lists of another length are read best as a whole, if they are short; a moved element would make all differ.
            (Some(Value::Array(one)), Some(Value::Array(other))) if one.len() == other.len() => {
                for (at, (one, other)) in one.iter().zip(other).enumerate() {
                    self.below(path, &at.to_string(), Some(one), Some(other));
                }
            }
            _ => self.found.push(FieldDifference {
                document: self.document.to_owned(),
                path: path.clone(),
                left: left.cloned(),
                right: right.cloned(),
            }),
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
        let left = json!({"a": 1, "b": {"c/d": [1, 2]}, "e": [1], "same": {}});
        let right = json!({"a": 1, "b": {"c/d": [1, 3]}, "e": [1, 2], "f": null, "same": {}});
        compare("config", &left, &right, &mut found);
        let found: Vec<_> = found.into_iter().map(|field| (field.path, field.left, field.right)).collect();
        let expected = [
            ("/b/c~1d/1".to_owned(), Some(json!(2)), Some(json!(3))),
            ("/e".to_owned(), Some(json!([1])), Some(json!([1, 2]))),
            ("/f".to_owned(), None, Some(json!(null))),
        ];
        assert_eq!(found, expected);
    }
}
