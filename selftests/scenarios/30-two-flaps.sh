# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# There is one path. It is lost with a write, comes back, and is lost with another write
# before the first association is fenced. These are two records: each waits for its own
# deadline, and the controller that executes both writes late harms neither.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a path that flaps twice within one wait has two deadlines"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# Each association has two connections, the second one is the I/O queue.
FIRST_IO_CONNECTION=2
SECOND_IO_CONNECTION=4

# lose_path CONNECTION [OPTION...]: a writer starts, the connection swallows its writes,
# and the path comes back
lose_path() {
	local connection="$1"
	shift
	writer_start --writes 3 "$@"
	proxy 1 hold "$connection"
	writer_go
	proxy 1 wait host-closed "$connection"
	wait_state "$(path_ctrl 1)" live
}

flap_twice() {
	target_start
	proxy_start 1
	fence_load_as "$1" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20,reconnect_delay=1
	path_io_timeout 1 3000
	DEVICE=$(head_device)
	trace_start
	REPORT=/out/first.json
	lose_path $FIRST_IO_CONNECTION --blocks 1
	FIRST_WRITER=$WRITER
	sleep 10
	REPORT=/out/second.json
	# Beside the first writer, which waits.
	lose_path $SECOND_IO_CONNECTION --force --blocks 2 --offset 65536
}

# What each association was sent is executed.
deliver() {
	proxy 1 deliver --wait $FIRST_IO_CONNECTION
	proxy 1 deliver --wait $SECOND_IO_CONNECTION
}

wait_for_writers() {
	writer_wait "$FIRST_WRITER"
	writer_wait
}

# verify_first, verify_second: the registers of one writer
verify_first() { REPORT=/out/first.json && registers_verify; }
verify_second() { REPORT=/out/second.json && registers_verify; }

# The record of an association is made when it is: the last one, which is in use, is 3.
expect_deadline() {
	expect_between "record $1 was released at its own deadline" -1000 "$STEP_NS" \
		$(($(release_ns "$1") - $(release_expected_ns "$1")))
}

variant_fence() {
	plan 13
	flap_twice time
	expect_eq "the writes of both associations are held" 3 "$(fence_attr 1 held)"
	check "while the path is live" in_state "$(path_ctrl 1)" live
	deliver
	wait_for_writers
	check "the first writer's data is there" verify_first
	check "the second writer's data is there" verify_second
	expect_eq "record 1 held one write" 1 "$(field nvme_fence_release commands 1)"
	expect_eq "record 2 held two" 2 "$(field nvme_fence_release commands 2)"
	expect_deadline 1
	expect_deadline 2
	expect_between "they are as far apart as the losses" 10000000000 20000000000 \
		$(($(release_ns 2) - $(release_ns 1)))
	expect_eq "both were released by time" 2 "$(fence_counter 1 time)"
	expect_eq "nothing is held any more" 0 "$(fence_attr 1 held)"
}

variant_control() {
	plan 5
	flap_twice off
	expect_eq "nothing is held" 0 "$(fence_attr 1 held)"
	wait_for_writers
	deliver
	check "the first ghost write is there" eval '! verify_first'
	check "the second ghost write is there" eval '! verify_second'
}
