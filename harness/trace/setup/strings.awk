# Finds the strings of a BTF that the event table names. Input: the event table, then the string
# section with its strings one a line. Output: `OFFSET TEXT`.

FNR == 1 { part++ }

part == 1 {
    if ($0 ~ /^#/) next
    gsub(/%/, "2")
    keep($0)
    gsub(/_v2/, "_v3")
    keep($0)
    next
}

{
    if ($0 in wanted) print offset, $0
    offset += length($0) + 1
}

function keep(line,  n, words, k) {
    n = split(line, words, /[^a-z0-9_]+/)
    for (k = 1; k <= n; k++) if (words[k] != "") wanted[words[k]] = 1
}
