# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Cross-Controller Reset in the kernel's target, without the module: a controller, the
# source, is asked by a command from user space to reset the one of path 1. The host
# loses path 1 then, and connects it again when its reconnect_delay is over.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the kernel's target resets a controller on behalf of another one's host"
# shellcheck disable=SC2034
VARIANTS="identity:fence disabled:fence no_cqt:fence refused:fence gone:fence reset:fence
	events:fence unheard:fence stuck:fence idle:fence limits:fence partial:fence
	cross:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

IN_PROGRESS=0 SUCCESS=1 FAILED=2
VALIDATED=1 CLRI=2

# scene NUMBER [OPTION,...]: a target and paths 1 to NUMBER
scene() {
	target_start
	paths "$@"
}

# paths NUMBER [OPTION,...]: the last one, without the options, is $SOURCE
paths() {
	local number=1
	while [ "$number" -lt "$1" ]; do
		connect_to "$number" 127.0.0.1 "duplicate_connect,$2"
		number=$((number + 1))
	done
	connect_to "$number" 127.0.0.2
	SOURCE=$(path_ctrl "$number")
	DEVICE=$(head_device)
	trace_start nvmet:nvmet_async_event nvmet:nvmet_req_init
}

ccrl() { identify "$1" 1807 1; }
has_ccr_event() { [ $(($(identify "$1" 92 4) >> 20 & 1)) = 1 ]; }
has_ccr_command() {
	nvme get-log "/dev/$1" --log-id=5 --log-len=4096 --raw-binary | tail -c +225 |
		head -c 4 | number 4 | grep -qx 1
}

# entry N CCRS CCRF: the line of the log for path N as it was remembered
entry() { eval "echo \$ICID$1 \$CIU$1 65535 $2 $3"; }

log_is() { [ "$(ccr_log --rae)" = "$1" ]; }
log_has() { ccr_log --rae | grep -qxF "$1"; }
await_log() { await 60 log_has "$(entry "$1" "$2" $((VALIDATED | CLRI)))"; }

# events: how many the source has sent
events() {
	trace_count "nvmet_async_event: nvmet$(cntlid "$SOURCE"): .*CCR_COMPLETED"
}

events_are() { [ "$(events)" = "$1" ]; }

# events_stay N: so many come, and no more
events_stay() { await 10 events_are "$1" && sleep 1 && events_are "$1"; }

variant_identity() {
	local first_ciu first_cirn
	plan 9
	scene 1
	first_ciu=$(ciu "$SOURCE") first_cirn=$(cirn "$SOURCE")
	check "there is a CIU" [ "$first_ciu" != 0 ]
	check "there is a CIRN" [ "$first_cirn" != 0 ]
	expect_eq "CCRL is what the administrator set" 4 "$(ccrl "$SOURCE")"
	check "the event is in OAES" has_ccr_event "$SOURCE"
	check "the command is in the effects log" has_ccr_command "$SOURCE"
	echo 1 >"/sys/class/nvme/$SOURCE/reset_controller"
	wait_state "$SOURCE" live || bail "no reconnect"
	expect_eq "the next instance has the next CIU" $((first_ciu % 255 + 1)) "$(ciu "$SOURCE")"
	check "and another CIRN" [ "$(cirn "$SOURCE")" != "$first_cirn" ]
	expect_eq "there is a CQT" "$TARGET_CQT_MS" "$(identify "$SOURCE" 386 2)"
	# One in 65025 fails.
	check "targets that are started anew begin with different CIUs" \
		[ "$(first_cius | sort -u | wc -l)" != 1 ]
}

# first_cius: of three targets, one after the other
first_cius() {
	for _ in 1 2 3; do
		host_disconnect "$SOURCE"
		await 10 target_remove
		target_start
		connect_to 1 127.0.0.1
		SOURCE=$(path_ctrl 1)
		ciu "$SOURCE"
	done
}

refuses() { ! echo "$2" >"$TARGET/subsystems/$NQN/$1"; }

# by_default NAME: the value of the attribute in a new subsystem
by_default() {
	mkdir "$TARGET/subsystems/new"
	cat "$TARGET/subsystems/new/attr_$1"
	rmdir "$TARGET/subsystems/new"
}

