# Sourced by the tools: makes sure that what they need is installed, quietly when it is.
# Needs: Debian or a relative of it, npm. Root only when packages are missing.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export PATH="$root/node_modules/.bin:$PATH"
export NX_DAEMON=false NX_TUI=false

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }

# need_packages PACKAGE...: installs those Debian packages that are missing.
need_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null || die "these packages are missing and there is no apt-get to install them: ${missing[*]}"
  [ "$(id -u)" = 0 ] || die "these packages are missing, and only root can install them: ${missing[*]}"
  say "installing ${missing[*]} ..."
  local log; log=$(mktemp)
  # Daemons that packages bring must not start: tests start their own.
  if ! { apt-get update -q && install_quietly "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2; rm -f "$log"; die "installing ${missing[*]} failed"
  fi
  rm -f "$log"
}

install_quietly() {
  local policy=/usr/sbin/policy-rc.d made=no status
  if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' >$policy; chmod 755 $policy; made=yes; fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; status=$?
  [ $made = yes ] && rm -f $policy
  return $status
}

# need_modules: node_modules as package-lock.json has them, with the pinned Node first on PATH.
need_modules() {
  command -v npm >/dev/null || die "npm is missing: install Node 20 or newer with npm"
  local stamp="$root/node_modules/.package-lock.stamp"
  if [ ! -e "$stamp" ] || ! cmp -s "$root/package-lock.json" "$stamp"; then
    say "installing npm packages ..."
    # Not `npm ci`: it refuses a lock file that names only the platforms that this project runs on.
    run_npm install --no-save
    cp "$root/package-lock.json" "$stamp"
  fi
  # Node's package installs one of its platform below itself, with headers and licence: npm does not know of it and
  # removes it at the next install.
  compgen -G "$root/node_modules/node/node_modules/node-linux-*" >/dev/null || run_npm rebuild node
  hash -r
  node --version | grep -q '^v2[6-9]' || die "the pinned Node is not there: remove node_modules and try again"
}

run_npm() {
  local log; log=$(mktemp)
  if ! (cd "$root" && npm "$@" >"$log" 2>&1); then tail -n 20 "$log" >&2; rm -f "$log"; die "npm $1 failed"; fi
  rm -f "$log"
}

# need_cross ARCH: what builds for another processor (arm64 or x64) need beside build_packages; nothing for this machine's own.
need_cross() {
  local debian triplet
  case $1 in
    arm64) debian=arm64 triplet=aarch64-linux-gnu ;;
    x64) debian=amd64 triplet=x86_64-linux-gnu ;;
    *) die "unknown architecture $1: must be x64 or arm64" ;;
  esac
  [ "$(dpkg --print-architecture)" = $debian ] && return 0
  local tools=${triplet//_/-}
  need_packages "gcc-$tools" "g++-$tools" "libc6-dev-$debian-cross"
  [ -e "$root/build/sysroot-$1/usr/lib/$triplet/libseccomp.a" ] || unpack_foreign libseccomp-dev $debian "$root/build/sysroot-$1"
}

# unpack_foreign PACKAGE ARCH DIR: a package of another architecture, unpacked into DIR and not installed.
# apt reads the machine's own sources and keys, and keeps its lists apart: the machine's packages stay as they are.
unpack_foreign() {
  say "fetching $1 for $2 ..."
  local work; work=$(mktemp -d)
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/unpacked" "$(dirname "$3")"
  : >"$work/status"
  local options=(-q -o APT::Architecture="$2" -o APT::Architectures="$2" -o APT::Sandbox::User=root
    -o Acquire::Languages=none -o Dir::State="$work/state" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache")
  # A source that cannot be read does not matter when another one has the package.
  apt-get "${options[@]}" update >"$work/log" 2>&1 || true
  if ! (cd "$work" && apt-get "${options[@]}" download "$1" && dpkg -x "$1"_*.deb unpacked) >>"$work/log" 2>&1; then
    tail -n 20 "$work/log" >&2; rm -rf "$work"; die "fetching $1 for $2 failed"
  fi
  rm -rf "$3"; mv "$work/unpacked" "$3"; rm -rf "$work"
}

build_packages=(g++ make libseccomp-dev musl-tools binutils)
run_packages=(iptables iproute2)
# Packages that the tests run against: real programs, real peers, a real registry.
lint_packages=(clang-format)
test_packages=(busybox-static debootstrap skopeo umoci docker-registry redis-server redis-tools nginx-light curl
  runc crun criu containerd podman docker.io tini util-linux xz-utils zstd uidmap apparmor btrfs-progs xfsprogs)
# Packages for tools/vm: an emulator, the parts of its first file system, and systemd for --systemd.
# systemd is only unpacked on this machine: nothing here starts it.
vm_packages=(qemu-system-x86 busybox-static cpio systemd dbus util-linux)
