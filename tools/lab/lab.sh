# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What every script of the laboratory shares: where things live, how they are
# made once and only once, and how a long step shows that it is alive.
#
# Every script prints the path of what it made on stdout and everything else on
# stderr, so that scripts compose: linux=$(tools/lab/kernel stock)/object/linux

set -euo pipefail

# shellcheck disable=SC2034 # read, like KERNEL, by the scripts that source this file
LAB_TOP=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)

# What the outermost script starts must end with it, however that is ended. Builds and
# machines change to sessions of their own, and unshare(1) does not heed SIGTERM, so no
# signal finds them all: run everything in a PID namespace, which ends as a whole. Its
# temporary files go with it. (Who is not root can make no namespace; the laboratory
# wants root almost everywhere.)
if [ -z "${LAB_ALONE:-}" ] && [ "$(id -u)" = 0 ]; then
	LAB_ALONE=$(mktemp -d)
	export LAB_ALONE TMPDIR=$LAB_ALONE
	# bash gives a background job /dev/null, unless it is told otherwise.
	[ -e /proc/self/fd/0 ] || exec </dev/null
	unshare --pid --fork --kill-child --mount-proc "$0" "$@" <&0 &
	# shellcheck disable=SC2317 # the trap calls it
	lab_end() {
		{ kill -KILL $! && wait $!; } 2>/dev/null || true
		rm -rf "$LAB_ALONE"
	}
	trap lab_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	lab_status=0
	wait $! || lab_status=$?
	exit "$lab_status"
fi

LAB_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/nvme-fence
LAB_LOGS=$LAB_CACHE/logs
KERNEL=${KERNEL:-7.3}
mkdir -p "$LAB_LOGS"

# The order in which a first run does things; a step says where in it it stands.
LAB_STAGES=(toolchain source stock fence stock-smp fence-smp fence-debug fence-rt modules tools initramfs)

say() { printf 'lab: %s\n' "$*" >&2; }
die() { printf 'lab: error: %s\n' "$*" >&2; exit 1; }

# lab_kernel_tree VARIABLE DIRECTORY: the directory's absolute path; it must be a kernel tree.
lab_kernel_tree() {
	[ -n "$2" ] || die "which kernel tree? $1=DIR names it"
	[ -d "$2" ] || die "$1=$2: there is no such directory"
	[ -e "$2/MAINTAINERS" ] || die "$1=$2 is no kernel tree: it has no MAINTAINERS"
	(cd "$2" && pwd)
}

# lab_cargo: there must be a Rust toolchain for user space.
lab_cargo() {
	command -v cargo >/dev/null ||
		die "cargo is missing: the tools want a Rust toolchain for user space (rustup, or your distribution's)"
}

# lab_number NAME VALUE: it must be a whole number above 0.
lab_number() {
	[[ $2 =~ ^[1-9][0-9]{0,8}$ ]] || die "$1=$2: that is no whole number above 0"
}

# lab_key: a short name for whatever stdin holds.
lab_key() { sha256sum | cut -c1-16; }

# lab_setting SCENARIO NAME [DEFAULT]: what a scenario says of itself, words in one line.
lab_setting() (
	# shellcheck disable=SC1090 # whichever it is
	. "$LAB_TOP/selftests/scenarios/$1.sh"
	read -r -d '' -a words <<<"${!2:-${3:-}}" || true
	echo "${words[*]}"
)

# Where cargo builds. Each checkout has its own: cargo takes what another one has built,
# from other sources, for its own if it is newer than the sources here.
# shellcheck disable=SC2034 # read by the scripts that source this file
LAB_CARGO=$LAB_CACHE/cargo/$(lab_key <<<"$LAB_TOP")

# lab_item ITEM COMMAND...: make the directory ITEM with `COMMAND... TEMPORARY`,
# unless it is there already. It gets its name only when it is complete, so that
# what carries the name is whole; two runs never make the same item at once.
lab_item() {
	local item=$1
	shift
	# Nothing to wait for, nor to say.
	if [ -d "$item" ]; then
		touch "$item"
		return
	fi
	mkdir -p "${item%/*}"
	exec 9>"$item.lock"
	if ! flock -n 9; then
		say "another run is making ${item#"$LAB_CACHE"/}, waiting for it"
		flock 9
	fi
	if [ ! -d "$item" ]; then
		rm -rf "$item.tmp"
		mkdir "$item.tmp"
		# The builder does not inherit the lock: a process that it
		# leaves behind would keep it.
		"$@" "$item.tmp" 9>&-
		mv "$item.tmp" "$item"
	fi
	touch "$item"
	exec 9>&-
}

# lab_newest PATH...: those of the items that are complete, the one used last first.
lab_newest() {
	find "$@" -maxdepth 0 -type d ! -name '*.tmp' -printf '%T@ %p\n' 2>/dev/null |
		sort -rn | cut -d' ' -f2- || true
}

# lab_prune KEEP PATH...: delete all but the KEEP items used last, and what runs
# that did not get to their end have left. What was used in the last hours is kept,
# however much it is: a run finds its kernel and initramfs once, and may be long.
lab_prune() {
	local keep=$1 item
	shift
	# An item may be gone by now: another run prunes too.
	lab_newest "$@" | tail -n "+$((keep + 1))" | while read -r item; do
		[ -n "$(find "$item" -maxdepth 0 -mmin +360 2>/dev/null)" ] || continue
		say "removing ${item#"$LAB_CACHE"/}, which was not used for long"
		rm -rf "$item"
	done
	for item in "$@"; do
		[[ $item != *.tmp ]] || flock -n "${item%.tmp}.lock" rm -rf "$item" || true
	done
}

# lab_stage_number STAGE: where in that order it stands, and a blank; nothing if it has no place there.
lab_stage_number() {
	local i
	for i in "${!LAB_STAGES[@]}"; do
		[ "${LAB_STAGES[i]}" != "$1" ] || echo "[$((i + 1))/${#LAB_STAGES[@]}] "
	done
}

# lab_run STAGE TITLE COMMAND...: run a long command quietly. Its output goes to
# a log file; here a heartbeat shows the elapsed time and how far the log is.
lab_run() {
	local stage=$1 title=$2 pid status=0 log begun=$SECONDS said=$SECONDS text
	shift 2
	log=$LAB_LOGS/$stage.log
	text=$(lab_stage_number "$stage")$title
	say "$text, log: $log"
	# A session of its own, so that an interrupt ends all of it, also where there is no
	# namespace to end.
	setsid nice "$@" >"$log" 2>&1 </dev/null &
	pid=$!
	# shellcheck disable=SC2064 # the process that was started here, not a later one
	trap "kill -KILL -- -$pid 2>/dev/null" EXIT
	trap 'exit 130' INT TERM
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.5
		if [ -t 2 ] && [ "${CI:-}" != true ]; then
			printf '\r\033[Klab: %s %ss, %s lines' "$text" \
				"$((SECONDS - begun))" "$(wc -l <"$log")" >&2
		elif [ $((SECONDS - said)) -ge 15 ]; then
			said=$SECONDS
			say "$text: $((SECONDS - begun))s, $(wc -l <"$log") lines of log"
		fi
	done
	[ ! -t 2 ] || printf '\r\033[K' >&2
	wait "$pid" || status=$?
	trap - EXIT INT TERM
	if [ "$status" -ne 0 ]; then
		tail -n 25 "$log" >&2
		die "$title failed (status $status), the whole log: $log"
	fi
	say "$text: done in $((SECONDS - begun))s"
}
