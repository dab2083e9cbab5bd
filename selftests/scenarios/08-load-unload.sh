# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The module comes and goes while paths are connected, and stays while it holds
# something.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the module is loaded, unloaded, and not unloaded while it fences"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence stock:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"

connect_paths() {
	target_start
	proxy_start 1
	path_connect 1
	path_connect_direct 2
	DEVICE=$(head_device)
}

lose() {
	trace_start
	path_io_timeout 1 3000
	writer_start --blocks 4 --writes 2
	lose_path_1
	sleep 1
}

variant_fence() {
	plan 14
	connect_paths
	check "the module is loaded" fence_load mode=time
	expect_eq "it knows the path that was there" open "$(fence_attr 1 state)"
	check "it is unloaded" fence_unload
	expect_eq "it leaves nothing in sysfs" "" "$(find /sys/devices/virtual -name fence)"
	check "it is loaded again" fence_load mode=time

	lose
	expect_eq "4 writes are held" 4 "$(fence_attr 1 held)"
	check "the module is not unloaded" eval '! fence_unload'
	expect_eq "the log says why, once" 1 \
		"$(dmesg | grep -c 'nvme0: .*cannot be unloaded')"
	check "the controller is removed" path_disconnect 1
	check "the module is still not unloaded" eval '! fence_unload'
	writer_wait
	expect_between "the writes waited all the same" 20000000000 40000000000 \
		"$(report_ns writes max_ns)"
	check "the data is there" registers_verify
	check "now the module is unloaded" fence_unload
}

variant_control() {
	plan 5
	connect_paths
	check "the module is loaded" fence_load mode=off
	lose
	expect_eq "nothing is held" 0 "$(fence_attr 1 held)"
	check "so the module is unloaded" fence_unload
	writer_wait
	check "the data is there" registers_verify
}

variant_stock() {
	plan 3
	connect_paths
	check "a kernel without the hooks refuses the module" eval '! fence_load 2>/tmp/refused'
	check "because of what it lacks" \
		eval "dmesg | grep -q 'nvme_fence: Unknown symbol nvme_fence_register'"
	check "the tool says so" \
		eval 'nvme-fence status 2>&1 | grep -q "lacks the nvme-fence series"'
}
