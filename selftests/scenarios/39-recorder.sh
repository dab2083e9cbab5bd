# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The tool records while the module is unloaded and loaded again. Its events go with it, and come
# back switched off.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a recorder hears the module again, and takes away what a dead one left"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

RECORDING=/out/recording.txt
INSTANCES=/sys/kernel/tracing/instances

# record: a recorder in the background. Sets RECORDER.
record() {
	nvme-fence trace record --all-io $RECORDING >/run/recorder 2>/out/notices.txt &
	RECORDER=$!
	await 10 grep -q recording /run/recorder || bail "it does not record"
}

# recorder_ends SIGNAL: sets STATUS to its exit status
recorder_ends() {
	STATUS=0
	kill "-$1" "$RECORDER"
	wait "$RECORDER" || STATUS=$?
}

recorded() { grep -c "$1" $RECORDING; }

scene() {
	target_start
	proxy_start 1
	fence_load_as time
	path_connect 1
	path_connect_direct 2
	DEVICE=$(head_device)
	path_io_timeout 1 3000
	record
}

lose() {
	writer_start --blocks 4 --writes 2
	lose_path_1
	writer_wait
}

variant_fence() {
	plan 12
	scene
	check "the module is unloaded" fence_unload
	check "the recorder says so" await 10 grep -q 'was unloaded' /out/notices.txt
	check "the module is loaded again" fence_load_as time
	check "and the recorder says that" await 10 grep -q 'was loaded anew' /out/notices.txt
	lose
	recorder_ends INT
	expect_eq "it ends in good order" 0 $STATUS
	expect_eq "it recorded what was held after that" 4 "$(recorded ' nvme_fence_hold: ')"
	check "which the report explains" eval \
		'nvme-fence trace report $RECORDING | grep -q "^[0-9]* record.*, 1 fenced by time"'
	nvme-fence trace report $RECORDING >/out/report.txt
	check "and says of which host, and of which kernel" \
		grep -qx "recorded on .*, Linux $(uname -r)" /out/report.txt
	check "of which subsystem, and at what time" \
		grep -qE "^record .*: $PATH1_CTRL cntlid [0-9]+ of $NQN, at .* s, $(date +%F) [0-9:.]+\$" /out/report.txt
	check "and whom it hurt" \
		grep -q "^  ${DEVICE#/dev/}: 4 commands, 16.0 KiB; stall p50 .* max 2[0-9]\.[0-9]* s\$" /out/report.txt
	expect_eq "nothing is left of it" "" "$(ls $INSTANCES)"
}

# One that is killed leaves its instance behind, to the next one.
variant_control() {
	plan 5
	scene
	recorder_ends KILL
	check "a killed recorder leaves its instance behind" [ -d "$INSTANCES/nvme-fence-$RECORDER" ]
	record
	expect_eq "the next one takes it away" "nvme-fence-$RECORDER" "$(ls $INSTANCES)"
	recorder_ends QUIT
	expect_eq "it ends in good order, also if told by Ctrl-\\" 0 $STATUS
	expect_eq "and takes its own away" "" "$(ls $INSTANCES)"
	check "an empty recording is one" eval \
		'nvme-fence trace report $RECORDING | grep -q "^0 records"'
}
