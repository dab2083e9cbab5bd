# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# There are 64 controllers, and 63 are lost at once with two or three writes each. With
# hold=overlap all of these go out on the last path, and each newer write is compared with
# what is tracked for 63 associations.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="cancelled writes of 63 controllers go on at once"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

LOST=63
LAST=64
WRITES=128

# sum_of ATTRIBUTE: over the controllers that are lost
sum_of() {
	local path sum=0
	for path in $(seq $LOST); do
		sum=$((sum + $(fence_attr "$path" "$1")))
	done
	echo $sum
}

# lose_many WAY: with $WRITES writes, each of another block
lose_many() {
	local path
	scripted_target_start
	fence_load_as "$1" || bail "the module does not load"
	for path in $(seq $LOST); do
		connect_to "$path" 127.0.0.1 \
			duplicate_connect,nr_io_queues=1,queue_size=16,keep_alive_tmo=20,reconnect_delay=600
		path_io_timeout "$path" 3000
	done
	connect_to $LAST 127.0.0.2 duplicate_connect,keep_alive_tmo=20
	DEVICE=$(head_device)
	echo round-robin >"$(echo /sys/class/nvme-subsystem/nvme-subsys*/iopolicy)"
	trace_start
	writer_start --blocks $WRITES --writes 1
	scripted_target rule 'write port=1 queue=io : hold=before-execution' >/dev/null
	writer_go
	writer_wait
}

# newer_writes: to every block that the lost controllers may still write. Sets NEWER.
newer_writes() {
	local block
	for block in $(seq 0 $((WRITES - 1))); do
		write_block "$DEVICE" "$block" N &
	done
	NEWER=$(jobs -p)
}

wrong_blocks() {
	local block
	for block in $(seq 0 $((WRITES - 1))); do
		[ "$(read_block "$DEVICE" "$block")" = N ] || echo "$block"
	done
}

variant_fence() {
	local lost tracked
	plan 9
	lose_many overlap
	expect_between "the writes took as long as a failover" 3000000000 "$(late_ns 5000000000)" \
		"$(report_ns writes max_ns)"
	tracked=$(sum_of tracked)
	lost=$(trace_count ' nvme_fence_track: ')
	check "all controllers had some of them" [ "$tracked" -ge $LOST ]
	expect_eq "each is tracked once" "$lost" "$tracked"
	check "a block that is not tracked is written at once" write_block "$DEVICE" $((2 * WRITES)) X
	newer_writes
	await 10 eval '[ "$(sum_of waiting)" = "$tracked" ]' ||
		bail "$(sum_of waiting) of $tracked newer writes wait"
	ok "what touches their blocks waits"
	scripted_target release all >/dev/null
	# shellcheck disable=SC2086 # a list of process ids
	wait $NEWER
	expect_eq "all newer writes are there" "" "$(wrong_blocks)"
	expect_eq "nothing is tracked any more" "0 0" "$(sum_of tracked) $(sum_of waiting)"
	expect_eq "time was the evidence" $LOST \
		"$(cat /sys/class/nvme/nvme*/fence/evidence | grep -cx time)"
}

variant_control() {
	plan 2
	lose_many off
	newer_writes
	# shellcheck disable=SC2086
	wait $NEWER
	scripted_target release all >/dev/null
	sleep 1
	check "ghost writes are there" [ -n "$(wrong_blocks)" ]
}
