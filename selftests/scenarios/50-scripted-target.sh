# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The scripted target, when the script is empty: the kernel's host must find nothing wrong
# with it. And when it is not: the target does to a write what the script says.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="ghost target is a target, and does what its script says"
# shellcheck disable=SC2034 # on two processors only those with the kernel `fence`
VARIANTS="plain:fence digests:stock small:stock file:stock discovery:stock ghost:stock ccr:fence
	lost_log:stock same_id:stock same_id_early:stock array:stock array_lies:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# connect_both [OPTION,...]
connect_both() {
	path_connect_direct 1 "$1"
	path_connect_direct 2 "$1"
	DEVICE=$(head_device)
}

# registers_hold TEXT [OPTION...]: a writer with readers, checked while it writes and after
registers_hold() {
	local text="$1"
	shift
	check "$text" ghost write run --device "$DEVICE" --report /out/report.json --readers "$@"
	check "and are still right afterwards" \
		ghost write verify --device "$DEVICE" --report /out/report.json
}

# fio_verifies TEXT [OPTION...]: random writes of mixed sizes are read as they were written
fio_verifies() {
	local text="$1"
	shift
	check "$text" fio --name=verify --filename="$DEVICE" --direct=1 --ioengine=libaio \
		--iodepth=16 --rw=randwrite --bsrange=4k-256k --size=48M --verify=crc32c \
		--verify_fatal=1 --thread "$@"
}

# filesystem_works: make it, fill it, and find nothing wrong with it
filesystem_works() {
	mkfs.ext4 -q "$DEVICE"
	mkdir -p /tmp/mount
	mount -t ext4 "$DEVICE" /tmp/mount
	cp -r /sys/module/nvme_core /selftests /tmp/mount 2>/dev/null
	head -c 4194304 /dev/urandom >/tmp/mount/random
	cp /tmp/mount/random /tmp/random
	umount /tmp/mount
	mount -t ext4 "$DEVICE" /tmp/mount
	check "a file is in it as it was written" cmp /tmp/mount/random /tmp/random
	umount /tmp/mount
	check "fsck finds nothing" e2fsck -fn "$DEVICE"
}

# both_paths_serve: what one path writes the other one reads
both_paths_serve() {
	await 5 path_optimized 1 && await 5 path_optimized 2 || return 1
	echo round-robin >"$(echo /sys/class/nvme-subsystem/nvme-subsys*/iopolicy)"
	write_block "$DEVICE" 9 a && write_block "$DEVICE" 9 b &&
		[ "$(read_block "$DEVICE" 9)" = b ] && [ "$(read_block "$DEVICE" 9)" = b ]
}

# executed CNTLID OPCODE: how many of these the target has executed
executed() { grep -c "\"executed\",.*\"cntlid\":$1,.*\"opcode\":\"$2\"" /out/target.json; }

variant_plain() {
	plan 12
	scripted_target_start
	connect_both
	check "both paths serve the namespace" both_paths_serve
	check "and the target has executed writes of both" \
		eval '[ "$(executed 1 write)" -gt 0 ] && [ "$(executed 2 write)" -gt 0 ]'
	registers_hold "registers are right"
	fio_verifies "fio finds what it wrote"
	filesystem_works
	sleep 20
	expect_eq "keep alive works: both controllers are live" 2 \
		"$(scripted_target controllers | grep -c ' state=live ')"
	write_block "$DEVICE" 20 x
	blkdiscard -o $((20 * 4096)) -l 4096 "$DEVICE"
	expect_eq "a discarded block is zero" 0 "$(read_block "$DEVICE" 20)"
	path_disconnect 1
	check "without path 1 path 2 serves" write_block "$DEVICE" 9 c
	expect_eq "the target knows that controller 1 is gone" 1 \
		"$(scripted_target controllers | grep -c '')"
	expect_eq "it was shut down" 1 "$(grep -c '"stopped".*"shut down"' /out/target.json)"
}

variant_digests() {
	plan 3
	scripted_target_start
	connect_both hdr_digest,data_digest
	registers_hold "with digests registers are right"
	fio_verifies "fio finds what it wrote"
}

# Little in the capsule, little in a data PDU, small blocks.
variant_small() {
	plan 3
	scripted_target_start --in-capsule-bytes 0 --h2c-data-bytes 4096 --block-bytes 512 \
		--mdts-kib 64 --queue-entries 16
	connect_both hdr_digest
	registers_hold "registers of 64 KiB are right" --block-size 65536
	fio_verifies "fio finds what it wrote"
}

# The blocks are in a file, and in the host's opinion in a cache as well.
variant_file() {
	plan 4
	scripted_target_start --backing /tmp/namespace --write-cache
	connect_both
	registers_hold "registers are right"
	check "fsync works" dd if=/dev/zero of="$DEVICE" bs=4096 count=1 conv=fsync
	check "and was a Flush" eval '[ "$(executed 1 flush)" -gt 0 ]'
}

variant_discovery() {
	plan 2
	scripted_target_start
	nvme discover -t tcp -a 127.0.0.2 -s 4420 --hostnqn="$HOSTNQN" --hostid="$HOSTID" \
		-o json >/out/discovery.json 2>/out/discovery.txt
	expect_eq "discovery finds both ports" "127.0.0.1 127.0.0.2 " \
		"$(jq -r '.records[].traddr' /out/discovery.json | tr '\n' ' ')"
	expect_eq "of the subsystem" "$NQN" \
		"$(jq -r '.records[].subnqn' /out/discovery.json | sort -u)"
}

