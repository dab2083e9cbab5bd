# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# What scenarios share (see README.md here). busybox ash; nothing in here knows
# which machine it runs on, not even how its host connects (host-fabrics.sh,
# host-cli.sh). Time may be virtual: wait for events, or sleep, but
# never spin.

NQN=nqn.2026-11.test:fence
# shellcheck disable=SC2034 # for host-fabrics.sh and host-cli.sh
HOSTNQN=nqn.2014-08.org.nvmexpress:uuid:8a1c1d0e-0f3b-4e0d-9c55-6f656e636531
# shellcheck disable=SC2034
HOSTID=8a1c1d0e-0f3b-4e0d-9c55-6f656e636531
TARGET=/sys/kernel/config/nvmet
TRACE=/sys/kernel/tracing/instances/lab
MODULE=/lib/modules/nvme_fence.ko

HELPERS=/run/helpers

passed=0 failed=0 skipped=0

# --- KTAP ---------------------------------------------------------------------

plan() { echo "1..$1"; }

diag() { echo "$*" | sed 's/^/# /'; }

ok() {
	passed=$((passed + 1))
	echo "ok $((passed + failed + skipped)) $*"
}

not_ok() {
	failed=$((failed + 1))
	echo "not ok $((passed + failed + skipped)) $*"
}

# skip TEXT REASON
skip() {
	skipped=$((skipped + 1))
	echo "ok $((passed + failed + skipped)) $1 # SKIP $2"
}

# check TEXT COMMAND...: the command must succeed.
check() {
	local text="$1" output
	shift
	if output=$("$@" 2>&1); then
		ok "$text"
	else
		not_ok "$text"
		diag "failed: $*"
		diag "$output"
	fi
}

# expect_eq TEXT EXPECTED ACTUAL
expect_eq() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		diag "expected: $2"
		diag "actual:   $3"
	fi
}

