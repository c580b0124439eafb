hbuild 1

# Alpine's own package repositories, found through the mirrors configured for them. An image on Alpine that says
# nothing takes `alpine.all`.

## Both repositories of the branch: main and community.
fn all(distro) = distro-repositories(distro, alpine, "all")

## The repository main alone.
fn main(distro) = distro-repositories(distro, alpine, "main")
