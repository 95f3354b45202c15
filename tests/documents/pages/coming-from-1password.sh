#: soak
#: include home
#: stand-in op: it needs an account of 1Password. It prints what the real one prints
program /usr/local/bin/op <<'END'
case "$2" in
get) echo '{"id":"x","title":"Stripe","category":"API_CREDENTIAL","fields":[{"id":"a","type":"CONCEALED","label":"STRIPE_KEY","value":"sk_live_4eC39HqLyjWDarjtT1zdp7dc"},{"id":"b","type":"CONCEALED","label":"webhook secret","value":"whsec_Xk29dQ7vLm"},{"id":"notesPlain","type":"STRING","label":"notesPlain"}]}' ;;
create) echo "ID: created" ;;
esac
END
cat > export.data <<'END'
{"accounts": [{"vaults": [{"attrs": {"name": "Shop"}, "items": [{"overview": {"title": "Database"}, "details": {"loginFields": [], "password": "Xk29-dQ7_vLm", "sections": []}}]}]}]}
END
python3 -m zipfile -c export.1pux export.data
