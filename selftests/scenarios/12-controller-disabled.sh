# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The administrator resets the controller while a write is stuck on its I/O connection.
# The controller is disabled, and says so: that is evidence, and there is nothing to
# wait for. If it does not answer, there is none. What a controller says is believed: one
# that lies is a limit.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a controller that was disabled is fenced at once"
# shellcheck disable=SC2034
VARIANTS="fence:fence silent:fence control:fence silent_control:fence liar:fence liar_control:fence
	backend:fence stuck:fence backend_control:fence data:fence data_control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

ADMIN_CONNECTION=1
IO_CONNECTION=2

# reset_while_stuck WAY CONNECTION...: the connections that are stuck
reset_while_stuck() {
	local connection
	target_start
	proxy_start 1
	fence_load_as "$1" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20
	path_connect_direct 2
	DEVICE=$(head_device)
	trace_start
	writer_start --blocks 1 --writes 3
	shift
	for connection; do
		proxy 1 hold "$connection"
	done
	proxy 1 refuse
	writer_go
	await 10 eval '[ "$(trace_count "nvme_setup_cmd: nvme0: .*nvme_cmd_write .*")" -ge 2 ]'
	# It takes long if the controller is silent, and fails: nothing can be connected.
	echo 1 2>/dev/null >"/sys/class/nvme/$(path_ctrl 1)/reset_controller" &
	proxy 1 wait host-closed $IO_CONNECTION
	sleep 2
	proxy 1 deliver --wait $IO_CONNECTION
	writer_wait
}

variant_fence() {
	plan 6
	reset_while_stuck time $IO_CONNECTION
	check "no ghost write" registers_verify
	expect_eq "the write was held" 1 "$(fence_counter 1 held)"
	expect_eq "the evidence is that the controller was disabled" disabled \
		"$(fence_attr 1 evidence)"
	expect_between "the write did not wait" 0 "$(late_ns 1000000000)" "$(report_ns writes max_ns)"
	expect_eq "no deadline was needed" 0 "$(trace_count nvme_fence_deadline)"
}

variant_silent() {
	plan 4
	reset_while_stuck time $ADMIN_CONNECTION $IO_CONNECTION
	check "no ghost write" registers_verify
	expect_eq "the write was held" 1 "$(fence_counter 1 held)"
	expect_eq "until time was the evidence" time "$(fence_attr 1 evidence)"
}

# The evidence is true: even without the fence the disabled controller executes nothing.
variant_control() {
	plan 3
	reset_while_stuck off $IO_CONNECTION
	expect_eq "the write was not held" 0 "$(fence_counter 1 held)"
	check "the controller did not execute it" registers_verify
}

variant_silent_control() {
	plan 3
	reset_while_stuck off $ADMIN_CONNECTION $IO_CONNECTION
	expect_eq "the write was not held" 0 "$(fence_counter 1 held)"
	check "the ghost write is there" eval '! registers_verify'
}

# reset_scripted [RULE]: the same with the scripted target, which executes the write late if
# it still can
reset_scripted() {
	scene_set_scripted time nr_io_queues=1,keep_alive_tmo=20 --quiesce-ms 3600000
	writer_start --blocks 1 --writes 3
	scripted_target rule write cntlid=1 : hold=before-execution >/dev/null
	[ -z "$1" ] || scripted_target rule "$1" >/dev/null
	scripted_target refuse 1
	writer_go
	scripted_target wait held 1
	echo 1 2>/dev/null >"/sys/class/nvme/$(path_ctrl 1)/reset_controller" &
	scripted_target wait lost 1
	writer_wait
	scripted_target release all
	expect_eq "the evidence is that the controller was disabled" disabled \
		"$(fence_attr 1 evidence)"
	expect_between "the write did not wait" 0 "$(late_ns 1000000000)" "$(report_ns writes max_ns)"
}

# A controller that says it is disabled and executes what it had. Nothing protects from that.
variant_liar() {
	plan 4
	reset_scripted "disable cntlid=1 : ignore"
	check "the ghost write is there" eval '! registers_verify'
}

# One that tells the truth.
variant_liar_control() {
	plan 5
	reset_scripted
	expect_eq "it dropped the write" 1 \
		"$(grep -c '"dropped".*"opcode":"write".*"reason":"disabled"' /out/target.json)"
	check "no ghost write" registers_verify
}

# Below the namespace is a device with two ways to the medium. A write gets stuck on the
# first way, and what comes later takes the second one: the connections of the controller
# are in order, and it is its device that is late.

