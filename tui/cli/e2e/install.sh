#!/usr/bin/env bash
# Installs Debian packages and starts none of their services.
#
#   install.sh WHO PACKAGE…            as root, else it says how
#   install.sh --print WHO PACKAGE…    only say it
#
# WHO needs them: "The tests". It says what it does before it does it. Exit
# codes: 0 they are there, 3 they are not.
set -u

print=
if [ "$1" = --print ]; then
  print=yes
  shift
fi
who=$1
shift

install=(apt-get install -y --no-install-recommends "$@")
skipped="that need them are skipped, each with its reason."
echo "$who need what is not on this machine: $*."
if ! command -v apt-get >/dev/null; then
  echo "There is no apt-get here: install them by hand. Until then those $skipped"
  exit 3
fi
if [ -n "$print" ] || [ "$(id -u)" -ne 0 ]; then
  echo "To install them: sudo ${install[*]}"
  echo "Until then those $skipped"
  exit 3
fi

echo "Installing them now, as root, and starting none of them: ${install[*]}"
policy=/usr/sbin/policy-rc.d
kept=
put_back() {
  rm -f "$policy"
  [ -z "$kept" ] || mv "$kept" "$policy"
}
if [ -e "$policy" ] || [ -L "$policy" ]; then
  kept=$policy.before-lookout.$$
  mv "$policy" "$kept" || exit 3
fi
trap put_back EXIT
trap 'exit 130' INT TERM HUP
printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
quiet=(-qq -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0)
log=$(mktemp)
if apt-get "${quiet[@]}" update >"$log" 2>&1 && "${install[@]}" "${quiet[@]}" >>"$log" 2>&1 </dev/null; then
  rm -f "$log"
  exit 0
fi
tail -n 20 "$log"
rm -f "$log"
echo "They could not be installed (above). Those $skipped"
exit 3
