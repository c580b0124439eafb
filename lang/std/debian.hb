hbuild 1

# Debian's own package repositories, found through the mirrors configured for them. An image on Debian that says
# nothing takes `debian.all`.

## Every suite of the release: main, updates and security.
fn all(distro) = distro-repositories(distro, debian, "all")

## The main suite alone. That of an old release no longer changes, so what is locked from it can always be had.
fn main(distro) = distro-repositories(distro, debian, "main")
