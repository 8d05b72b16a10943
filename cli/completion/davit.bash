# bash completion for davit: `source <(davit completion bash)`
_davit() {
    # Readline splits at "=" and ":"; davit wants the words as they were typed.
    local -a words=("")
    local i text
    for ((i = 1; i <= COMP_CWORD; ++i)); do
        text=${COMP_WORDS[i]}
        if [[ $text == [=:]* || ${COMP_WORDS[i - 1]} == [=:] ]] && ((i > 1)); then
            words[-1]+=$text
        elif ((i == 1)); then
            words=("$text")
        else
            words+=("$text")
        fi
    done
    local current=${words[-1]} line
    local -a found=()
    mapfile -t found < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
    COMPREPLY=()
    if [[ ${found[0]-} == :files ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "${current##*=}")
        return
    fi
    # What stands before the last break is not replaced.
    local kept=${current%"${current##*[=:]}"}
    for line in ${found[@]+"${found[@]}"}; do
        line=${line%%$'\t'*}
        [[ $line == *[=:] ]] && compopt -o nospace 2>/dev/null
        COMPREPLY+=("${line#"$kept"}")
    done
}
complete -F _davit davit
