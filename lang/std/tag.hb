hbuild 1

# Tags of variants.

## The tags of one release among all: each short prefix of its version (`8`, `8.8`) that no higher version of
## `among` has, longest first, and the version itself. With `distro` each ends in `-debian13`, with `flavor` the
## dev flavor's end in `-dev`. `release` is a version or a row with a column `version`; `among` is the table, or
## a list of versions. Rows whose column `distros` lacks the distro do not count.
fn semver(release, among, distro = none, flavor = none) = semver-tags(release, among, distro, flavor)

## What an image is known by: the tags of `semver` with the distro, and on Debian, which is meant where no distro is
## named, those without it, too.
fn image(release, among, distro, flavor) = semver(release, among, distro, flavor) + match distro {
  debian => semver(release, among, flavor = flavor)
  alpine => []
}
