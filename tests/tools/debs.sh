#!/bin/bash
# debs.sh DIR SUITE PACKAGE...   unpacks packages of another Debian suite below DIR/SUITE, without what they depend on, from
# the mirror that this machine's apt uses. What is there is left alone.
set -euo pipefail
folder=$1/$2 suite=$2
shift 2
missing=()
for package in "$@"; do
  [ -e "$folder/.$package" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
mirror=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2> /dev/null |
  awk '/^URIs:.*\/debian\/?$/ {print $2; exit}
       /^deb .*\/debian\/? / {for (i = 2; i <= NF; i++) if ($i ~ /^http/) {print $i; exit}}' || true)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$folder"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} $suite main" \
  > "$work/sources.list"
: > "$work/status"
# An apt of its own: the machine's stays as it is.
apt=(apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$work/lists"
  -o Dir::State::Status="$work/status" -o Dir::Cache="$work" -o Dir::Cache::Archives="$work/archives"
  -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=)
"${apt[@]}" update
for package in "${missing[@]}"; do
  (cd "$work" && rm -f ./*.deb && "${apt[@]}" download "$package" && dpkg-deb -x ./*.deb "$folder")
  touch "$folder/.$package"
done
