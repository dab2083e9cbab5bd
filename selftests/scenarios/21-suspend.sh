# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The machine is to sleep while a write is held. Who waits for the write can not be frozen,
# and the freezer gives up after 20 seconds: the module has the machine wait for what is
# held first. (Nobody sleeps: the kernel's own test of the freezer thaws after 5 seconds.)

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="going to sleep waits for what is held, and does not fail"
# shellcheck disable=SC2034
VARIANTS="fence:fence idle:fence no_time:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

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

# hold_a_write MODE: a process waits for a write that was sent on path 1
hold_a_write() {
	scene_set "$1" keep_alive_tmo=20
	path_io_timeout 1 3000
	proxy 1 hold
	proxy 1 refuse
	write_block "$DEVICE" 0 A &
	WRITE=$!
	proxy 1 wait host-closed all
}

variant_fence() {
	plan 5
	hold_a_write time
	await 10 grep -qx fencing "/sys/class/nvme/$(path_ctrl 1)/fence/state"
	go_to_sleep
	expect_eq "the machine could go to sleep" yes "$SUSPENDED"
	expect_between "as soon as the write was free, which the freezer would not have waited for" \
		50000 "$(late_ms 75000)" "$SUSPEND_MS"
	wait "$WRITE"
	expect_eq "the write was done" 0 $?
	expect_eq "by time" time "$(fence_attr 1 evidence)"
	expect_eq "the log says what it waits for" 1 \
		"$(dmesg | grep -c 'before going to sleep, waiting up to [0-9]* ms')"
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
	scene_set time keep_alive_tmo=5
	nvme set-feature "/dev/$(path_ctrl 1)" --feature-id=0x0f --value=0 >/dev/null ||
		bail "keep alive cannot be turned off"
	path_io_timeout 1 3000
	proxy 1 hold
	proxy 1 refuse
	write_block "$DEVICE" 0 A &
	WRITE=$!
	proxy 1 wait host-closed all
	await 10 grep -qx fencing "/sys/class/nvme/$(path_ctrl 1)/fence/state"
	go_to_sleep
	expect_eq "the machine refused to sleep" no "$SUSPENDED"
	expect_between "at once" 0 "$(late_ms 1000)" "$SUSPEND_MS"
	expect_eq "the log says why" 1 "$(dmesg | grep -c 'commands are held without a time limit')"
	nvme-fence release "$(path_ctrl 1)" --force >/dev/null
	wait "$WRITE"
	expect_eq "the write can still be released" 0 $?
}
