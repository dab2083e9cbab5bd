# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The machine is to sleep while a write is held. Who waits for the write can not be frozen,
# and the freezer gives up after 20 seconds: nvme-core has the machine wait for what is
# held first. (Nobody sleeps: the kernel's own test of the freezer thaws after 5 seconds.)
#
# A control group that is to be frozen, and a file system that is to be unmounted, wait as
# well, each by itself.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="going to sleep, freezing and unmounting wait for what is held, and do not fail"
# shellcheck disable=SC2034
VARIANTS="fence:fence core_alone:fence control:fence idle:fence no_time:fence frozen:fence
	frozen_control:fence unmount:fence unmount_control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"
# shellcheck disable=SC2034 # read by tools/lab/machine
PARAMETERS_control="nvme_core.fence=0"

GROUP=/tmp/cgroups/writer
MOUNT=/tmp/mount

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

group_frozen() { grep -qx "frozen $1" $GROUP/cgroup.events; }

# wait_until_frozen: to the second, as it takes long
wait_until_frozen() {
	for _ in $(seq 80); do
		! group_frozen 1 || return 0
		sleep 1
	done
	bail "the group is not frozen"
}

write_in_flight() { [ "$(trace_count ' nvme_setup_cmd: .*nvme_cmd_write ')" = 1 ]; }

# freeze_writer: a process of a control group waits for a write when the group is to be
# frozen, and then its path is lost. Sets FREEZE.
freeze_writer() {
	mkdir /tmp/cgroups
	mount -t cgroup2 none /tmp/cgroups || bail "no control groups"
	mkdir $GROUP
	path_io_timeout 1 3000
	proxy 1 hold
	proxy 1 refuse
	# shellcheck disable=SC2016 # for that shell
	sh -c 'echo 0 >"$0/cgroup.procs" && exec dd if=/dev/zero of="$1" bs=4096 count=1 oflag=direct' \
		$GROUP "$DEVICE" 2>/dev/null &
	WRITE=$!
	await 10 write_in_flight || bail "nothing is written"
	FREEZE=$(now_ms)
	echo 1 >$GROUP/cgroup.freeze
	proxy 1 wait host-closed all
}

# thaw_writer: it is frozen, and has to say how the write ended.
thaw_writer() {
	check "its process is still there" kill -0 "$WRITE"
	echo 0 >$GROUP/cgroup.freeze
	wait "$WRITE"
	expect_eq "the write was done" 0 $?
}

variant_frozen() {
	plan 6
	scene_set time keep_alive_tmo=20
	freeze_writer
	# Half of the wait.
	sleep 35
	check "while its write is held, the group is not frozen" group_frozen 0
	expect_eq "one write is held" 1 "$(fence_attr 1 held)"
	wait_until_frozen
	expect_between "it is when the write is free" 0 "$(late_ns 1100000000)" \
		$(($(now_ns) - $(release_ns)))
	expect_eq "which it was by time" time "$(field nvme_fence_release evidence)"
	thaw_writer
}

variant_frozen_control() {
	plan 4
	scene_set off keep_alive_tmo=20
	freeze_writer
	wait_until_frozen
	expect_between "the group is frozen when the write has timed out" 3000 "$(late_ms 6000)" \
		$(($(now_ms) - FREEZE))
	expect_eq "nothing was held" 0 "$(trace_count ' nvme_fence_hold: ')"
	thaw_writer
}

# unmount WAY: what is to be written for it is given up with path 1. Sets TOOK.
unmount() {
	local begun
	scene_set "$1" keep_alive_tmo=20
	/usr/sbin/mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$DEVICE" >/dev/null 2>&1 ||
		bail "no file system"
	mkdir $MOUNT
	mount -t ext4 "$DEVICE" $MOUNT || bail "it is not mounted"
	echo old >$MOUNT/file
	sync
	path_io_timeout 1 3000
	# In place: what replaces a file is written when that is closed.
	echo new 1<>$MOUNT/file
	proxy 1 hold
	proxy 1 refuse
	begun=$(now_ms)
	check "a file system is unmounted" umount $MOUNT
	TOOK=$(($(now_ms) - begun))
}

# It is whole when umount has returned, and not later.
expect_whole() {
	check "it is clean" /usr/sbin/e2fsck -fn "$DEVICE"
	mount -t ext4 "$DEVICE" $MOUNT
	expect_eq "what was written last is there" new "$(cat $MOUNT/file)"
	umount $MOUNT
}

variant_unmount() {
	plan 6
	unmount time
	check "writes were held" [ "$(trace_count ' nvme_fence_hold: ')" -gt 0 ]
	expect_between "it took until they were free" 70000 "$(late_ms 77000)" "$TOOK"
	expect_eq "nothing is held any more" 0 "$(fence_attr 1 held)"
	expect_whole
}

variant_unmount_control() {
	plan 5
	unmount off
	expect_eq "nothing was held" 0 "$(trace_count ' nvme_fence_hold: ')"
	expect_between "it took until path 1 was lost" 3000 "$(late_ms 5000)" "$TOOK"
	expect_whole
}
