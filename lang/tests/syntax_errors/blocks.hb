hbuild 1
image redis {
  title "x"
#~ error hbuild::syntax::missing_equals `"`
  version: "8"
#~ error hbuild::syntax::missing_equals `:`
  env { A = "b" }
#~ error hbuild::syntax::missing_equals `{`
  license =
#~ error hbuild::syntax::missing_value `=`
  packages = ["a", "b"
#~ error hbuild::syntax::unclosed_bracket `[`
  cmd =
    ["a"]
#~ error hbuild::syntax::value_on_next_line `[`
  contents = [a b]
#~ error hbuild::syntax::missing_comma `b`
  volumes = [, "a"]
#~ error hbuild::syntax::extra_separator `,`
  ports = ["a";]
#~ error hbuild::syntax::unexpected `;`
  one = 1 two = 2
#~ error hbuild::syntax::missing_separator `two`
  labels = { a = 1; b = 2 }
#~ error hbuild::syntax::semicolon `;`
  when = 1
#~ error hbuild::syntax::reserved_word `when`
  env.for = 1
#~ error hbuild::syntax::reserved_word `for`
  let inside = 1
#~ error hbuild::syntax::misplaced_item `let`
  setp "compile" { script = "make" }
#~ error hbuild::syntax::unknown_statement `setp`
  whne flavor == dev { x = 1 }
#~ error hbuild::syntax::unknown_statement `whne`
  usee base.runtime(distro)
#~ error hbuild::syntax::unknown_statement `usee`
  blokc "x" { script = "make" }
#~ error hbuild::syntax::unknown_statement `blokc`
  step compile { script = "make" }
#~ error hbuild::syntax::unexpected `compile`
  waive "rule" { because = "x" }
#~ error hbuild::syntax::unexpected `"`
  test { run = ["a"] }
#~ error hbuild::syntax::missing_name `{`
  test "x" { run = ["a"];
#~ error hbuild::syntax::semicolon `;`
    stdout = "x" }
  ] = 1
#~ error hbuild::syntax::unmatched_bracket `]`
  good = 1
  when flavor
#~ error hbuild::syntax::unexpected `flavor`
  ## Nothing follows.
#~ warning hbuild::syntax::stray_doc `## Nothing follows.`
}
image unclosed {
#~ error hbuild::syntax::unclosed_bracket `{`
  a = 1
image next {
  a = 1
}
