//! The plain tree: what strings, operators and comments become.

use hbuild_lang::syntax::ast::*;
use hbuild_lang::syntax::{self};

fn file(text: &str) -> File {
    let parse = syntax::parse(text);
    assert!(!parse.has_errors(), "{text}\n{:#?}", parse.diagnostics());
    parse.file()
}

fn value(text: &str) -> Expr {
    let file = file(&format!("hbuild 1\nlet a = {text}\n"));
    file.lets().next().unwrap().value.clone()
}

/// A string with `<…>` for its interpolations.
fn string(text: &str) -> String {
    let ExprKind::String(literal) = value(text).kind else { panic!("{text} is no string") };
    let part = |part: &StringPart| match part {
        StringPart::Text(text) => text.clone(),
        StringPart::Interpolation(value) => format!("<{}>", written(value)),
    };
    literal.parts.iter().map(part).collect()
}

/// An expression with parentheses around every operation.
fn written(expr: &Expr) -> String {
    let list = |values: &[Expr]| values.iter().map(written).collect::<Vec<_>>().join(" ");
    match &expr.kind {
        ExprKind::Missing => "?".to_owned(),
        ExprKind::Name(name) => name.clone(),
        ExprKind::String(literal) => format!("{:?}", literal.plain().unwrap_or("…")),
        ExprKind::Int(number) => number.to_string(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::None => "none".to_owned(),
        ExprKind::List(values) => format!("[{}]", list(values)),
        ExprKind::Record(entries) => {
            let entry =
                |entry: &Entry| format!("{}={}", entry.key.text().unwrap_or("…"), written(&entry.value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
        }
        ExprKind::ListComprehension(of) => {
            let Generator { key: _, name, values, condition } = &of.generator;
            let condition =
                condition.as_ref().map_or(String::new(), |condition| format!(" when {}", written(condition)));
            format!("[{} for {} in {}{condition}]", written(&of.value), name.text, written(values))
        }
        ExprKind::RecordComprehension(of) => format!("{{… for {}}}", of.generator.name.text),
        ExprKind::Call(call) => {
            let argument = |argument: &Argument| match &argument.name {
                Some(name) => format!("{}={}", name.text, written(&argument.value)),
                None => written(&argument.value),
            };
            let arguments: Vec<String> = call.arguments.iter().map(argument).collect();
            format!("{}({})", written(&call.callee), arguments.join(" "))
        }
        ExprKind::Member(member) => format!("{}.{}", written(&member.base), member.name.text),
        ExprKind::Match(of) => {
            let arm = |arm: &Arm| format!("{}=>{}", pattern(&arm.pattern), written(&arm.value));
            format!(
                "match {} {{{}}}",
                written(&of.subject),
                of.arms.iter().map(arm).collect::<Vec<_>>().join(" ")
            )
        }
        ExprKind::Is(of) => format!("({} is {})", written(&of.subject), pattern(&of.pattern)),
        ExprKind::Binary(of) => format!("({} {} {})", written(&of.left), of.operator, written(&of.right)),
        ExprKind::Not(operand) => format!("(not {})", written(operand)),
    }
}

fn pattern(pattern: &Pattern) -> String {
    match &pattern.kind {
        PatternKind::Name { name, arguments: None } => name.text.clone(),
        PatternKind::Name { name, arguments: Some(arguments) } => {
            format!("{}({})", name.text, arguments.iter().map(self::pattern).collect::<Vec<_>>().join(" "))
        }
        PatternKind::Any => "_".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn strings_have_their_values() {
    assert_eq!(string(r#""a\n\t\"\\\u{e9}\u{1F600}""#), "a\n\t\"\\é😀");
    assert_eq!(string(r#""$X ${X} }} { {{x.y}}!{{"{{"}}""#), "$X ${X} }} { <x.y>!<\"{{\">");
    assert_eq!(string(r#"r"\n{{x}}""#), r"\n{{x}}");
    assert_eq!(string(r##"r#"a "b" c"#"##), r#"a "b" c"#);
    assert_eq!(string("\"\""), "");
    assert_eq!(string("\"\"\"\"\"\""), "");
    assert_eq!(string(r#""""make -j"$JOBS" """"#), "make -j\"$JOBS\" ");
}

#[test]
fn block_strings_lose_their_indentation() {
    assert_eq!(string("\"\"\"\n      a\n        b\n\n      c\n    \"\"\""), "a\n  b\n\nc\n");
    assert_eq!(string("\"\"\"\n    a\n    b\"\"\""), "a\nb");
    assert_eq!(string("\"\"\"\n\ta\n\t\tb\n\t\"\"\""), "a\n\tb\n");
    assert_eq!(string("\"\"\"\n  \"\"\""), "");
    assert_eq!(string("\"\"\"\n\n\n  \"\"\""), "\n\n");
    assert_eq!(string("\"\"\"\n    {{x}}\n      {{y}} z\n  \"\"\""), "<x>\n  <y> z\n");
    assert_eq!(string("\"\"\"\n    a {{x}}\n    b\n\"\"\""), "a <x>\nb\n");
    assert_eq!(
        string("\"\"\"\n  all:\n  \tmake\n  \"\"\""),
        "all:\n\tmake\n",
        "a tab behind the indentation"
    );
    assert_eq!(string("\"\"\"\n  \\( \\n ${X}\n  \"\"\""), "\\( \\n ${X}\n");
    assert_eq!(string("r#\"\"\"\n  a \"\"\" {{\n  \"\"\"#"), "a \"\"\" {{\n");
}

#[test]
fn operators_bind_as_the_grammar_says() {
    for (text, expected) in [
        ("a or b and not c == d + e", "(a or (b and (not (c == (d + e)))))"),
        ("a + b + c", "((a + b) + c)"),
        ("a\n  + b\n  .c(1)\n  or d", "((a + b.c(1)) or d)"),
        ("(a or b) and c", "((a or b) and c)"),
        ("a is debian(\"13\") and b in [c]", "((a is debian(String(\"13\"))) and (b in [c]))"),
        ("not not a", "(not (not a))"),
        ("not a in b", "(not (a in b))"),
        ("x.at(\"/y\").only([\"*\"], z = 1)", "x.at(\"/y\").only([\"*\"] z=1)"),
        ("[f(x) for x in xs when x != 1]", "[f(x) for x in xs when (x != 1)]"),
        ("{ a = 1, \"b\" = {}, C_D = none }", "{a=1 b={} C_D=none}"),
        ("match a { b => 1, _ => 0o755 }", "match a {b=>1 _=>493}"),
    ] {
        assert_eq!(written(&value(text)), expected, "{text}");
    }
}

#[test]
fn doc_comments_stick_to_what_follows() {
    let text = "hbuild 1\n## One.\n\n# not this\n##  Two.\n##\nimage a {\n  ## Field.\n  b = 1 ## not this\n  ## Step.\n  step \"c\" {}\n}\n";
    let file = file(text);
    let image = file.declarations().next().unwrap();
    assert_eq!(image.doc.as_deref(), Some("One.\n Two.\n"));
    assert_eq!(image.kind, DeclarationKind::Image);
    assert_eq!(&text[image.keyword.range()], "image");
    assert_eq!(&text[image.name.span.range()], "a");
    let Statement::Field(field) = &image.block.statements[0] else { panic!("no field") };
    assert_eq!(field.doc.as_deref(), Some("Field."));
    let Statement::Step(step) = &image.block.statements[1] else { panic!("no step") };
    assert_eq!(step.doc.as_deref(), Some("Step."));
}

#[test]
fn words_are_contextual() {
    let file = file(
        "hbuild 1\nlet step = 1\nimage image {\n  for step, test\n  test = 1\n  waive += step\n  source.build = import-x\n}\n",
    );
    let image = file.declarations().next().unwrap();
    assert_eq!(image.block.statements.len(), 4);
    assert_eq!(image.block.fields().count(), 3);
    assert_eq!(
        file.items.iter().filter_map(Item::name).map(|name| name.text.as_str()).collect::<Vec<_>>(),
        ["step", "image"]
    );
}

#[test]
fn imports_bring_names() {
    let file = file("hbuild 1\nimport std/base\nimport \"lib/common.hb\"\n");
    let names: Vec<_> =
        file.imports().filter_map(|import| import.name.as_ref()).map(|name| name.text.as_str()).collect();
    assert_eq!(names, ["base", "common"]);
}

/// Several mistakes leave the rest of the tree as it is.
#[test]
fn broken_parts_leave_the_others() {
    let parse =
        syntax::parse("hbuild 1\nimage a {\n  b = \n  c = 1\n  d [\n  e = 2\n}\nimage f {\n  g = 3\n}\n");
    assert_eq!(parse.diagnostics().len(), 3);
    let file = parse.file();
    let fields: Vec<Vec<&str>> = file
        .declarations()
        .map(|image| image.block.fields().filter_map(|field| field.path[0].text()).collect())
        .collect();
    assert_eq!(fields, [vec!["b", "c", "d", "e"], vec!["g"]]);
}
