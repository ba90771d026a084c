#!/bin/sh
# Records what KVM decides on this arm64 host, as ftrace text. Made by: vgic-race trace setup@ARGUMENTS@
#
#   sh SCRIPT [-o FILE] [-b KIB] [-l N] [-p FILE] [-s SECONDS | COMMAND [ARGUMENT...]]
#   sh SCRIPT -n
#
#   -o FILE     the trace; compressed if it ends in .gz    [vgic-race-trace.txt]
#   -b KIB      buffer of each CPU                         [16384]
#   -l N        List Registers to print, where the kernel does not tell how many there are
#   -s SECONDS  how long to record                         [10]
#   COMMAND     record as long as this runs instead
#   -n          only print the probes for this kernel, and record nothing
#   -p FILE     take the probes that -n printed on this kernel: reading its BTF takes seconds
#
# It needs root, a kernel with KVM, kprobe events and BTF, and od, tr and awk. It records in a trace
# instance of its own, and takes its probes and the instance away again, also when interrupted.
# VGIC_RACE_SYSROOT is put before /sys, /proc and /dev (to try it out).

set -u
LC_ALL=C
export LC_ALL

GIC=@GIC@
ROOT=${VGIC_RACE_SYSROOT:-}
OUT=vgic-race-trace.txt
BUFFER=16384
SECONDS_LONG=10
LRS=
SHOW=
PROBES=
WORK=
INSTANCE=
MADE=
SLEEP=

say() { echo "vgic-race: $*" >&2; }
refuse() {
    say "$*"
    exit 2
}

# shellcheck disable=SC2317,SC2329  # called by the traps
undo() {
    trap '' INT TERM HUP
    [ -z "$SLEEP" ] || kill "$SLEEP" 2>/dev/null
    if [ -n "$INSTANCE" ] && [ -d "$INSTANCE" ]; then
        if [ -e "$INSTANCE/events" ]; then
            echo 0 >"$INSTANCE/tracing_on"
            echo 0 >"$INSTANCE/events/enable"
        fi
        rmdir "$INSTANCE" || say "cannot remove $INSTANCE"
    fi
    for event in $MADE; do
        echo "-:kp/$event" >>"$TRACING/kprobe_events" || say "cannot remove the probe kp/$event"
    done
    [ -z "$WORK" ] || rm -rf "$WORK"
}

number() {
    case $2 in
        "" | *[!0-9]*) refuse "$1 takes a number, not '$2'" ;;
    esac
}

usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; }

while getopts o:b:l:s:p:nh option; do
    case $option in
        o) OUT=$OPTARG ;;
        b) number -b "$OPTARG" && BUFFER=$OPTARG ;;
        l) number -l "$OPTARG" && LRS=$OPTARG ;;
        s) number -s "$OPTARG" && SECONDS_LONG=$OPTARG ;;
        p) PROBES=$OPTARG ;;
        n) SHOW=yes ;;
        h) usage && exit 0 ;;
        *) usage >&2 && exit 2 ;;
    esac
done
shift $((OPTIND - 1))

# -- what it needs ------------------------------------------------------------------------------

[ -n "$ROOT" ] || [ "$(id -u)" = 0 ] || refuse "must run as root"
for program in od tr awk tail head mktemp; do
    command -v "$program" >/dev/null || refuse "needs the program $program"
done
BTF=$ROOT/sys/kernel/btf/vmlinux
[ -e "$BTF" ] || refuse "this kernel has no BTF ($BTF): it must be built with CONFIG_DEBUG_INFO_BTF=y"
[ -r "$BTF" ] || refuse "cannot read $BTF"
! grep -q '\[confidentiality\]' "$ROOT/sys/kernel/security/lockdown" 2>/dev/null ||
    refuse "the kernel is locked down (confidentiality): it forbids kprobes"
[ -e "$ROOT/dev/kvm" ] || refuse "this host has no KVM (/dev/kvm is missing)"
TRACING=
for folder in "$ROOT/sys/kernel/tracing" "$ROOT/sys/kernel/debug/tracing"; do
    [ -e "$folder/events" ] && TRACING=$folder && break
done
[ -n "$TRACING" ] || refuse "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing"
[ -e "$TRACING/kprobe_events" ] ||
    refuse "this kernel has no kprobe events: it must be built with CONFIG_KPROBE_EVENTS=y"