# expect_between TEXT LOWEST HIGHEST ACTUAL: whole numbers
expect_between() {
	if [ "$4" -ge "$2" ] 2>/dev/null && [ "$4" -le "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		diag "expected: $2 to $3"
		diag "actual:   $4"
	fi
}

# bail TEXT: the scenario makes no sense from here on.
bail() {
	echo "Bail out! $*"
	exit 1
}

# The closing line, without which a run counts as broken off.
finish() {
	local status=$?
	[ "$status" = 0 ] || diag "the scenario ended with status $status"
	trace_save
	put_away
	echo "# Totals: pass:$passed fail:$failed xfail:0 xpass:0 skip:$skipped error:0"
}

# put_away: end what the scenario has left, so that what is still allocated then is
# a leak, and the ends are tested too.
put_away() {
	local ctrl
	# shellcheck disable=SC2046 # a list of process ids
	[ ! -e "$HELPERS" ] || kill $(cat "$HELPERS") 2>/dev/null
	[ ! -e /run/target.pid ] || {
		scripted_target forget all
		scripted_target release all
	}
	for ctrl in /sys/class/nvme/nvme*; do
		[ ! -e "$ctrl" ] || echo 1 >"$ctrl/delete_controller"
	done
	[ ! -e /run/target.pid ] || kill "$(cat /run/target.pid)"
	[ ! -d /sys/module/nvme_fence ] || await 120 fence_unload ||
		echo "# left over: the module"
	target_remove || echo "# left over: the target"
}

# --- Waiting, time ------------------------------------------------------------

# clock_read: sets CLOCK_CS, the time in hundredths of a second; it starts no process.
clock_read() {
	local up
	read -r up _ </proc/uptime
	# The 1 keeps 08 from being an octal number.
	CLOCK_CS=$((${up%.*} * 100 + 1${up#*.} - 100))
}

# await SECONDS COMMAND...: until the command succeeds; 1 if it does not in time. It is
# tried at least once. Time is the clock's: a try takes long where forking does.
await() {
	local end
	clock_read
	end=$((CLOCK_CS + $1 * 100))
	shift
	until "$@" >/dev/null 2>&1; do
		clock_read
		[ "$CLOCK_CS" -lt "$end" ] || return 1
		sleep 0.01
	done
}

file_exists() { [ -e "$1" ]; }

# wait_for_file PATH [SECONDS]; the path may be a glob.
wait_for_file() {
	# shellcheck disable=SC2016,SC2086 # a glob is looked up anew each time
	await "${2:-10}" eval 'file_exists '$1
}

# CLOCK_MONOTONIC, the clock of the trace and of all deadlines.
now_ns() { awk '/^now at/ { print $3; exit }' /proc/timer_list; }
now_ms() { echo $(($(now_ns) / 1000000)); }

# parameter NAME DEFAULT: a word of the kernel's command line, or of what init was told
parameter() {
	local value
	value=$(cat /proc/cmdline /run/orders | tr ' ' '\n' | sed -n "s/^$1=//p")
	echo "${value:-$2}"
}

# late_ms MILLISECONDS, late_ns NANOSECONDS: a time before which something happens on an
# ideal machine, and when it may happen on this one
late_ms() { echo $(($1 + ${MACHINE_SLACK_MS:-0})); }
late_ns() { echo $(($1 + ${MACHINE_SLACK_MS:-0} * 1000000)); }

# helper COMMAND...: run in the background until the scenario ends. It is no child
# of the scenario, whose `wait` would wait for it forever.
helper() {
	("$@" & echo $! >>"$HELPERS")
}

# --- Target -------------------------------------------------------------------

# The Command Quiesce Time of the kernel's target. With 0, which says nothing, it has no
# Cross-Controller Reset. This is what the module takes if it is told nothing.
TARGET_CQT_MS=10000

# target_start [ramdisk|file [MEGABYTES]]: a subsystem with one namespace and two
# ports, 127.0.0.1 and 127.0.0.2. A file has a volatile write cache, a ramdisk
# (whose size is fixed) has none.
target_start() {
	target_subsystem "$@"
	target_port 1
	target_port 2
}

# target_start_zoned: the same, but of 16 zones of 4 MiB, in the memory of null_blk
target_start_zoned() {
	local device=/sys/kernel/config/nullb/zoned
	local namespace=$TARGET/subsystems/$NQN/namespaces/1
	mkdir $device
	echo 1 >$device/memory_backed
	echo 4096 >$device/blocksize
	echo 64 >$device/size
	echo 1 >$device/zoned
	echo 4 >$device/zone_size
	echo 1 >$device/power
	target_start ramdisk
	echo 0 >"$namespace/enable"
	echo /dev/zoned >"$namespace/device_path"
	echo 1 >"$namespace/enable"
}

# target_subsystem [ramdisk|file [MEGABYTES]]: the subsystem alone
target_subsystem() {
	local subsystem=$TARGET/subsystems/$NQN backing=/dev/ram0
	mkdir "$subsystem" "$subsystem/namespaces/1"
	echo 1 >"$subsystem/attr_allow_any_host"
	# The default of both is 0: no Cross-Controller Reset. Stock kernels have none at all.
	[ ! -e "$subsystem/attr_ccrl" ] || {
		target_set ccrl 4
		target_set cqt "$TARGET_CQT_MS"
	}
	if [ "$1" = file ]; then
		backing=/tmp/namespace
		truncate -s "${2:-64}M" "$backing"
		echo 1 >"$subsystem/namespaces/1/buffered_io"
	fi
	echo "$backing" >"$subsystem/namespaces/1/device_path"
	echo 1 >"$subsystem/namespaces/1/enable"
}

# target_port N: the subsystem's port 127.0.0.N, which may have others already
target_port() {
	local port=$TARGET/ports/$1
	[ -d "$port" ] || {
		mkdir "$port"
		echo tcp >"$port/addr_trtype"
		echo ipv4 >"$port/addr_adrfam"
		echo "127.0.0.$1" >"$port/addr_traddr"
		echo 4420 >"$port/addr_trsvcid"
	}
	ln -s "$TARGET/subsystems/$NQN" "$port/subsystems/$NQN"
}

# target_remove: all subsystems and ports
target_remove() {
	local port subsystem status=0
	for port in "$TARGET"/ports/*; do
		[ ! -d "$port" ] || {
			rm "$port"/subsystems/*
			rmdir "$port" || status=1
		}
	done
	for subsystem in "$TARGET"/subsystems/*; do
		[ ! -d "$subsystem" ] ||
			rmdir "$subsystem"/namespaces/* "$subsystem" || status=1
	done
	return $status
}

# target_set NAME VALUE: an attribute of the subsystem, before paths are connected
target_set() { echo "$2" >"$TARGET/subsystems/$NQN/attr_$1"; }

# scripted_target_start [OPTION...]: `ghost target` instead, on the same addresses and
# with the same name. What it does is in /out/target.json. PORT_2_STATE may be set before, to
# an ANA state.
scripted_target_start() {
	local line
	mkfifo /run/target.ready
	# Opening the FIFO waits for the other side: not in this shell. It is no helper:
	# hosts want to say goodbye before it ends.
	(sh -c 'exec ghost target "$@" >/run/target.ready' -- \
		--listen 127.0.0.1:4420 --listen "127.0.0.2:4420${PORT_2_STATE:+,$PORT_2_STATE}" \
		--nqn "$NQN" \
		--control /run/target --log /out/target.json "$@" & echo $! >/run/target.pid)
	read -r line </run/target.ready
	[ "$line" = ready ] || bail "no scripted target"
}

# scripted_target COMMAND...: tell it a rule, to release, ...
scripted_target() { ghost ctl --control /run/target "$@"; }

# target_ns PATTERN: when the first line of its log that matches was written
target_ns() { grep -m 1 -E "$1" /out/target.json | sed -E 's/^\{"ns":([0-9]+),.*/\1/'; }

# --- Paths --------------------------------------------------------------------

# proxy_start N [PORT]: put the hold proxy of path N in front of a port of the target,
# port N if none is named.
proxy_start() {
	local line
	mkfifo "/run/path$1.ready"
	# Opening the FIFO waits for the other side: not in this shell.
	helper sh -c 'exec ghost proxy --listen "$1" --target "$2" --control "$3" >"$3.ready"' \
		-- "127.0.0.$((10 + $1)):4420" "127.0.0.${2:-$1}:4420" "/run/path$1"
	read -r line <"/run/path$1.ready"
	[ "$line" = ready ] || bail "no proxy for path $1"
}

# proxy N COMMAND...: tell the proxy of path N to hold, freeze, deliver, ... A scenario in
# which it does not do so would show nothing.
proxy() {
	local path="$1"
	shift
	ghost ctl --control "/run/path$path" "$@" || bail "the proxy of path $path fails: $*"
}

# connect_to N ADDRESS [OPTION,...]: sets PATHN_CTRL, waits until the path is live
# and has its namespace.
connect_to() {
	local number="$1" ctrl
	ctrl=$(host_connect "$2" "keep_alive_tmo=5${3:+,$3}") ||
		bail "cannot connect path $number"
	eval "PATH${number}_CTRL=$ctrl"
	wait_state "$ctrl" live 10 || bail "path $number is not live"
	wait_for_file "/sys/class/nvme/$ctrl/nvme*n*" || bail "path $number has no namespace"
}

# path_connect N [OPTION,...]: through the proxy; path_connect_direct: without.
path_connect() { connect_to "$1" "127.0.0.$((10 + $1))" "$2"; }
path_connect_direct() { connect_to "$1" "127.0.0.$1" "$2"; }

# path_ctrl N: the controller's name, nvmeX.
path_ctrl() { eval "echo \$PATH${1}_CTRL"; }

path_disconnect() { host_disconnect "$(path_ctrl "$1")"; }

# path_io_timeout N MILLISECONDS
path_io_timeout() { echo "$2" >"/sys/class/nvme/$(path_ctrl "$1")/io_timeout"; }

in_state() { [ "$(host_state "$1")" = "$2" ]; }

# wait_state CTRL STATE [SECONDS]
wait_state() { await "${3:-10}" in_state "$1" "$2"; }

# path_optimized N: may the host use it, and prefer it?
path_optimized() { [ "$(cat /sys/class/nvme/"$(path_ctrl "$1")"/nvme*/ana_state)" = optimized ]; }

head_node() {
	local node
	for node in /sys/class/nvme-subsystem/nvme-subsys*/nvme*n*; do
		case "${node##*/}" in
		# The second one is the pattern itself, if nothing matches.
		*c*n* | 'nvme*n*') ;;
		*)
			file_exists "/dev/${node##*/}" && echo "/dev/${node##*/}"
			return
			;;
		esac
	done
	return 1
}

# The multipath node, which is there a moment after its path.
head_device() { await 10 head_node && head_node; }

# --- Blocks of 4096 bytes, past the page cache --------------------------------

# write_block DEVICE BLOCK LETTER
write_block() {
	head -c 4096 /dev/zero | tr '\0' "$3" |
		dd of="$1" bs=4096 seek="$2" count=1 iflag=fullblock oflag=direct 2>/dev/null
}

# read_block DEVICE BLOCK: the first letter, 0 for one of zeroes, or nothing if it cannot be
# read. The shell has no NUL: without the 0, a read that fails would look like zeroes.
read_block() {
	dd if="$1" bs=4096 skip="$2" count=1 iflag=direct 2>/dev/null | head -c 1 | tr '\0' 0
}

# --- Fence --------------------------------------------------------------------

# fence_load [PARAMETER=VALUE...]: fails also if the module has no such parameter. The kernel
# ignores it then, and the scenario would play something else.
fence_load() {
	local parameter
	insmod "$MODULE" "$@" || return
	for parameter in "$@"; do
		file_exists "/sys/module/nvme_fence/parameters/${parameter%%=*}" || {
			diag "the module has no parameter $parameter"
			return 1
		}
	done
}
fence_unload() { rmmod nvme_fence; }

# fence_load_as WAY [PARAMETER=VALUE...]: loads it for
#   auto   what it does by default
#   time   evidence by time, or that the controller was disabled, and no other; and the
#          kernel's target tells nothing that would make the time shorter
#   told   the same evidence, and the target tells what it knows
#   overlap  as time, and what is cancelled is sent again; newer writes to its blocks wait
#   off    nothing is held
fence_load_as() {
	local way="$1"
	shift
	case "$way" in
	auto) fence_load "$@" ;;
	time)
		[ ! -e "$TARGET/subsystems/$NQN/attr_ccrl" ] || target_set ccrl 0
		fence_load evidence=time,disabled "$@"
		;;
	overlap) fence_load_as time hold=overlap "$@" ;;
	told) fence_load evidence=time,disabled "$@" ;;
	off) fence_load hold=none "$@" ;;
	*) bail "fence_load_as: what is '$way'?" ;;
	esac
}

