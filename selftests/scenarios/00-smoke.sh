# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The laboratory itself: two paths to one namespace, one of them through the
# proxy, carry blocks and survive the loss of one. Without the fence module, and
# so on both kernels.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="two paths carry blocks on an untouched host"
# shellcheck disable=SC2034
VARIANTS="stock:stock fence:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

variant_stock() { smoke; }
variant_fence() { smoke; }

smoke() {
	local device begun

	plan 8
	target_start
	proxy_start 1
	path_connect 1
	path_connect_direct 2
	trace_start
	device=$(head_device)
	expect_eq "both paths carry one namespace" 2 \
		"$(find /sys/class/nvme/nvme*/ -maxdepth 1 -name 'nvme*c*n*' | wc -l)"
	check "a block is written" write_block "$device" 0 A
	expect_eq "and read back" A "$(read_block "$device" 0)"
	expect_eq "the trace shows the write" 1 "$(trace_count nvme_cmd_write)"

	begun=$(now_ms)
	sleep 20
	expect_between "20 seconds are 20 seconds" 20000 "$(late_ms 20100)" $(($(now_ms) - begun))

	# Each try takes a second.
	begun=$(now_ms)
	await 2 eval 'sleep 1; false'
	expect_between "waiting is by the clock, not by tries" 2000 "$(late_ms 3100)" \
		$(($(now_ms) - begun))

	check "path 1 outlived its keep-alives" in_state "$(path_ctrl 1)" live

	path_disconnect 1
	expect_eq "path 2 reads what path 1 has written" A "$(read_block "$device" 0)"
}
