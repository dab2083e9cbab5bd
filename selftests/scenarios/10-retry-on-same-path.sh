# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Without native multipath a cancelled write is not failed over but retried, on the new
# association of the same path. That is the same hazard.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="without multipath, a write waits before it is retried"
# shellcheck disable=SC2034
VARIANTS="fence:fence split:fence control:fence stock:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"
# shellcheck disable=SC2034
PARAMETERS="nvme_core.multipath=N"

lose_and_reconnect() {
	scene_set_single "$1"
	DEVICE=/dev/nvme0n1
	writer_start --blocks 1 --writes 3
	proxy 1 hold $IO_CONNECTION
	writer_go
	proxy 1 wait host-closed $IO_CONNECTION
	wait_state "$(path_ctrl 1)" live 10
	sleep 2
	proxy 1 deliver --wait $IO_CONNECTION
	writer_wait
}

variant_fence() {
	plan 6
	lose_and_reconnect time
	check "no ghost write" registers_verify
	expect_eq "the write was held" 1 "$(fence_counter 1 held)"
	# A timeout of 3 s is found out at the next full second, and the teardown drains sockets.
	expect_between "the trace tells how long ago it was sent" 3000000000 \
		"$(late_ns 4500000000)" "$(field nvme_fence_hold age_ns)"
	expect_eq "and released by time" time "$(fence_attr 1 evidence)"
	expect_between "when its time had come" -1000 "$STEP_NS" \
		$(($(event_ns " nvme_fence_release: ") - $(release_expected_ns)))
}

# The block layer makes sixteen commands of a write, and chains their bios.
variant_split() {
	local parts=16 status=0
	plan 5
	target_start
	proxy_start 1
	fence_load_as time || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20,reconnect_delay=1
	DEVICE=/dev/nvme0n1
	path_io_timeout 1 3000
	echo 4 >"/sys/block/${DEVICE#/dev/}/queue/max_sectors_kb"
	dd if=/dev/urandom of=/run/written bs=64k count=1 2>/dev/null
	proxy 1 hold $IO_CONNECTION
	dd if=/run/written of=$DEVICE bs=64k oflag=direct 2>/dev/null &
	WRITER=$!
	proxy 1 wait host-closed $IO_CONNECTION
	wait_state "$(path_ctrl 1)" live 10
	expect_eq "all its parts are held" $parts "$(fence_attr 1 held)"
	wait $WRITER || status=$?
	expect_eq "the write succeeds" 0 $status
	expect_eq "all parts were released" $parts "$(fence_counter 1 released)"
	expect_eq "by time" time "$(fence_attr 1 evidence)"
	check "it is there as a whole" eval \
		'dd if=$DEVICE bs=64k count=1 iflag=direct 2>/dev/null | cmp - /run/written'
}

variant_control() {
	plan 3
	lose_and_reconnect off
	check "the ghost write is there" eval '! registers_verify'
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
}

variant_stock() {
	plan 2
	lose_and_reconnect none
	check "the ghost write is there" eval '! registers_verify'
}
