# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Not only writes are sent again, and not only writes wait: discards, zeroes and writes with
# FUA do both.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="discards, zeroes and FUA are sent again, and wait"
# shellcheck disable=SC2034
VARIANTS="discard:fence discard_control:fence zeroes:fence zeroes_control:fence fua:fence fua_control:fence
	discard_waits:fence zeroes_wait:fence fua_waits:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

IO_CONNECTION=2

# succeeds TEXT PID: what is in the background
succeeds() {
	local status=0
	wait "$2" || status=$?
	expect_eq "$1" 0 $status
}

# lose WAY BACKING COMMAND...: path 1 is lost with the command
lose() {
	scene_set "$1" nr_io_queues=1,keep_alive_tmo=20 "$2"
	path_io_timeout 1 3000
	check "a block is written" write_block "$DEVICE" 0 A
	proxy 1 hold $IO_CONNECTION
	proxy 1 refuse
	shift 2
	"$@" &
	COMMAND=$!
	proxy 1 wait host-closed $IO_CONNECTION
	succeeds "it succeeds" $COMMAND
}

discard_block() { blkdiscard -o 0 -l 4096 "$DEVICE"; }

# busybox knows neither.
zero_block() { /usr/sbin/blkdiscard --force --zeroout --offset 0 --length 4096 "$DEVICE"; }
write_fua() {
	head -c 4096 /dev/zero | tr '\0' "${1:-F}" |
		/usr/bin/dd of="$DEVICE" bs=4096 iflag=fullblock oflag=direct,dsync 2>/dev/null
}
write_plain() { write_block "$DEVICE" 0 B; }

# As the trace has them
DISCARD='nvme_cmd_dsm'
ZEROES='nvme_cmd_write_zeroes'
FUA='nvme_cmd_write .*ctrl=0x4000'

# sent_on N COMMAND: how often it was sent on path N
sent_on() { trace_count " nvme_setup_cmd: $(path_ctrl "$1"): .*$2"; }

# waits COMMAND...: it does until path 1 is fenced, and is late as is what path 1 was sent
waits() {
	"$@" &
	NEWER=$!
	await 10 eval '[ "$(fence_attr 1 waiting)" = 1 ]' || bail "the newer command does not wait"
	proxy 1 deliver --wait $IO_CONNECTION
	sleep 2
	expect_eq "the newer command waits" 1 "$(fence_attr 1 waiting)"
	succeeds "until it may go on" $NEWER
	expect_eq "it was released by time" time "$(fence_attr 1 evidence)"
}

# expect_sent_again OP COMMAND: as what it is, at once
expect_sent_again() {
	expect_eq "it is tracked" "1 $1" "$(fence_attr 1 tracked) $(field nvme_fence_track op)"
	expect_eq "it was sent once on each path" "1 1" "$(sent_on 1 "$2") $(sent_on 2 "$2")"
	waits write_plain
	expect_eq "the data is there" B "$(read_block "$DEVICE" 0)"
}

# expect_destroyed: it is executed when newer data was written
expect_destroyed() {
	check "another block is written" write_plain
	proxy 1 deliver --wait $IO_CONNECTION
	check "executed late, it has destroyed it" eval '[ "$(read_block "$DEVICE" 0)" != B ]'
}

variant_discard() {
	plan 8
	lose overlap ramdisk discard_block
	expect_sent_again D $DISCARD
}

variant_discard_control() {
	plan 4
	lose off ramdisk discard_block
	expect_destroyed
}

variant_zeroes() {
	plan 8
	lose overlap ramdisk zero_block
	expect_sent_again Z $ZEROES
}

variant_zeroes_control() {
	plan 4
	lose off ramdisk zero_block
	expect_destroyed
}

# Only a target with a volatile write cache is sent FUA.
variant_fua() {
	plan 8
	lose overlap file write_fua
	expect_sent_again W "$FUA"
}

variant_fua_control() {
	plan 4
	lose off file write_fua
	expect_destroyed
}

# expect_waits LETTER COMMAND...: the block has this letter then
expect_waits() {
	local letter="$1"
	shift
	waits "$@"
	expect_eq "it has come true" "$letter" "$(read_block "$DEVICE" 0)"
}

# A discarded block of the RAM disk reads as zeroes, which end no word of the shell.
variant_discard_waits() {
	plan 6
	lose overlap ramdisk write_plain
	expect_waits "" discard_block
}

variant_zeroes_wait() {
	plan 6
	lose overlap ramdisk write_plain
	expect_waits "" zero_block
}

variant_fua_waits() {
	plan 6
	lose overlap file write_plain
	expect_waits G write_fua G
}
