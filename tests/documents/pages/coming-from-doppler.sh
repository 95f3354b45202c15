#: soak
#: include home
#: stand-in doppler: it needs an account. It prints what the real one prints
program /usr/local/bin/doppler <<'END'
case $2 in
download) echo '{"DOPPLER_CONFIG":"prd","DOPPLER_ENVIRONMENT":"prd","DOPPLER_PROJECT":"shop","STRIPE_KEY":"sk_live_4eC39HqLyjWDarjtT1zdp7dc","WORKERS":"8"}' ;;
upload) echo "uploaded $3" ;;
esac
END
echo 'echo "$WORKERS workers, and a key${STRIPE_KEY:+}"' | program start
