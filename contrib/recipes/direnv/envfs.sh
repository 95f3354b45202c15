# shellcheck shell=bash disable=SC2154 # $direnv is set by direnv itself
# ~/.config/direnv/lib/envfs.sh: the function `use envfs` of an .envrc.
#
#   use envfs                            the level that `envfs link` gave this folder
#   use envfs /shop/dev                  a level
#   use envfs /shop/dev --only PORT,DATABASE_URL
#
# It takes the options of `envfs exec`. A view that direnv cannot have stops the .envrc, so that nothing starts half-configured.
use_envfs() {
  local dump mount level=${1:-}
  if ! has envfs; then
    log_error "envfs is not in PATH"
    exit 1
  fi
  # through pipes alone: direnv_load would write the values to a file in TMPDIR
  dump=$(unset DIRENV_DUMP_FILE_PATH && envfs exec "$@" -- "$direnv" dump) || exit
  eval "$("$direnv" apply_dump <(printf '%s' "$dump"))"
  # load again when the view changes; without a mount there is nothing to watch
  watch_file .envfs.toml
  mount=$(envfs status --json 2>/dev/null | sed -n 's/.*"mount": "\([^"]*\)".*/\1/p')
  if [[ $level == /* && -n $mount ]]; then
    watch_file "$mount${level%/}/.env"
  elif [[ -L .env ]]; then
    watch_file .env
  fi
}