# fence_attr N NAME: an attribute of path N's controller
fence_attr() { cat "/sys/class/nvme/$(path_ctrl "$1")/fence/$2"; }

# fence_counter N NAME: one of its counters
fence_counter() { fence_attr "$1" counters | awk -v name="$2" '$1 == name { print $2 }'; }

# fence_set NAME VALUE, fence_get NAME: a knob of the subsystem
fence_set() { echo "$2" >"$(echo /sys/class/nvme-subsystem/nvme-subsys*/fence/"$1")"; }
fence_get() { cat /sys/class/nvme-subsystem/nvme-subsys*/fence/"$1"; }

# fence_believe WORD...: what counts as evidence beside time and that the controller was disabled
fence_believe() { fence_set evidence "time disabled $*"; }

# --- Trace --------------------------------------------------------------------

# trace_start [EVENT...]: record the fence's events, every command that is sent,
# and what else is asked for (as GROUP:NAME). Needs the module loaded first to have
# its events.
trace_start() {
	local event
	mkdir "$TRACE"
	echo mono >"$TRACE/trace_clock"
	echo 16384 >"$TRACE/buffer_size_kb"
	for event in nvme:nvme_setup_cmd "$@"; do
		echo 1 >"$TRACE/events/${event%:*}/${event#*:}/enable" ||
			bail "no trace event $event"
	done
	[ ! -d "$TRACE/events/nvme_fence" ] || echo 1 >"$TRACE/events/nvme_fence/enable"
}

# trace_stop: no more is recorded. The recording is in /out/trace.txt in the end.
trace_stop() { echo 0 >"$TRACE/tracing_on"; }

# trace_save: in the end the module takes its events with it.
trace_save() {
	[ -e /out/trace.txt ] || [ ! -d "$TRACE" ] || cat "$TRACE/trace" >/out/trace.txt
}

# trace_count PATTERN: lines of the recording so far that match
trace_count() { grep -cE "$1" "$TRACE/trace"; }

# resets_at_once SOURCE: Cross-Controller Resets that were in progress through this
# controller at the same time. One ends with its result, or when its record is fenced.
resets_at_once() {
	sed -nE "s/.* nvme_fence_reset: nvme[0-9]+ (record=[0-9]+) source=$1 .* (step=.*)/\1 \2/p
		s/.* nvme_fence_evidence: nvme[0-9]+ (record=[0-9]+) .*/\1 fenced/p" "$TRACE/trace" |
		awk '$2 == "step=asked" { now += !($1 in asked); asked[$1] }
			$2 ~ /fenced|=(refused|failed|log-full|limit-exceeded|reported-failed)$/ {
				now -= $1 in asked
				delete asked[$1]
			}
			now > most { most = now }
			END { print most + 0 }'
}
