#: soak
#: include home
#: include other-tools
#: stand-in doppler's servers: they need an account. A server of the tests answers as their API does. The program `doppler` is itself
other_tools doppler
cat > /root/.pagerc <<'TEXT'
export DOPPLER_API_HOST=http://127.0.0.1:8201 DOPPLER_TOKEN=dp.st.prd.made-up-token-of-a-test
TEXT
cd "$checkout"
.venv/bin/python -m tests.other_tools.services 8201 > /root/doppler.log 2>&1 &
cd - > /dev/null
until grep -q serves /root/doppler.log; do sleep 0.2; done
echo 'echo "$WORKERS workers, and a key${STRIPE_KEY:+}"' | program start