[ -e "$TRACING/events/kvm" ] || refuse "this kernel has no events of KVM: is KVM built in?"
[ ! -e "$TRACING/events/kp" ] ||
    refuse "there are kprobe events of the group kp already: another recording, or one that was" \
        "killed; remove them from $TRACING/kprobe_events"
[ ! -e "$TRACING/instances/vgic-race" ] ||
    refuse "there is a trace instance vgic-race already: another recording, or one that was killed"

WORK=$(mktemp -d) || refuse "cannot make a folder for temporary files"
trap undo EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# -- the probes of this kernel ------------------------------------------------------------------

cat >"$WORK/table" <<'END_OF_TABLE'
@TABLE@
END_OF_TABLE
cat >"$WORK/btf.awk" <<'END_OF_AWK'
@BTF_AWK@
END_OF_AWK

# The header of the BTF: magic, version and flags; its length; where types and strings are, and how
# long they are.
set_header() {
    if [ $# != 6 ] || [ $(($1 % 65536)) != 60319 ]; then
        refuse "$BTF is no BTF of this machine's byte order"
    fi
    HEADER=$2 TYPES=$3 TYPES_LONG=$4 STRINGS=$5 STRINGS_LONG=$6
}

read_btf() {
    # shellcheck disable=SC2046  # the words are wanted
    set_header $(od -An -v -tu4 -N24 "$BTF")
    { sed 's/%/2/g' "$WORK/table"; sed 's/%/3/g' "$WORK/table"; } |
        tr -cs 'a-z0-9_' '\n' >"$WORK/words"
    tail -c +$((HEADER + STRINGS + 1)) "$BTF" | head -c "$STRINGS_LONG" | tr '\0' '\n' |
        awk 'NR == FNR { wanted[$0]; next }
            $0 != "" && $0 in wanted { print at, $0 }
            { at += length($0) + 1 }' "$WORK/words" - >"$WORK/strings"
    awk 'NR == FNR { wanted[$0]; next }
        $3 in wanted { print $3, $2 }' "$WORK/words" "$ROOT/proc/kallsyms" >"$WORK/symbols"
    tail -c +$((HEADER + TYPES + 1)) "$BTF" | head -c "$TYPES_LONG" | od -An -v -tu4 -w1024 |
        awk -f "$WORK/btf.awk" part=1 "$WORK/table" part=2 "$WORK/strings" \
            part=3 "$WORK/symbols" part=4 - >"$WORK/probes"
    reason=$(sed -n 's/^! //p' "$WORK/probes")
    [ -z "$reason" ] || refuse "$reason"
    [ -s "$WORK/probes" ] || refuse "cannot read the BTF of this kernel ($BTF)"
}

# Which GIC the host has (TYPE 0 is GICv2), and how many List Registers: asked from the kernel, by a
# probe on the opening of a file, where its symbols tell.
ask_kernel() {
    sed -n 's/^3 \(p:kp\/machine .*nr_lr=.*\)/\1/p' "$WORK/probes" >"$WORK/machine"
    [ -s "$WORK/machine" ] && [ -e "$INSTANCE/events" ] || return 0
    cat "$WORK/machine" >>"$TRACING/kprobe_events" 2>/dev/null || return 0
    MADE=machine
    echo 1 >"$INSTANCE/events/kp/machine/enable"
    : <"$WORK/machine"
    echo 0 >"$INSTANCE/events/kp/machine/enable"
    # shellcheck disable=SC2046  # the words are wanted
    set -- $(sed -n 's/.* machine: .*type=\([0-9]*\) nr_lr=\([0-9]*\).*/\1 \2/p' "$INSTANCE/trace")
    echo >"$INSTANCE/trace"
    echo "-:kp/machine" >>"$TRACING/kprobe_events" && MADE=
    [ $# -lt 2 ] || TYPE=$1 NR_LR=$2
}

find_machine() {
    TYPE=
    NR_LR=
    ask_kernel
    if [ -z "$TYPE" ] && grep -q GICv3 "$ROOT/proc/interrupts"; then
        TYPE=1
    fi
    HAS=$((${TYPE:-0} == 0 ? 2 : 3))
    [ -n "$GIC" ] || GIC=$HAS
    [ "$GIC" = "$HAS" ] ||
        refuse "this host has a GICv$HAS, and the script was made with --gic $GIC"
    if [ -z "$NR_LR" ]; then
        NR_LR=${LRS:-4}
        UNSURE=" (the kernel does not tell how many; see -l)"
    fi
}

# The probes for one GIC, without the List Registers that the machine does not have.
choose() {
    echo "# gic $GIC, list registers $NR_LR, kernel $(uname -r)"
    awk -v gic="$GIC" -v lrs="$NR_LR" '
        $1 != gic || $2 == "p:kp/machine" || $3 == "machine" { next }
        {
            line = $2
            for (i = 3; i <= NF; i++) {
                split($i, part, "=")
                if (part[1] !~ /^lr[0-9]+$/ || substr(part[1], 3) + 0 < lrs + 0)
                    line = line " " $i
            }
            print line
        }' "$WORK/probes"
}

mkdir "$TRACING/instances/vgic-race" || refuse "cannot make a trace instance in $TRACING/instances"
INSTANCE=$TRACING/instances/vgic-race
if [ -n "$PROBES" ]; then
    cat "$PROBES" >"$WORK/definitions" || refuse "cannot read $PROBES"
    set_machine() { GIC=${3%,} NR_LR=${6%,} FOR=$8; }
    # shellcheck disable=SC2046  # the words are wanted
    set_machine $(head -n 1 "$WORK/definitions") 0 0 0 0 0 0 0 0
    [ "$FOR" = "$(uname -r)" ] || refuse "$PROBES is not what -n printed on this kernel"
else
    read_btf
    find_machine
    choose >"$WORK/definitions"
fi
if [ -n "$SHOW" ]; then
    cat "$WORK/definitions"
    exit 0
fi

# -- the recording ------------------------------------------------------------------------------

LEFT_OUT="$WORK/left-out"
: >"$LEFT_OUT"
while read -r definition; do
    case $definition in
        "#"*) ;;
        -field*) echo "field ${definition#-field }: not in this kernel" >>"$LEFT_OUT" ;;
        -*) echo "event ${definition#- }" >>"$LEFT_OUT" ;;
        *)
            event=${definition%% *}
            event=${event#*/}
            if echo "$definition" >>"$TRACING/kprobe_events" 2>/dev/null; then
                MADE="$MADE $event"
            else
                echo "event $event: this kernel takes no probe there" >>"$LEFT_OUT"
            fi
            ;;
    esac
done <"$WORK/definitions"
[ -n "$MADE" ] || refuse "this kernel took none of the probes"

echo mono >"$INSTANCE/trace_clock"
echo "$BUFFER" >"$INSTANCE/buffer_size_kb"
echo 0 >"$INSTANCE/tracing_on"
for event in @STANDARD@; do
    if [ -e "$INSTANCE/events/$event/enable" ]; then
        echo 1 >"$INSTANCE/events/$event/enable"
    else
        echo "event $event: not in this kernel" >>"$LEFT_OUT"
    fi
done
for event in $MADE; do
    echo 1 >"$INSTANCE/events/kp/$event/enable" ||
        echo "event $event: cannot be enabled" >>"$LEFT_OUT"
done
sed 's/^/vgic-race: without /' "$LEFT_OUT" >&2

say "recording: $(uname -r), GICv$GIC, $NR_LR List Registers${UNSURE:-}"
STATUS=0
echo 1 >"$INSTANCE/tracing_on"
if [ $# -gt 0 ]; then
    "$@" || STATUS=$?
else
    sleep "$SECONDS_LONG" &
    SLEEP=$!
    wait "$SLEEP"
    SLEEP=
fi
echo 0 >"$INSTANCE/tracing_on"

LOST=$(awk '/^(overrun|dropped events):/ { n += $NF } END { print n + 0 }' "$INSTANCE"/per_cpu/cpu*/stats)
[ "$LOST" = 0 ] || say "$LOST events were lost: record for a shorter time, or with a larger -b"
trace() {
    echo "# vgic-race: kernel $(uname -r), gic $GIC, list registers $NR_LR, lost $LOST"
    sed 's/^/# vgic-race: without /' "$LEFT_OUT"
    cat "$INSTANCE/trace"
}
case $OUT in
    *.gz) trace | gzip >"$OUT" ;;
    *) trace >"$OUT" ;;
esac || refuse "cannot write $OUT"
say "written: $OUT"
exit "$STATUS"