late_device_start() {
	local namespace="$TARGET/subsystems/$NQN/namespaces/1" size
	target_start
	size=$(cat /sys/block/ram0/size)
	echo 0 >"$namespace/enable"
	dmsetup create slow --noudevsync --table "0 $size linear /dev/ram0 0" || bail "no dm-linear"
	dmsetup create ways --noudevsync --table "0 $size multipath 2 queue_mode bio 0 2 1 \
		round-robin 0 1 1 /dev/dm-0 1 round-robin 0 1 1 /dev/ram0 1" || bail "no dm-multipath"
	echo /dev/dm-1 >"$namespace/device_path"
	echo 1 >"$namespace/enable"
}

device_has_write() { [ "$(awk '{ print $2 }' /sys/block/dm-1/inflight)" = 1 ]; }

# reset_while_device_late WAY SECONDS: how long after the reset the write is executed
reset_while_device_late() {
	late_device_start
	fence_load_as "$1" || bail "the module does not load"
	path_connect_direct 1 nr_io_queues=1,keep_alive_tmo=20
	path_connect_direct 2
	DEVICE=$(head_device)
	trace_start
	writer_start --blocks 1 --writes 3
	dmsetup suspend --noudevsync --nolockfs --noflush slow
	writer_go
	await 10 device_has_write || bail "no write is stuck"
	dmsetup message ways 0 fail_path /dev/dm-0
	echo 1 2>/dev/null >"/sys/class/nvme/$(path_ctrl 1)/reset_controller" &
	sleep "$2"
	LATE_NS=$(now_ns)
	dmsetup resume --noudevsync slow
	writer_wait
}

# CSTS.RDY stays 1 until the device is done.
variant_backend() {
	plan 6
	reset_while_device_late time 3
	check "no ghost write" registers_verify
	expect_eq "the write was held" 1 "$(fence_counter 1 held)"
	expect_eq "the evidence is that the controller was disabled" disabled \
		"$(fence_attr 1 evidence)"
	expect_between "which it was when its device was done" 0 "$(late_ns 100000000)" \
		$(($(event_ns ' nvme_fence_evidence: ') - LATE_NS))
	expect_eq "no deadline was needed" 0 "$(trace_count nvme_fence_deadline)"
}

# The host gives up after 7.5 s (CAP.TO).
variant_stuck() {
	plan 4
	reset_while_device_late time 20
	check "no ghost write" registers_verify
	expect_eq "the write was held" 1 "$(fence_counter 1 held)"
	expect_eq "until time was the evidence" time "$(fence_attr 1 evidence)"
}

variant_backend_control() {
	plan 3
	reset_while_device_late off 3
	expect_eq "the write was not held" 0 "$(fence_counter 1 held)"
	check "the ghost write is there" eval '! registers_verify'
}

# Half of the data that the controller has asked for comes two seconds after the reset.

HALF_OF_DATA=$((72 + 24 + 32768)) # the command, a header, data

data_is_stuck() { proxy 1 list | grep -q "^$IO_CONNECTION .*kept_for_target=[1-9]"; }

# reset_while_data_late WAY
reset_while_data_late() {
	target_start
	proxy_start 1
	fence_load_as "$1" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20
	path_connect_direct 2
	DEVICE=$(head_device)
	trace_start
	writer_start --blocks 1 --writes 3 --block-size 65536
	proxy 1 hold --after $HALF_OF_DATA $IO_CONNECTION
	proxy 1 refuse
	writer_go
	await 10 data_is_stuck || bail "no data is stuck"
	echo 1 2>/dev/null >"/sys/class/nvme/$(path_ctrl 1)/reset_controller" &
	proxy 1 wait host-closed $IO_CONNECTION
	sleep 2
	LATE_NS=$(now_ns)
	proxy 1 deliver --wait $IO_CONNECTION
	writer_wait
}

variant_data() {
	plan 5
	reset_while_data_late time
	check "no ghost write" registers_verify
	expect_eq "the write was held" 1 "$(fence_counter 1 held)"
	expect_eq "the evidence is that the controller was disabled" disabled \
		"$(fence_attr 1 evidence)"
	expect_between "which it was when it had executed the write" 0 "$(late_ns 100000000)" \
		$(($(event_ns ' nvme_fence_evidence: ') - LATE_NS))
}

variant_data_control() {
	plan 3
	reset_while_data_late off
	expect_eq "the write was not held" 0 "$(fence_counter 1 held)"
	check "the ghost write is there" eval '! registers_verify'
}
