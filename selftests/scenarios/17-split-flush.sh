# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A write that waits for a flush is longer than what the namespace takes at once: a record
# of the log of XFS. It is split. Path 1 is lost with that flush on its way, and path 2
# fails one part of the write. Then all of it has failed, and so must fsync(). This is
# about a fix of its own, which needs no module (drivers/nvme/patches/*/fixes).

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a part that fails after a lost flush fails the whole write"
# shellcheck disable=SC2034
VARIANTS="failing:fence whole:fence stock:stock"

# What the namespace takes at once, in KiB and in blocks.
PART_KIB=32
PART_BLOCKS=64

# since_fsync PORT EVENT OPCODE: what the target has to say about these commands
since_fsync() {
	tail -n "+$((LINES_BEFORE + 1))" /out/target.json |
		grep "\"event\":\"$2\",\"port\":$1,.*\"opcode\":\"$3\""
}

# first_slba PORT EVENT: where the first such write begins
first_slba() { since_fsync "$1" "$2" write | sed -E 's/.*"slba":([0-9]+).*/\1/; q'; }

# log_record_is_due: XFS with one long record that has not been written to its log
log_record_is_due() {
	local number
	scripted_target_start --block-bytes 512 --mdts-kib $PART_KIB --write-cache \
		--size-mib 320 --backing /tmp/namespace
	path_connect_direct 1 keep_alive_tmo=20
	path_connect_direct 2 keep_alive_tmo=20
	DEVICE=$(head_device)
	/usr/sbin/mkfs.xfs -q "$DEVICE" || bail "mkfs.xfs fails"
	mkdir /mnt
	mount -t xfs -o logbsize=256k "$DEVICE" /mnt || bail "xfs can not be mounted"
	/usr/bin/sync
	for number in $(seq 300); do
		: >"/mnt/file$number"
	done
}

# fsync_loses_path_1 [RULE]: write that record. The flush before it gets no answer on path 1,
# and RULE is about what then happens on path 2. Sets FSYNC to the status.
fsync_loses_path_1() {
	log_record_is_due
	scripted_target rule flush port=1 : ignore >/dev/null
	[ $# = 0 ] || scripted_target rule "$@" >/dev/null
	scripted_target refuse 1
	path_io_timeout 1 3000
	LINES_BEFORE=$(wc -l </out/target.json)
	FSYNC=0
	/usr/bin/sync /mnt/file1 2>/dev/null || FSYNC=$?
	expect_eq "path 1 got the flush" 1 "$(since_fsync 1 ignored flush | wc -l)"
}

variant_failing() {
	plan 5
	# Write Fault, Do Not Retry
	fsync_loses_path_1 write port=2 times=1 : answer=0x4280
	check "path 2 did a flush before the write" since_fsync 2 executed flush
	expect_eq "the first part failed" 1 "$(since_fsync 2 not-executed write | wc -l)"
	expect_eq "the second part was written" \
		$(($(first_slba 2 not-executed) + PART_BLOCKS)) "$(first_slba 2 executed)"
	expect_eq "fsync fails" 1 "$FSYNC"
}

variant_whole() {
	plan 4
	fsync_loses_path_1
	check "path 2 did a flush before the write" since_fsync 2 executed flush
	check "the write had at least two parts" \
		eval 'since_fsync 2 executed write | grep -q "\"slba\":$(($(first_slba 2 executed) + PART_BLOCKS)),"'
	expect_eq "fsync succeeds" 0 "$FSYNC"
}

# Here the write is not lost with the flush, it goes on without it.
variant_stock() {
	plan 3
	fsync_loses_path_1 write port=2 times=1 : answer=0x4280
	expect_eq "the first part failed" 1 "$(since_fsync 2 not-executed write | wc -l)"
	expect_eq "fsync fails" 1 "$FSYNC"
}
