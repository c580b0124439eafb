//! Debian: signed repositories, Packages indexes, the resolver, .deb archives.
