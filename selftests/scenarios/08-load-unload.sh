# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The module comes and goes while paths are connected, and while something is held: that
# stays with nvme-core, which waits for time. Nothing is released by unloading, and what is
# held by nvme-core is not adopted by a module that comes. What no time ends it can release.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the module is loaded and unloaded, also while something is held"
# shellcheck disable=SC2034
VARIANTS="fence:fence removed:fence again:fence untimed:fence control:fence stock:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"

connect_paths() {
	target_start
	proxy_start 1
	path_connect 1 keep_alive_tmo=20
	path_connect_direct 2 keep_alive_tmo=20
	DEVICE=$(head_device)
}

lose() {
	trace_start
	path_io_timeout 1 3000
	writer_start --blocks 4 --writes 2
	lose_path_1
	sleep 1
}

# The old controller executes what it was sent, when newer writes could have been made.
deliver() {
	sleep 2
	proxy 1 deliver --wait
	writer_wait
}

# The wait is that of nvme-core: 3 x 20 s + 10 s, from the end of the connections on.
held_and_released_by_core() {
	deliver
	check "no ghost write" registers_verify
	expect_between "the writes waited" 70000000000 80000000000 "$(report_ns writes max_ns)"
	expect_eq "nvme-core says that they are released" 1 \
		"$(dmesg | grep -c 'nvme0: fenced, 4 command(s) released')"
}

variant_fence() {
	plan 11
	connect_paths
	check "the module is loaded" fence_load_as time
	expect_eq "it knows the path that was there" open "$(fence_attr 1 state)"
	check "it is unloaded" fence_unload
	expect_eq "it leaves nothing in sysfs" "" "$(find /sys/devices/virtual -name fence)"
	check "it is loaded again" fence_load_as time
	lose
	expect_eq "4 writes are held" 4 "$(fence_attr 1 held)"
	check "the module is unloaded all the same" fence_unload
	held_and_released_by_core
}

# The controller goes as well, and with it what nvme-core could ask.
variant_removed() {
	plan 8
	connect_paths
	check "the module is loaded" fence_load_as time
	lose
	expect_eq "4 writes are held" 4 "$(fence_attr 1 held)"
	check "the controller is removed" path_disconnect 1
	check "the module is unloaded" fence_unload
	held_and_released_by_core
}

# Another module comes. It has nothing to say about what is held already.
variant_again() {
	plan 9
	connect_paths
	check "the module is loaded" fence_load_as time
	lose
	check "it is unloaded" fence_unload
	check "and loaded again" fence_load_as time cqt_override_ms=1
	check "what is held is none of its" \
		eval '[ ! -e "/sys/class/nvme/$(path_ctrl 1)/fence" ] && [ "$(cat /sys/module/nvme_fence/removed/held)" = 0 ]'
	echo 1 >/sys/module/nvme_fence/removed/release
	sleep 1
	check "so it can not be released" kill -0 "$WRITER"
	held_and_released_by_core
}

# Keep alive was turned off: time proves nothing, so the module has had it held without a limit.
variant_untimed() {
	local removed=/sys/module/nvme_fence/removed
	plan 11
	connect_paths
	check "the module is loaded" fence_load_as time
	nvme set-feature "/dev/$(path_ctrl 1)" --feature-id=0x0f --value=0 >/dev/null ||
		bail "keep alive is not turned off"
	lose
	expect_eq "4 writes are held" 4 "$(fence_attr 1 held)"
	check "it is unloaded" fence_unload
	expect_eq "nvme-core says what it can not release" 1 \
		"$(dmesg | grep -c 'nvme: 4 command(s) stay held without a time limit')"
	sleep 200
	check "they are still held" kill -0 "$WRITER"
	check "it is loaded again" fence_load_as time
	expect_eq "and shows them" "4 16384 4 none" "$(cat $removed/held $removed/held_bytes \
		$removed/held_without_deadline $removed/deadline_ms | tr '\n' ' ' | sed 's/ $//')"
	check "the administrator releases them" nvme-fence release --force --removed
	writer_wait
	expect_eq "nvme-core has released them" 1 \
		"$(dmesg | grep -c 'nvme0: fenced, 4 command(s) released')"
	expect_eq "nothing is held any more" 0 "$(cat $removed/held)"
}

variant_control() {
	plan 5
	connect_paths
	check "the module is loaded" fence_load_as off
	lose
	expect_eq "nothing is held" 0 "$(fence_attr 1 held)"
	check "so the module is unloaded" fence_unload
	deliver
	check "the ghost write is there" eval '! registers_verify'
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
