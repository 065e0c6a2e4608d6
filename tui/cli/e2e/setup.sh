#!/usr/bin/env bash
# Installs what the tests need beside Go, on Debian and Ubuntu: a C compiler
# for the race detector, and the real servers that the end-to-end tests watch.
#
#   tui/cli/e2e/setup.sh            install what is missing (as root), else say how
#   tui/cli/e2e/setup.sh --print    only say it
#
# The servers are not started: the tests run their own, on loopback, with their
# own files. Their packages' services stay enabled for the next boot. Exit codes: 0 all is there, 3 something is missing and was not
# installed.
set -u

need=() # command, package
for pair in gcc:gcc nginx:nginx nsd:nsd sshd:openssh-server ip:iproute2 \
  rabbitmq-server:rabbitmq-server postfix:postfix; do
  command -v "${pair%%:*}" >/dev/null || [ -x "/usr/sbin/${pair%%:*}" ] || need+=("${pair##*:}")
done
# gcc without the headers of the C library links nothing.
[ -e /usr/include/stdlib.h ] || need+=(libc6-dev)
# Go fetches its modules over TLS.
[ -e /etc/ssl/certs/ca-certificates.crt ] || need+=(ca-certificates)
if [ ${#need[@]} -eq 0 ]; then
  exit 0
fi
exec "$(dirname "$0")/install.sh" ${1:+"$1"} "The tests" "${need[@]}"
