hbuild 1
import std/c

# Building Rust programs. A build has no network: the crates come with the sources, as `cargo vendor` lays them out.

## The distro's rustc and Cargo beside a C toolchain, which links.
fn toolchain(distro) = c.toolchain(distro) + match distro {
  debian => ["cargo", "rustc"]
  alpine => ["cargo", "rust"]
}

## For `env`: Cargo without the network, and programs without symbols. rustc makes them as the policy wants them.
let release = {
  CARGO_HOME        = "/tmp/cargo"
  CARGO_NET_OFFLINE = "true"
  RUSTFLAGS         = "-C strip=symbols"
}
