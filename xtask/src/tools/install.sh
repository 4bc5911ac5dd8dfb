# Installs Debian packages of which only the programs are wanted: install.sh ROOT APT-GET PACKAGE...
#
# Debian starts a service as soon as it is installed, and `postgresql` makes a database of its own (a "main" cluster) that would
# come up with the machine. While this runs, two files forbid both: policy-rc.d answers 101 ("forbidden") to each start, and
# createcluster.d says that no cluster is wanted. A cluster that is never made is cleaner than one that is made and not started.
# A shell, and not our process, writes and removes them: its trap runs though Ctrl-C ends us both.
set -eu
root=$1
apt_get=$2
shift 2

sign='for the time of an installation by cargo xtask'
policy=$root/usr/sbin/policy-rc.d
clusters=$root/etc/postgresql-common/createcluster.d/portvakt.conf

ours() {
    # A machine that has a policy keeps it. One of ours is left from a run that was killed.
    [ ! -e "$1" ] || grep -q "$sign" "$1"
}
tidy() {
    for file in "$policy" "$clusters"; do
        if [ -e "$file" ] && ours "$file"; then rm -f -- "$file"; fi
    done
    # Only while it is empty.
    rmdir "${clusters%/*}" 2>/dev/null || :
}
trap tidy EXIT
trap 'exit 130' HUP INT TERM

mkdir -p "${policy%/*}" "${clusters%/*}"
if ours "$policy"; then
    printf '#!/bin/sh\n# %s\nexit 101\n' "$sign" >"$policy"
    chmod 755 "$policy"
fi
if ours "$clusters"; then
    printf '# %s\ncreate_main_cluster = false\n' "$sign" >"$clusters"
fi
"$apt_get" install --yes --quiet --no-install-recommends "$@"
