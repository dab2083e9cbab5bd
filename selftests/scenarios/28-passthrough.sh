# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A passthrough write is lost with path 1. It can not be held: whoever has sent it is told at
# once that it has failed. But its controller may execute it late, so what is newer and touches
# its blocks waits until path 1 is fenced, also where hold=all, and without a module.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="what is newer than a passthrough write that has failed waits for its ghost"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence stock:stock uring:fence newer:fence signal:fence whole:fence
	overlap:fence alone:fence alone_off:fence harmless:fence unload:fence removed:fence
	large:fence stopped:fence back:fence back_alone:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"
# shellcheck disable=SC2034 # read by tools/lab/machine
PARAMETERS_alone_off="nvme_core.fence=0"
# shellcheck disable=SC2034
PARAMETERS_back="nvme_core.multipath=N" PARAMETERS_back_alone="nvme_core.multipath=N"

# A timeout of 3 s, found out at the next full second or the one after it, and the teardown. To be
# fenced by time takes more than 50 s.
AT_ONCE_NS=8000000000

# pass_write BLOCK LETTER [TIMEOUT]: by ioctl, in 4096 bytes
pass_write() {
	head -c 4096 /dev/zero | tr '\0' "$2" >"/tmp/$2"
	nvme io-passthru "$DEVICE" --opcode=1 --namespace-id=1 --data-len=4096 --write \
		--input-file="/tmp/$2" --cdw10=$(($1 * 8)) --cdw12=7 --timeout="${3:-3000}"
}

# uring_write BLOCK LETTER: the same by io_uring
uring_write() { /selftests/uring write "$(echo /dev/ng?n1)" "$1" "$2" 3000; }

# background COMMAND...: sets PID
background() {
	"$@" >/dev/null 2>&1 &
	PID=$!
}

runs() { kill -0 "$1"; }

# sent N PATTERN: how many such commands were sent on path N
sent() { trace_count " nvme_setup_cmd: $(path_ctrl "$1"): .*$2"; }

write_sent() { [ "$(sent 1 "nvme_cmd_write slba=$(($1 * 8)),")" -ge "$2" ]; }

# lose WAY COMMAND...: path 1 is lost with this passthrough command, which fails
lose() {
	local way="$1" began
	shift
	scene_set "$way" nr_io_queues=1,keep_alive_tmo=20
	path_io_timeout 1 3000
	check "a block is written" write_block "$DEVICE" 0 A
	proxy 1 hold "$IO_CONNECTION"
	proxy 1 refuse
	began=$(now_ns)
	background "$@"
	wait "$PID" && STATUS=0 || STATUS=$?
	expect_between "the command fails" 1 255 "$STATUS"
	expect_between "at once" 2900000000 "$(late_ns $AT_ONCE_NS)" $(($(now_ns) - began))
}

# newer_waits PID: it does, also when its ghost has come
newer_waits() {
	sleep 5
	proxy 1 deliver --wait "$IO_CONNECTION"
	check "what is newer waits" runs "$1"
	expect_eq "the late write is executed meanwhile" G "$(read_block "$DEVICE" 0)"
}

# goes_on PID: in the end it is sent
goes_on() {
	succeeds "it is sent in the end" "$1"
	expect_eq "and is there" N "$(read_block "$DEVICE" 0)"
}

variant_fence() {
	plan 14
	lose time pass_write 0 G
	expect_eq "its blocks are tracked" "1 8" \
		"$(fence_attr 1 tracked) $(fence_attr 1 tracked_blocks)"
	check "another block is written at once" write_block "$DEVICE" 100 X
	check "and by another passthrough command" pass_write 101 Y
	background write_block "$DEVICE" 0 N
	NEWER=$PID
	await 10 eval '[ "$(fence_attr 1 waiting)" = 1 ]' || bail "the newer write does not wait"
	newer_waits "$NEWER"
	goes_on "$NEWER"
	expect_eq "path 1 was fenced by time" time "$(fence_attr 1 evidence)"
	expect_between "when its time had come" -1000 "$STEP_NS" \
		$(($(release_ns) - $(release_expected_ns)))
	expect_eq "nothing is tracked any more" "0 0 0" \
		"$(fence_attr 1 tracked) $(fence_attr 1 tracked_blocks) $(fence_attr 1 waiting)"
	expect_eq "one was tracked, one has waited, nothing was sent again" "1 1 0" \
		"$(fence_counter 1 tracked) $(fence_counter 1 waited) $(fence_counter 1 repeated)"
}

# lose_to_ghost WAY
lose_to_ghost() {
	lose "$1" pass_write 0 G
	check "what is newer does not wait" write_block "$DEVICE" 0 N
	proxy 1 deliver --wait "$IO_CONNECTION"
	expect_eq "the ghost write is there" G "$(read_block "$DEVICE" 0)"
}

