#: soak
#: include home
#: stand-in dotenvx: it is no package of Debian. `make soak` imports from the real one (tests/system/test_import_from.py)
cat > .env.production <<'END'
STRIPE_KEY=encrypted:BDOligMUmXdqXgKZDnKceVr4qWRId90fn4sF
WORKERS=encrypted:BA2TSTrdIRtz1Ou3y22liFv6JTNwmLoTpnEG9VX35
END
program /usr/local/bin/dotenvx <<'END'
case $1 in
get) echo '{"DOTENV_PUBLIC_KEY_PRODUCTION":"03ab","STRIPE_KEY":"sk_live_4eC39HqLyjWDarjtT1zdp7dc","WORKERS":"8"}' ;;
encrypt) echo "◈ encrypted $3" ;;
esac
END
echo 'echo "$WORKERS workers, and a key${STRIPE_KEY:+}"' | program start
