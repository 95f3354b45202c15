#: soak
#: include home
#: include mounted
#: stand-in npm: the sessions are about what it is given
echo 'WORKERS=8' > .env
echo 'echo "$WORKERS workers"' | program /usr/local/bin/npm
