hbuild 1

# What an image of each flavor drops unless its recipe says otherwise. A recipe's `keep` brings one back. And what
# of its packages the root of a build never has.

let runtime-rules = {
  "/etc/apk/keys/**"              = delete
  "/etc/apk/protected_paths.d/**" = delete
  "/usr/share/apk/**"             = delete
  "/usr/share/bash-completion/**" = delete
  "/usr/share/bug/**"             = delete
  "/usr/share/doc-base/**"        = delete
  "/usr/share/doc/**"             = delete
  "/usr/share/doc/*/copyright"    = keep
  "/usr/share/groff/**"           = delete
  "/usr/share/info/**"            = delete
  "/usr/share/lintian/**"         = delete
  "/usr/share/locale/**"          = delete
  "/usr/share/man/**"             = delete
  "/usr/share/menu/**"            = delete
  "/usr/share/zsh/**"             = delete
}

let dev-rules = {}

let root-rules = {
  "/etc/apk/**"                   = delete
  "/lib/apk/**"                   = delete
  "/usr/share/bash-completion/**" = delete
  "/usr/share/bug/**"             = delete
  "/usr/share/doc-base/**"        = delete
  "/usr/share/doc/**"             = delete
  "/usr/share/gdb/**"             = delete
  "/usr/share/info/**"            = delete
  "/usr/share/lintian/**"         = delete
  "/usr/share/locale/**"          = delete
  "/usr/share/man/**"             = delete
  "/usr/share/menu/**"            = delete
  "/var/cache/**"                 = delete
  "/var/lib/dpkg/**"              = delete
}
