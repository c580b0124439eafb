hbuild 1

# Programs in Python.

## The distro's Python, for an image. What only maintainer scripts of its packages need is left out.
fn runtime(distro) {
  packages += ["python3"]
  exclude  += match distro { debian => ["dpkg"], alpine => [] }
  # The root file system of a container is often read-only.
  env.PYTHONDONTWRITEBYTECODE = "1"
}

## What installs wheels and builds them, for `tools`: `pip install --no-index --no-build-isolation --prefix=… .`
fn toolchain(distro) = match distro {
  debian => [
    "bash", "coreutils", "findutils", "python3", "python3-pip", "python3-setuptools", "python3-wheel",
  ]
  alpine => ["bash", "coreutils", "findutils", "py3-pip", "py3-setuptools", "py3-wheel", "python3"]
}
