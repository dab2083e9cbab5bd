# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Path 1 has room for few commands. The writes that find none are refused when the path
# is lost: they never reached it, and go out on path 2 at once.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="writes that were never sent are not held"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

BLOCKS=64

lose() {
	target_start
	proxy_start 1
	fence_load_as "$1" || bail "the module does not load"
	path_connect 1 queue_size=16
	path_connect_direct 2
	DEVICE=$(head_device)
	trace_start
	path_io_timeout 1 3000
	writer_start --blocks $BLOCKS --writes 1
	# From here on the trace has the writes of the test alone.
	echo >"$TRACE/trace"
	lose_path_1
	sleep 1
}

# sent_on N: how many blocks were written by commands on path N. Commands that wait
# together may be merged.
sent_on() {
	sed -nE "s/.* nvme_setup_cmd: $(path_ctrl "$1"): .*nvme_cmd_write .*len=([0-9]+),.*/\1/p" \
		"$TRACE/trace" | awk '{ blocks += ($1 + 1) / 8 } END { print blocks + 0 }'
}

variant_fence() {
	local sent
	plan 6
	lose time
	sent=$(sent_on 1)
	expect_between "some writes were sent on path 1" 1 $((BLOCKS - 1)) "$sent"
	expect_eq "these are held" $((sent * 4096)) "$(fence_attr 1 held_bytes)"
	expect_eq "all others went out on path 2 at once" $((BLOCKS - sent)) "$(sent_on 2)"
	writer_wait
	expect_eq "in the end all went out on path 2" $BLOCKS "$(sent_on 2)"
	check "and their data is there" registers_verify
}

variant_control() {
	plan 3
	lose off
	expect_eq "no write is held" 0 "$(fence_attr 1 held)"
	expect_eq "all of them went out on path 2 at once" $BLOCKS "$(sent_on 2)"
	writer_wait
}
