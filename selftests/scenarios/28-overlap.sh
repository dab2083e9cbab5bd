# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# With hold=overlap a cancelled write waits for nothing: it goes out on path 2 as soon as
# path 1 is closed. What is newer and touches its blocks waits instead, until path 1 is
# fenced. So its controller may execute late what it was sent.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="cancelled writes go on at once, newer ones to the same blocks wait"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence stock:stock second:fence full:fence uncopied:fence
	knob:fence chain:fence all_paths:fence fails:fence unload:fence removed:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# Stock's failover of a write whose path is lost: a timeout of 3 s, found out at the next
# full second, and the teardown, which drains sockets.
FAILOVER_NS=5000000000

# lose_writes WAY [PARAMETER...]: path 1 is lost with 4 writes, which go on
lose_writes() {
	scene_set "$1" keep_alive_tmo=20
	path_io_timeout 1 3000
	writer_start --blocks 4 --writes 1 --readers
	lose_path_1
	writer_wait
	result write_ns "$(report_ns writes max_ns)"
	result read_ns "$(report_ns reads max_ns)"
}

# newer BLOCK LETTER: a newer write, in the background
newer() {
	write_block "$DEVICE" "$1" "$2" &
	NEWER=$!
}

newer_waits() { [ "$(fence_attr 1 waiting)" = 1 ]; }

newer_wait() { succeeds "the newer write succeeds" "$NEWER"; }

# is_lost CONNECTION: path 1 with what it has on it
is_lost() { proxy 1 wait host-closed "$1"; }

# wrote N BLOCK: has a write to this block been sent on path N?
wrote() {
	[ "$(trace_count " nvme_setup_cmd: $(path_ctrl "$1"): .*nvme_cmd_write slba=$(($2 * 8)),")" -gt 0 ]
}

note_registers() {
	if [ "$(read_block "$DEVICE" 0)" = N ]; then
		result ghost_write none
	else
		result ghost_write CORRUPTED
	fi
}

variant_fence() {
	local began held_for
	plan 18
	lose_writes overlap
	expect_between "the writes took as long as a failover" 3000000000 "$(late_ns $FAILOVER_NS)" \
		"$(report_ns writes max_ns)"
	expect_eq "their blocks are tracked" "4 32" \
		"$(fence_attr 1 tracked) $(fence_attr 1 tracked_blocks)"
	expect_eq "nothing is held" "0 0 none" \
		"$(fence_attr 1 held) $(fence_attr 1 waiting) $(fence_attr 1 held_for_ms)"
	expect_eq "it is not fenced yet" fencing "$(fence_attr 1 state)"
	check "a block that is not tracked is written at once" write_block "$DEVICE" 100 X
	began=$(now_ms)
	newer 0 N
	await 10 newer_waits || bail "the newer write does not wait"
	check "a read does not wait" eval '[ -n "$(read_block "$DEVICE" 0)" ]'
	expect_eq "the newer write waits" "1 1" "$(fence_attr 1 waiting) $(fence_attr 1 held)"
	sleep 5
	newer_waits || bail "the newer write does not wait any more"
	held_for=$(fence_attr 1 held_for_ms)
	expect_between "since it began to, not since the loss" 5000 $(($(now_ms) - began + 1)) "$held_for"
	proxy 1 deliver --wait
	newer_wait
	expect_eq "it is there" N "$(read_block "$DEVICE" 0)"
	note_registers
	expect_eq "it was released by time" time "$(fence_attr 1 evidence)"
	expect_between "when its time had come" -1000 "$STEP_NS" \
		$(($(release_ns) - $(release_expected_ns)))
	expect_eq "4 writes were tracked and sent again, one has waited" "4 4 1" \
		"$(fence_counter 1 tracked) $(fence_counter 1 repeated) $(fence_counter 1 waited)"
	expect_eq "it alone was held, and released" "1 1" \
		"$(fence_counter 1 held) $(fence_counter 1 released)"
	expect_eq "nothing is tracked any more" "0 0 0" \
		"$(fence_attr 1 tracked) $(fence_attr 1 tracked_blocks) $(fence_attr 1 waiting)"
	expect_eq "the trace tells it" "4 1" \
		"$(trace_count ' nvme_fence_track: ') $(trace_count ' nvme_fence_wait: ')"
	newer 0 M
	newer_wait
	result held 1
	result released_by "$(fence_attr 1 evidence)"
}

# lose_to_ghost WAY: the newer write does not wait, the late ones destroy it
lose_to_ghost() {
	lose_writes "$1"
	expect_between "the writes took as long as a failover" 3000000000 "$(late_ns $FAILOVER_NS)" \
		"$(report_ns writes max_ns)"
	newer 0 N
	newer_wait
	proxy 1 deliver --wait
	# The registers begin with their name.
	expect_eq "the ghost write is there" G "$(read_block "$DEVICE" 0)"
}

variant_control() {
	plan 5
	lose_to_ghost off
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
}

variant_stock() {
	plan 4
	lose_to_ghost none
}

