#: soak
#: include home
#: stand-in infisical: it needs an account. It prints what the real one prints
program /usr/local/bin/infisical <<'END'
case $1 in
export) echo '[{"key":"STRIPE_KEY","value":"sk_live_4eC39HqLyjWDarjtT1zdp7dc","type":"shared"},{"key":"WORKERS","value":"8","type":"shared"}]' ;;
secrets) echo "set from ${3#--file=}" ;;
esac
END
