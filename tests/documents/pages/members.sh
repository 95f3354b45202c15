#: soak
#: include team
#: stand-in gh: it needs an account of GitHub
printf '#!/bin/sh\n[ -n "$(cat)" ]\n' > /usr/local/bin/gh
chmod 755 /usr/local/bin/gh
su ana -s /bin/sh -c 'ssh-keyscan -t ed25519 server > ~/.ssh/known_hosts 2>/dev/null; export XDG_RUNTIME_DIR=$HOME/run; envfs sync start ssh://vault@server/srv/vault'
