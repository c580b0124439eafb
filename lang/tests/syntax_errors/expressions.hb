hbuild 1
let a = b == c == d
#~ error hbuild::syntax::chained_comparison `==`
let e = f +
#~ error hbuild::syntax::trailing_operator `+`
  g
let h = i +
#~ error hbuild::syntax::missing_value `+`
let j = k == not l
#~ error hbuild::syntax::unexpected `not`
let m = (1 2)
#~ error hbuild::syntax::unexpected `2`
let n = [
#~ error hbuild::syntax::unclosed_bracket `[`
  "a",
let o = f(a = 1, for = 2, b: 3)
#~ error hbuild::syntax::reserved_word `for`
#~ error hbuild::syntax::missing_equals `:`
let p = match q { alpine = 1, "{{x}}" => 2, => 3 }
#~ error hbuild::syntax::unexpected `=`
#~ error hbuild::syntax::not_constant `"{{x}}"`
#~ error hbuild::syntax::unexpected `=>`
let r = match s
#~ error hbuild::syntax::unexpected `s`
let t = u is
#~ error hbuild::syntax::missing_value `is`
let v = [x for x in [y for y in [z for z in w]]]
#~ error hbuild::syntax::nested_comprehension `for`
let x = [y for z]
#~ error hbuild::syntax::unexpected `]`
let aa = BUILD_TLS
#~ error hbuild::syntax::bad_name `BUILD_TLS`
let bb = 0755 + 1.5 + 10m + 99999999999999999999 + 08
#~ error hbuild::syntax::leading_zero `0755`
#~ error hbuild::syntax::float `1.5`
#~ error hbuild::syntax::bad_number `10m`
#~ error hbuild::syntax::number_too_large `99999999999999999999`
#~ error hbuild::syntax::leading_zero `08`
let cc = dd.for + ee.
#~ error hbuild::syntax::reserved_word `for`
#~ error hbuild::syntax::missing_name `.`
let ff = { a = 1 for b in c, d = 2 }
#~ error hbuild::syntax::unexpected `,`
let gg = { "a", "b" }
#~ error hbuild::syntax::missing_equals `,`
#~ error hbuild::syntax::missing_equals `}`
let hh = use
#~ error hbuild::syntax::reserved_word `use`
let jj = kk is debian("13") + ll
#~ error hbuild::syntax::unexpected `+`
let ii = fine
