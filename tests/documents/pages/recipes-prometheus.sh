#: soak
#: include home
#: include mounted
printf 8 | envfs set /shop WORKERS
for number in 1 2 3 4 5 6 7 8 9 10 11 12; do cat /mnt/envfs/shop/.env > /dev/null; done
! setpriv --reuid 65534 --regid 65534 --clear-groups cat /mnt/envfs/shop/.env 2> /dev/null
