hbuild 1

# Programs for Node.js. A build has no network: `node_modules`, or a cache for `npm ci --offline`, comes as a source.

## The distro's Node.js, for an image.
fn runtime() {
  packages += ["nodejs"]
  env.NODE_ENV = "production"
}

## Node.js and npm with a shell and the core tools, for `tools`.
fn toolchain(distro) = match distro {
  debian => ["bash", "coreutils", "findutils", "nodejs", "npm"]
  alpine => ["bash", "coreutils", "findutils", "nodejs", "npm"]
}
