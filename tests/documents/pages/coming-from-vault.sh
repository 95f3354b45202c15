#: soak
#: include home
#: stand-in vault: it is no package of Debian. It prints what the real one prints
program /usr/local/bin/vault <<'END'
case $2 in
get) echo '{"data":{"data":{"STRIPE_KEY":"sk_live_4eC39HqLyjWDarjtT1zdp7dc","WORKERS":"8"},"metadata":{"version":3}}}' ;;
put) cat > /dev/null; echo "Success! Data written to: $3" ;;
esac
END
