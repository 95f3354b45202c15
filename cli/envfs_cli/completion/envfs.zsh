#compdef envfs
# zsh completion for envfs, made by `envfs completion zsh`

_envfs_versions() { # the versions of a level behind LEVEL@, with when and why
  local -a found shown
  found=(${(f)"$(envfs __complete version "$PREFIX" 2>/dev/null)"})
  shown=(${found/$'\t'/  -- })
  compadd -V versions -l -d shown -- ${found%%$'\t'*}
}

_envfs_offer() { # KIND: the shell calls the functions below with words of its own
  local -a found
  local offered=1
  if [[ $PREFIX == *@* ]]; then
    _envfs_versions
    return
  fi
  found=(${(f)"$(envfs __complete $1 "$PREFIX" 2>/dev/null)"})
  compadd -S '' -- ${(M)found:#*/} && offered=0
  compadd -- ${found:#*/} && offered=0
  return $offered
}

_envfs_levels() {
  _envfs_offer level
}

_envfs_here() {
  _envfs_offer here
}

_envfs_folders() { # levels go first: a folder may be left out
  _envfs_levels || _files -/
}

_envfs_projects() {
  local -a found
  found=(${(f)"$(envfs __complete project "$PREFIX" 2>/dev/null)"})
  compadd -- $found
}

_envfs_names() {
  local -a found
  found=(${(f)"$(envfs __complete name "${line[1]-}" 2>/dev/null)"})
  compadd -- $found
}

_envfs_listed() {
  compset -P '*,'
  _envfs_names
}

_envfs_program() { # behind the dashes a command line of its own, before them the dashes
  integer dashes=${typed[(i)--]}
  if (( dashes >= typed_at )); then
    [[ -z $PREFIX ]] && compadd -- --
    return
  fi
  words=("${(@)typed[dashes + 1,-1]}")
  (( CURRENT = typed_at - dashes ))
  _normal
}

_envfs() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C '1: :->command' '*:: :->rest' && return
  if [[ $state == command ]]; then
    local -a commands=(
      # @commands@
    )
    _describe command commands
    return
  fi
  local -a typed=("${words[@]}")
  integer typed_at=CURRENT
  case $words[1] in
  # @cases@
  esac
}

if [[ $funcstack[1] == _envfs ]]; then
  _envfs "$@"
else
  compdef _envfs envfs
fi
