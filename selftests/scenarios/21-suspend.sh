# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The machine is to sleep while a write is held. Who waits for the write can not be frozen,
# and the freezer gives up after 20 seconds: nvme-core has the machine wait for what is
# held first. (Nobody sleeps: the kernel's own test of the freezer thaws after 5 seconds.)

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="going to sleep waits for what is held, and does not fail"
# shellcheck disable=SC2034
VARIANTS="fence:fence core_alone:fence control:fence idle:fence no_time:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"
# shellcheck disable=SC2034 # read by tools/lab/machine
PARAMETERS_control="nvme_core.fence=0"

# go_to_sleep: SUSPENDED says whether the kernel could do it, SUSPEND_MS how long it took.
go_to_sleep() {
	local begun
	echo freezer >/sys/power/pm_test
	# A sync would wait for the write as well, and hide what is tested here.
	echo 0 >/sys/power/sync_on_suspend
	begun=$(now_ms)
	SUSPENDED=no
	! echo mem 2>/dev/null >/sys/power/state || SUSPENDED=yes
	SUSPEND_MS=$(($(now_ms) - begun))
}

# lose_a_write: a process waits for a write that was sent on path 1, which is lost
lose_a_write() {
	path_io_timeout 1 3000
	proxy 1 hold
	proxy 1 refuse
	write_block "$DEVICE" 0 A &
	WRITE=$!
	proxy 1 wait host-closed all
}

# sleeps_after_the_write: the wait of the write is about 70 s.
sleeps_after_the_write() {
	go_to_sleep
	expect_eq "the machine could go to sleep" yes "$SUSPENDED"
	expect_between "as soon as the write was free" 50000 "$(late_ms 77000)" "$SUSPEND_MS"
	wait "$WRITE"
	expect_eq "the write was done" 0 $?
	expect_eq "the log says what it waits for" 1 \
		"$(dmesg | grep -c 'before going to sleep, waiting up to [0-9]* ms')"
}

variant_fence() {
	plan 5
	scene_set time keep_alive_tmo=20
	lose_a_write
	sleeps_after_the_write
	expect_eq "the write was free by time" time "$(fence_attr 1 evidence)"
}

# No module is loaded.
variant_core_alone() {
	plan 5
	scene_set none keep_alive_tmo=20
	lose_a_write
	sleeps_after_the_write
	expect_eq "nvme-core has released the write" 1 \
		"$(dmesg | grep -c 'nvme0: fenced, 1 command(s) released')"
}

# Nothing is held, but the write waits for a path all the same: the freezer does not.
variant_control() {
	plan 2
	scene_set none
	path_disconnect 2
	lose_a_write
	# The kernel shows whom it could not freeze. That is no complaint here.
	dmesg -n 4
	go_to_sleep
	dmesg -n 7
	expect_eq "the machine could not go to sleep" no "$SUSPENDED"
	expect_between "and tried for 20 s" 20000 "$(late_ms 22000)" "$SUSPEND_MS"
	path_disconnect 1
	wait "$WRITE" || true
}

variant_idle() {
	plan 2
	scene_set time
	go_to_sleep
	expect_eq "with nothing held, the machine could go to sleep" yes "$SUSPENDED"
	expect_between "at once" 0 "$(late_ms 7000)" "$SUSPEND_MS"
}

# Without keep alive, time frees nothing: the machine says so, and stays awake.
variant_no_time() {
	plan 4
	scene_set time
	nvme set-feature "/dev/$(path_ctrl 1)" --feature-id=0x0f --value=0 >/dev/null ||
		bail "keep alive cannot be turned off"
	lose_a_write
	await 10 grep -qx fencing "/sys/class/nvme/$(path_ctrl 1)/fence/state"
	go_to_sleep
	expect_eq "the machine refused to sleep" no "$SUSPENDED"
	expect_between "at once" 0 "$(late_ms 1000)" "$SUSPEND_MS"
	expect_eq "the log says why" 1 "$(dmesg | grep -c 'commands are held without a time limit')"
	nvme-fence release "$(path_ctrl 1)" --force >/dev/null
	wait "$WRITE"
	expect_eq "the write can still be released" 0 $?
}