variant_disabled() {
	plan 13
	scene 1
	expect_eq "without the administrator there is none" "0 0" "$(by_default ccrl) $(by_default cqt)"
	target_set ccrl 0
	target_set cqt 1234
	expect_eq "a controller keeps its CCRL" 4 "$(ccrl "$SOURCE")"
	echo 1 >"/sys/class/nvme/$SOURCE/reset_controller"
	wait_state "$SOURCE" live || bail "no reconnect"
	expect_eq "the next one has none" 0 "$(ccrl "$SOURCE")"
	expect_eq "and no identity" "0 0" "$(ciu "$SOURCE") $(cirn "$SOURCE")"
	check "nor the event" not has_ccr_event "$SOURCE"
	check "nor the command in the effects log" not has_ccr_command "$SOURCE"
	expect_eq "the opcode is invalid" "status 4001" "$(ccr "$SOURCE" 999 1 1 1)"
	check "there is no log page" \
		not nvme get-log "/dev/$SOURCE" --log-id=0x1e --log-len=8
	expect_eq "CQT is what the administrator set" 1234 "$(identify "$SOURCE" 386 2)"
	check "a CCRL of 256 is refused" refuses attr_ccrl 256
	check "a CQT of 65536 is refused" refuses attr_cqt 65536
	check "words are refused" refuses attr_ccrl four
	expect_eq "and change nothing" "0 1234" \
		"$(cat "$TARGET/subsystems/$NQN/attr_ccrl") $(cat "$TARGET/subsystems/$NQN/attr_cqt")"
}

new_association() {
	echo 1 >"/sys/class/nvme/$SOURCE/reset_controller"
	wait_state "$SOURCE" live || bail "no reconnect"
}

variant_no_cqt() {
	plan 8
	target_start
	target_set cqt 0
	paths 1
	expect_eq "without a CQT there is no CCRL" 0 "$(ccrl "$SOURCE")"
	expect_eq "nor an identity" "0 0" "$(ciu "$SOURCE") $(cirn "$SOURCE")"
	check "nor the event" not has_ccr_event "$SOURCE"
	expect_eq "nor the command" "status 4001" "$(ccr "$SOURCE" 999 1 1 1)"
	check "the target's log says why" \
		eval "dmesg | grep -q 'nvmet: subsystem $NQN: attr_ccrl has no effect without attr_cqt$'"
	target_set cqt 1
	expect_eq "a controller keeps its CQT, too" "0 0" \
		"$(ccrl "$SOURCE") $(identify "$SOURCE" 386 2)"
	new_association
	expect_eq "the next one has both" "4 1" "$(ccrl "$SOURCE") $(identify "$SOURCE" 386 2)"
	check "and an identity" [ "$(ciu "$SOURCE")" != 0 ]
}

variant_refused() {
	plan 12
	scene 2 reconnect_delay=1
	other_host_connect 3
	remember 1
	remember 2
	remember 3
	expect_eq "the source does not reset itself" "status 4002" "$(ccr_of 2)"
	expect_eq "nor what has no CIU" "status 4002" "$(ccr "$SOURCE" "$ICID1" 0 0 0)"
	expect_eq "nor another host's controller" "status 4002" "$(ccr_of 3)"
	expect_eq "nor does it vouch for a controller that it does not know" "status 4002" \
		"$(ccr "$SOURCE" 999 1 1 1)"
	# shellcheck disable=SC2086 # both halves of the CIRN
	expect_eq "nor for another CIU of one that is here" "status 4002" \
		"$(ccr "$SOURCE" "$ICID1" $((CIU1 % 255 + 1)) $CIRN1)"
	expect_eq "nor for another CIRN" "status 4002" "$(ccr "$SOURCE" "$ICID1" "$CIU1" 1 1)"
	expect_eq "the log is empty" "" "$(ccr_log)"
	sleep 1
	check "the controller lives" lives 1
	check "so does the source" lives 2
	check "and so does the other host's controller" lives 3
	# The control: it was named rightly.
	other_host_connect 4
	expect_eq "the other host may reset it" accepted "$(ccr_of 3 "$(path_ctrl 4)")"
	check "and does" await 5 not lives 3
}

# new_instance N: a reset by the host itself
new_instance() {
	echo 1 >"/sys/class/nvme/$(path_ctrl "$1")/reset_controller"
	wait_state "$(path_ctrl "$1")" live || bail "no reconnect"
}

# The target remembers the instances that have ended, and forgets the oldest of more than
# 255. It does not know what others have had.
variant_gone() {
	plan 6
	scene 2 reconnect_delay=1
	remember 1 oldest
	new_instance 1
	expect_eq "the instance before a reconnect is gone" gone "$(ccr_of oldest)"
	remember 1
	for _ in $(seq 254); do
		new_instance 1
	done
	expect_eq "the oldest of 255 is remembered" gone "$(ccr_of oldest)"
	new_instance 1
	expect_eq "and forgotten when there is one more" "status 4002" "$(ccr_of oldest)"
	expect_eq "but not the next one" gone "$(ccr_of 1)"
	check "nothing was reset" lives 1
	expect_eq "the log is empty" "" "$(ccr_log)"
}