# lose_one WAY [PARAMETER...]: the scene with one I/O queue, whose connection swallows all
lose_one() {
	local way="$1"
	shift
	target_start
	proxy_start 1
	fence_load_as "$way" "$@" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20
	path_connect_direct 2 nr_io_queues=1,keep_alive_tmo=20
	DEVICE=$(head_device)
	trace_start
	path_io_timeout 1 3000
	proxy 1 hold "$IO_CONNECTION"
	proxy 1 refuse
}

# Nobody knows in which order they execute.
variant_second() {
	plan 6
	lose_one overlap
	write_block "$DEVICE" 0 A &
	FIRST=$!
	await 5 wrote 1 0 || bail "no write on path 1"
	# 8 KiB, the first half of which is the same block.
	head -c 8192 /dev/zero | tr '\0' B |
		dd of="$DEVICE" bs=8192 count=1 iflag=fullblock oflag=direct 2>/dev/null &
	SECOND=$!
	is_lost "$IO_CONNECTION"
	await 5 eval '[ "$(fence_attr 1 held)" = 2 ]' || bail "they are not held"
	expect_eq "one was tracked, and neither was sent again" "1 0" \
		"$(fence_counter 1 tracked) $(fence_counter 1 repeated)"
	sleep 2
	expect_eq "both are held" 2 "$(fence_attr 1 held)"
	proxy 1 deliver --wait "$IO_CONNECTION"
	succeeds "one succeeds" $FIRST
	succeeds "the other one, too" $SECOND
	expect_eq "they were released by time" "time 2" \
		"$(fence_attr 1 evidence) $(fence_counter 1 released)"
	expect_eq "what only one has written is there" B "$(read_block "$DEVICE" 1)"
}

# Of what there is no room for, one can not tell what touches it. Which of two writes that
# is, depends on the order in which they are cancelled.
variant_full() {
	plan 5
	lose_one overlap tracked_max=1
	write_block "$DEVICE" 0 A &
	FIRST=$!
	await 5 wrote 1 0 || bail "no write on path 1"
	write_block "$DEVICE" 9 B &
	SECOND=$!
	is_lost "$IO_CONNECTION"
	sleep 5
	expect_eq "one is sent again" 1 "$(fence_counter 1 repeated)"
	expect_eq "the other one is held" "1 1" "$(fence_attr 1 tracked) $(fence_attr 1 held)"
	proxy 1 deliver --wait "$IO_CONNECTION"
	succeeds "the first one succeeds" $FIRST
	succeeds "the second one, too" $SECOND
	expect_eq "one was released by time" "time 1" \
		"$(fence_attr 1 evidence) $(fence_counter 1 released)"
}

# What was sent before the knob was turned was not copied.
variant_uncopied() {
	plan 4
	lose_one time
	write_block "$DEVICE" 0 A &
	FIRST=$!
	await 5 wrote 1 0 || bail "no write on path 1"
	fence_set hold overlap
	write_block "$DEVICE" 9 B &
	SECOND=$!
	is_lost "$IO_CONNECTION"
	succeeds "what was sent after that is sent again" $SECOND
	expect_eq "what was sent before is held" "1 1" "$(fence_attr 1 tracked) $(fence_attr 1 held)"
	proxy 1 deliver --wait "$IO_CONNECTION"
	succeeds "until it may leave" $FIRST
	expect_eq "it was released by time" time "$(fence_attr 1 evidence)"
}

# lose_and_track: path 1 is lost with a write to block 0, which was sent again
lose_and_track() {
	lose_one overlap
	write_block "$DEVICE" 0 A &
	FIRST=$!
	is_lost "$IO_CONNECTION"
	succeeds "the write is sent again" $FIRST
	expect_eq "and tracked" 1 "$(fence_attr 1 tracked)"
}

# To turn the knob is no evidence.
variant_knob() {
	plan 7
	lose_and_track
	fence_set hold none
	newer 0 N
	await 10 newer_waits || bail "the newer write does not wait"
	fence_set hold all
	sleep 2
	expect_eq "the newer write waits" 1 "$(fence_attr 1 waiting)"
	proxy 1 deliver --wait "$IO_CONNECTION"
	newer_wait
	expect_eq "it is there" N "$(read_block "$DEVICE" 0)"
	expect_eq "it was released by time" time "$(fence_attr 1 evidence)"
	fence_set hold overlap
	expect_eq "the knob is turned back" "all [overlap] none" "$(fence_get hold)"
}

