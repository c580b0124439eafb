hbuild 1

# The distros' own package repositories, found through the mirrors configured for them. An image that says
# nothing takes `archive.all`.

## Every repository of the release: Debian's main, updates and security suites; Alpine's main and community.
fn all(distro) = distro-repositories(distro, "all")

## The one repository that no longer changes once the release is old: Debian's main suite, Alpine's main.
fn main(distro) = distro-repositories(distro, "main")
