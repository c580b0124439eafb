hbuild 1
import std/c

# Building Go programs. A build has no network: the modules come with the sources, in `vendor/`, or as a source of
# their own for `GOMODCACHE`.

## The distro's Go with a shell and the core tools, for `tools`. Programs in Go alone need no more.
fn toolchain(distro) = match distro {
  debian => ["bash", "coreutils", "findutils", "golang-go", "grep", "sed", "tar"]
  alpine => ["bash", "coreutils", "findutils", "go", "grep", "sed", "tar"]
}

## The same with a C compiler, for programs with cgo.
fn cgo(distro) = toolchain(distro) + c.toolchain(distro)

## For `env`: programs that depend on nothing of the system and hold no path of the build, made without asking the
## network for anything.
let static = {
  CGO_ENABLED = "0"
  GOFLAGS     = "-trimpath -buildvcs=false"
  GOPROXY     = "off"
  GOTOOLCHAIN = "local"
  GOCACHE     = "/tmp/go-build"
  GOPATH      = "/tmp/go"
}
