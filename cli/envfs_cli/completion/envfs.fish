# fish completion for envfs, made by `envfs completion fish`

function __envfs_valued --description 'the options of a command that take a value'
    switch $argv[1]
        # @valued@
    end
end

function __envfs_given --description 'the words after the command that are neither options nor theirs'
    set -l words (commandline -opc)
    set -l valued (__envfs_valued $words[2])
    set -l skip 0
    for word in $words[3..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word $valued
            set skip 1
        else if not string match -q -r -- '^-.' $word
            echo $word
        end
    end
end

function __envfs_at --description 'COMMAND N: is the N-th argument of this command wanted?'
    set -l words (commandline -opc)
    test (count $words) -ge 2; or return 1
    contains -- -- $words; and return 1
    contains -- $words[-1] (__envfs_valued $words[2]); and return 1
    test "$words[2]" = $argv[1]; and test (count (__envfs_given)) -eq $argv[2]
end

function __envfs_in --description 'COMMAND: is this the command, before any --?'
    set -l words (commandline -opc)
    contains -- -- $words; and return 1
    test (count $words) -ge 2; and test "$words[2]" = $argv[1]
end

function __envfs_program --description 'complete the command behind --'
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words); or return
    set -l rest $words[(math $at + 1)..-1] (commandline -ct)
    test (count $words) -eq $at; and set rest (commandline -ct)
    complete -C (string join ' ' -- $rest)
end

function __envfs_offer --description 'KIND: levels and names, or the versions of a level behind LEVEL@'
    set -l kind $argv[1]
    string match -q -- '*@*' (commandline -ct); and set kind version
    envfs __complete $kind (commandline -ct) 2>/dev/null
end

function __envfs_levels
    __envfs_offer level
end

function __envfs_here
    __envfs_offer here
end

function __envfs_projects
    envfs __complete project (commandline -ct) 2>/dev/null
end

function __envfs_names
    set -l given (__envfs_given)
    envfs __complete name "$given[1]" 2>/dev/null
end

function __envfs_listed --description 'one more name behind those of a list'
    set -l before (string match -r '.*,' -- (commandline -ct))
    for name in (__envfs_names)
        echo $before$name
    end
end

complete -c envfs -f
complete -c envfs -n __fish_use_subcommand -l help -d 'list the commands'
complete -c envfs -n __fish_use_subcommand -l version -d 'print the version'
complete -c envfs -n 'contains -- -- (commandline -opc)' -a '(__envfs_program)'
# @completions@
