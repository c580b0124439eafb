hbuild 1

# Accounts: to be used in an image, `use users.service("redis", 999)` with `run-as = "redis"`.

## An account without a shell and its group of the same number. Who runs the image is said by `run-as`.
fn service(name, uid, home = "/nonexistent", gecos = name) {
  users  += { "{{name}}" = { uid = uid, gid = uid, home = home, shell = "/sbin/nologin", gecos = gecos } }
  groups += { "{{name}}" = { gid = uid } }
}

## The same with a home folder that is its own.
fn person(name, uid, home, shell = "/sbin/nologin") {
  users  += { "{{name}}" = { uid = uid, gid = uid, home = home, shell = shell, gecos = name } }
  groups += { "{{name}}" = { gid = uid } }
  paths  += { "{{home}}" = directory(owner = name, group = name, mode = 0o700) }
}

## A folder that the account may write to, such as a data folder.
fn folder(path, owner, mode = 0o755) {
  paths += { "{{path}}" = directory(owner = owner, group = owner, mode = mode) }
}

## A further group.
fn group(name, gid, members = []) {
  groups += { "{{name}}" = { gid = gid, members = members } }
}
