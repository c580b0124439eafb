hbuild 1   # edition



# lead


import   std / base
let   long = ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccc", "dddddddddddddddddd", "eeeeeeeeeeeeee", x.y, f("a")]
let l2 = [ # open
  "a", # first
  # second
  "b"
  # end
]
let l3 = [{ a = 1 }, { b = 2, c = "ccccccccccccccccccccccccccccccccccccccccccccccccc", d = "dddddddddddddddddddddddddddddddddd" }]
let l4 = [{ b = 2, c = "ccccccccccccccccccccccccccccccccccccccccccccccccc", d = "dddddddddddddddddddddddddddddddddd" , e = 1}]
let c = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa + bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb + cccccccccccccccccccccccccc
let d = aaa # one
  # two
  + bbb # three
let comp = [ file("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/{{ x }}") for xxxxxxxxxxxxxxxxxxxxxxxxxxxx in xxxxxxxxxxxxxxxxxxxxxxxxxs when xxxxxxxxxxx == "a"]
let rc = { "{{x}}" = 1 for x in [1,2] when x==1}
fn  f ( a,b = 2 )  =  a + b
fn g(distro) {
  packages  += ["x"]
  aaa = 1
  b = 2 # cc
  ccccc.PATH = "x"

  dd = 3
  "q" = 4
}
for release in releases, # hoist me
  distro in release.distros
## Doc
# mid
## Doc2

image redis {

  for release,distro
  when a is debian("13") and not (b in [c]) or x<=y { use z; x = 1 }
  paths = { "/a" = file(mode=0o755, text="""
        hello {{ x }}
          indented

        last""") }
  script = """
	tab
	  tab2
	"""
  r = r#"""
      raw "x" {{ 
      """#
  step "a" { script = """
    x
  """ }
  contents = [ redis.at("/x").without(["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "ccc"]) ]
  x = match distro {
    alpine => ["a"], # c1
    debian => match y { _ => 1 }

    _ => 2
  }
  waive elf-relro { paths = ["/usr/local/bin/*"], because = "x" }
  y = f(a, # ca
    b = (1 # paren
    )
  )
  # end
}
# eof
