# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The scene that most scenarios play: two paths, the first one through the proxy,
# and registers that are written while something happens to it.

# scene_set [WAY] [OPTION,...] [BACKING]: target, module (unless on a stock kernel, WAY
# is "none" then), both paths, trace. Sets DEVICE.
scene_set() {
	local way="${1:-time}"
	target_start "$3"
	proxy_start 1
	[ "$way" = none ] || fence_load_as "$way" || bail "the module does not load"
	path_connect 1 "$2"
	path_connect_direct 2 "$2"
	DEVICE=$(head_device)
	trace_start
}

# scene_set_scripted WAY OPTION,... [TARGET OPTION...]: the same with the scripted target
# and without a proxy. The controllers are 1 and 2.
scene_set_scripted() {
	local way="$1" options="$2"
	shift 2
	scripted_target_start "$@"
	[ "$way" = none ] || fence_load_as "$way" || bail "the module does not load"
	path_connect_direct 1 "$options"
	path_connect_direct 2 "$options"
	DEVICE=$(head_device)
	trace_start
}

# scene_set_single WAY: one path with one I/O queue, through the proxy, which is connected again at once
# when it is lost. Sets no DEVICE.
scene_set_single() {
	target_start
	proxy_start 1
	[ "$1" = none ] || fence_load_as "$1" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20,reconnect_delay=1
	trace_start
	path_io_timeout 1 3000
}

# both COMMAND...: for path 1 and path 2
both() {
	"$@" 1
	"$@" 2
}

# path_2_carries_reads: it has a namespace a moment before it is used
path_2_carries_reads() {
	read_block "$DEVICE" 0
	read_block "$DEVICE" 0
	[ "$(trace_count "nvme_setup_cmd: $(path_ctrl 2): .*nvme_cmd_read")" -gt 0 ]
}

# write_pages N: dirty pages of the device, too far from each other to be written by one
# command. They stay dirty until the last one is synced, as somebody has the device open.
write_pages() {
	local page
	exec 9<"$DEVICE"
	for page in $(seq 2 "$1"); do
		dd if=/dev/zero of="$DEVICE" bs=4096 count=1 seek=$((page * 64)) conv=notrunc
	done
	dd if=/dev/zero of="$DEVICE" bs=4096 count=1 conv=notrunc,fsync
}

# succeeds TEXT PID: what is in the background does, in the end
succeeds() {
	local status=0
	wait "$2" || status=$?
	expect_eq "$1" 0 $status
}

# Where there is one I/O queue, it has the second connection of a path.
IO_CONNECTION=2

# lose_command WAY BACKING COMMAND...: path 1 is lost with the command, which goes on in the
# background as $COMMAND
lose_command() {
	scene_set "$1" nr_io_queues=1,keep_alive_tmo=20 "$2"
	path_io_timeout 1 3000
	check "a block is written" write_block "$DEVICE" 0 A
	proxy 1 hold $IO_CONNECTION
	proxy 1 refuse
	shift 2
	"$@" &
	# shellcheck disable=SC2034 # for scenarios
	COMMAND=$!
	proxy 1 wait host-closed $IO_CONNECTION
}

# Commands that change block 0
discard_block() { blkdiscard -o 0 -l 4096 "$DEVICE"; }
# busybox knows neither zeroes nor FUA. Only a target with a volatile write cache is sent FUA.
zero_block() { /usr/sbin/blkdiscard --force --zeroout --offset 0 --length 4096 "$DEVICE"; }
write_fua() {
	head -c 4096 /dev/zero | tr '\0' F |
		/usr/bin/dd of="$DEVICE" bs=4096 iflag=fullblock oflag=direct,dsync 2>/dev/null
}

# The same, as the trace has them
# shellcheck disable=SC2034 # for scenarios
DISCARD='nvme_cmd_dsm' ZEROES='nvme_cmd_write_zeroes' FUA='nvme_cmd_write .*ctrl=0x4000'

# times_sent N COMMAND: how often it was sent on path N
times_sent() { trace_count " nvme_setup_cmd: $(path_ctrl "$1"): .*$2"; }