variant_control() {
	plan 6
	lose_to_ghost off
	expect_eq "nothing was tracked" 0 "$(fence_counter 1 tracked)"
}

variant_stock() {
	plan 5
	lose_to_ghost none
}

# The same by io_uring: the completion says -EINTR.
variant_uring() {
	plan 9
	lose time uring_write 0 G
	background uring_write 0 N
	NEWER=$PID
	check "another block is written at once" uring_write 100 X
	newer_waits "$NEWER"
	goes_on "$NEWER"
	expect_eq "one was tracked, one has waited" "1 1" \
		"$(fence_counter 1 tracked) $(fence_counter 1 waited)"
}

# Who sends a newer one by ioctl sleeps. What is sent meanwhile is checked again.
variant_newer() {
	plan 10
	lose time pass_write 0 G
	background pass_write 0 N
	NEWER=$PID
	newer_waits "$NEWER"
	check "a passthrough read does not wait" nvme io-passthru "$DEVICE" --opcode=2 \
		--namespace-id=1 --data-len=4096 --read --cdw12=7
	goes_on "$NEWER"
	expect_eq "it was sent once" 1 "$(sent 2 'nvme_cmd_write slba=0,')"
	expect_eq "one was tracked, one has waited" "1 1" \
		"$(fence_counter 1 tracked) $(fence_counter 1 waited)"
}

# Nothing was sent of what waits, so it can be killed.
variant_signal() {
	plan 8
	lose time pass_write 0 G
	background exec nvme io-passthru "$DEVICE" --opcode=1 --namespace-id=1 --data-len=4096 \
		--write --input-file=/tmp/G --cdw12=7
	SLEEPER=$PID
	background exec /selftests/uring write "$(echo /dev/ng?n1)" 0 N 3000
	WORKER=$PID
	sleep 2
	check "they wait" eval 'runs $SLEEPER && runs $WORKER'
	kill "$SLEEPER" "$WORKER"
	sleep 1
	check "the ioctl is gone" eval '! runs $SLEEPER'
	check "so is the ring" eval '! runs $WORKER'
	expect_eq "nothing was sent" 0 "$(sent 2 'nvme_cmd_write slba=0,')"
	expect_eq "path 1 is not fenced yet" fencing "$(fence_attr 1 state)"
}

# What blocks a deallocation is about is in its data: that may be any.
variant_whole() {
	plan 8
	head -c 16 /dev/zero >/tmp/range
	lose time nvme io-passthru /dev/nvme0n1 --opcode=9 --namespace-id=1 --data-len=16 \
		--write --input-file=/tmp/range --cdw11=4 --timeout=3000
	expect_eq "all blocks are tracked" "1 18446744073709551615" \
		"$(fence_attr 1 tracked) $(fence_attr 1 tracked_blocks)"
	background write_block "$DEVICE" 100 N
	NEWER=$PID
	sleep 5
	check "any write waits" runs "$NEWER"
	check "reads go on" eval '[ "$(read_block "$DEVICE" 0)" = A ]'
	succeeds "it is sent in the end" "$NEWER"
	expect_eq "path 1 was fenced by time" time "$(fence_attr 1 evidence)"
}

# With hold=overlap there is more room, and what is tracked beside it is sent again at once.
variant_overlap() {
	plan 9
	scene_set overlap nr_io_queues=1,keep_alive_tmo=20
	path_io_timeout 1 3000
	check "a block is written" write_block "$DEVICE" 0 A
	proxy 1 hold "$IO_CONNECTION"
	proxy 1 refuse
	background pass_write 0 G
	FIRST=$PID
	await 5 write_sent 0 2 || bail "no passthrough write on path 1"
	check "a write that is lost with it goes on" write_block "$DEVICE" 9 B
	wait "$FIRST" && STATUS=0 || STATUS=$?
	expect_between "the passthrough write fails" 1 255 "$STATUS"
	expect_eq "both are tracked, one was sent again" "2 1" \
		"$(fence_attr 1 tracked) $(fence_counter 1 repeated)"
	background write_block "$DEVICE" 0 N
	NEWER=$PID
	newer_waits "$NEWER"
	goes_on "$NEWER"
	expect_eq "path 1 was fenced by time" time "$(fence_attr 1 evidence)"
}

