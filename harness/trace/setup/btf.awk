# Makes probe definitions of the event table, with offsets and registers from a kernel's BTF.
#
# Input, told apart by `part`, 1 to 4: the event table; those strings of the BTF that the table has, as
# `OFFSET TEXT`; of its words the symbols of the kernel, as `NAME KIND` of /proc/kallsyms; the type
# section of the BTF as decimal 32-bit words, many a line.
# Output, for either GIC (2 or 3): `GIC DEFINITION`, `GIC - EVENT REASON` for an event that is left
# out, `GIC -field EVENT FIELD` for a field; `! REASON` if the BTF cannot be read.
#
# A field of the table is `NAME=EXPRESSION`, alternatives divided by `|`, the kind of print after
# `:`. An expression starts with a parameter of the probed function, with `$retval`, or with
# `&SYMBOL/STRUCT`, and goes on with
#   .member         a member; a pointer is followed first
#   [N]             an element of an array, or of what a pointer points at
#   @STRUCT/member/...  the structure whose member is what the pointer points at
#   ^STRUCT         the pointer points at a pointer to this structure
# A `%` stands for 2 or 3, the GIC. A function may be followed by the parameters that it has in all
# kernels, `NAME(PARAMETER=STRUCT,...)`: pahole leaves functions out of the BTF whose parameters it
# finds moved, but a global function keeps to the calling convention.

# How many words a type of a kind adds to its three; negative: times its number of members.
BEGIN {
    split("1:1 2:0 3:3 4:-3 5:-3 6:-2 7:0 8:0 9:0 10:0 11:0 12:0 13:-2 14:1 15:-3 16:0 17:1 18:0" \
        " 19:-3", sizes, " ")
    for (i in sizes) added[substr(sizes[i], 1, index(sizes[i], ":") - 1)] = \
        substr(sizes[i], index(sizes[i], ":") + 1) + 0
    split("1 2 3 4 5 6 8 9 10 11 12 13 18 19", list, " ")
    for (i in list) kept[list[i]] = 1
}

