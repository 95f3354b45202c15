# What a shell has in its environment after it has read the file $1.
set -a
. "$1" || exit 9
exec /usr/bin/env -0