# What was sent again is lost once more, with path 2: it is tracked for both.
variant_chain() {
	plan 8
	target_start
	proxy_start 1
	proxy_start 2
	fence_load_as overlap || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20,reconnect_delay=1
	path_connect 2 nr_io_queues=1,keep_alive_tmo=20,reconnect_delay=1
	DEVICE=$(head_device)
	trace_start
	path_io_timeout 1 3000
	path_io_timeout 2 3000
	proxy 1 hold "$IO_CONNECTION"
	proxy 2 hold "$IO_CONNECTION"
	write_block "$DEVICE" 0 A &
	FIRST=$!
	# Path 1 comes back with new connections, which pass.
	succeeds "the write is there in the end" $FIRST
	expect_eq "it is tracked for both paths" "1 1" "$(fence_attr 1 tracked) $(fence_attr 2 tracked)"
	newer 0 N
	await 10 newer_waits_for 2 || bail "the newer write does not wait"
	proxy 2 deliver --wait "$IO_CONNECTION"
	check "the administrator releases it, and is told what that was" \
		eval 'nvme-fence release --force "$(path_ctrl 2)" | grep -q "for the blocks of 1 cancelled command"'
	check "it waits for the other path then" await 10 newer_waits_for 1
	proxy 1 deliver --wait "$IO_CONNECTION"
	sleep 5
	expect_eq "it has waited for one after the other" "2 1" "$(waited_for)"
	newer_wait
	expect_eq "it is there" N "$(read_block "$DEVICE" 0)"
	expect_eq "one was released by the administrator, the other one by time" "admin time" \
		"$(fence_attr 2 evidence) $(fence_attr 1 evidence)"
}

newer_waits_for() { [ "$(fence_attr "$1" waiting)" = 1 ]; }

# waited_for: the records that something waited for, in their order
waited_for() {
	sed -nE 's/.* nvme_fence_wait: nvme[0-9]+ record=([0-9]+) .*/\1/p' "$TRACE/trace" |
		tr '\n' ' ' | sed 's/ $//'
}

# A write that was sent again finds no path, and fails. That is told when the first copy of
# it can not come true any more.
variant_all_paths() {
	plan 5
	lose_one overlap
	echo 1 >"/sys/class/nvme/$(path_ctrl 1)/fast_io_fail_tmo"
	write_block "$DEVICE" 0 A 2>/dev/null &
	FIRST=$!
	await 5 wrote 1 0 || bail "no write on path 1"
	path_disconnect 2
	is_lost "$IO_CONNECTION"
	await 10 eval '[ "$(fence_attr 1 waiting)" = 1 ]' || bail "the failure does not wait"
	expect_eq "it has no path" "1 1" "$(fence_attr 1 tracked) $(fence_attr 1 held)"
	sleep 5
	expect_eq "it still waits" 1 "$(fence_attr 1 waiting)"
	proxy 1 deliver --wait "$IO_CONNECTION"
	wait $FIRST && STATUS=0 || STATUS=$?
	expect_eq "it fails" 1 "$STATUS"
	expect_eq "when path 1 is fenced" time "$(fence_attr 1 evidence)"
	expect_eq "nothing is held any more" 0 "$(fence_attr 1 held)"
}

# The same if the controller of path 2 fails it: write fault, and Do Not Retry.
variant_fails() {
	plan 5
	scene_set_scripted overlap nr_io_queues=1,keep_alive_tmo=20
	scripted_target rule write cntlid=1 : hold=before-execution >/dev/null
	scripted_target rule 'write cntlid=2 times=1 : answer=0x4280' >/dev/null
	scripted_target refuse 1
	path_io_timeout 1 3000
	write_block "$DEVICE" 0 A 2>/dev/null &
	FIRST=$!
	scripted_target wait lost 1
	await 10 eval '[ "$(fence_attr 1 waiting)" = 1 ]' || bail "the failure does not wait"
	expect_eq "it was sent again, and has failed" "1 1" \
		"$(fence_counter 1 repeated) $(fence_attr 1 held)"
	sleep 5
	expect_eq "it still waits" 1 "$(fence_attr 1 waiting)"
	wait $FIRST && STATUS=0 || STATUS=$?
	expect_eq "it fails" 1 "$STATUS"
	expect_eq "when path 1 is fenced" time "$(fence_attr 1 evidence)"
	check "path 2 is in use" in_state "$(path_ctrl 2)" live
}

# The table is gone with the module: everything that is written to the subsystem waits.
variant_unload() {
	plan 7
	lose_and_track
	fence_unload
	newer 0 N
	write_block "$DEVICE" 100 M &
	OTHER=$!
	check "reads go on" eval '[ -n "$(read_block "$DEVICE" 0)" ]'
	sleep 5
	check "writes do not" eval 'kill -0 $NEWER && kill -0 $OTHER'
	proxy 1 deliver --wait "$IO_CONNECTION"
	newer_wait
	succeeds "neither does another one" $OTHER
	expect_eq "both are there" "N M" "$(read_block "$DEVICE" 0) $(read_block "$DEVICE" 100)"
}

# The controller is removed, and what is tracked for it is not.
variant_removed() {
	plan 7
	lose_and_track
	path_disconnect 1
	expect_eq "what is tracked is shown" "1 8" \
		"$(cat /sys/module/nvme_fence/removed/tracked) $(cat /sys/module/nvme_fence/removed/tracked_blocks)"
	newer 0 N
	await 10 eval '[ "$(cat /sys/module/nvme_fence/removed/waiting)" = 1 ]' ||
		bail "the newer write does not wait"
	check "the administrator releases it, and is told what that was" \
		eval 'nvme-fence release --force --removed | grep -q "for the blocks of 1 cancelled command"'
	newer_wait
	expect_eq "it is there" N "$(read_block "$DEVICE" 0)"
	expect_eq "nothing is tracked any more" 0 "$(cat /sys/module/nvme_fence/removed/tracked)"
}
