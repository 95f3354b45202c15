#!/bin/sh
# The system's service under a user of its own, in namespaces of this script's own: the places of the system are empty
# here, and process 1 is this one. The daemon has what the unit gives it (cli/envfs_cli/services/units.py): two
# capabilities, no new privileges, a system that it can read alone.
set -eu
envfs=$1
user=$2
secret=$3
export PATH="/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root ENVFS_PASSPHRASE_FILE="$secret"
unset XDG_RUNTIME_DIR XDG_DATA_HOME XDG_CONFIG_HOME XDG_STATE_HOME ENVFS_HOME
mount --make-rshared /
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=755 none /var/lib
mount -t tmpfs -o mode=755 none /mnt
mkdir /run/layers /run/layers/upper /run/layers/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/layers/upper,workdir=/run/layers/work none /etc

"$envfs" init
echo 1 | "$envfs" set /shop A
install -d -o "$user" -g "$user" /run/envfs
chown -R "$user:$user" /var/lib/envfs /etc/envfs

serve() {
    capabilities=+sys_ptrace,+dac_read_search
    # shellcheck disable=SC2016
    setsid unshare --mount --propagation slave sh -c 'mount -o remount,bind,ro /; exec "$@"' sh \
        setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set "-all,$capabilities" \
        --inh-caps "-all,$capabilities" --ambient-caps "-all,$capabilities" \
        env -u ENVFS_PASSPHRASE_FILE "$envfs" service run &
    daemon=$!
    "$envfs" service attach
}

serve
grep -q " /mnt/envfs fuse.envfs .*user_id=$user" /proc/mounts
echo "locked: $(cat /mnt/envfs/shop/.env 2>&1 | cut -d : -f 3)"
"$envfs" unlock
echo "root: $(cat /mnt/envfs/shop/.env)"
"$envfs" grant /shop --uid 12077 --exe /usr/bin/cat # a program of another user, which the daemon can tell
as_other() { setpriv --reuid 12077 --regid 12077 --clear-groups "$@"; }
echo "another user: $(as_other cat /mnt/envfs/shop/.env)"
echo "another program: $(as_other head /mnt/envfs/shop/.env 2>&1 | cut -d : -f 3)"
echo "by the socket: $("$envfs" get /shop A)"
# the mount is handed out to root alone, and only while nobody has made it
echo "again: $("$envfs" service attach 2>&1 | head -n 1 | cut -c 1-43)"
echo "a stranger's: $(as_other "$envfs" service attach --user games 2>&1 | head -n 1)"
echo "ambient: $(sed -n 's/^CapAmb:\t//p' "/proc/$daemon/status")"

kill -9 "$daemon"
wait "$daemon" || true
"$envfs" service detach
grep -q " /mnt/envfs fuse.envfs" /proc/mounts && echo "a mount is left"
serve
"$envfs" unlock
echo "after a crash: $(cat /mnt/envfs/shop/.env)"
"$envfs" unmount
wait "$daemon"
"$envfs" service detach
grep -q " /mnt/envfs fuse.envfs" /proc/mounts && echo "a mount is left"
echo "end"