# Nobody remembers the blocks: whatever is written to the subsystem waits.
variant_alone() {
	plan 11
	lose none pass_write 0 G
	background write_block "$DEVICE" 0 N
	NEWER=$PID
	background pass_write 100 X
	OTHER=$PID
	sleep 5
	check "another block waits, too" runs "$OTHER"
	newer_waits "$NEWER"
	goes_on "$NEWER"
	succeeds "so does the other block" "$OTHER"
	expect_eq "it says what has failed" 1 \
		"$(core_said 'path lost, 1 command(s) failed that may be executed late')"
	expect_eq "and that it is over" 1 \
		"$(core_said 'fenced, 1 failed command(s) can not be executed late')"
}

variant_alone_off() {
	plan 5
	lose_to_ghost none
}

# Late reads, and whatever else changes no block.
variant_harmless() {
	plan 6
	lose time nvme io-passthru /dev/nvme0n1 --opcode=2 --namespace-id=1 --data-len=4096 --read \
		--cdw12=7 --timeout=3000
	expect_eq "nothing is tracked" "0 0" "$(fence_attr 1 tracked) $(fence_counter 1 tracked)"
	check "what is newer does not wait" write_block "$DEVICE" 0 N
	expect_eq "it is there" N "$(read_block "$DEVICE" 0)"
}

# The module takes along what it remembers.
variant_unload() {
	plan 9
	lose time pass_write 0 G
	fence_unload
	background write_block "$DEVICE" 0 N
	NEWER=$PID
	background write_block "$DEVICE" 100 X
	OTHER=$PID
	newer_waits "$NEWER"
	check "another block waits, too" runs "$OTHER"
	goes_on "$NEWER"
	succeeds "so does the other block" "$OTHER"
}

# The administrator's word ends it, and the controller need not be there any more.
variant_removed() {
	plan 8
	lose time pass_write 0 G
	path_disconnect 1
	expect_eq "what is tracked is shown" 1 "$(cat /sys/module/nvme_fence/removed/tracked)"
	background pass_write 0 N
	NEWER=$PID
	sleep 2
	check "what is newer waits" runs "$NEWER"
	check "the administrator releases it" nvme-fence release --force --removed
	goes_on "$NEWER"
}

# Its data is sent when the controller asks for it, in a PDU whose header is not to be taken for the
# end of the command: that says which blocks they are.
variant_large() {
	plan 6
	scene_set time nr_io_queues=1,keep_alive_tmo=20
	path_io_timeout 1 3000
	check "a block is written" write_block "$DEVICE" 0 A
	proxy 1 hold --after $((72 + 24 + 32768)) "$IO_CONNECTION"
	proxy 1 refuse
	head -c 65536 /dev/zero | tr '\0' G >/tmp/large
	background nvme io-passthru "$DEVICE" --opcode=1 --namespace-id=1 --data-len=65536 --write \
		--input-file=/tmp/large --cdw12=127 --timeout=3000
	wait "$PID" && STATUS=0 || STATUS=$?
	expect_between "the command fails" 1 255 "$STATUS"
	expect_eq "its blocks are tracked" "1 128" \
		"$(fence_attr 1 tracked) $(fence_attr 1 tracked_blocks)"
	background write_block "$DEVICE" 15 N
	NEWER=$PID
	sleep 5
	check "what is newer waits" runs "$NEWER"
	succeeds "it is sent in the end" "$NEWER"
	expect_eq "and is there" N "$(read_block "$DEVICE" 15)"
}

# Who is stopped for a while goes on waiting.
variant_stopped() {
	plan 7
	lose time uring_write 0 G
	background exec /selftests/uring write "$(echo /dev/ng?n1)" 0 N 3000
	NEWER=$PID
	sleep 2
	kill -STOP "$NEWER"
	sleep 1
	kill -CONT "$NEWER"
	newer_waits "$NEWER"
	goes_on "$NEWER"
}

# Not asked of nvme-cli: that reads what the scan has locked, which waits for the request that waits.
path_is_live() { [ "$(cat "/sys/class/nvme/$(path_ctrl 1)/state")" = live ]; }

# come_back WAY: without multipath, the path is lost with a passthrough write, and comes back at once.
# What waits then is a request, which nvme-tcp must not wait for.
come_back() {
	scene_set_single "$1"
	DEVICE=/dev/nvme0n1
	check "a block is written" write_block $DEVICE 0 A
	proxy 1 hold "$IO_CONNECTION"
	background pass_write 0 G
	LOST=$PID
	proxy 1 wait host-closed "$IO_CONNECTION" >/dev/null
	background write_block $DEVICE 0 N
	NEWER=$PID
	check "the path is back soon" await 5 path_is_live
	wait "$LOST" || true
	sleep 5
	proxy 1 deliver --wait "$IO_CONNECTION"
	check "what is newer waits" runs "$NEWER"
	goes_on "$NEWER"
}

variant_back() {
	plan 5
	come_back time
}

variant_back_alone() {
	plan 5
	come_back none
}