# A write that the target executes when the host has long given it up: what the other
# scenarios protect against.
variant_ghost() {
	plan 3
	scene_set_scripted none keep_alive_tmo=20 --quiesce-ms 3600000
	writer_start --blocks 4 --writes 4
	lose_controller_1
	writer_wait
	expect_eq "4 writes are held" 4 "$(scripted_target held | grep -c connection=lost)"
	scripted_target release all
	check "the ghost write is there" eval '! registers_verify'
}

# ccr ICID CIU CIRN: through path 2, as a host would; prints dword 0 of the completion
ccr() {
	nvme admin-passthru "/dev/$(path_ctrl 2)" --opcode=0x38 --cdw10=$(($1 | $2 << 16)) \
		--cdw12=$(($3 & 0xffffffff)) --cdw13=$(($3 >> 32 & 0xffffffff)) 2>&1 |
		sed -n 's/.* is Success and result: //p'
}

# ccr_log: log page 1Eh of path 2, in bytes
ccr_log() {
	nvme get-log "/dev/$(path_ctrl 2)" --log-id=0x1e --log-len=16 --raw-binary | hexdump -ve '1/1 "%02x "'
}

# The same, but another controller is told to reset the one that has the writes.
variant_ccr() {
	local ciu cirn
	plan 6
	scene_set_scripted none keep_alive_tmo=20 --quiesce-ms 3600000
	writer_start --blocks 4 --writes 4
	eval "$(scripted_target controllers | sed -n 's/^1 .*\(ciu=[^ ]*\) \(cirn=[^ ]*\) .*/\1 \2/p')"
	lose_controller_1
	writer_wait
	expect_eq "the reset is accepted" 0x00000000 "$(ccr 1 "$ciu" "$cirn")"
	scripted_target wait gone 1
	expect_eq "the log page has its success" "01 00 00 00 00 00 00 00 01 00 01 00 ff ff 01 00 " \
		"$(ccr_log)"
	expect_eq "nothing is held any more" "" "$(scripted_target held)"
	expect_eq "the writes were dropped" 4 "$(grep -c '"dropped".*"reason":"reset"' /out/target.json)"
	check "no ghost write" registers_verify
}

# lost_log: log page 1Fh of path 2, in bytes
lost_log() {
	nvme get-log "/dev/$(path_ctrl 2)" --log-id=0x1f --log-len=16 --raw-binary "$@" | hexdump -ve '1/1 "%02x "'
}

# The controller that is lost is in the log of the other one, until that was read.
variant_lost_log() {
	local page="01 00 00 00 00 00 00 00 01 00 01 01 00 00 00 00 "
	plan 4
	scene_set_scripted none keep_alive_tmo=20 --lost-log
	expect_eq "before the loss there is nothing in the log page" "00 00" "$(lost_log | cut -c 1-5)"
	writer_start --blocks 1 --writes 1
	lose_controller_1
	writer_wait
	expect_eq "then there is CNTLID 1, lost once, with CIU 1" "$page" "$(lost_log --rae)"
	lost_log >/dev/null
	expect_eq "and nothing when it was read" "00 00" "$(lost_log | cut -c 1-5)"
}

# back_at RULE: controller 1 is lost with a write, and its host comes back
back_at() {
	scene_set_scripted none keep_alive_tmo=20,reconnect_delay=1 --quiesce-ms 3600000
	writer_start --blocks 1 --writes 3
	lose_controller_1
	writer_wait
	scripted_target forget all
	scripted_target rule "$1" >/dev/null
	scripted_target accept 1
	wait_state "$(path_ctrl 1)" live || bail "path 1 does not come back"
	expect_eq "it is at a controller with the same ID" 1 \
		"$(cat "/sys/class/nvme/$(path_ctrl 1)/cntlid")"
	scripted_target release all
}

# An ID is used again when the controller that had it is over, and so there is no ghost.
variant_same_id() {
	plan 3
	back_at 'assign : cntlid=old cleanup'
	check "no ghost write" registers_verify
}

# And here it is not over.
variant_same_id_early() {
	plan 3
	back_at 'assign : cntlid=old'
	check "the ghost write is there" eval '! registers_verify'
}

# array_moves [TARGET OPTION...]: the path that the array has optimized is lost with a write; then it moves
# the ANA group to the other one, for which the host has waited
array_moves() {
	scripted_target_start --quiesce-ms 3600000 "$@"
	scripted_target ana 2 inaccessible
	path_connect_direct 1 keep_alive_tmo=20
	path_connect_direct 2 keep_alive_tmo=20
	DEVICE=$(head_device)
	writer_start --blocks 1 --writes 3
	lose_controller_1
	sleep 10
	check "there is no path to write on" not path_optimized 2
	scripted_target move 2
	writer_wait
	check "the host has seen the group move" path_optimized 2
	scripted_target release all
}

variant_array() {
	plan 4
	array_moves
	check "no ghost write" registers_verify
}

variant_array_lies() {
	plan 4
	echo 'move : ignore' >/tmp/script
	array_moves --script /tmp/script
	check "the ghost write is there" eval '! registers_verify'
}