# records_start: from here on, keep the bare records of what the target gets
records_start() {
	mkdir "$TRACE.records"
	echo 1 >"$TRACE.records/events/nvmet/nvmet_req_init/enable"
}

# records: all of them, as hexadecimal digits
records() {
	local cpu
	for cpu in "$TRACE".records/per_cpu/cpu*; do
		# At the end it would wait for more; and what is spliced are full pages only.
		/usr/bin/dd if="$cpu/trace_pipe_raw" iflag=nonblock bs=4096 2>/dev/null
	done | od -A n -v -t x1 | tr -d ' \n'
}

# in_memory NUMBER...: the hexadecimal digits of numbers of 32 bits, as they lie there
in_memory() { printf '%08x\n' "$@" | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/' | tr -d '\n'; }

variant_reset() {
	local path
	plan 12
	scene 2 reconnect_delay=5
	records_start
	remember 1
	path=$(path_ctrl 1)
	expect_eq "the reset is accepted" accepted "$(ccr_of 1)"
	check "the host loses the controller" await 5 not lives 1
	check "the source says that it is done" events_stay 1
	expect_eq "and what, in its log" "$(entry 1 $SUCCESS $((VALIDATED | CLRI)))" "$(ccr_log)"
	expect_eq "now the instance is gone" gone "$(ccr_of 1)"
	check "the host connects again" wait_state "$path" live 10
	check "to another instance" [ "$(ciu "$path")" != "$CIU1" ]
	expect_eq "with the same ID" "$ICID1" "$(cntlid "$path")"
	check "traces tell who was reset" \
		[ "$(trace_count "nvmet_req_init: nvmet$(cntlid "$SOURCE"): .*cross_ctrl_reset, icid=$ICID1, ciu=$CIU1\)")" = 2 ]
	records >/tmp/records
	check "their records have the command" \
		grep -qF "$(in_memory $((ICID1 | CIU1 << 16)) 0 0 0)" /tmp/records
	# shellcheck disable=SC2086 # both halves of the CIRN
	check "without the CIRN" not grep -qF "$(in_memory $CIRN1)" /tmp/records
	expect_eq "the CIRN is in no message" 0 \
		"$(dmesg | grep -ciE "$(printf '%x|%u' "${CIRN1#* }" "${CIRN1#* }")")"
}

# reset_again: path 1 as it is now, until it is back
reset_again() {
	remember 1
	[ "$(ccr_of 1)" = accepted ] && await_log 1 $SUCCESS &&
		wait_state "$(path_ctrl 1)" live 10
}

variant_events() {
	plan 9
	scene 2 reconnect_delay=1
	check "a reset" reset_again
	check "sends an event" events_stay 1
	check "another one" reset_again
	check "sends none while that was not answered by reading the log" events_stay 1
	ccr_log >/dev/null
	check "after that, one" reset_again
	check "sends an event again" events_stay 2
	ccr_log >/dev/null
	# All that is enabled, except bit 20.
	nvme set-feature "/dev/$SOURCE" --feature-id=0x0b --value=0x900 >/dev/null
	check "with the event disabled, one" reset_again
	check "sends none" events_stay 2
	expect_eq "all are in the log" 4 "$(ccr_log | grep -c " $SUCCESS ")"
}

WORKQUEUE=/sys/devices/virtual/workqueue/nvme-wq

# deafen: the host handles events, and asks for the next one, in a workqueue. Have the scan
# of a silent path, the last one, keep all others from being served.
deafen() {
	local scanned
	scanned=$(path_ctrl "$1")
	echo 1 >$WORKQUEUE/max_active
	proxy "$1" freeze
	echo 1 >"/sys/class/nvme/$scanned/rescan_controller"
	await 5 eval '[ "$(trace_count "nvme_setup_cmd: '"$scanned"': .*identify")" -gt 0 ]' ||
		bail "nothing is scanned"
}

# Four resets complete, and after each of them the host has read the log. It hears of the
# first one, and then of all the others.
variant_unheard() {
	local number
	plan 6
	scene 5 reconnect_delay=30,keep_alive_tmo=20
	proxy_start 6 1
	path_connect 6 duplicate_connect,keep_alive_tmo=20
	for number in 1 2 3 4; do
		remember $number
	done
	: >"$TRACE/trace"
	deafen 6
	for number in 1 2 3 4; do
		ccr_of $number >/dev/null
		check "reset $number is in the log" await_log $number $SUCCESS
		ccr_log >/dev/null
	done
	check "there is an event" events_stay 1
	proxy 6 deliver >/dev/null
	check "and another one for what came after it" events_stay 2
}