part == 1 {
    if ($0 ~ /^#/ || NF == 0) next
    lines[++events] = $0
    for (gic = 2; gic <= 3; gic++) {
        line = $3
        gsub(/%/, gic, line)
        n = split(line, names, "|")
        for (i = 1; i <= n; i++) function_wanted[assume(names[i])] = 1
    }
    next
}

part == 2 { text[$1] = $2; next }

part == 3 { symbol[$1] = $2; next }

# The types: each three words, then what its kind adds. A line may end within one; what it has of it
# goes before the next line.
{
    if (skip >= NF) { skip -= NF; next }
    if (carry != "") { $0 = carry " " $0; carry = "" }
    i = 1 + skip
    skip = 0
    while (i + 2 <= NF) {
        kind = int($(i + 1) / 16777216) % 32
        more = added[kind]
        if (more == "") fail("a type of kind " kind)
        if (more < 0) more *= -($(i + 1) % 65536)
        if (kind in kept) {
            if (i + 2 + more > NF && kind != 6 && kind != 19) break
            record(++id, i + 3, i + 2 + more)
        } else id++
        i += 3 + more
    }
    if (i > NF) skip = i - NF - 1
    else for (; i <= NF; i++) carry = carry " " $i
}

# Remembers a type: what it adds stands in the fields from first to last.
function record(id, first, last,  k, name, value, entries) {
    name = $(first - 3)
    value = $(first - 1)
    kinds[id] = kind
    if (kind == 4 || kind == 5) {
        size[id] = value
        for (k = first; k <= last; k += 3)
            if ($k == 0 || $k in text) entries = entries " " $k ":" $(k + 1) ":" $(k + 2)
        members[id] = entries
        if ($(first - 2) >= 2147483648) packed[id] = 1
        if (name in text) structs[text[name]] = id
    } else if (kind == 13) {
        for (k = first; k <= last; k += 2)
            if ($k in text) entries = entries " " $k ":" $(k + 1) ":" (k - first) / 2
        members[id] = entries
    } else if (kind == 12) {
        if (name in text && text[name] in function_wanted) prototype[text[name]] = value
    } else if (kind == 1) {
        size[id] = value
        if (int($first / 16777216) % 2) signed[id] = 1
    } else if (kind == 3) {
        of[id] = $first
        size[id] = $last
    } else if (kind == 6 || kind == 19) size[id] = value
    else of[id] = value
}

function fail(reason) {
    print "! this reader does not know " reason " in the BTF of this kernel"
    failed = 1
    exit 1
}

END {
    if (failed) exit 1
    if (carry != "" || skip) { print "! the BTF of this kernel ends within a type"; exit 1 }
    for (gic = 2; gic <= 3; gic++)
        for (e = 1; e <= events; e++) define(lines[e], gic)
}

# One event for one GIC: its definition.
function define(line, gic,  w, n, names, k, f, fn, found, out, absent, item) {
    gsub(/%/, gic, line)
    n = split(line, w, " ")
    k = split(w[3], names, "|")
    for (f = 1; f <= k && !found; f++) {
        fn = assume(names[f])
        if (!(fn in symbol)) continue
        if (w[1] == "r" || fn in prototype || fn in assumed && symbol[fn] == "T") found = fn
        else absent = "tells nothing of " fn " in its BTF"
    }
    if (absent == "") absent = "has no function " fn
    if (!found) { print gic " - " w[2] " this kernel " absent; return }
    out = (w[1] == "r" ? "r64" : "p") ":kp/" w[2] " " found
    for (f = 4; f <= n; f++) {
        item = argument(found, w[f])
        if (item != "") out = out " " item
        else print gic " -field " w[2] " " substr(w[f], 1, index(w[f], "=") - 1)
    }
    print gic " " out
}

# `NAME=FETCH:TYPE` of one field, or nothing if no alternative fits this kernel.
function argument(fn, field,  name, rest, print_as, n, alternatives, k, fetch) {
    name = substr(field, 1, index(field, "=") - 1)
    rest = substr(field, index(field, "=") + 1)
    if (match(rest, /:[a-z0-9]+$/)) {
        print_as = substr(rest, RSTART + 1)
        rest = substr(rest, 1, RSTART - 1)
    }
    n = split(rest, alternatives, "|")
    for (k = 1; k <= n; k++) {
        fetch = resolve(fn, alternatives[k], print_as)
        if (fetch != "") return name "=" fetch
    }
    return ""
}

# Walks an expression. Where it has come to: `base` is the fetch of an address and `offset` bytes
# from there is the value (in_register: base is the value itself); `type` its type, `bits` of a bit
# field its width, `shift` its first bit.
function resolve(fn, expression, print_as,  token, op) {
    if (!begin(fn, expression)) return ""
    while (remaining != "") {
        op = substr(remaining, 1, 1)
        remaining = substr(remaining, 2)
        match(remaining, /^[a-z0-9_]+/)
        token = substr(remaining, 1, RLENGTH)
        remaining = substr(remaining, RLENGTH + (op == "[" ? 2 : 1))
        if (op == ".") {
            if (kind_of(type) == 2) follow()
            if (!enter(type, token)) return ""
        } else if (op == "[") {
            if (kind_of(type) == 2) follow()
            else if (kind_of(type) == 3) type = of[plain(type)]
            else return ""
            offset += token * bytes(type)
        } else if (op == "@") {
            if (!(token in structs)) return ""
            follow()
            if (!rebase(structs[token])) return ""
        } else if (op == "^") {
            if (!(token in structs)) return ""
            follow()
            base = value()
            offset = 0
            type = structs[token]
        }
    }
    if (print_as == "" || print_as == "x") {
        token = print_type()
        if (print_as == "x") sub(/^[us]/, "x", token)
        print_as = token
    }
    return value() ":" print_as
}

# The first token of an expression.
function begin(fn, expression,  token, sym) {
    bits = 0; shift = 0; offset = 0; in_register = 0
    if (substr(expression, 1, 1) == "&") {
        match(expression, /^&[a-z0-9_\/]+/)
        token = substr(expression, 2, RLENGTH - 1)
        remaining = substr(expression, RLENGTH + 1)
        sym = substr(token, 1, index(token, "/") - 1)
        token = substr(token, index(token, "/") + 1)
        if (!(sym in symbol) || !(token in structs)) return 0
        base = "@" sym
        type = structs[token]
        return 1
    }
    in_register = 1
    match(expression, /^[$]?[a-z0-9_]+/)
    token = substr(expression, 1, RLENGTH)
    remaining = substr(expression, RLENGTH + 1)
    if (token == "$retval") { base = token; type = 0; return 1 }
    if (!(fn in prototype ? find(prototype[fn], token) : find_assumed(fn, token))) return 0
    base = "%x" found_at
    type = found_type
    return 1
}

# The name of a function of the table; keeps the parameters that it is said to have.
function assume(fn,  at) {
    at = index(fn, "(")
    if (!at) return fn
    assumed[substr(fn, 1, at - 1)] = substr(fn, at + 1, length(fn) - at - 1)
    return substr(fn, 1, at - 1)
}

# As find, among the parameters of a function that the BTF does not have. Its types are structures.
function find_assumed(fn, name,  n, list, k, at) {
    n = split(assumed[fn], list, ",")
    for (k = 1; k <= n; k++) {
        at = index(list[k], "=")
        if (substr(list[k], 1, at - 1) != name || !(substr(list[k], at + 1) in structs)) continue
        found_at = k - 1
        found_type = "to " structs[substr(list[k], at + 1)]
        kinds[found_type] = 2
        of[found_type] = structs[substr(list[k], at + 1)]
        return 1
    }
    return 0
}

# Looks for a member or parameter: found_type, and found_at (bits, or the number).
function find(where, name,  n, list, k, part_of) {
    n = split(members[where], list, " ")
    for (k = 1; k <= n; k++) {
        split(list[k], part_of, ":")
        if (part_of[1] == 0 || text[part_of[1]] != name) continue
        found_type = part_of[2]
        found_at = part_of[3]
        return 1
    }
    return 0
}

# Goes into a member, which may stand in a nameless structure or union.
function enter(where, name,  n, list, k, part_of, kept) {
    where = plain(where)
    if (kinds[where] != 4 && kinds[where] != 5) return 0
    if (find(where, name)) {
        type = found_type
        if (where in packed) { bits = int(found_at / 16777216); found_at %= 16777216 }
        else bits = 0
        offset += int(found_at / 8)
        shift = found_at % 8
        return 1
    }
    n = split(members[where], list, " ")
    for (k = 1; k <= n; k++) {
        split(list[k], part_of, ":")
        if (part_of[1] != 0) continue
        kept = offset
        offset += int(part_of[3] % 16777216 / 8)
        if (enter(part_of[2], name)) return 1
        offset = kept
    }
    return 0
}

# From a member of a structure, whose path is next, to the structure.
function rebase(where,  token, ok) {
    type = where
    ok = 1
    while (ok && substr(remaining, 1, 1) == "/") {
        match(remaining, /^\/[a-z0-9_]+/)
        ok = enter(type, substr(remaining, 2, RLENGTH - 1))
        remaining = substr(remaining, RLENGTH + 1)
    }
    offset = -offset
    bits = 0
    type = where
    return ok
}

# The value is a pointer: go where it points.
function follow() {
    base = value()
    in_register = 0
    offset = 0
    bits = 0
    type = kind_of(type) == 2 ? of[plain(type)] : 0
}

# The fetch of the value.
function value() {
    if (in_register) return base
    if (substr(base, 1, 1) == "@" && index(base, "(") == 0) return base "+" offset
    return (offset < 0 ? "" : "+") offset "(" base ")"
}

# A type without typedef, const, volatile, restrict and tags.
function plain(t) {
    while (kinds[t] >= 8 && kinds[t] <= 11 || kinds[t] == 18) t = of[t]
    return t
}

function kind_of(t) { t = plain(t); return t in kinds ? kinds[t] : 0 }

function bytes(t) {
    t = plain(t)
    if (kinds[t] == 2) return 8
    if (kinds[t] == 3) return size[t] * bytes(of[t])
    return size[t]
}

function print_type(  t, width) {
    t = plain(type)
    if (bits) {
        width = 8
        while (width < shift + bits) width *= 2
        return "b" bits "@" shift "/" width
    }
    if (kind_of(t) == 2) return "x64"
    width = bytes(t)
    if (width != 1 && width != 2 && width != 4 && width != 8) return "x64"
    return (t in signed ? "s" : "u") width * 8
}
