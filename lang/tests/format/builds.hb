hbuild 1
import std/c
for distro in [debian("13")], arch in [amd64]
source s { path = "s" }
build   b {
    for distro,arch
  tools = c.toolchain( distro )+["perl"]   # with perl
  source=s
  env = {A="1",B="two"}
  ## What it does.
  step   "one"   { script = """
      if true; then
        echo "a	tab" "$X ${Y} \( {{ "lang" }}"

      fi
    """ }
  step "two" { script = """make -j"$JOBS" """, dir = "src"
  }
  step "heredoc" {
    env = { K = "v" }
    script = r#"""
cat > x <<'EOF'
   {{ not a place }}
EOF
"""#
  }
    check="true"
  when distro is debian { step "late" { script = "x" } }
}