variant_stuck() {
	plan 10
	slow_target
	paths 2 reconnect_delay=600
	remember 1
	device_stop
	path_write 1 0 S
	expect_eq "the reset is accepted" accepted "$(ccr_of 1)"
	check "the host loses the controller" await 5 not lives 1
	sleep 30
	check "but its write has not ended: no event" events_stay 0
	expect_eq "the reset is in progress" "$(entry 1 $IN_PROGRESS $((VALIDATED | CLRI)))" \
		"$(ccr_log --rae)"
	ccr_log --lsp=1 >/dev/null
	check "Remove Completed does not remove it" log_has \
		"$(entry 1 $IN_PROGRESS $((VALIDATED | CLRI)))"
	expect_eq "nor is the controller gone" "status 13f" "$(ccr_of 1)"
	expect_eq "the write was not executed" 0 "$(read_block /dev/ram0 0)"
	device_go_on
	check "when the write is over, so is the reset" await_log 1 $SUCCESS
	check "with an event" events_stay 1
	expect_eq "now it was" S "$(read_block /dev/ram0 0)"
}

variant_idle() {
	plan 2
	slow_target
	paths 2 reconnect_delay=600
	remember 1
	device_stop
	expect_eq "the reset is accepted" accepted "$(ccr_of 1)"
	check "without a write it is over although the device waits" await_log 1 $SUCCESS
	device_go_on
}

variant_limits() {
	plan 9
	slow_target
	target_set ccrl 2
	paths 4 reconnect_delay=600
	remember 1
	remember 2
	remember 3
	device_stop
	path_write 1 0 S
	path_write 2 1 S
	path_write 3 2 S
	expect_eq "one reset" accepted "$(ccr_of 1)"
	expect_eq "the same again" "status 13f" "$(ccr_of 1)"
	expect_eq "another one" accepted "$(ccr_of 2)"
	expect_eq "one above the limit" "status 141" "$(ccr_of 3)"
	check "that controller lives" lives 3
	device_go_on
	check "when one of the others is over" await_log 1 $SUCCESS
	check "and the other one" await_log 2 $SUCCESS
	check "one event tells of both" events_stay 1
	expect_eq "it can be reset, too" accepted "$(ccr_of 3)"
}

# remove_completed OFFSET BYTES: read a part of the log, and remove what is completed there
remove_completed() {
	nvme get-log "/dev/$SOURCE" --log-id=0x1e --lpo="$1" --log-len="$2" --lsp=1 \
		--raw-binary >/dev/null
}

variant_partial() {
	local first second
	plan 4
	scene 2 reconnect_delay=1
	reset_again || bail "no reset"
	first=$(entry 1 $SUCCESS $((VALIDATED | CLRI)))
	reset_again || bail "no second reset"
	second=$(entry 1 $SUCCESS $((VALIDATED | CLRI)))
	remove_completed 0 8
	expect_eq "Remove Completed with the header removes nothing" "$first
$second" "$(ccr_log --rae)"
	remove_completed 12 8
	expect_eq "nor with half of each" "$first
$second" "$(ccr_log --rae)"
	remove_completed 16 8
	expect_eq "with the second it removes that one" "$first" "$(ccr_log --rae)"
	remove_completed 0 16
	expect_eq "and then the first" "" "$(ccr_log --rae)"
}

# cross N M: path N's controller is asked for a reset of path M's
cross() { ccr_of "$2" "$(path_ctrl "$1")" >"/tmp/cross.$2"; }

accepted() { [ "$(cat "/tmp/cross.$1")" = accepted ]; }

# is_new N: path N lives, and is not what it was when it was remembered
is_new() { lives "$1" && [ "$(ciu "$(path_ctrl "$1")")" != "$(eval "echo \$CIU$1")" ]; }

# Controllers 1 and 2 are asked at once to reset each other. Who is reset while he answers
# may not be heard, but somebody is reset, and nobody lives on whose reset was accepted.
variant_cross() {
	local path both=0 lived_on=0 none=0 rounds=10
	plan 4
	scene 3 reconnect_delay=1
	for _ in $(seq $rounds); do
		remember 1
		remember 2
		cross 1 2 &
		cross 2 1
		wait $!
		for path in 1 2; do
			! accepted $path || await 10 is_new $path || lived_on=$((lived_on + 1))
			await 10 lives $path || bail "path $path does not come back"
		done
		if is_new 1; then
			! is_new 2 || both=$((both + 1))
		else
			is_new 2 || none=$((none + 1))
		fi
	done
	expect_eq "who was accepted to be reset, was" 0 "$lived_on"
	expect_eq "each time somebody was" 0 "$none"
	# With two processors, the first one may be gone before the second one is asked.
	check "both were, $both times of $rounds" [ "$both" -gt 0 -o "$MACHINE_SLACK_MS" != 0 ]
	check "the third controller lives" lives 3
}
