#!/usr/bin/env bash
# The README's two commands on a bare Debian 12, as root, with debootstrap:
#
#   tools/bare_debian.sh [FOLDER]
#
# FOLDER (of a new one) becomes the bare system and stays; it takes 2 GB and some ten minutes. Each
# command is copied whole from the README and runs in a copy of the commit that is checked out.
# Sources of apt, settings of pip and certificates are this machine's.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bare=${1:-$(mktemp -d)}
# What is mounted below goes with this process.
[ -n "${BARE_DEBIAN-}" ] || BARE_DEBIAN=1 exec unshare --mount "$0" "$bare"

debootstrap --variant=minbase bookworm "$bare" > "$bare.log" || { tail "$bare.log"; exit 1; }
for place in /etc/apt /etc/pip.conf /etc/xdg/pip /etc/resolv.conf /etc/hosts; do
    [ ! -e "$place" ] || { mkdir -p "$bare${place%/*}"; rm -rf "$bare$place"; cp -rLT "$place" "$bare$place"; }
done
# Not where ca-certificates would write its own, should it be installed.
cp -L /etc/ssl/certs/ca-certificates.crt "$bare/etc/machine.crt"
mount -t proc proc "$bare/proc"
mount --rbind /dev "$bare/dev"
mount --rbind /sys "$bare/sys"

failed=0
for name in demo tests; do
    mkdir "$bare/$name"
    git -C "$root" archive HEAD | tar -C "$bare/$name" -xf -
done
for name in demo tests; do
    line=$([ "$name" = demo ] && echo 'pip install \.' || echo pytest)
    command=$(grep -B 1 "^    python3 -m venv.*$line" "$root/README.md")
    printf '== %s\n%s\n' "$name" "$command"
    chroot "$bare" env -i --chdir="/$name" PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp \
        PIP_CERT=/etc/machine.crt bash -euc "$command" < /dev/null || { failed=1; echo "FAILED"; }
done
echo "== $bare holds the system; it took $SECONDS s"
exit "$failed"