# A writer's report. A scenario that has a second writer sets another one before it
# starts it, and keeps $WRITER of the first.
REPORT=/out/report.json

# writer_start [OPTION...]: format the registers of ghost write, and have it wait.
writer_start() {
	mkfifo /run/writer
	ghost write run --device "$DEVICE" --start-fifo /run/writer \
		--report "$REPORT" "$@" >>/out/writer.txt 2>&1 &
	WRITER=$!
	exec 4>/run/writer
	rm /run/writer
}

# writer_go: it writes generation 1, 2, ...
writer_go() { exec 4>&-; }

# writer_wait [PID]: until it has ended, which must be with all reads consistent
writer_wait() {
	local status=0
	wait "${1:-$WRITER}" || status=$?
	expect_eq "the writer read nothing that was wrong" 0 $status
}

# lose_path_1: the writer goes, path 1 swallows what it is sent, and the host gives it up.
lose_path_1() {
	proxy 1 hold
	proxy 1 refuse
	writer_go
	proxy 1 wait host-closed all
}

# lose_controller_1: the scripted target holds what is written to controller 1, the host
# gives it up.
lose_controller_1() {
	scripted_target rule write cntlid=1 : hold=before-execution >/dev/null
	scripted_target refuse 1
	path_io_timeout 1 3000
	writer_go
	scripted_target wait lost 1
}

# registers_verify: do the registers still hold what was acknowledged?
registers_verify() {
	ghost write verify --device "$DEVICE" --report "$REPORT" >>/out/writer.txt 2>&1
}

# report_ns writes|reads KEY: a number of the report
report_ns() {
	awk -v part="\"$1\":" -v key="\"$2\":" '
		$1 == part { inside = 1 }
		inside && $1 == key { sub(",", "", $2); print $2; exit }' "$REPORT"
}

# core_said TEXT: how often nvme-core did so of the first controller
core_said() { dmesg | grep -c "nvme0: $1"; }

# expect_core_holds TEXT COMMANDS MILLISECONDS: nvme-core says that so many commands are held, for so
# long at most. That is counted from the last command on, and said when the connections have ended,
# which is a moment later on a slow machine.
expect_core_holds() {
	expect_between "$1" $(($3 - ${MACHINE_SLACK_MS:-0})) "$3" \
		"$(dmesg | sed -n "s/.*nvme0: path lost, $2 command(s) held for up to \([0-9]*\) ms/\1/p")"
}

# stamp_ns: when the event on the standard input was traced, to the microsecond
stamp_ns() { sed -E 's/^.*\] +[^ ]+ +([0-9]+)\.([0-9]{6}): .*$/\1\2000/; s/^0+([0-9])/\1/'; }

# event_ns PATTERN: when the first event that matches was traced
event_ns() { grep -m 1 -E "$1" "$TRACE/trace" | stamp_ns; }

# field EVENT NAME [RECORD]: a field of the first such event (of this record)
field() {
	grep -m 1 -E " $1: nvme[0-9]+ record=${3:-[0-9]+} " "$TRACE/trace" |
		sed -E "s/.* $2=([^ ]+).*/\1/"
}

# release_expected_ns [RECORD]: t_last + N x KATT + CQT, from its parts in the trace
release_expected_ns() {
	echo $(($(field nvme_fence_deadline t_last_ns "$1") +
		($(field nvme_fence_deadline n "$1") * $(field nvme_fence_deadline katt_ms "$1") +
			$(field nvme_fence_deadline cqt_ms "$1")) * 1000000))
}

# release_ns [RECORD]: when what was held (by this record) was released
release_ns() { event_ns " nvme_fence_release: nvme[0-9]+ record=${1:-[0-9]+} "; }

# One scheduling step: a jiffy, and the trace cuts microseconds off.
# shellcheck disable=SC2034 # for scenarios
STEP_NS=$(late_ns 10001000)

# result NAME VALUE: for the table of the demonstration
result() { echo "$1=$2" >>/out/result; }

# note_ghost_write: for that table, by what the registers say
note_ghost_write() {
	if registers_verify; then
		result ghost_write none
	else
		result ghost_write CORRUPTED
	fi
}
