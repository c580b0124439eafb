hbuild 1
let a = "abc
#~ error hbuild::syntax::unclosed_string `"`
let b = ["x", "y, "z"]
#~ error hbuild::syntax::unclosed_string `"`
let c = 'abc'
#~ error hbuild::syntax::unknown_character `'`
let d = a && b
#~ error hbuild::syntax::unknown_character `&&`
let e = a - b
#~ error hbuild::syntax::unknown_character `-`
let f = "x {{ y "
#~ error hbuild::syntax::unclosed_interpolation `{{`
let g = "x {{ }} {{ {a} }} {{ match a }} {{ [x for x in y] }} {{ a, b }}"
#~ error hbuild::syntax::missing_value `}}`
#~ error hbuild::syntax::interpolation_too_complex `{`
#~ error hbuild::syntax::interpolation_too_complex `match`
#~ error hbuild::syntax::interpolation_too_complex `for`
#~ error hbuild::syntax::unexpected `,`
let h = "\q \u{110000} \u41 \(x)"
#~ error hbuild::syntax::bad_escape `\q`
#~ error hbuild::syntax::bad_escape `\u{110000}`
#~ error hbuild::syntax::bad_escape `\u`
#~ error hbuild::syntax::bad_escape `\(`
let i = """a
  b
  """
#~2 error hbuild::syntax::text_after_quotes `a`
let j = """
    spaces
	tab
  """
#~1 error hbuild::syntax::mixed_indentation `	`
let k = """
    {{ unclosed
    text
  """
#~2 error hbuild::syntax::unclosed_interpolation `{{`
let l = r"C:\{{x}}" + "fine {{"{{"}} }} ${X} $X"
let m = r#"never closed"
#~ error hbuild::syntax::unclosed_string `r#"`
let n = "fine again"
