//! Which argument of a call goes to which parameter.

use crate::modules::{FileId, Reports};
use crate::syntax::ast;

/// A parameter, as much of it as matters here.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether the call must give it.
    pub required: bool,
}

/// For each parameter the argument it takes, or `None` where the call gives none. Named arguments go by name,
/// positional ones in order to the parameters that the call does not name; whatever does not fit is reported, and
/// then the answer is `None` as a whole.
pub fn bind<'a>(
    file: FileId,
    callee: &str,
    slots: &[Slot<'_>],
    call: &'a ast::Call,
    reports: &mut Reports,
) -> Option<Vec<Option<&'a ast::Expr>>> {
    let mut bound: Vec<Option<&ast::Expr>> = vec![None; slots.len()];
    let mut fits = true;
    let named: Vec<&str> = call
        .arguments
        .iter()
        .filter_map(|argument| argument.name.as_ref())
        .map(|name| name.text.as_str())
        .collect();
    let mut free = (0..slots.len()).filter(|index| !named.contains(&slots[*index].name));
    for argument in &call.arguments {
        let index = match &argument.name {
            None => match free.next() {
                Some(index) => index,
                None => {
                    let message = format!("`{callee}` takes {} at most", count(slots.len()));
                    let help = format!("it is called as {}", signature(callee, slots));
                    reports
                        .error("hbuild::lang::wrong_arguments", file.site(argument.span), message)
                        .help(help);
                    fits = false;
                    continue;
                }
            },
            Some(name) => match slots.iter().position(|slot| slot.name == name.text) {
                Some(index) => index,
                None => {
                    let message = format!("`{callee}` has no parameter `{}`", name.text);
                    reports.error("hbuild::lang::wrong_arguments", file.site(name.span), message).meant(
                        &name.text,
                        slots.iter().map(|slot| slot.name),
                        "parameters",
                    );
                    fits = false;
                    continue;
                }
            },
        };
        if bound[index].is_some() {
            let message = format!("`{}` is given twice", slots[index].name);
            let help = format!("it is called as {}", signature(callee, slots));
            reports.error("hbuild::lang::wrong_arguments", file.site(argument.span), message).help(help);
            fits = false;
        }
        bound[index] = Some(&argument.value);
    }
    let missing = missing(slots, &bound);
    if fits && !missing.is_empty() {
        let message = format!("`{callee}` needs {}", missing.join(" and "));
        let help = format!("it is called as {}", signature(callee, slots));
        reports.error("hbuild::lang::wrong_arguments", file.site(call.arguments_span), message).help(help);
        fits = false;
    }
    fits.then_some(bound)
}

/// The names of parameters that must be given, and are not.
fn missing(slots: &[Slot<'_>], bound: &[Option<&ast::Expr>]) -> Vec<String> {
    let missing = slots.iter().zip(bound).filter(|(slot, argument)| slot.required && argument.is_none());
    missing.map(|(slot, _)| format!("`{}`", slot.name)).collect()
}

fn count(number: usize) -> String {
    match number {
        0 => "no argument".to_owned(),
        1 => "one argument".to_owned(),
        more => format!("{more} arguments"),
    }
}

/// How a function is called: `file(text, owner = …, mode = …)`.
fn signature(callee: &str, slots: &[Slot<'_>]) -> String {
    let parameters: Vec<String> = slots
        .iter()
        .map(|slot| if slot.required { slot.name.to_owned() } else { format!("{} = …", slot.name) })
        .collect();
    format!("`{callee}({})`", parameters.join(", "))
}
