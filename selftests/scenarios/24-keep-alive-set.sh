# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The keep alive timeout is changed by commands of user space. What the controller goes by in
# the end need not be the last of them. User space can also send what keeps it alive.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the wait is that of the longest keep alive timeout that was set"
# shellcheck disable=SC2034
VARIANTS="raised:fence uring:fence connect:fence lowered:fence off:fence sent:fence control:fence"

# admin COMMAND...: has user space send an admin command on path 1
admin() {
	nvme admin-passthru "/dev/$(path_ctrl 1)" "$@" >/dev/null 2>&1
}

# set_kato MILLISECONDS: by io_uring if BY=uring
set_kato() {
	case "${BY:-ioctl}" in
	ioctl) admin --opcode=0x09 --cdw10=0x0f --cdw11="$1" ;;
	uring) /selftests/uring admin "/dev/$(path_ctrl 1)" 9 f "$(printf %x "$1")" ;;
	esac
}

# keep_alive WAY [connect] MILLISECONDS...: sets path 1's to these, one after the other, and
# loses it. With `connect`, a Connect that asks for a second comes last, and is refused.
keep_alive() {
	local connect=''
	scene_set_scripted "$1" keep_alive_tmo=5,reconnect_delay=600 \
		--quiesce-ms 3600000
	shift
	if [ "$1" = connect ]; then
		connect=1
		shift
	fi
	scripted_target rule 'kato : ignore' >/dev/null
	scripted_target rule 'quiesce : ignore' >/dev/null
	writer_start --blocks 1 --writes 2
	while [ $# -gt 0 ]; do
		set_kato "$1" || bail "Set Features fails"
		shift
	done
	# The byte of the command type is where other commands have their namespace.
	if [ -n "$connect" ] && admin --opcode=0x7f --namespace-id=1 --cdw12=1000; then
		bail "Connect succeeds on a controller that is connected"
	fi
	lose_controller_1
}

# The controller executes what it has after 3 x 5 s + CQT, and before 3 x 30 s are over.
late() {
	sleep 40
	scripted_target release all >/dev/null
}

waits_for_30_s() {
	late
	writer_wait
	expect_eq "the longest is waited for" 30000 "$(field nvme_fence_deadline katt_ms)"
	expect_between "until the deadline" -1000 "$STEP_NS" \
		$(($(release_ns) - $(release_expected_ns)))
	check "no ghost write" registers_verify
}

variant_raised() {
	plan 4
	keep_alive time 30000
	waits_for_30_s
}

# What is sent this way is not looked at when it has ended.
variant_uring() {
	plan 4
	BY=uring
	keep_alive time 30000
	waits_for_30_s
}

# Nothing begins anew because somebody says so in the middle.
variant_connect() {
	plan 4
	keep_alive time connect 30000
	waits_for_30_s
}

# The controller may have been lost before it was told to be quicker.
variant_lowered() {
	plan 4
	keep_alive time 30000 1000
	waits_for_30_s
}

# Once it was off, nothing tells whether it was on again.
variant_off() {
	plan 3
	keep_alive time 0 5000
	await 10 eval '[ "$(fence_attr 1 state)" = fencing ]'
	sleep 120
	expect_eq "time proves nothing" none "$(field nvme_fence_deadline rule)"
	check "the administrator's word does" nvme-fence release --force "$(path_ctrl 1)"
	writer_wait
}

keep_alives() { trace_count "nvme_setup_cmd: $(path_ctrl 1): .*nvme_admin_keep_alive"; }
keep_alives_are() { [ "$(keep_alives)" = "$1" ]; }

# keep_alive_last_ns: when the last one was sent
keep_alive_last_ns() {
	grep -E "nvme_setup_cmd: $(path_ctrl 1): .*nvme_admin_keep_alive" "$TRACE/trace" |
		tail -n 1 | stamp_ns
}

# Three Keep Alive commands of user space are under way when the controller is lost. Nothing
# but such a command counts for this target, and the driver sends the next one later.
variant_sent() {
	local number sent
	plan 4
	scene_set_scripted time keep_alive_tmo=60,reconnect_delay=600 \
		--keep-alive command --cqt-ms 3000 --quiesce-ms 3600000
	writer_start --blocks 1 --writes 2
	scripted_target rule 'keep-alive cntlid=1 : hold=before-completion' >/dev/null
	for number in 1 2 3; do
		# It must not have the FIFO that the writer waits for.
		(exec 4>&-; admin --opcode=0x18) &
		await 5 keep_alives_are $number || bail "Keep Alive is not sent"
		sleep 1
	done
	sent=$(keep_alive_last_ns)
	lose_controller_1
	writer_wait
	expect_eq "the driver has sent none since" "$sent" "$(keep_alive_last_ns)"
	expect_between "the last one that user space has sent counts" -1000 1000 \
		$(($(field nvme_fence_deadline t_last_ns) - sent))
	expect_between "until the deadline" -1000 "$STEP_NS" \
		$(($(release_ns) - $(release_expected_ns)))
}

variant_control() {
	plan 2
	keep_alive off 30000
	late
	writer_wait
	check "the ghost write is there" eval '! registers_verify'
}
