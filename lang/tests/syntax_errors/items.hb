hbuild 1
import std/base
import "common.txt"
#~ error hbuild::syntax::bad_import `"common.txt"`
import "{{x}}.hb"
#~ error hbuild::syntax::not_constant `"{{x}}.hb"`
import
#~ error hbuild::syntax::bad_import `import`
hbuild 1
#~ error hbuild::syntax::repeated_edition `hbuild`
lett x = 3
#~ error hbuild::syntax::unknown_item `lett`
let x 3
#~ error hbuild::syntax::missing_equals `3`
let = 4
#~ error hbuild::syntax::missing_name `=`
let match = 4
#~ error hbuild::syntax::reserved_word `match`
let Redis_Server = 4
#~ error hbuild::syntax::bad_name `Redis_Server`
let double--hyphen = 4
#~ error hbuild::syntax::bad_name `double--hyphen`
let y =
#~ error hbuild::syntax::missing_value `=`
let z = 1 let w = 2
#~ error hbuild::syntax::missing_line_end `let`
title = "x"
#~ error hbuild::syntax::misplaced_field `title`
for release, distro in release.distros
#~ error hbuild::syntax::axis_without_values `release`
fn f = 3
#~ error hbuild::syntax::unexpected `=`
fn g(a, b
#~ error hbuild::syntax::unclosed_bracket `(`
imgae redis {
#~ error hbuild::syntax::unknown_item `imgae`
  title == "still read"
#~ error hbuild::syntax::missing_equals `==`
}
container redis {
#~ error hbuild::syntax::unknown_item `container`
}
image {
#~ error hbuild::syntax::missing_name `{`
}
image "redis" {
#~ error hbuild::syntax::unexpected `"`
}
image redis
#~ error hbuild::syntax::unexpected `redis`
build redis
{
#~ error hbuild::syntax::brace_on_next_line `{`
}
}
#~ error hbuild::syntax::unmatched_bracket `}`
"text"
#~ error hbuild::syntax::unexpected `"`
## Nothing follows.
#~ warning hbuild::syntax::stray_doc `## Nothing follows.`
