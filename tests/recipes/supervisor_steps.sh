#!/bin/sh
# A supervisor of services runs EnvFS from its start to its end, in namespaces of this script's own: the places of the
# system are empty here. $1 is the program, $2 the supervisor, $3 the recipes, $4 and $5 what Debian and PyPI bring.
set -eu
envfs=$1 kind=$2 recipes=$3 debian=$4 python=$5
export PATH="$debian/usr/bin:$debian/sbin:/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root ENVFS_PROGRAM="$envfs" program="$envfs"
unset XDG_RUNTIME_DIR XDG_DATA_HOME XDG_CONFIG_HOME XDG_STATE_HOME ENVFS_HOME
mount --make-rshared /
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=755 none /var/lib
mount -t tmpfs -o mode=755 none /mnt
mkdir -p /run/layers/upper /run/layers/work /run/layers/lib-upper /run/layers/lib-work
mount -t overlay -o lowerdir=/etc,upperdir=/run/layers/upper,workdir=/run/layers/work none /etc
rm -rf /etc/envfs
id envfs >/dev/null 2>&1 || useradd --system --home-dir /var/lib/envfs --shell /usr/sbin/nologin envfs
umask 077
echo 'a passphrase for this test' >/run/passphrase
export ENVFS_PASSPHRASE_FILE=/run/passphrase
umask 022
"$envfs" init
echo 1 | "$envfs" set /shop A
chown -R envfs:envfs /var/lib/envfs /etc/envfs
"$envfs" grant /shop --uid 12077 2>/dev/null || true
unset ENVFS_PASSPHRASE_FILE

folder=/run/supervised/envfs
case $kind in
    runit | s6)
        mkdir -p "$folder"
        cp "$recipes/runit/run" "$recipes/runit/finish" "$folder"
        ;;
    supervisord)
        mkdir -p "$folder"
        export ENVFS_RUN="$recipes/runit/run"
        sed "s#/usr/local/libexec/envfs-supervised#$recipes/supervisord/envfs-supervised#" \
            "$recipes/supervisord/envfs.conf" >"$folder/envfs.conf"
        cat >"$folder/supervisord.conf" <<CONF
[supervisord]
nodaemon=true
logfile=/run/supervisord.log
pidfile=/run/supervisord.pid
[unix_http_server]
file=/run/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix:///run/supervisor.sock
[include]
files=$folder/envfs.conf
CONF
        ;;
    openrc)
        mount -t overlay -o "lowerdir=$debian/lib:/usr/lib,upperdir=/run/layers/lib-upper,workdir=/run/layers/lib-work" none /usr/lib
        mkdir -p /etc/init.d /etc/conf.d
        touch /etc/insserv.conf # which Debian has in a package of its own
        for state in daemons exclusive failed inactive options scheduled started starting stopping tmp wasinactive; do
            mkdir -p "/run/openrc/$state" # as its own boot makes them
        done
        touch /run/openrc/softlevel
        cp "$recipes/openrc/envfs" /etc/init.d/envfs
        printf 'program=%s\nrc_need="!localmount"\n' "$envfs" >/etc/conf.d/envfs
        ;;
esac

begin() {
    case $kind in
        runit) setsid runsv "$folder" >/run/said 2>&1 & ;;
        s6) LD_LIBRARY_PATH=$(echo "$debian"/usr/lib/*-linux-gnu) setsid s6-supervise "$folder" >/run/said 2>&1 & ;;
        supervisord) setsid "$python/supervisord" -c "$folder/supervisord.conf" >/run/said 2>&1 & ;;
        openrc) openrc-run /etc/init.d/envfs start >/run/said 2>&1 ;;
    esac
}
end() {
    case $kind in
        runit) sv -w 30 force-shutdown "$folder" >/dev/null ;;
        s6) LD_LIBRARY_PATH=$(echo "$debian"/usr/lib/*-linux-gnu) s6-svc -wD -T 30000 -d "$folder" ;;
        supervisord) "$python/supervisorctl" -c "$folder/supervisord.conf" shutdown >/dev/null ;;
        openrc) openrc-run /etc/init.d/envfs stop >>/run/said 2>&1 ;;
    esac
}
is_mounted() { grep -q " /mnt/envfs fuse.envfs" /proc/mounts; }
until_so() {
    times=600
    until "$@"; do
        times=$((times - 1))
        [ "$times" -gt 0 ] || { echo "in vain: $*"; cat /run/said; exit 1; }
        sleep 0.1
    done
}
is_answering() { is_mounted && ls /mnt/envfs >/dev/null 2>&1; }
daemon() { pgrep -u envfs -o; }

begin
until_so is_answering
"$envfs" unlock --passphrase-file /run/passphrase
echo "read: $(cat /mnt/envfs/shop/.env)"
echo "capabilities: $(sed -n 's/^CapBnd:\t//p' "/proc/$(daemon)/status")"
before=$(daemon)
kill -9 "$before"
is_another() { now=$(daemon) && [ "$now" != "$before" ] && is_answering; }
if [ "$kind" = openrc ]; then # which restarts nothing by itself
    openrc-run /etc/init.d/envfs zap >/dev/null 2>&1
    begin
fi
until_so is_another
"$envfs" unlock --passphrase-file /run/passphrase
echo "after a crash: $(cat /mnt/envfs/shop/.env)"
end
is_gone() { ! is_mounted && ! daemon >/dev/null; }
until_so is_gone
echo "end"
