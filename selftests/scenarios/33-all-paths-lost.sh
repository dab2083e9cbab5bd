# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Both paths are lost with writes, and both come back: before the deadlines, so that held
# writes still wait, or after them, so that released writes have to wait for a path. Then
# the old associations execute what they were sent.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="all paths are lost, and come back"
# shellcheck disable=SC2034
VARIANTS="fence:fence late:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

IO_CONNECTION=2

connect_path() {
	proxy_start "$1"
	path_connect "$1" nr_io_queues=1,keep_alive_tmo=20,reconnect_delay=1
	path_io_timeout "$1" 3000
}

swallow() {
	proxy "$1" hold $IO_CONNECTION
	proxy "$1" refuse
}

wait_lost() { proxy "$1" wait host-closed $IO_CONNECTION; }

come_back() {
	proxy "$1" accept
	wait_state "$(path_ctrl "$1")" live || bail "path $1 does not come back"
}

deliver() { proxy "$1" deliver --wait $IO_CONNECTION; }

# lose_all WAY: both paths swallow writes, and are lost
lose_all() {
	target_start
	fence_load_as "$1" || bail "the module does not load"
	both connect_path
	echo round-robin >"$(echo /sys/class/nvme-subsystem/nvme-subsys*/iopolicy)"
	DEVICE=$(head_device)
	trace_start
	await 5 path_2_carries_reads || bail "path 2 carries no reads"
	writer_start --blocks 8 --writes 3
	both swallow
	writer_go
	both wait_lost
	sleep 1
}

expect_held() {
	expect_eq "8 writes are held" 8 $(($(fence_attr 1 held) + $(fence_attr 2 held)))
	expect_between "on both paths" 1 7 "$(fence_attr 1 held)"
}

expect_deadlines() {
	local record
	for record in 1 2; do
		expect_between "record $record was released at its deadline" -1000 "$STEP_NS" \
			$(($(release_ns $record) - $(release_expected_ns $record)))
	done
}

variant_fence() {
	local begun
	plan 10
	lose_all time
	expect_held
	both come_back
	expect_eq "they still are when the paths are back" 8 \
		$(($(fence_attr 1 held) + $(fence_attr 2 held)))
	begun=$(now_ms)
	check "another block is written" write_block "$DEVICE" 100 N
	expect_between "at once" 0 "$(late_ms 10)" $(($(now_ms) - begun))
	both deliver
	writer_wait
	expect_deadlines
	check "no ghost write" registers_verify
	expect_eq "nothing is held any more" 0 $(($(fence_attr 1 held) + $(fence_attr 2 held)))
}

variant_late() {
	plan 8
	lose_all time
	expect_held
	sleep $(($(fence_attr 1 deadline_ms) / 1000 + 1))
	# The other one is at most as far away as the two losses were.
	sleep 2
	expect_deadlines
	check "the writes wait for a path" kill -0 "$WRITER"
	both deliver
	both come_back
	writer_wait
	check "no ghost write" registers_verify
	expect_eq "they were held once" 8 $(($(fence_counter 1 held) + $(fence_counter 2 held)))
}

variant_control() {
	plan 3
	lose_all off
	expect_eq "nothing is held" 0 $(($(fence_attr 1 held) + $(fence_attr 2 held)))
	both come_back
	writer_wait
	both deliver
	check "the ghost write is there" eval '! registers_verify'
}
