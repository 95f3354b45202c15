# bash completion for envfs, made by `envfs completion bash`

_envfs_words() { # LIST: offer the words of a list
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
}

_envfs_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
}

_envfs_versions() { # the versions of a level behind LEVEL@
    mapfile -t COMPREPLY < <("$envfs" __complete version "$word" 2>/dev/null)
    COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")
}

_envfs_levels() { # or, with `here`, the names of the level that this folder is linked to
    if [[ $word == *@* ]]; then
        _envfs_versions
        return
    fi
    mapfile -t COMPREPLY < <("$envfs" __complete "${1-level}" "$word" 2>/dev/null)
    if [[ ${COMPREPLY[0]-} == */ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

_envfs_folders() { # levels go first: a folder may be left out
    _envfs_levels
    if [[ ${#COMPREPLY[@]} == 0 ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
    fi
}

_envfs_projects() {
    _envfs_words "$("$envfs" __complete project "$word" 2>/dev/null)"
}

_envfs_names() { # LEVEL
    _envfs_words "$("$envfs" __complete name "$1" 2>/dev/null)"
}

_envfs_listed() { # LEVEL: one more name behind those of a list
    local before=""
    [[ $word != *,* ]] || before="${word%,*},"
    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$("$envfs" __complete name "${1-}" 2>/dev/null)" -- "${word##*,}")
}

_envfs_accounts() { # -u: users, -g: groups
    mapfile -t COMPREPLY < <(compgen "$1" -- "$word")
}

_envfs_program() { # INDEX: where the program stands
    if declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    elif ((COMP_CWORD == $1)); then
        mapfile -t COMPREPLY < <(compgen -c -- "$word")
    else
        _envfs_files
    fi
}

_envfs() {
    local envfs=$1 word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]-}
    local flags="" valued="" files="" index
    local -a given=() wanted=()
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        # @words@
        return
    fi
    case $command in
    # @tables@
    esac
    for ((index = 2; index < COMP_CWORD; index++)); do
        case ${COMP_WORDS[index]} in
        --)
            _envfs_program $((index + 1))
            return
            ;;
        -?*) [[ " $valued " != *" ${COMP_WORDS[index]} "* ]] || ((index++)) ;;
        *) given+=("${COMP_WORDS[index]}") ;;
        esac
    done
    if [[ " $files " == *" $previous "* ]]; then
        _envfs_files
        return
    elif [[ " $valued " == *" $previous "* ]]; then
        case "$command $previous" in
        # @choices@
        esac
        return
    elif [[ $word == -* ]]; then
        _envfs_words "$flags"
        return
    fi
    case ${wanted[${#given[@]}]-} in
    level) _envfs_levels ;;
    here) _envfs_levels here ;;
    folder) _envfs_folders ;;
    project) _envfs_projects ;;
    name) _envfs_names "${given[0]}" ;;
    file) _envfs_files ;;
    words) _envfs_words "--" ;;
    "one of "*) _envfs_words "${wanted[${#given[@]}]#one of }" ;;
    esac
}

COMP_WORDBREAKS=${COMP_WORDBREAKS//@/} # a level and its version are one word
complete -F _envfs envfs
