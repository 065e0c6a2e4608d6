#!/usr/bin/env bash
# Installs what the tests need beside Go, on Debian and Ubuntu: a C compiler
# for the race detector, and the real servers that the end-to-end tests watch.
#
#   tui/cli/e2e/setup.sh            install what is missing (as root), else say how
#   tui/cli/e2e/setup.sh --print    only say it
#
# It says what it does before it does it. The servers are not started: the
# tests run their own, on loopback, with their own files. Exit codes: 0 all is
# there, 3 something is missing and was not installed.
set -u

need=() # command, package
for pair in gcc:gcc nginx:nginx nsd:nsd sshd:openssh-server; do
  command -v "${pair%%:*}" >/dev/null || [ -x "/usr/sbin/${pair%%:*}" ] || need+=("${pair##*:}")
done
# gcc without the headers of the C library links nothing.
[ -e /usr/include/stdlib.h ] || need+=(libc6-dev)
# Go fetches its modules over TLS.
[ -e /etc/ssl/certs/ca-certificates.crt ] || need+=(ca-certificates)
if [ ${#need[@]} -eq 0 ]; then
  exit 0
fi

install=(apt-get install -y --no-install-recommends "${need[@]}")
echo "The tests need what is not on this machine: ${need[*]}."
if ! command -v apt-get >/dev/null; then
  echo "There is no apt-get here: install them by hand. Until then the tests that need them are skipped, each with its reason."
  exit 3
fi
if [ "${1:-}" = --print ] || [ "$(id -u)" -ne 0 ]; then
  echo "To install them: sudo ${install[*]}"
  echo "Until then the tests that need them are skipped, each with its reason."
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
echo "They could not be installed (above). The tests that need them are skipped, each with its reason."
exit 3
